"""Loopback against a pipeline that makes its source one level brighter."""

import pytest

from modules.contract.errors import NotSupported
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.imaging.opening import open_image
from modules.plugins import as_source
from tests.extensions.drawing import Drawing, driven
from tests.extensions.pictures import plain

REQUEST = GenerationRequest(
    size=Size(32, 16), seed=5, prompt="a cat", source=SourceImage(pictures=(as_source(plain(32, 16)),), strength=0.6)
)


def test_each_loop_starts_from_the_picture_before() -> None:
    result = driven(Drawing(), REQUEST, "loopback", loops=3)
    assert [image.image.getpixel((0, 0)) for image in result.images[1:]] == [(101, 101, 101), (102, 102, 102), (103, 103, 103)]


def test_the_seed_grows_by_one_with_each_loop_and_over_batches() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(batch_count=2), "loopback", loops=2)
    assert [request.seed for request in drawing.asked] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("curve", "strengths"), [("Linear", [0.6, 0.5, 0.4]), ("Aggressive", [0.6, 0.458579, 0.4]), ("Lazy", [0.6, 0.541421, 0.4])]
)
def test_the_strength_goes_to_its_end_along_the_curve(curve: str, strengths: list[float]) -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "loopback", loops=3, final_strength=0.4, curve=curve)
    assert [request.source.strength for request in drawing.asked if request.source] == pytest.approx(strengths, abs=1e-6)


def test_one_loop_has_the_request_s_own_strength() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "loopback", loops=1)
    assert drawing.asked[0].source and drawing.asked[0].source.strength == 0.6


def test_a_grid_of_all_loops_stands_before_them_and_is_saved() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "loopback", loops=2)
    assert [image.image.size for image in result.images] == [(64, 16), (32, 16), (32, 16)]
    assert [(name, size) for name, size, _ in drawing.kept] == [("grid", (64, 16))]


def test_a1111_s_answer_says_of_all_pictures_what_it_says_of_the_first() -> None:
    result = driven(Drawing(), REQUEST, "loopback", loops=2)
    info = result.details["info"]
    assert info["infotexts"] == [result.images[1].infotext] * 3 and info["index_of_first_image"] == 0
    assert "Final denoising strength: 0.5, Denoising curve: Linear, Version: test" in result.images[2].infotext


def test_with_several_batches_the_last_picture_of_each_is_kept() -> None:
    result = driven(Drawing(), REQUEST.replace(batch_count=2), "loopback", loops=3)
    assert [image.seed for image in result.images[1:]] == [7, 10]


def test_every_batch_begins_with_the_source() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(batch_count=2), "loopback", loops=2)
    begins = [drawing.asked[index].source for index in (0, 2)]
    assert all(source and open_image(source.pictures[0]).getpixel((0, 0)) == (100, 100, 100) for source in begins)


def test_only_the_first_loop_starts_from_the_masked_content_asked_for() -> None:
    drawing = Drawing()
    source = SourceImage(pictures=(as_source(plain(32, 16)),), inpaint=Inpaint(mask=as_source(plain(32, 16)), content="latent noise"))
    driven(drawing, REQUEST.replace(source=source), "loopback", loops=3)
    assert [one.source.inpaint.content for one in drawing.asked if one.source and one.source.inpaint] == [
        "latent noise",
        "original",
        "original",
    ]


def test_an_ended_job_keeps_the_loops_that_are_done() -> None:
    result = driven(Drawing(interrupted=1), REQUEST, "loopback", loops=4)
    assert result.interrupted and [image.seed for image in result.images[1:]] == [5, 6]


def test_a_skipped_loop_ends_its_batch_alone() -> None:
    drawing = Drawing(skipped=1)
    result = driven(drawing, REQUEST.replace(batch_count=2), "loopback", loops=2)
    assert len(drawing.asked) == 4 and len(result.images) == 1


def test_a_caption_without_a_model_is_refused() -> None:
    with pytest.raises(NotSupported, match="CLIP"):
        driven(Drawing(), REQUEST, "loopback", append="CLIP")
