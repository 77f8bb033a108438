"""From a picture to pictures."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.request import Inpaint, SourceImage
from modules.pipeline.manager import PipelineManager
from tests.pipeline import asked
from tests.tiny import Listener

REQUEST = asked.REQUEST.replace(save=False)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def gradient(width: int = 64, height: int = 64) -> Image.Image:
    across = np.linspace(0, 255, width, dtype=np.uint8)
    return Image.fromarray(
        np.stack([np.tile(across, (height, 1)), np.full((height, width), 90, np.uint8), np.tile(across[::-1], (height, 1))], axis=2)
    )


def square_mask(width: int = 64, height: int = 64) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rectangle((24, 24, 39, 39), fill=255)
    return mask


def pictures(pipeline: PipelineManager, **changes: object) -> list[np.ndarray]:
    return asked.pictures_of(pipeline, REQUEST.replace(**changes))


def source(**values: object) -> SourceImage:
    return SourceImage(**{"pictures": (png(gradient()),), "strength": 0.6, **values})  # type: ignore[arg-type]


def test_less_strength_keeps_more_of_the_picture(pipeline: PipelineManager) -> None:
    [faint], [strong] = (pictures(pipeline, source=source(strength=strength)) for strength in (0.1, 0.9))
    assert not np.array_equal(faint, strong)


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M SDE", "DDIM", "UniPC"])
def test_a_picture_alone_is_the_picture_in_a_batch(pipeline: PipelineManager, sampler: str) -> None:
    together = pictures(pipeline, source=source(), batch_size=2, sampler=sampler)
    alone = pictures(pipeline, source=source(), seed=8, sampler=sampler)
    assert np.abs(together[1].astype(int) - alone[0].astype(int)).max() <= 1  # kernels add up in another order for two


@pytest.mark.parametrize("only_masked", [False, True])
@pytest.mark.parametrize("content", ["fill", "original", "latent noise", "latent nothing"])
def test_what_lies_outside_the_mask_comes_back_byte_for_byte(pipeline: PipelineManager, content: str, only_masked: bool) -> None:
    inpaint = Inpaint(mask=png(square_mask()), blur=(0, 0), content=content, only_masked=only_masked, padding=8)  # type: ignore[arg-type]
    [picture] = pictures(pipeline, source=source(inpaint=inpaint))
    outside = np.asarray(square_mask()) == 0
    assert np.array_equal(picture[outside], np.asarray(gradient())[outside])
    assert not np.array_equal(picture[~outside], np.asarray(gradient())[~outside])


def test_a_result_of_another_size_than_its_source_has_the_size_that_was_asked_for(pipeline: PipelineManager) -> None:
    for resize in ("just resize", "crop and resize", "resize and fill", "latent upscale"):
        [picture] = pictures(pipeline, source=source(pictures=(png(gradient(96, 48)),), resize=resize))
        assert picture.shape == (64, 64, 3)


def test_a_mask_and_its_part_are_returned_where_the_settings_say_so(pipeline: PipelineManager) -> None:
    wanted = {"return_mask": True, "return_mask_composite": True}
    request = REQUEST.replace(source=source(inpaint=Inpaint(mask=png(square_mask()))), settings={**REQUEST.settings, **wanted})
    result = pipeline.generate(request, Listener())
    assert [image.kind for image in result.images] == ["picture", "mask", "mask"]


def test_a_blank_mask_is_said_once_however_many_batches(pipeline: PipelineManager) -> None:
    listener = Listener()
    inpaint = Inpaint(mask=png(Image.new("L", (64, 64), 0)), only_masked=True)
    result = pipeline.generate(REQUEST.replace(source=source(inpaint=inpaint), batch_count=2), listener)
    assert len(listener.warnings) == len(result.warnings) == 1


def test_too_many_sources_are_refused_in_a_sentence(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="3 source pictures for batches of 2"):
        pictures(pipeline, source=source(pictures=(png(gradient()),) * 3), batch_size=2)


def test_sources_of_different_sizes_cannot_be_enlarged_as_latents_together(pipeline: PipelineManager) -> None:
    pair = (png(gradient(64, 64)), png(gradient(96, 64)))
    with pytest.raises(BadRequest, match="64x64, 96x64"):
        pictures(pipeline, source=source(pictures=pair, resize="latent upscale"), batch_size=2)
    assert len(pictures(pipeline, source=source(pictures=pair), batch_size=2)) == 2


def test_a_source_that_is_no_picture_is_refused_in_a_sentence(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="source picture is not"):
        pictures(pipeline, source=source(pictures=(b"nothing of the kind",)))


def test_an_editing_model_asks_for_a_picture(pipeline: PipelineManager) -> None:
    with pytest.raises(NotSupported, match="instruct-pix2pix"):
        pictures(pipeline, checkpoint="edit")
