"""Class pictures: made once, kept, completed; shown beside the others with a weight of their own."""

from pathlib import Path

import pytest

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.datasets.scan import scan
from modules.training.data.album import make_album
from modules.training.data.class_pictures import known, made, missing
from modules.training.runs.run_folder import RunFolder
from tests import tiny
from tests.training.pictures import Told, folder_of, picture, request_for


class Drawer:
    """Makes a drawing by the seed in place of a checkpoint, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[GenerationRequest] = []

    def __call__(self, request: GenerationRequest) -> GenerationResult:
        self.asked.append(request)
        image = picture(request.seed % 50, request.size)
        return GenerationResult((GeneratedImage(image, request.seed, 0, request.prompt, "", ""),))


PRIOR = {"on": True, "prompt": "a drawing of a dog", "count": 5, "weight": 0.5}


def test_missing_ones_are_made_once_with_seeds_of_their_own(tmp_path: Path) -> None:
    request, folder = request_for(folder_of(tmp_path / "data"), prior=PRIOR), RunFolder(tmp_path / "run")
    drawer, told = Drawer(), Told()
    files = made(request, folder, drawer, told)
    assert len(files) == 5 and told.said[-1] == ("class pictures", 5, 5)
    assert {one.prompt for one in drawer.asked} == {"a drawing of a dog"} and {one.size for one in drawer.asked} == {(64, 64)}
    assert len({one.seed for one in drawer.asked}) == 5
    files[2].unlink()
    again = Drawer()
    made(request, folder, again, Told())
    assert again.asked == [drawer.asked[2]]
    made(request, folder, again, Told())
    assert len(again.asked) == 1


def test_given_ones_count_first(tmp_path: Path) -> None:
    given = folder_of(tmp_path / "dogs", 3)
    request = request_for(folder_of(tmp_path / "data"), prior={**PRIOR, "folder": str(given)})
    assert missing(request) == 2
    folder, drawer = RunFolder(tmp_path / "run"), Drawer()
    made(request, folder, drawer, Told())
    assert len(drawer.asked) == 2
    assert [item.path.parent.name for item in known(request, folder)] == ["dogs"] * 3 + ["class"] * 2
    few = request_for(folder_of(tmp_path / "data"), prior={**PRIOR, "folder": str(given), "count": 2})
    assert missing(few) == 0 and len(known(few, folder)) == 2


def test_a_step_has_as_many_of_the_class_with_their_weight(tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data"), prior=PRIOR, steps={"batch": 2, "accumulation": 2}, trigger="sks")
    folder = RunFolder(tmp_path / "run")
    made(request, folder, Drawer(), Told())
    album = make_album(request, tiny.loaded(tiny.tensors()), folder, scan(request.data.folders), Told())
    batches = album.batches(3, 0, 1)
    slots = [(slot, float(batch.weight[row]), batch.captions[row]) for batch in batches for row, slot in enumerate(batch.slots)]
    assert [slot for slot, _, _ in slots] == list(range(8)) and album.per_step == 4
    assert all(weight == (1.0 if slot < 4 else 0.5) for slot, weight, _ in slots)
    assert all((text == "a drawing of a dog") == (slot >= 4) for slot, _, text in slots)
    assert album.pictures == 6 and not album.needs_text
    shared = [slot for rank in range(2) for batch in album.batches(3, rank, 2) for slot in batch.slots]
    assert sorted(shared) == list(range(8))


def test_making_can_be_stopped_between_two(tmp_path: Path) -> None:
    request, folder, drawer = request_for(folder_of(tmp_path / "data"), prior=PRIOR), RunFolder(tmp_path / "run"), Drawer()

    def stop(phase: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(request, folder, drawer, stop)
    assert len(drawer.asked) == 2
    made(request, folder, drawer, Told())
    assert len(drawer.asked) == 5


def test_a_training_without_its_class_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no class pictures"):
        known(request_for(folder_of(tmp_path / "data"), prior=PRIOR), RunFolder(tmp_path / "run"))
    assert known(request_for(folder_of(tmp_path / "data")), RunFolder(tmp_path / "run")) == []
