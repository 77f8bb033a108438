"""Folders whose pictures take turns, results that are followed, and the pictures of img2img's batch with theirs by name."""

import base64
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from extensions.controlnet.turns import Folders
from modules.contract.batch import BatchRequest
from modules.contract.errors import BadRequest
from modules.contract.extras import NamedPicture
from modules.contract.request import GenerationRequest, Size, SourceImage
from modules.contract.result import GenerationResult
from modules.contract.services import ModelEntry
from modules.families.identify import check_checkpoint
from modules.imaging.opening import open_image
from modules.pipeline.batch import run_batch
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.plugins import Host
from modules.plugins.loader import load
from modules.plugins.registry import Registry
from modules.settings.store import SettingsStore
from modules.weights.files import write_tensors
from tests import tiny
from tests.extensions.drawing import Drawing
from tests.families import controls
from tests.guards.sources import ROOT
from tests.pipeline.pictures import file, noise

REQUEST = GenerationRequest(prompt="a cat", size=Size(64, 64), steps=2, seed=5, sampler="Euler", save=False)
NAMES = ("a", "b", "c")


class Place:
    """A program's folders with one control network, and the extension in it."""

    def __init__(self, root: Path) -> None:
        self.folders = SimpleNamespace(data=root, models=root / "models")
        self.pictures = root / "lines"
        self.pictures.mkdir()
        for number, name in enumerate(NAMES):
            (self.pictures / f"{name}.png").write_bytes(file(noise(64, 64, seed=number)))
        (root / "models" / "ControlNet").mkdir(parents=True)
        write_tensors(root / "models" / "ControlNet" / "lines.safetensors", controls.in_own_layout(controls.controlnet("sd1")))
        self.library = Library.at(root / "models", root, check_checkpoint)
        self.increment = False
        self.registry = Registry([load(ROOT / "extensions" / "controlnet")])
        self.registry.hosts = lambda row, settings: Host("controlnet", ROOT, self, self.settings)  # pyright: ignore[reportArgumentType]
        kind: Any = self.registry.rows[0].extension
        self.defaults = kind.Settings()
        self.allowed = Folders(self.registry.hosts(self.registry.rows[0], {}))  # pyright: ignore[reportArgumentType]

    def settings(self) -> Any:
        return self.defaults.model_copy(update={"increment": self.increment})

    def models(self, kind: str) -> Sequence[ModelEntry]:
        assert kind == "controlnet"
        return self.library.controlnets.entries()

    def data(self, name: str) -> bytes:
        return (self.pictures / f"{name}.png").read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def asked(*units: dict[str, Any], **changes: Any) -> GenerationRequest:
    return REQUEST.replace(extensions={"controlnet": {"units": [{"model": "lines", **unit} for unit in units]}}, **changes)


def driven(place: Place, drawing: Drawing, request: GenerationRequest) -> GenerationResult:
    """What becomes of a request at the door and in the job."""
    at_door = place.registry.instances(request).request(request)
    driver = place.registry.instances(at_door).driver()
    assert driver is not None
    return driver(at_door, drawing)


def shown(request: GenerationRequest, number: int = 0) -> bytes:
    """The pixels of the picture that a unit of a request has."""
    return open_image(base64.b64decode(request.extensions["controlnet"]["units"][number]["image"])).tobytes()


def test_each_picture_of_a_folder_gets_a_generation(place: Place) -> None:
    place.allowed.name(str(place.pictures))
    drawing = Drawing()
    result = driven(place, drawing, asked({"batch_folder": str(place.pictures)}))
    assert len(result.images) == 3
    assert [shown(one) for one in drawing.asked] == [open_image(place.data(name)).tobytes() for name in NAMES]
    assert [one.seed for one in drawing.asked] == [5, 5, 5]
    assert all(not one.extensions["controlnet"]["units"][0]["batch_folder"] for one in drawing.asked)
    place.increment = True
    again = Drawing()
    driven(place, again, asked({"batch_folder": str(place.pictures)}))
    assert [one.seed for one in again.asked] == [5, 6, 7]


def test_folders_of_several_units_go_together(place: Place, tmp_path: Path) -> None:
    shorter = tmp_path / "depth"
    shorter.mkdir()
    for name in ("x", "y"):
        (shorter / f"{name}.png").write_bytes(place.data("c"))
    for folder in (place.pictures, shorter):
        place.allowed.name(str(folder))
    drawing = Drawing()
    driven(place, drawing, asked({"batch_folder": str(place.pictures)}, {"batch_folder": str(shorter), "weight": 0.5}))
    assert [(shown(one), shown(one, 1)) for one in drawing.asked] == [
        (open_image(place.data(name)).tobytes(), open_image(place.data("c")).tobytes()) for name in ("a", "b")
    ]
    assert "different numbers of pictures" in drawing.report.warnings[0]


def test_a_picture_that_cannot_be_used_is_left_out_with_its_name(place: Place) -> None:
    place.allowed.name(str(place.pictures))
    (place.pictures / "b.png").unlink()
    (place.pictures / "b.png").mkdir()  # a folder is no picture
    drawing = Drawing(failing=2)
    driven(place, drawing, asked({"batch_folder": str(place.pictures)}))
    assert [text.split(" was")[0] for text in drawing.report.warnings] == ["a.png", "c.png"]


def test_a_folder_that_nobody_named_is_refused(place: Place) -> None:
    request = asked({"batch_folder": str(place.pictures)})
    with pytest.raises(BadRequest, match="was not named on this machine"):
        place.registry.instances(request).request(request)


@pytest.fixture
def masks(place: Place, tmp_path: Path) -> Path:
    """A folder that was named on this machine, and is empty."""
    folder = tmp_path / "masks"
    folder.mkdir()
    (folder / "first.png").write_bytes(mask_of(0))
    for one in (place.pictures, folder):
        place.allowed.name(str(one))
    (folder / "first.png").unlink()
    return folder


def mask_of(number: int) -> bytes:
    return file(noise(64, 64, seed=100 + number))


def mask_shown(request: GenerationRequest) -> bytes:
    return open_image(base64.b64decode(request.extensions["controlnet"]["units"][0]["mask"])).tobytes()


@pytest.mark.parametrize(
    ("names", "order"),
    [(("c.webp", "more.png", "a.png", "b.png"), (2, 3, 0)), (("z1.png", "z2.png", "z3.png"), (0, 1, 2))],
    ids=["by name", "in order"],
)
def test_each_picture_of_a_folder_has_its_mask(place: Place, masks: Path, names: tuple[str, ...], order: tuple[int, ...]) -> None:
    for number, name in enumerate(names):
        (masks / name).write_bytes(mask_of(number))
    drawing = Drawing()
    driven(place, drawing, asked({"batch_folder": str(place.pictures), "mask_folder": str(masks)}))
    assert [shown(one) for one in drawing.asked] == [open_image(place.data(name)).tobytes() for name in NAMES]
    assert [mask_shown(one) for one in drawing.asked] == [open_image(mask_of(number)).tobytes() for number in order]
    assert all(not one.extensions["controlnet"]["units"][0]["mask_folder"] for one in drawing.asked)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("a.png", "c.png"), "unit 0: its mask folder has no mask named as 'b.png' is"),
        (("x.png", "y.png"), "unit 0: its mask folder has 2 masks for 3 pictures, and none is named as a picture is"),
        ((), "There are no pictures in"),
    ],
)
def test_masks_that_are_missing_are_said_at_the_door(place: Place, masks: Path, names: tuple[str, ...], sentence: str) -> None:
    for number, name in enumerate(names):
        (masks / name).write_bytes(mask_of(number))
    request = asked({"batch_folder": str(place.pictures), "mask_folder": str(masks)})
    with pytest.raises(BadRequest, match=sentence):
        place.registry.instances(request).request(request)


def test_a_mask_folder_that_nobody_named_or_without_pictures_is_refused(place: Place, tmp_path: Path) -> None:
    place.allowed.name(str(place.pictures))
    (tmp_path / "secret").mkdir()
    secret = {"batch_folder": str(place.pictures), "mask_folder": str(tmp_path / "secret")}
    for unit, sentence in (
        (secret, "the mask folder '.*' was not named on this machine"),
        ({"image": place.data("a"), "mask_folder": str(place.pictures)}, "has a mask folder and no batch folder"),
    ):
        request = asked(unit)
        with pytest.raises(BadRequest, match=sentence):
            place.registry.instances(request).request(request)


def test_in_img2imgs_batch_the_mask_is_the_pictures(place: Place, masks: Path) -> None:
    for number in range(3):
        (masks / f"{number}.png").write_bytes(mask_of(number))
    source = SourceImage(pictures=(file(noise(64, 64, seed=9)),), strength=0.9, name="b.jpg")
    request = asked({"batch_folder": str(place.pictures), "mask_folder": str(masks)}, source=source)
    found = place.registry.instances(request).request(request)
    assert shown(found) == open_image(place.data("b")).tobytes() and mask_shown(found) == open_image(mask_of(1)).tobytes()
    assert place.registry.instances(found).driver() is None


def test_loopback_follows_the_last_result(place: Place) -> None:
    drawing = Drawing()
    result = driven(place, drawing, asked({"loopback": True}, batch_count=3))
    assert [one.extensions["controlnet"]["units"][0]["enabled"] for one in drawing.asked] == [False, True, True]
    assert [shown(one) for one in drawing.asked[1:]] == [image.image.tobytes() for image in result.images[:2]]
    assert [one.seed for one in drawing.asked] == [5, 6, 7]
    assert [one.batch_count for one in drawing.asked] == [1, 1, 1]


def test_a_unit_with_one_picture_is_not_driven(place: Place) -> None:
    request = asked({"image": place.data("a")})
    assert place.registry.instances(request).driver() is None


def test_pictures_of_img2imgs_batch_have_theirs_by_name(place: Place, tmp_path: Path) -> None:
    (tmp_path / "models" / "Stable-diffusion").mkdir()
    tiny.checkpoint(tmp_path / "models" / "Stable-diffusion" / "one.safetensors")
    place.library = Library.at(tmp_path / "models", tmp_path, check_checkpoint)
    place.allowed.name(str(place.pictures))
    store = SettingsStore(tmp_path / "settings.json")
    relays = place.registry.instances
    pipeline = PipelineManager(library=place.library, settings=store, root=tmp_path, device=lambda: tiny.CPU, relays=relays)
    source = file(noise(64, 64, seed=9))
    names = ("b.jpg", "z.jpg", "c.jpg")
    batch = BatchRequest(
        request=asked({"batch_folder": str(place.pictures)}),
        source={"strength": 0.9},
        pictures=tuple(NamedPicture(data=source, name=name) for name in names),
    )
    listener = tiny.Listener()
    result = run_batch(pipeline, batch, listener)
    assert len(result.images) == 2
    assert "z.jpg was left out: ControlNet unit 0: its batch folder has no picture named as 'z.jpg'" in result.warnings[0]
    for image, name in zip(result.images, ("b", "c"), strict=True):
        own = SourceImage(pictures=(source,), strength=0.9)
        alone = pipeline.generate(asked({"image": place.data(name)}, source=own), tiny.Listener())
        assert np.array_equal(np.asarray(image.image), np.asarray(alone.images[0].image))
