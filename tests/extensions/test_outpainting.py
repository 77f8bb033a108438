"""Both outpaintings: how far they grow, what they ask for, what they keep."""

import numpy as np
import pytest

from extensions.outpainting_mk2.noise import matched_noise
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.imaging.opening import open_image
from modules.imaging.outpainting import Margins, margins
from modules.plugins import as_source
from tests.extensions.drawing import Drawing, driven
from tests.extensions.pictures import plain, varied

REQUEST = GenerationRequest(size=Size(128, 128), seed=5, source=SourceImage(pictures=(as_source(varied(128, 128)),), strength=0.8))


def inpaint_of(request: GenerationRequest) -> Inpaint:
    assert request.source and request.source.inpaint
    return request.source.inpaint


def black_box(data: bytes) -> tuple[int, int, int, int] | None:
    """The smallest box around all that a mask leaves black."""
    return open_image(data).convert("L").point([255 - value for value in range(256)]).getbbox()


def test_the_new_size_is_made_of_multiples_of_64_and_shares_what_that_adds() -> None:
    assert margins(Size(100, 130), 30, ["left", "right"]) == (Margins(46, 46, 0, 0), Size(192, 192))


def test_no_side_at_all_is_refused() -> None:
    with pytest.raises(BadRequest, match="no side"):
        driven(Drawing(), REQUEST, "poor_mans_outpainting", sides=[])


# Poor man's: numbers of A1111's recorded case 389 (two tiles of 128, 64 pixels to the left and the right)


def test_tiles_that_lie_in_the_original_are_left_out() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "poor_mans_outpainting", pixels=64, sides=["left", "right"])
    assert [one.seed for one in drawing.asked] == [5, 6]
    assert result.images[0].image.size == (256, 128)


def test_the_middle_of_the_original_stays_as_it_was() -> None:
    result = driven(Drawing(), REQUEST, "poor_mans_outpainting", pixels=64, sides=["left", "right"])
    whole, original = np.asarray(result.images[0].image).astype(int), np.asarray(varied(128, 128)).astype(int)
    assert (whole[:, 128:192] == original[:, 64:]).mean() > 0.5  # the last tile fades in over it, and adds one level
    assert abs(whole[:, 64:192] - original).max() <= 1


def test_the_masks_reach_into_the_original_by_their_blur() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "poor_mans_outpainting", pixels=64, mask_blur=4, content="original", sides=["left", "right"])
    inpaint = inpaint_of(drawing.asked[0])
    assert inpaint.blur == (8, 8) and inpaint.content == "original"
    assert black_box(inpaint.mask) == (72, 0, 128, 128)  # the tile's left half and 8 pixels more are painted
    assert drawing.asked[0].source and drawing.asked[0].source.latent_mask
    assert black_box(drawing.asked[0].source.latent_mask) == (66, 0, 128, 128)


def test_the_larger_picture_is_saved_and_its_tiles_are_not() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "poor_mans_outpainting", pixels=64, sides=["up"])
    assert not any(one.save for one in drawing.asked) and [size for _, size, _ in drawing.kept] == [(128, 192)]


# mk2


def test_mk2_grows_side_after_side() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "outpainting_mk2", pixels=64, sides=["right", "up", "left"])
    assert result.images[0].image.size == (256, 192)
    assert [one.size for one in drawing.asked] == [(128, 128), (128, 128), (256, 128)]


def test_mk2_paints_beside_the_new_edge_at_most_the_request_s_size() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(size=Size(96, 512)), "outpainting_mk2", pixels=64, mask_blur=8, sides=["left"])
    one = drawing.asked[0]
    assert one.size == (96, 128) and inpaint_of(one).blur == (32, 0)
    assert black_box(inpaint_of(one).mask) == (72, 0, 96, 128)
    assert one.source and one.source.latent_mask and black_box(one.source.latent_mask) == (80, 0, 96, 128)


def test_mk2_leaves_the_original_in_its_place() -> None:
    result = driven(Drawing(), REQUEST, "outpainting_mk2", pixels=64, mask_blur=0, sides=["left"])
    whole = np.asarray(result.images[0].image).astype(int)
    known = abs(whole[:, 64:] - np.asarray(varied(128, 128)).astype(int))
    assert known.max() <= 2  # 8 bits, cut off, and one level more where it was painted


def test_mk2_gives_each_batch_its_own_seeds_and_a_grid() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST.replace(batch_count=2, batch_size=2), "outpainting_mk2", pixels=64, sides=["left", "down"])
    assert [one.seed for one in drawing.asked] == [5, 5, 7, 7]
    assert [image.image.size for image in result.images] == [(384, 384)] + [(192, 192)] * 4


def test_mk2_keeps_the_sides_that_were_done_when_it_is_ended() -> None:
    result = driven(Drawing(interrupted=0), REQUEST, "outpainting_mk2", pixels=64, sides=["left", "right"])
    assert result.interrupted and [image.image.size for image in result.images] == [(192, 128)]


def noise_beside(picture: np.ndarray, **options: float) -> np.ndarray:
    """A picture whose right half is noise."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width))
    mask[:, width // 2 :] = 1
    return matched_noise(picture, mask, **{"falloff": 1.0, "variation": 0.05, **options})


def test_the_noise_has_the_known_part_s_colours() -> None:
    picture = np.asarray(varied(128, 128)) / 255.0
    filled = noise_beside(picture)
    known, noise = filled[:, :64].reshape(-1, 3), filled[:, 64:].reshape(-1, 3)
    for share in (10, 50, 90):
        assert np.percentile(noise, share, axis=0) == pytest.approx(np.percentile(known, share, axis=0), abs=0.02)  # between few levels


def test_the_noise_leaves_the_known_part_alone() -> None:
    picture = np.asarray(varied(128, 128)) / 255.0
    assert np.array_equal(noise_beside(picture)[:, :64], picture[:, :64])


def test_a_lower_falloff_gives_finer_noise() -> None:
    picture = np.asarray(varied(128, 128)) / 255.0
    steps = [abs(np.diff(noise_beside(picture, falloff=falloff)[:, 64:], axis=1)).mean() for falloff in (0.5, 2.0)]
    assert steps[0] > 2 * steps[1]


def test_a_black_picture_gives_black_and_no_error() -> None:
    assert np.isfinite(noise_beside(np.zeros((64, 64, 3)))).all() and noise_beside(np.zeros((64, 64, 3))).max() == 0


def test_plain_pictures_can_be_grown() -> None:
    request = REQUEST.replace(source=SourceImage(pictures=(as_source(plain(128, 128)),)))
    assert driven(Drawing(), request, "outpainting_mk2", pixels=64, sides=["left"]).images
