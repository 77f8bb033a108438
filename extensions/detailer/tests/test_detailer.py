"""The detailer: which things count, where it paints, and that it paints nowhere else."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from extensions.detailer import a1111
from extensions.detailer.finding import found_in, grown, in_order, moved, places, reaching, texts
from extensions.detailer.painting import dynamic, padding_for
from extensions.detailer.units import Detail
from modules.contract.errors import BadRequest, NotFound
from modules.imaging.opening import open_image
from modules.perception.found import Found
from modules.pipeline.manager import PipelineManager
from tests.extensions.test_in_the_pipeline import REQUEST, SOURCE, made, values


class Seeing:
    """A detector that sees what it is told, in place of the door."""

    name, classes = "told", ("face", "hand")

    def __init__(self, *found: Found) -> None:
        self.found = list(found)

    def find(self, image: np.ndarray, threshold: float = 0.5) -> list[Found]:
        return [one for one in self.found if one.score >= threshold]

    def get(self, name: str) -> "Seeing":
        if name != "told":
            raise NotFound.among("detector", name, ["told"])
        return self


SMALL = Found("face", (8, 8, 24, 24), 0.9)
LARGE = Found("hand", (32, 24, 60, 60), 0.4)
PICTURE = Image.new("RGB", (64, 64))


def detail(**values: Any) -> Detail:
    return Detail(**{"detector": "told", "dilate": 0, **values})


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has every detector see some things."""

    def see(*found: Found) -> None:
        monkeypatch.setattr("extensions.detailer.Detectors", lambda: Seeing(*found))

    return see


def test_things_count_by_score_kind_share_and_number() -> None:
    door: Any = Seeing(SMALL, LARGE)
    assert found_in(PICTURE, detail(), door) == [SMALL, LARGE]
    assert found_in(PICTURE, detail(confidence=0.5), door) == [SMALL]
    assert found_in(PICTURE, detail(classes="Hand"), door) == [LARGE]
    assert found_in(PICTURE, detail(least_share=0.1), door) == [LARGE]
    assert found_in(PICTURE, detail(largest_share=0.1), door) == [SMALL]
    assert found_in(PICTURE, detail(most=1), door) == [LARGE]
    assert found_in(PICTURE, detail(most=1, method="Confidence"), door) == [SMALL]
    with pytest.raises(BadRequest, match=r"ratio is 0\.5 and the max is 0\.2"):
        found_in(PICTURE, detail(least_share=0.5, largest_share=0.2), door)


def test_things_are_painted_in_the_order_of_the_settings() -> None:
    assert in_order([LARGE, SMALL], 64, 64, "Position (left to right)") == [SMALL, LARGE]
    assert in_order([SMALL, LARGE], 64, 64, "Position (center to edge)") == [LARGE, SMALL]
    assert in_order([SMALL, LARGE], 64, 64, "Area (large to small)") == [LARGE, SMALL]


def test_masks_are_moved_then_grown_then_merged() -> None:
    [place] = places([SMALL], detail(x_offset=4, y_offset=-2, dilate=8), 64, 64)
    assert place.box == (8 + 4 - 3, 8 + 2 - 3, 24 + 4 + 4, 24 + 2 + 4)  # an even brush reaches further right and down
    [both] = places([SMALL, LARGE], detail(merge="Merge"), 64, 64)
    [rest] = places([SMALL, LARGE], detail(merge="Merge and Invert"), 64, 64)
    assert np.array_equal(both.mask, 255 - rest.mask) and (both.mask > 0).sum() == 16 * 16 + 28 * 36
    assert places([SMALL], detail(dilate=-128), 64, 64) == [] == places([SMALL], detail(x_offset=200), 64, 64)
    mask = places([SMALL], detail(), 64, 64)[0].mask
    assert grown(mask, 0) is mask is moved(mask, 0, 0)


def test_only_things_under_a_persons_mask_are_painted() -> None:
    there = places([SMALL, LARGE], detail(), 64, 64)
    drawn = Image.new("L", (64, 64))
    drawn.paste(255, (0, 0, 16, 16))
    assert reaching(there, drawn) == there[:1]
    assert reaching(there, None) == there


def test_each_thing_has_its_own_prompt() -> None:
    assert texts("", "a star", 2) == ["a star", "a star"]
    assert texts("[PROMPT], smiling [SEP] [SKIP] [SEP] sad", "a star", 4) == ["a star, smiling", None, "sad", "sad"]


def test_denoising_depends_on_the_size_of_the_thing() -> None:
    [place] = places([LARGE], detail(), 64, 64)
    share = 28 * 36 / 64**2
    assert dynamic(0.4, place, 0) == 0.4
    assert dynamic(0.4, place, 2) == pytest.approx(0.4 * (1 - share) ** 2)
    assert dynamic(0.4, place, -1) == pytest.approx(0.4 / (1 - share))
    assert dynamic(0.9, place, -10) == 1


def test_nothing_changes_outside_of_the_masks(pipeline: PipelineManager, seen: Any) -> None:
    seen(SMALL, LARGE)
    plain = values(made(pipeline).images[0].image)
    unit = {"detector": "told", "dilate": 0, "blur": 0, "strength": 0.7, "padding": 4}
    changed = values(made(pipeline, detailer={"units": [unit]}).images[0].image)
    inside = np.zeros((64, 64), bool)
    inside[8:24, 8:24] = inside[24:60, 32:60] = True
    assert np.array_equal(changed[~inside], plain[~inside])
    assert (changed[8:24, 8:24] != plain[8:24, 8:24]).any() and (changed[24:60, 32:60] != plain[24:60, 32:60]).any()


@pytest.mark.parametrize(
    ("native", "checkpoint", "padding"), [("128x128", "", 8), ("512x512", "", 32), ("1024x1024", "", 32), ("128x128", "other", 32)]
)
def test_the_padding_is_less_for_models_of_small_pictures(tmp_path: Path, native: str, checkpoint: str, padding: int) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"x": torch.zeros(1)}, file, {"modelspec.resolution": native})
    run: Any = SimpleNamespace(loaded=SimpleNamespace(entry=SimpleNamespace(path=file)))
    assert padding_for(run, detail(checkpoint=checkpoint)) == padding


def test_a_batch_is_as_its_singles_and_says_so(pipeline: PipelineManager, seen: Any) -> None:
    seen(SMALL)
    options = {"units": [{"detector": "told", "strength": 0.7}]}
    both = made(pipeline, REQUEST.replace(batch_size=2), detailer=options)
    for index, image in enumerate(both.images):
        single = made(pipeline, REQUEST.replace(seed=7 + index), detailer=options).images[0]
        assert np.abs(values(image.image) - values(single.image)).max() <= 2  # two rows of a batch round differently from one
        assert "ADetailer model: told" in image.infotext


def test_a_picture_is_detailed_as_it_is(pipeline: PipelineManager, seen: Any) -> None:
    seen(SMALL)
    request = REQUEST.replace(source=SOURCE)
    unit = {"detector": "told", "dilate": 0, "blur": 0, "strength": 0.7}
    changed = values(made(pipeline, request, detailer={"skip_img2img": True, "units": [unit]}).images[0].image)
    original = values(open_image(SOURCE.pictures[0]))
    assert np.array_equal(changed[32:], original[32:]) and (changed[8:24, 8:24] != original[8:24, 8:24]).any()


def test_nothing_found_is_said_and_the_picture_stays(pipeline: PipelineManager, seen: Any) -> None:
    seen()
    result = made(pipeline, detailer={"units": [{"detector": "told"}]})
    assert np.array_equal(values(result.images[0].image), values(made(pipeline).images[0].image))
    assert "Detailer: told found nothing to detail." in result.warnings


def test_what_cannot_be_is_refused_before_anything_is_painted(pipeline: PipelineManager, seen: Any) -> None:
    seen()
    with pytest.raises(NotFound, match="toldd"):
        made(pipeline, detailer={"units": [{"detector": "toldd"}]})
    with pytest.raises(BadRequest, match="no tab is enabled"):
        made(pipeline, detailer={"units": [{"detector": "told", "enabled": False}]})


def test_adetailers_list_is_understood() -> None:
    tab = {"ad_model": "face_yolov8n.pt", "ad_confidence": 0.4, "ad_use_steps": True, "ad_steps": 12, "ad_cfg_scale": 9}
    assert a1111.parsed([True, False, tab, {"ad_model": "None"}], "txt2img") == {
        "skip_img2img": False,
        "units": [{"detector": "face_yolov8n.pt", "confidence": 0.4, "steps": 12}],
    }
    assert a1111.parsed([False, False, tab], "txt2img") is None
    assert a1111.parsed([{"ad_model": "hand", "ad_tab_enable": False}], "img2img") == {"skip_img2img": False, "units": []}
    with pytest.raises(BadRequest, match="no field named 'ad_promt'"):
        a1111.parsed([{"ad_model": "hand", "ad_promt": "x"}], "txt2img")


def test_what_is_written_is_read_again() -> None:
    units = [detail(prompt="a, b", steps=12, merge="Merge"), detail(detector="hand", strength=0.3)]
    pairs = {label: str(value) for label, value in a1111.written(units).items()}
    assert pairs["ADetailer model 2nd"] == "hand"
    again = a1111.read(pairs)
    assert again is not None
    assert [Detail(**one) for one in again["units"]] == [unit.model_copy(update={"enabled": True}) for unit in units]
    assert a1111.read({"ADetailer version": "25"}) is None


def test_the_bundled_detector_finds_drawn_faces() -> None:
    from modules.demo.drawing import draw_and_tell
    from modules.demo.scenes import Scene, Subject
    from modules.perception.detectors import Detectors

    finder = Detectors([Path(__file__).parents[3] / "models" / "adetailer"]).get("demo-faces.onnx")
    right = false = 0
    for seed in range(24):
        thing = "face" if seed % 2 else "fish"
        scene = Scene(Subject("red", thing), "blue", size="small", place="left")
        picture, [(_, x, y, radius)] = draw_and_tell(scene, 128, np.random.default_rng(seed))
        found = finder.find(picture, 0.5)
        wanted = [(x - radius) * 128, (y - radius) * 128, (x + radius) * 128, (y + radius) * 128]
        if thing == "face":
            right += len(found) == 1 and bool(np.abs(np.array(found[0].box) - wanted).max() < 6)
        else:
            false += bool(found)
    assert (right, false) == (12, 0)
