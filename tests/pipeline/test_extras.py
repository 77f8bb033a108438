"""Operations on finished pictures."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.extras import Enlarging, ExtrasImage, ExtrasRequest, FaceRestoring, FocalCrop, NamedPicture, SizedCrop, extras_from
from modules.contract.progress import Cancel, Interrupt
from modules.contract.request import Size
from modules.imaging.metadata import encode, read_info
from modules.pipeline.caption import Captions
from modules.pipeline.extras import Extras
from modules.pipeline.faces import Faces
from modules.pipeline.upscale import Upscalers
from modules.screening import Screen
from modules.settings.store import SettingsStore
from tests.golden import golden_path, needs_golden
from tests.pipeline.pictures import Counting, file, noise


@pytest.fixture
def extras(tmp_path: Path) -> Extras:
    models = tmp_path / "models"

    def place() -> torch.device:
        return torch.device("cpu")

    settings = SettingsStore(tmp_path / "settings.json")
    return Extras(settings, tmp_path, Upscalers(models, place), Faces(models, place), Captions(models, place), Screen())


def asked(image: Image.Image | None = None, **values: Any) -> ExtrasRequest:
    """A request for one picture that is not saved unless it says so."""
    picture = NamedPicture(data=file(image or noise()), name="a picture.png")
    return extras_from({"pictures": (picture,), "save": False, **values})


def done(extras: Extras, request: ExtrasRequest) -> list[ExtrasImage]:
    return list(extras.run(request, Counting()).images)


@needs_golden
@pytest.mark.parametrize("name", ["432-extras-lanczos-2x", "435-extras-two-upscalers"])
def test_a_recorded_request_gives_a1111s_picture_and_text(name: str, extras: Extras) -> None:
    case_path, answer_path = golden_path(f"cases/{name}.json"), golden_path(f"answers/{name}-0.png")
    assert case_path
    assert answer_path
    case, answer = json.loads(case_path.read_text()), Image.open(answer_path)
    enlarging = Enlarging(
        upscaler=case["upscaler_1"],
        second=case.get("upscaler_2", "None"),
        second_visibility=case.get("extras_upscaler_2_visibility", 0),
        scale=case["upscaling_resize"],
    )
    request = extras_from({"pictures": [{"data": case["image"]}], "enlarging": enlarging, "save": False})
    (made,) = done(extras, request)
    assert np.array_equal(np.asarray(made.image), np.asarray(answer))
    assert made.text == answer.info["postprocessing"]


def test_a_request_survives_the_job_list(extras: Extras) -> None:
    request = asked(enlarging=Enlarging(upscaler="Lanczos", size=Size(64, 64)), flips=("Both",))
    assert extras_from(json.loads(request.model_dump_json())) == request


def test_to_a_size_the_picture_covers_it_and_is_cropped(extras: Extras) -> None:
    (made,) = done(extras, asked(enlarging=Enlarging(upscaler="Lanczos", size=Size(64, 64))))
    assert made.image.size == (64, 64)
    assert made.text == "Postprocess upscale to: 64x64, Postprocess crop to: 64x64, Postprocess upscaler: Lanczos"


def test_to_a_size_without_cropping_it_keeps_its_proportions(extras: Extras) -> None:
    (made,) = done(extras, asked(enlarging=Enlarging(upscaler="Lanczos", size=Size(64, 64), crop=False)))
    assert made.image.size == (96, 64)


def test_the_longest_side_can_be_limited(extras: Extras) -> None:
    (made,) = done(extras, asked(enlarging=Enlarging(upscaler="Lanczos", scale=8, longest_side=96)))
    assert made.image.size == (96, 64)
    assert made.text == "Postprocess upscale by: 8.0, Max side length: 96, Postprocess upscaler: Lanczos"


def test_without_an_upscaler_the_picture_stays_as_it_is(extras: Extras) -> None:
    (made,) = done(extras, asked(enlarging=Enlarging(scale=4)))
    assert np.array_equal(np.asarray(made.image), np.asarray(noise()))
    assert made.text == ""


def test_copies_are_mirrored_after_the_picture_itself(extras: Extras) -> None:
    made = done(extras, asked(flips=("Horizontal", "Both")))
    pixels = np.asarray(noise())
    wanted = [pixels, pixels[:, ::-1], pixels[::-1, ::-1]]
    assert all(np.array_equal(np.asarray(one.image), other) for one, other in zip(made, wanted, strict=True))


def test_a_long_picture_is_split_into_pieces_that_overlap(extras: Extras) -> None:
    made = done(extras, asked(noise(40, 160), enlarging=Enlarging(size=Size(40, 40)), splitting={"threshold": 0.5, "overlap": 0.2}))
    assert [one.image.size for one in made] == [(40, 40)] * 5
    assert np.array_equal(np.asarray(made[0].image), np.asarray(noise(40, 160))[:40])
    assert np.array_equal(np.asarray(made[-1].image), np.asarray(noise(40, 160))[-40:])


def test_a_sized_crop_takes_the_size_nearest_to_the_pictures_proportions(extras: Extras) -> None:
    crop = SizedCrop(shortest=64, longest=192, aim="Minimize error")
    (made,) = done(extras, asked(noise(300, 200), sized_crop=crop))
    assert made.image.size == (192, 128)


def test_a_focal_crop_keeps_what_stands_out(extras: Extras) -> None:
    image = Image.new("RGB", (300, 100), (120, 120, 120))
    image.paste(noise(40, 40), (240, 20))
    (made, shown) = done(extras, asked(image, enlarging=Enlarging(size=Size(100, 100)), focal_crop=FocalCrop(show=True)))
    assert made.image.size == (100, 100)
    assert np.asarray(made.image).std() > 20  # the noise is in it; elsewhere the picture is plain
    assert shown.image.size == (300, 100)


def test_files_are_saved_with_their_texts_and_never_over_another(extras: Extras, tmp_path: Path) -> None:
    data = encode(noise(), format="png", infotext="a cat\nSteps: 20", extra={"Title": "mine"})
    picture = NamedPicture(data=data, name="cat.png")
    request = extras_from({"pictures": (picture, picture), "enlarging": Enlarging(upscaler="Nearest"), "keep_names": True})
    paths = [Path(image.path or "") for image in done(extras, request)]
    assert [path.name for path in paths] == ["cat.png", "cat-1.png"]
    assert paths[0].parent == tmp_path / "outputs" / "extras-images"
    found = read_info(paths[0].read_bytes())
    assert found.infotext == "a cat\nSteps: 20"
    assert found.items == {"Title": "mine", "postprocessing": "Postprocess upscale by: 2.0, Postprocess upscaler: Nearest"}


def test_all_pictures_of_a_folder_are_taken_and_damaged_ones_named(extras: Extras, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b.png", "a.jpg"):
        (folder / name).write_bytes(file(noise(), "PNG" if name.endswith("png") else "JPEG"))
    (folder / "torn.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    result = extras.run(extras_from({"folder": "in", "output_folder": "out"}), Counting())
    assert [Path(image.path or "").name for image in result.images] == ["00001-a.png", "00002-b.png"]
    assert len(result.warnings) == 1
    assert "torn.png" in result.warnings[0]


@pytest.mark.parametrize("values", [{"folder": "../elsewhere"}, {"folder": "/etc"}])
def test_a_folder_outside_of_ours_is_refused(values: dict[str, Any], extras: Extras) -> None:
    with pytest.raises(BadRequest, match="outside"):
        extras.check(extras_from(values))


def test_an_output_folder_outside_of_ours_is_refused(extras: Extras) -> None:
    with pytest.raises(BadRequest, match="outside"):
        extras.check(asked(output_folder="/tmp"))


def test_nothing_to_work_on_is_refused(extras: Extras) -> None:
    with pytest.raises(BadRequest, match="no picture"):
        extras.check(ExtrasRequest())


def test_an_unknown_upscaler_is_refused_before_it_is_queued(extras: Extras) -> None:
    with pytest.raises(NotFound, match="Lanczos"):
        extras.check(asked(enlarging=Enlarging(upscaler="Lanzcos")))


@pytest.mark.parametrize(("values", "named"), [({"gfpgan": FaceRestoring()}, "GFPGANv1.4.pth"), ({"captions": ("BLIP",)}, "BLIP")])
def test_a_missing_model_is_named_before_it_is_queued(values: dict[str, Any], named: str, extras: Extras) -> None:
    with pytest.raises(NotSupported, match=named):
        extras.check(asked(**values))


def test_interrupting_keeps_what_is_done(extras: Extras) -> None:
    picture = NamedPicture(data=base64.b64encode(file(noise())).decode())  # type: ignore[arg-type]
    request = extras_from({"pictures": [picture] * 3, "save": False})
    result = extras.run(request, Counting(stop=Interrupt, after=2))
    assert (len(result.images), result.interrupted) == (2, True)


def test_cancelling_keeps_nothing(extras: Extras) -> None:
    with pytest.raises(Cancel):
        extras.run(asked(), Counting(stop=Cancel))


def test_the_upscaled_picture_is_remembered_for_the_next_blend(extras: Extras) -> None:
    done(extras, asked(enlarging=Enlarging(upscaler="Lanczos")))
    (first,) = extras.made.values()
    done(extras, asked(enlarging=Enlarging(upscaler="Lanczos", second="Nearest", second_visibility=0.5)))
    assert first in extras.made.values()
    assert len(extras.made) == 2
