"""The bundled extensions over real networks: what only the whole can show."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.contract.progress import Interrupt
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.contract.result import GenerationResult
from modules.imaging.metadata import read_infotext
from modules.pipeline.manager import PipelineManager
from modules.plugins import as_source
from tests.extensions.pictures import varied
from tests.tiny import Listener

REQUEST = GenerationRequest(
    prompt="a red star",
    size=Size(64, 64),
    steps=2,
    sampler="Euler a",
    seed=7,
    checkpoint="one",
    save=False,
    save_grid=False,
    settings={"randn_source": "CPU"},
)
SOURCE = SourceImage(pictures=(as_source(varied(64, 64)),), strength=0.6)


def made(
    pipeline: PipelineManager, request: GenerationRequest = REQUEST, report: Listener | None = None, **options: Any
) -> GenerationResult:
    """The result of a request with extensions, checked at the door as the queue does."""
    asked = request.replace(extensions=options)
    return pipeline.generate(pipeline.check(asked), report or Listener())


def values(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def test_the_cells_of_a_plot_are_the_pictures_of_their_requests(pipeline: PipelineManager) -> None:
    result = made(pipeline, xyz_plot={"x_type": "Steps", "x_values": "2,3", "y_type": "Seed", "y_values": "7,8", "legend": False})
    requests = [REQUEST.replace(steps=steps, seed=seed) for seed in (7, 8) for steps in (2, 3)]
    alone = [values(pipeline.generate(one, Listener()).images[0].image) for one in requests]
    wanted = np.vstack([np.hstack(alone[:2]), np.hstack(alone[2:])])
    assert np.array_equal(values(result.images[0].image), wanted)


def test_a_plot_writes_each_picture_once_and_its_grid(pipeline: PipelineManager) -> None:
    request = REQUEST.replace(save=True, save_grid=True)
    result = made(pipeline, request, xyz_plot={"x_type": "Steps", "x_values": "1,2"})
    outputs = pipeline.tools.root / "outputs"
    assert sorted(path.relative_to(outputs).parts[0] for path in outputs.rglob("*.png")) == [
        "txt2img-grids",
        "txt2img-images",
        "txt2img-images",
    ]
    assert "Script: X/Y/Z plot, X Type: Steps" in read_infotext(Path(str(result.images[0].path)).read_bytes())


def test_a_plot_counts_the_steps_of_all_its_cells(pipeline: PipelineManager) -> None:
    report = Listener()
    made(pipeline, report=report, xyz_plot={"x_type": "Steps", "x_values": "2,3"})
    assert report.total == 5 == report.steps


def test_an_unknown_sampler_in_a_plot_is_refused_before_any_step(pipeline: PipelineManager) -> None:
    report = Listener()
    with pytest.raises(NotFound, match="Eular"):
        made(pipeline, report=report, xyz_plot={"x_type": "Sampler", "x_values": "Euler,Eular", "text_inputs": True})
    assert report.steps == 0


def test_a_plot_that_is_ended_keeps_its_cells(pipeline: PipelineManager) -> None:
    report = Listener({3: Interrupt})
    result = made(pipeline, report=report, xyz_plot={"x_type": "Steps", "x_values": "2,3,4", "legend": False, "sub_images": True})
    assert result.interrupted and [image.image.size for image in result.images] == [(192, 64), (64, 64), (64, 64)]


def test_a_loop_is_the_picture_of_the_one_before(pipeline: PipelineManager) -> None:
    request = REQUEST.replace(source=SOURCE)
    first, second = made(pipeline, request, loopback={"loops": 2}).images[1:]
    again = request.replace(seed=8, source=SourceImage(pictures=(as_source(first.image),), strength=0.5))
    assert np.array_equal(values(second.image), values(made(pipeline, again).images[0].image))


def test_an_enlarged_picture_is_painted_tile_by_tile(pipeline: PipelineManager) -> None:
    result = made(pipeline, REQUEST.replace(source=SOURCE), sd_upscale={"overlap": 16, "upscaler": "Lanczos", "scale": 1.5})
    assert [image.image.size for image in result.images] == [(96, 96)]
    assert "Final" not in result.images[0].infotext and "SD upscale upscaler: Lanczos" in result.images[0].infotext


def test_an_upscaler_that_is_none_is_refused(pipeline: PipelineManager) -> None:
    with pytest.raises(NotFound, match="Lanczos"):
        made(pipeline, REQUEST.replace(source=SOURCE), sd_upscale={"upscaler": "Lancsoz"})


@pytest.mark.parametrize("name", ["outpainting_mk2", "poor_mans_outpainting"])
def test_outpainting_leaves_the_far_side_as_it_was(pipeline: PipelineManager, name: str) -> None:
    request = REQUEST.replace(source=SourceImage(pictures=(as_source(varied(128, 64)),), strength=0.8))
    options: dict[str, Any] = {name: {"pixels": 32, "mask_blur": 0, "sides": ["left"]}}  # 64 after rounding
    result = made(pipeline, request, **options)
    whole = values(result.images[0].image)
    assert whole.shape == (64, 192, 3)
    assert abs(whole[:, 136:] - values(varied(128, 64))[:, 72:]).max() <= 1  # 8 bits are cut off on the way


# Soft inpainting: the left half is black, the right half white, with a soft border


def masked(**more: Any) -> GenerationRequest:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    return REQUEST.replace(source=SOURCE.model_copy(update={"inpaint": Inpaint(mask=as_source(mask), blur=(6, 6), **more)}))


def test_soft_inpainting_changes_the_picture_and_leaves_no_trace(pipeline: PipelineManager) -> None:
    options: list[dict[str, Any]] = [{}, {"soft_inpainting": {}}, {}]
    plain, soft, again = (values(made(pipeline, masked(), **one).images[0].image) for one in options)
    assert np.array_equal(plain, again) and not np.array_equal(plain, soft)


def test_soft_inpainting_keeps_what_has_not_moved(pipeline: PipelineManager) -> None:
    original = values(varied(64, 64))
    image = values(made(pipeline, masked(), soft_inpainting={"threshold": 8.0, "contrast": 8.0}).images[0].image)
    strict = values(made(pipeline, masked(), soft_inpainting={"threshold": 0.0}).images[0].image)
    assert abs(image - original).mean() < abs(strict - original).mean()


def test_soft_inpainting_stands_in_the_infotext_before_the_mask(pipeline: PipelineManager) -> None:
    text = made(pipeline, masked(), soft_inpainting={"bias": 2.0}).images[0].infotext
    assert "Soft inpainting enabled: True, Soft inpainting schedule bias: 2.0" in text
    assert text.index("Soft inpainting difference contrast") < text.index("Mask blur")


def test_soft_inpainting_of_a_part_pastes_it_back(pipeline: PipelineManager) -> None:
    source = SourceImage(pictures=(as_source(varied(128, 128)),), strength=0.6)
    mask = Image.new("L", (128, 128))
    mask.paste(255, (80, 80, 112, 112))
    inpaint = Inpaint(mask=as_source(mask), blur=(4, 4), only_masked=True, padding=8)
    request = REQUEST.replace(source=source.model_copy(update={"inpaint": inpaint}), batch_size=2)
    result = made(pipeline, request, soft_inpainting={})
    assert len(result.images) == 2
    for image in result.images:
        assert np.array_equal(values(image.image)[:60, :60], values(varied(128, 128))[:60, :60])


def test_soft_inpainting_without_a_mask_is_plain_img2img(pipeline: PipelineManager) -> None:
    request = REQUEST.replace(source=SOURCE)
    plain, soft = made(pipeline, request), made(pipeline, request, soft_inpainting={})
    assert np.array_equal(values(plain.images[0].image), values(soft.images[0].image)) and "Soft" not in soft.images[0].infotext


def test_two_scripts_that_both_want_to_draw_are_refused_at_the_door(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="Loopback and Outpainting mk2 cannot be used together"):
        pipeline.check(REQUEST.replace(source=SOURCE, extensions={"loopback": {}, "outpainting_mk2": {}}))
