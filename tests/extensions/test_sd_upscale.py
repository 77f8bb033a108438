"""SD upscale: its tiles, and what becomes of them."""

import numpy as np
import pytest

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Size, SourceImage
from modules.imaging.opening import open_image
from modules.plugins import as_source
from tests.extensions.drawing import Drawing, driven
from tests.extensions.pictures import plain, varied

SOURCE = SourceImage(pictures=(as_source(varied(64, 48)),), strength=0.3)
REQUEST = GenerationRequest(size=Size(64, 64), seed=5, prompt="a cat", source=SOURCE)


def test_the_enlarged_picture_is_painted_in_tiles_of_the_request_s_size() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "sd_upscale", overlap=16, scale=2.0, upscaler="Lanczos")
    assert result.images[0].image.size == (128, 96)
    assert [one.size for one in drawing.asked] == [(64, 64)] * 6


def test_tiles_that_come_back_unchanged_give_the_enlarged_picture() -> None:
    result = driven(Drawing(), REQUEST, "sd_upscale", overlap=16, scale=2.0, upscaler="Lanczos")
    enlarged = np.asarray(varied(64, 48).resize((128, 96))).astype(int) + 1  # the pretended painting adds one level
    painted = np.asarray(result.images[0].image).astype(int)
    assert abs(painted - enlarged).max() <= 1  # fading between equal tiles rounds


def test_without_an_upscaler_the_picture_keeps_its_size() -> None:
    assert driven(Drawing(), REQUEST, "sd_upscale", overlap=16).images[0].image.size == (64, 48)


def test_a_batch_takes_several_tiles_and_the_last_one_what_is_left() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(batch_size=4), "sd_upscale", overlap=16, scale=2.0, upscaler="Lanczos")
    assert [(one.batch_size, len(one.source.pictures)) for one in drawing.asked if one.source] == [(4, 4), (2, 2)]


def test_seeds_grow_with_each_batch_of_tiles_and_with_each_picture() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(batch_count=2, batch_size=4), "sd_upscale", overlap=16, scale=2.0, upscaler="Lanczos")
    assert [one.seed for one in drawing.asked] == [5, 6, 6, 7]


def test_only_whole_pictures_are_saved() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(batch_count=2), "sd_upscale", overlap=16, scale=2.0, upscaler="Lanczos")
    assert not any(one.save for one in drawing.asked)
    assert [size for name, size, _ in drawing.kept if not name] == [(128, 96)] * 2


def test_the_infotext_says_how_it_was_done() -> None:
    text = driven(Drawing(), REQUEST, "sd_upscale", overlap=16, upscaler="Lanczos").images[0].infotext
    assert "SD upscale overlap: 16, SD upscale upscaler: Lanczos" in text


def test_tiles_that_an_ended_job_did_not_reach_stay_as_they_were() -> None:
    source = SourceImage(pictures=(as_source(plain(64, 64)),))
    request = REQUEST.replace(source=source)
    result = driven(Drawing(interrupted=0), request, "sd_upscale", overlap=0, scale=2.0, upscaler="Lanczos")
    levels = [result.images[0].image.getpixel(place) for place in ((10, 10), (100, 100))]
    assert result.interrupted and levels == [(101, 101, 101), (100, 100, 100)]


def test_an_overlap_as_large_as_the_tile_is_refused() -> None:
    with pytest.raises(BadRequest, match="overlap is 64"):
        driven(Drawing(), REQUEST, "sd_upscale", overlap=64, scale=2.0, upscaler="Lanczos")


def test_what_is_transparent_lies_on_the_settings_colour() -> None:
    clear = varied(64, 64).convert("RGBA")
    clear.putalpha(0)
    drawing = Drawing()
    driven(drawing, REQUEST.replace(source=SourceImage(pictures=(as_source(clear),))), "sd_upscale", overlap=16)
    assert drawing.asked[0].source and open_image(drawing.asked[0].source.pictures[0]).getpixel((0, 0)) == (255, 255, 255)
