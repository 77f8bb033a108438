"""The content screen: every way out goes through it, and what cannot be looked at does not pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotSupported, WebuiError
from modules.contract.extras import ExtrasRequest, NamedPicture
from modules.contract.request import HiresPass, Inpaint
from modules.imaging.metadata import read_infotext
from modules.pipeline.manager import PipelineManager
from modules.prompts.styles import Style
from modules.screening import Classifiers, Mode, Screen
from modules.settings.groups import Settings
from modules.work import extras_of
from tests.extensions.pictures import varied
from tests.extensions.test_in_the_pipeline import REQUEST, SOURCE, made
from tests.pipeline.pictures import file
from tests.tiny import Listener


class Minding:
    """A detector that finds something in every picture with edges, as all that the tiny checkpoint makes have, and counts its looks."""

    name, version = "minding", "2"

    def __init__(self, failing: bool = False) -> None:
        self.failing = failing
        self.looks = 0

    def score(self, image: Image.Image) -> Mapping[str, float]:
        self.looks += 1
        if self.failing:
            raise RuntimeError("no weights")
        return {"NSFW": 0.9 if edges(image) > 1.0 else 0.1}


def edges(image: Image.Image) -> float:
    """How much pixels differ from what lies between their neighbours, in levels."""
    return float(np.abs(np.diff(np.asarray(image.convert("L"), float), 2, axis=1)).mean())


@pytest.fixture
def screened(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pipeline with a screen of some strictness."""

    def with_screen(mode: Mode, detector: Minding | None = None) -> PipelineManager:
        monkeypatch.setattr(pipeline.tools, "screen", Screen(lambda: [detector or Minding()], forced=mode))
        return pipeline

    return with_screen


def test_off_is_the_same_picture_and_nobody_looks(screened: Any, pipeline: PipelineManager) -> None:
    plain = np.asarray(made(pipeline).images[0].image)
    detector = Minding()
    assert np.array_equal(np.asarray(made(screened("Off", detector)).images[0].image), plain)
    assert detector.looks == 0


def test_every_way_out_is_screened(screened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is returned, saved, saved on the way, put into grids, laid under masks, composed by drivers, upscaled in Extras, previewed."""
    pipeline = screened("Blur")
    monkeypatch.setattr(pipeline.tools, "root", tmp_path)
    more = {"save_images_before_highres_fix": True, "return_mask_composite": True, "grid_save": True, "return_grid": True}
    request = REQUEST.replace(save=True, save_grid=True, batch_size=2, settings={**REQUEST.settings, **more})
    inpaint = SOURCE.model_copy(update={"inpaint": Inpaint(mask=file(Image.linear_gradient("L").resize((64, 64))))})
    listeners = [Listener(previews=True) for _ in range(3)]
    results = [
        made(pipeline, request.replace(hires=HiresPass(scale=1.5, upscaler="Lanczos")), listeners[0]),
        made(pipeline, request.replace(source=inpaint), listeners[1]),
        made(pipeline, request, listeners[2], xyz_plot={"x_type": "Steps", "x_values": "1,2", "legend": False}),
    ]
    given = [one.image for result in results for one in result.images]
    assert {one.kind for result in results for one in result.images} == {"picture", "grid", "mask"}
    files = [Image.open(path).convert("RGB") for path in tmp_path.rglob("*.png")]
    assert len(files) > 8
    assert [round(edges(image), 1) for image in [*given, *files] if edges(image) > 1.0] == []
    assert not any(listener.previews for listener in listeners)
    extras = extras_of(pipeline).run(ExtrasRequest(pictures=(NamedPicture(data=file(varied(64, 64))),)), Listener())
    assert edges(extras.images[0].image) <= 1.0


def test_the_metadata_say_who_did_what_and_no_scores(screened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = screened("Block")
    monkeypatch.setattr(pipeline.tools, "root", tmp_path)
    listener = Listener()
    result = made(pipeline, REQUEST.replace(save=True), listener)
    text = read_infotext(next(tmp_path.rglob("*.png")).read_bytes())
    assert text is not None and "Content filter: minding/2/blocked" in text and "0.9" not in text
    assert any("'NSFW' (0.90, the limit is 0.50)" in warning for warning in result.warnings)
    card = result.images[0].image
    assert card.size == REQUEST.size and (96, 96, 96) in [color for _, color in card.getcolors(4096) or []]


def test_without_a_detector_nothing_is_made(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.tools, "screen", Screen(forced="Blur"))
    with pytest.raises(NotSupported, match="nothing to look at pictures with"):
        made(pipeline)


def test_a_detector_that_fails_lets_nothing_pass(screened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = screened("Blur", Minding(failing=True))
    monkeypatch.setattr(pipeline.tools, "root", tmp_path)
    with pytest.raises(WebuiError, match=r"minding failed \(RuntimeError: no weights\), and no picture passes it unseen"):
        made(pipeline, REQUEST.replace(save=True))
    assert not list(tmp_path.rglob("*.png"))


def test_nothing_goes_below_what_is_forced() -> None:
    chosen = Settings().screening.model_copy(update={"mode": "Off"})
    settings = Settings().model_copy(update={"screening": chosen})
    assert Screen(forced="Blur").mode(settings) == "Blur"
    assert Screen().mode(settings) == "Off" == Screen().mode(Settings())


@pytest.mark.parametrize(
    ("listed", "prompt", "refused"),
    [
        ("forest", "a forest at night", True),
        ("forest", "Ｆｏｒｅｓｔ, night", True),
        ("forest", "deforestation", False),
        ("night forest", "night_forest", True),
        ("forest + night", "a forest", False),
        ("forest + night", "night in the (forest:1.2)", True),
        ("森", "夜の森の中", True),
    ],
)
def test_listed_words_are_refused_as_whole_words(listed: str, prompt: str, refused: bool) -> None:
    screening = Settings().screening.model_copy(update={"words": listed})
    settings = Settings().model_copy(update={"screening": screening})
    if refused:
        with pytest.raises(BadRequest, match="list of screened words"):
            Screen().check(settings, [prompt])
    else:
        Screen().check(settings, [prompt])


def test_the_list_counts_after_styles_and_leaves_the_negative_prompt_alone(pipeline: PipelineManager) -> None:
    pipeline.settings.update({"content_screen_words": "moon"})
    try:
        pipeline.library.styles.put(Style("lunar", "a moon, {prompt}", ""))
        with pytest.raises(BadRequest, match="'moon'"):
            made(pipeline, REQUEST.replace(styles=("lunar",)))
        assert made(pipeline, REQUEST.replace(negative_prompt="moon")).images
    finally:
        pipeline.settings.update({"content_screen_words": ""})


def test_a_wrong_limit_is_named(screened: Any) -> None:
    settings = Settings().model_copy(update={"screening": Settings().screening.model_copy(update={"limits": "nsfw: much"})})
    with pytest.raises(BadRequest, match="'nsfw: much' is not of the form"):
        Screen(lambda: [Minding()], forced="Blur").check(settings)


def test_a_classifier_s_folder_is_read_and_scores_its_labels(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=16,
        id2label={0: "normal", 1: "nsfw"}, label2id={"normal": 0, "nsfw": 1},
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(tmp_path / "tiny-vit")
    (found,) = Classifiers(tmp_path)()
    scores = found.score(varied(50, 40))
    assert set(scores) == {"normal", "nsfw"} and sum(scores.values()) == pytest.approx(1)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"")
    broken = next(one for one in Classifiers(tmp_path)() if one.name == "broken")
    with pytest.raises(BadRequest, match="no image classifier"):
        broken.score(varied(8, 8))
