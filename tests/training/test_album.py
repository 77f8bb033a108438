"""The album: what a step shows, on real pictures and a tiny checkpoint."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.contract.training import TrainingRequest
from modules.datasets.scan import scan
from modules.families.base import Components
from modules.training.data.album import ALONE, Pages, make_album
from modules.training.parts import Batch
from modules.training.runs.run_folder import RunFolder
from tests import tiny
from tests.training.pictures import SIZES, Told, folder_of, picture, request_for


@pytest.fixture(scope="module")
def sd1() -> Components:
    return tiny.loaded(tiny.tensors())


def album_of(request: TrainingRequest, components: Components, folder: Path, told: Told | None = None, **more: Any) -> Pages:
    return make_album(request, components, RunFolder(folder), scan(request.data.folders), told or Told(), **more)


def by_slot(batches: list[Batch]) -> dict[int, tuple[Tensor, str, int]]:
    return {slot: (batch.latents[row], batch.captions[row], batch.files[row]) for batch in batches for row, slot in enumerate(batch.slots)}


def test_a_step_shows_pictures_of_one_size_with_their_captions_encoded(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data", sizes=SIZES[:3]))
    album = album_of(request, sd1, tmp_path / "run")
    for step in range(6):
        [batch] = album.batches(step, 0, 1)
        assert len(batch.captions) == 2 == len(batch.latents)
        assert batch.latents.shape[2:] == tuple(side // 8 for side in batch.targets[0])
        for row, file in enumerate(batch.files):
            assert batch.captions[row] == f"a drawing of number {int(album.files[file].stem)}"
        assert batch.context is not None and batch.context.shape == (2, 77, 64)
        expected = sd1.encode_prompts([batch.captions[0]], album.texts.options).context[0] if album.texts else None
        assert expected is not None and torch.equal(batch.context[0], expected)


def test_latents_are_those_of_the_picture_in_its_bucket(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data", 1), steps={"batch": 1})
    [batch] = album_of(request, sd1, tmp_path / "run").batches(0, 0, 1)
    pixels = torch.tensor(list(picture(0).tobytes()), dtype=torch.float32).reshape(64, 64, 3).permute(2, 0, 1) / 127.5 - 1
    with torch.no_grad():
        expected = sd1.encode(pixels[None], sample=False)
    assert torch.allclose(batch.latents, expected, atol=1e-6)


@pytest.mark.parametrize(("batch", "accumulation", "processes"), [(1, 1, 2), (2, 1, 1), (2, 3, 1), (1, 2, 3)])
def test_the_same_step_on_any_number_of_processes(sd1: Components, tmp_path: Path, batch: int, accumulation: int, processes: int) -> None:
    steps = {"batch": batch, "accumulation": accumulation}
    shuffled = {"shuffle_tags": True, "drop_tags": 0.3, "flip": True}
    captions = {place: f"one{place}, two, three, four, five" for place in range(6)}
    folder = folder_of(tmp_path / "data", captions=captions)
    request = request_for(folder, steps=steps, data=shuffled, devices={"processes": processes})
    album = album_of(request, sd1, tmp_path / "run")
    whole = by_slot(list(album.batches(5, 0, 1)))
    assert sorted(whole) == list(range(album.per_step))
    for world in (2, 3):
        parts = by_slot([batch for rank in range(world) for batch in album.batches(5, rank, world)])
        assert {slot: entry[1:] for slot, entry in parts.items()} == {slot: entry[1:] for slot, entry in whole.items()}
        assert all(torch.equal(parts[slot][0], whole[slot][0]) for slot in whole)


def test_two_processes_with_one_picture_each_show_what_one_with_two_shows(sd1: Components, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", sizes=SIZES[:2])
    two = album_of(request_for(folder, steps={"batch": 1}, devices={"processes": 2}), sd1, tmp_path / "run")
    one = album_of(request_for(folder, steps={"batch": 2}), sd1, tmp_path / "run")
    for step in range(7):
        shared = by_slot([batch for rank in range(2) for batch in two.batches(step, rank, 2)])
        alone = by_slot(list(one.batches(step, 0, 1)))
        assert {slot: entry[2] for slot, entry in shared.items()} == {slot: entry[2] for slot, entry in alone.items()}


def test_repeats_count_in_an_epoch(sd1: Components, tmp_path: Path) -> None:
    folder_of(tmp_path / "data" / "3_often", 2)
    folder_of(tmp_path / "data" / "1_once", 4, sizes=((96, 64),))
    request = request_for(tmp_path / "data", steps={"batch": 1})
    album = album_of(request, sd1, tmp_path / "run")
    assert (album.pictures, album.epoch_steps) == (6, 10)
    shown = Counter(album.files[album.batches(step, 0, 1)[0].files[0]].parent.name for step in range(10))
    assert shown == {"3_often": 6, "1_once": 4}
    assert [album.epoch_of(step) for step in (0, 9, 10, 25)] == [0, 0, 1, 2]


def test_pictures_are_encoded_once_and_found_again_on_the_disk(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data"), data={"cache_latents": "disk", "flip": True})
    first = Told()
    made = album_of(request, sd1, tmp_path / "run", first).batches(0, 0, 1)[0]
    assert first.count("latents") == 12 and first.count("texts") == 6
    second = Told()
    again = album_of(request, sd1, tmp_path / "run", second).batches(0, 0, 1)[0]
    assert second.said == []
    assert torch.equal(made.latents, again.latents)
    assert made.context is not None and again.context is not None and torch.equal(made.context, again.context)
    (tmp_path / "data" / "03.png").unlink()
    picture(40).save(tmp_path / "data" / "03.png")
    third = Told()
    album_of(request, sd1, tmp_path / "run", third)
    assert third.count("latents") == 2, "only the changed picture, upright and mirrored"


def test_a_damaged_file_of_latents_is_made_anew(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data", 1), data={"cache_latents": "disk"}, steps={"batch": 1})
    made = album_of(request, sd1, tmp_path / "run").batches(0, 0, 1)[0]
    [file] = (tmp_path / "run" / "cache" / "latents").rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    again = album_of(request, sd1, tmp_path / "run").batches(0, 0, 1)[0]
    assert torch.equal(made.latents, again.latents)
    assert file.stat().st_size > 100


def test_caching_can_be_stopped_between_pictures_and_goes_on_there(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data"), data={"cache_latents": "disk"})

    class Stopped(Exception):
        pass

    def stop(phase: str, done: int, total: int) -> None:
        if phase == "latents" and done == 4:
            raise Stopped

    with pytest.raises(Stopped):
        make_album(request, sd1, RunFolder(tmp_path / "run"), scan(request.data.folders), stop)
    told = Told()
    album_of(request, sd1, tmp_path / "run", told)
    assert told.count("latents") == 2


def test_processes_share_the_encoding(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data", 5), data={"cache_latents": "disk"})
    found = scan(request.data.folders)

    class Second:
        rank, world = 1, 2

        def wait(self) -> None: ...

    told = Told()
    make_album(request, sd1, RunFolder(tmp_path / "run"), found, told, ranks=Second())
    assert told.count("latents") == 2 and told.count("texts") == 2
    rest = Told()
    make_album(request, sd1, RunFolder(tmp_path / "run"), found, rest, ranks=ALONE)
    assert rest.count("latents") == 3 and rest.count("texts") == 3


def test_held_out_pictures_are_never_trained_on_and_twins_stay_together(sd1: Components, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", 12)
    for place in range(3):
        picture(0).save(folder / f"twin{place}.jpg", quality=92)
    request = request_for(folder, data={"held_out_share": 0.3})
    album = album_of(request, sd1, tmp_path / "run")
    held = {album.files[index].name for index in album.held_out}
    trained = {album.files[file].name for step in range(60) for batch in album.batches(step, 0, 1) for file in batch.files}
    assert 1 <= len(held) <= 4 and not held & trained and len(held | trained) == 15
    twins = {"00.png", "twin0.jpg", "twin1.jpg", "twin2.jpg"}
    assert twins <= held or not twins & held
    shown = [file for batch in album.probe(held_out=True) for file in batch.files]
    assert {album.files[file].name for file in shown} == held
    assert len([file for batch in album.probe(held_out=False) for file in batch.files]) == 8


def test_few_pictures_are_all_trained_on(sd1: Components, tmp_path: Path) -> None:
    album = album_of(request_for(folder_of(tmp_path / "data", 7)), sd1, tmp_path / "run")
    assert (album.pictures, len(album.probe(held_out=True))) == (7, 0)


def test_the_probe_is_always_the_same_with_captions_as_they_are(sd1: Components, tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data"), data={"shuffle_tags": True, "drop_captions": 1.0, "flip": True})
    one, two = (album_of(request, sd1, tmp_path / "run").probe(held_out=False) for _ in range(2))
    assert [batch.captions for batch in one] == [batch.captions for batch in two]
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(one, two, strict=True))
    assert all(caption.startswith("a drawing of") for batch in one for caption in batch.captions)
    assert sorted(slot for batch in one for slot in batch.slots) == list(range(6))


def test_the_fingerprint_tells_what_changed(sd1: Components, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", 3)
    request = request_for(folder)
    before = album_of(request, sd1, tmp_path / "run").fingerprint
    assert before == album_of(request, sd1, tmp_path / "run").fingerprint
    (folder / "01.txt").write_text("another caption")
    after = album_of(request, sd1, tmp_path / "run").fingerprint
    assert {name for name in before if before[name] != after[name]} == {"0/01.png"}


def test_captions_are_not_encoded_where_text_encoders_are_trained(sd1: Components, tmp_path: Path) -> None:
    album = album_of(request_for(folder_of(tmp_path / "data")), sd1, tmp_path / "run", text_trained=True)
    [batch] = album.batches(0, 0, 1)
    assert batch.context is None and batch.pooled is None and album.needs_text


def test_captions_of_different_lengths_come_at_one(sd1: Components, tmp_path: Path) -> None:
    captions = {0: "short", 1: "a very long caption, " * 30}
    request = request_for(folder_of(tmp_path / "data", 2, captions=captions))
    album = album_of(request, sd1, tmp_path / "run")
    [batch] = album.batches(0, 0, 1)
    assert batch.context is not None and album.texts is not None
    expected = sd1.encode_prompts(list(batch.captions), album.texts.options).context
    assert batch.context.shape[1] > 77 and torch.allclose(batch.context, expected, atol=1e-6)


def test_no_pictures_left_is_refused(sd1: Components, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", 2)
    request = request_for(folder, data={"folders": [{"folder": str(folder), "held_out": True}]})
    with pytest.raises(BadRequest, match="no pictures to train on"):
        album_of(request, sd1, tmp_path / "run")
