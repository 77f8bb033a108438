"""img2img over many pictures: one job, a request for each."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.contract.batch import BatchRequest
from modules.contract.errors import BadRequest
from modules.contract.extras import NamedPicture
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.page import submit_batch
from modules.pipeline.batch import run_batch
from modules.pipeline.manager import PipelineManager
from modules.plugins import as_source
from tests.pipeline.asked import REQUEST
from tests.tiny import Listener

INFOTEXT = "a green fish\nNegative prompt: boat\nSteps: 2, Sampler: Euler, CFG scale: 5.5, Seed: 77, Size: 64x64"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, the second with an infotext, and a file that is none."""
    place = tmp_path / "given"
    place.mkdir()
    for name, shade in (("a", 40), ("b", 120), ("c", 200)):
        chunks = PngInfo()
        if name == "b":
            chunks.add_text("parameters", INFOTEXT)
        Image.new("RGB", (64, 64), (shade, 90, 30)).save(place / f"{name}.png", pnginfo=chunks)
    (place / "notes.txt").write_text("nothing")
    return place


def ran(pipeline: PipelineManager, **values: Any) -> GenerationResult:
    request = REQUEST.replace(steps=2)
    return run_batch(pipeline, BatchRequest(request=request, source={"strength": 0.5}, **values), Listener())


def test_each_picture_of_a_folder_is_made_once_in_order_of_their_names(pipeline: PipelineManager, folder: Path) -> None:
    result = ran(pipeline, folder=str(folder))
    assert len([image for image in result.images if image.kind == "picture"]) == 3
    assert result.warnings == ()


def test_results_are_named_as_their_pictures_where_an_output_folder_is_given(
    pipeline: PipelineManager, folder: Path, tmp_path: Path
) -> None:
    ran(pipeline, folder=str(folder), output_folder=str(tmp_path / "made"))
    assert sorted(path.name[-5:] for path in (tmp_path / "made").rglob("*.png")) == ["a.png", "b.png", "c.png"]


def test_a_picture_without_a_mask_is_left_out_where_the_others_have_one(pipeline: PipelineManager, folder: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("a", "c"):
        Image.new("L", (64, 64), 255).save(masks / f"{name}.png")
    assert len(ran(pipeline, folder=str(folder), masks_folder=str(masks)).images) == 2
    (masks / "c.png").unlink()
    assert len(ran(pipeline, folder=str(folder), masks_folder=str(masks)).images) == 3  # a single mask is that of all


def test_a_pictures_infotext_is_appended_and_replaces_what_is_taken(pipeline: PipelineManager, folder: Path) -> None:
    result = ran(pipeline, folder=str(folder), infotext=True, taken=("Prompt", "Seed", "CFG scale"))
    assert [image.prompt for image in result.images] == ["a red star", "a red star, a green fish", "a red star"]
    assert [image.seed for image in result.images] == [7, 77, 7]
    assert "CFG scale: 5.5" in result.images[1].infotext


def test_a_file_that_is_no_picture_is_left_out_with_a_warning(pipeline: PipelineManager, folder: Path) -> None:
    files = (NamedPicture(data=b"nothing", name="broken.png"), NamedPicture(data=(folder / "a.png").read_bytes(), name="a.png"))
    result = ran(pipeline, pictures=files)
    assert len(result.images) == 1
    assert result.warnings[0].startswith("broken.png was left out: ")


def test_sizes_may_be_a_factor_of_each_picture(pipeline: PipelineManager, folder: Path) -> None:
    Image.new("RGB", (96, 64)).save(folder / "b.png")
    sizes = [image.image.size for image in ran(pipeline, folder=str(folder), scale=1.0).images]
    assert sizes == [(64, 64), (96, 64), (64, 64)]


@pytest.mark.parametrize("given", ["", "relative", "/nowhere/at/all"])
def test_a_folder_that_is_not_there_is_said(pipeline: PipelineManager, given: str) -> None:
    with pytest.raises(BadRequest, match="Input directory"):
        ran(pipeline, folder=given)


def test_a_batch_is_checked_as_img2img_at_the_door(pipeline: PipelineManager) -> None:
    """Its request has no source of its own; a script that works on a picture must not be refused for that."""
    asked: list[GenerationRequest] = []
    queue: Any = SimpleNamespace(submit=lambda *values, **named: SimpleNamespace(id="job-1"))
    watched: Any = SimpleNamespace(check=asked.append)
    picture = NamedPicture(data=as_source(Image.new("RGB", (8, 8))), name="a.png")
    batch = BatchRequest(request=REQUEST, source={"strength": 0.5}, pictures=(picture,))
    assert submit_batch(watched, queue, batch, owner="") == "job-1"
    assert asked[0].source is not None
    assert asked[0].source.strength == 0.5
    assert pipeline.check(asked[0]).source is not None
