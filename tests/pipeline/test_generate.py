"""From a request to pictures, with real networks."""

import gc
import re
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, OutOfMemory
from modules.contract.progress import Cancel, Interrupt, Skip
from modules.contract.request import request_from
from modules.imaging.metadata import read_infotext
from modules.imaging.opening import open_image
from modules.infotext import read
from modules.pipeline.manager import PipelineManager
from modules.weights.header import BadModel
from tests.pipeline import asked
from tests.tiny import Listener

REQUEST = asked.REQUEST.replace(save_grid=False)


def pictures(pipeline: PipelineManager, **changes: object) -> list[np.ndarray]:
    return asked.pictures_of(pipeline, REQUEST.replace(**changes))


def test_a_picture_is_saved_with_its_infotext_inside(pipeline: PipelineManager, tmp_path: Path) -> None:
    result = pipeline.generate(REQUEST, Listener())
    path = Path(result.images[0].path or "")
    assert path.parent.parent == tmp_path / "outputs" / "txt2img-images"
    assert path.name == "00001-7-a red star.png"
    values = read(read_infotext(path.read_bytes()))
    assert (values["Prompt"], values["Seed"], values["Sampler"], values["Model"], values["RNG"]) == (
        "a red star",
        "7",
        "Euler a",
        "one",
        "CPU",
    )
    assert np.array_equal(np.asarray(open_image(path.read_bytes())), np.asarray(result.images[0].image))


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M", "DDIM"])
def test_a_batch_gives_the_pictures_of_its_singles(pipeline: PipelineManager, sampler: str) -> None:
    together = pictures(pipeline, sampler=sampler, batch_size=2, batch_count=2, save=False)
    alone = [pictures(pipeline, sampler=sampler, seed=7 + i, save=False)[0] for i in range(4)]
    for left, right in zip(together, alone, strict=True):
        assert np.abs(left.astype(int) - right).max() <= 1  # other batch sizes use other kernels: one level of 255


def test_the_same_request_gives_the_same_picture_after_another_one(pipeline: PipelineManager) -> None:
    first = pictures(pipeline, save=False)[0]
    pictures(pipeline, prompt="something else", checkpoint="two", save=False)
    assert np.array_equal(first, pictures(pipeline, save=False)[0])


def test_what_the_picture_should_depend_on_changes_it(pipeline: PipelineManager) -> None:
    first = pictures(pipeline, save=False)[0]
    for change in (
        {"prompt": "(a red star:1.5)"},
        {"seed": 8},
        {"guidance": 3},
        {"checkpoint": "two"},
        {"settings": {"randn_source": "NV"}},
    ):
        assert not np.array_equal(first, pictures(pipeline, save=False, **change)[0]), change


@pytest.mark.parametrize(("size", "given"), [((100, 70), (96, 64)), ((72, 88), (72, 88)), ((16, 8), (16, 8))])
def test_any_size_works_and_is_cut_to_eights(pipeline: PipelineManager, size: tuple[int, int], given: tuple[int, int]) -> None:
    result = pipeline.generate(REQUEST.replace(size=size, steps=1, save=False), Listener())
    assert result.images[0].image.size == given
    assert f"Size: {size[0]}x{size[1]}" in result.images[0].infotext


def test_progress_counts_every_evaluation(pipeline: PipelineManager) -> None:
    for sampler, steps, evaluations in (("Euler", 3, 3), ("DDIM", 8, 7)):
        listener = Listener(previews=True)
        pipeline.generate(REQUEST.replace(sampler=sampler, steps=steps, batch_count=2, save=False), listener)
        assert listener.total == listener.steps == 2 * evaluations == len(listener.previews)
        assert open_image(listener.previews[0]).size == (32, 32)


def test_an_interrupt_keeps_what_there_is_and_ends(pipeline: PipelineManager) -> None:
    result = pipeline.generate(REQUEST.replace(batch_count=3, steps=4), Listener({6: Interrupt}))
    assert result.interrupted
    assert len(result.images) == 2
    assert all(Path(image.path or "").exists() for image in result.images)


def test_a_skip_ends_the_batch_and_goes_on(pipeline: PipelineManager) -> None:
    listener = Listener({2: Skip})
    result = pipeline.generate(REQUEST.replace(batch_count=2, steps=4, save=False), listener)
    assert not result.interrupted
    assert len(result.images) == 2
    assert listener.steps == 2 + 4


def test_a_cancel_keeps_nothing(pipeline: PipelineManager, tmp_path: Path) -> None:
    with pytest.raises(Cancel):
        pipeline.generate(REQUEST, Listener({2: Cancel}))
    assert not list(tmp_path.rglob("*.png"))


def test_a_job_that_starts_again_writes_no_picture_twice(pipeline: PipelineManager, tmp_path: Path) -> None:
    listener = Listener({5: Cancel})
    with pytest.raises(Cancel):
        pipeline.generate(REQUEST.replace(batch_count=2), listener)
    assert len(list(tmp_path.rglob("*.png"))) == 1
    listener.asked = None
    request = REQUEST.replace(batch_count=2, save_grid=True)
    for _ in range(2):
        result = pipeline.generate(request, listener)
        assert len(list(tmp_path.rglob("*.png"))) == len(result.images) == 3  # the grid among them
    assert len({image.path for image in result.images}) == 3


def test_a_minus_one_seed_is_drawn_before_the_job_is_queued(pipeline: PipelineManager) -> None:
    checked = pipeline.check(REQUEST.replace(seed=-1))
    assert checked.seed >= 0
    assert pipeline.check(checked) == checked


@pytest.mark.parametrize(
    ("change", "words"),
    [({"sampler": "Eulr"}, "Euler"), ({"checkpoint": "thre"}, "thre"), ({"settings": {"randn_sauce": "CPU"}}, "randn_source")],
)
def test_unknown_names_are_refused_with_near_ones(pipeline: PipelineManager, change: dict, words: str) -> None:
    with pytest.raises(NotFound, match=words):
        pipeline.check(REQUEST.replace(**change))


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"steps": 1000}, {"batch_size": 0}, {"size": (0, 64)}, {"seed": -2}, {"size": (64, 100_000)}]
)
def test_values_that_cannot_be_are_refused_in_one_sentence(change: dict) -> None:
    with pytest.raises(BadRequest, match=r"^[^.]+ is [^.]+; it must be [^.]+\.$"):
        request_from({**dict(REQUEST), **change})


def test_a_bad_file_changes_nothing(pipeline: PipelineManager, models: Path, tmp_path: Path) -> None:
    pipeline.choose("one")
    broken = models / "Stable-diffusion" / "broken.safetensors"
    broken.write_bytes((models / "Stable-diffusion" / "one.safetensors").read_bytes()[:-1000])
    try:
        pipeline.refresh()
        with pytest.raises(BadModel, match=r"broken\.safetensors.*cut off"):
            pipeline.choose("broken")
        chosen = pipeline.chosen()
        assert chosen and chosen.name == "one"
        assert "cut off" in next(entry.problem or "" for entry in pipeline.checkpoints() if entry.name == "broken")
        assert pictures(pipeline, checkpoint=None, save=False)
    finally:
        broken.unlink()


def test_switching_models_keeps_only_the_limit_in_memory(pipeline: PipelineManager) -> None:
    pipeline.choose("one")
    old = weakref.ref(next(iter(pipeline.models.store.models.values())).components.unet)
    pictures(pipeline, save=False)
    pipeline.choose("two")
    gc.collect()
    assert old() is None
    assert len(pipeline.models.store.models) == 1


def test_too_little_memory_is_said_and_the_next_job_works(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("modules.families.base.Components.predict", lambda *a: (_ for _ in ()).throw(torch.OutOfMemoryError("16 GiB")))
        with pytest.raises(OutOfMemory, match="64x64"):
            pipeline.generate(REQUEST.replace(save=False), Listener())
    assert pictures(pipeline, save=False)


def test_no_black_picture_is_saved_when_the_numbers_run_out(pipeline: PipelineManager, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="NaN"):
        pipeline.generate(REQUEST.replace(guidance=100, prompt=f"(star:{10**40})"), Listener())
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_each_format_carries_the_infotext(pipeline: PipelineManager, format: str) -> None:
    request = REQUEST.replace(prompt="星 étoile ⭐", settings={"samples_format": format, "save_txt": True})
    image = pipeline.generate(request, Listener()).images[0]
    path = Path(image.path or "")
    assert path.suffix == f".{format}"
    assert read_infotext(path.read_bytes()) == image.infotext
    assert path.with_suffix(".txt").read_text("utf8") == image.infotext + "\n"
    assert Image.open(path).size == (64, 64)


def test_a_files_name_can_hold_the_pictures_own_hash(pipeline: PipelineManager) -> None:
    pipeline.settings.update({"samples_filename_pattern": "[image_hash<8>]-[batch_number]"})
    result = pipeline.generate(REQUEST.replace(batch_size=2, steps=1), Listener())
    names = [Path(image.path or "").stem.split("-", 1)[1] for image in result.images]
    assert [name.split("-")[1] for name in names] == ["1", "2"]
    assert all(re.fullmatch("[0-9a-f]{8}", name.split("-")[0]) for name in names)
