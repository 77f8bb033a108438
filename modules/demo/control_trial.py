"""How well the demo's control network makes pictures follow lines: held-out drawings, with it and without it, from the same seeds."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..contract.progress import Silence
from ..contract.request import GenerationRequest, Size
from ..families.identify import check_checkpoint
from ..pipeline.library import Library
from ..pipeline.manager import PipelineManager
from ..pipeline.relay import Relay
from ..runtime.device import on_processor
from ..settings.store import SettingsStore
from .captions import canonical
from .control_album import Lines, lines_of, placed_anywhere
from .drawing import Picture, draw
from .scenes import Scene, unseen_scenes

SEED = 8
SIDE = 128
STEPS = 12
MODEL = "demo-lines"
NEAR = 2  # pixels that a line may be off
COLUMNS, CAPTION_HEIGHT, GAP = 8, 26, 4


@dataclass(frozen=True)
class Example:
    """A drawing of a combination that training never saw, at a place, in a size and a tilt of its own; its lines and its caption."""

    scene: Scene
    picture: Picture
    lines: Lines
    prompt: str


def examples(count: int) -> list[Example]:
    """The first `count` of them."""
    found: list[Example] = []
    for index, scene in enumerate(unseen_scenes(count)):
        rng = np.random.default_rng((SEED, index))
        picture = placed_anywhere(draw(scene, 2 * SIDE, rng), rng)
        found.append(Example(scene, picture, lines_of(picture), canonical(scene)))
    return found


def pictures(shown: Sequence[Example], models: Path, relays: Callable[[GenerationRequest], Relay], *, controlled: bool) -> list[Picture]:
    """A picture for each example, guidance 5, its place in the list its seed; `controlled` with the bundled control network and its lines.

    `models` is the folder with the bundled models; `relays` gives the program's extensions, ControlNet among them.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        library = Library.at(models, root, check_checkpoint)
        settings = SettingsStore(root / "settings.json")
        manager = PipelineManager(library=library, settings=settings, root=root, device=lambda: on_processor(full=True), relays=relays)
        made: list[Picture] = []
        for seed, example in enumerate(shown):
            unit = {"image": as_file(example.lines), "module": "none", "model": MODEL}
            request = GenerationRequest(
                prompt=example.prompt,
                size=Size(SIDE, SIDE),
                steps=STEPS,
                guidance=5,
                sampler="Euler a",
                seed=seed,
                checkpoint="demo",
                save=False,
                settings={"randn_source": "CPU"},
                extensions={"controlnet": {"units": [unit]}} if controlled else {},
            )
            made.append(np.asarray(manager.generate(request, Silence()).images[0].image))
        return made


def as_file(lines: Lines) -> str:
    """Lines as a picture file in base64."""
    return base64.b64encode(cv2.imencode(".png", lines)[1].tobytes()).decode()


def overlap(picture: Picture, lines: Lines) -> float:
    """How far a picture's edges are those lines, 0..1: the harmonic mean of the share of lines that have an edge beside them and of
    the share of edges that have a line beside them, no more than NEAR pixels away.
    """
    edges = lines_of(picture)
    if not edges.any() or not lines.any():
        return 0.0
    recall, precision = share_near(lines, edges), share_near(edges, lines)
    return 2 * recall * precision / max(recall + precision, 1e-9)


def share_near(these: Lines, those: Lines) -> float:
    """The share of some line pixels that have others within NEAR pixels."""
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR + 1, 2 * NEAR + 1))
    near: NDArray[np.uint8] = np.asarray(cv2.dilate(those, brush), np.uint8)
    return float((near[these > 0] > 0).mean())


def write_sheet(path: Path, shown: Sequence[Example], without: Sequence[Picture], made: Sequence[Picture]) -> None:
    """Rows of lines, of pictures made without them and of pictures made with them, with their prompts below, as a JPEG file."""
    rows: list[Callable[[int], Picture]] = [
        lambda place: np.repeat(shown[place].lines[:, :, None], 3, axis=2),
        lambda place: without[place],
        lambda place: made[place],
    ]
    bands = (len(shown) + COLUMNS - 1) // COLUMNS
    height = len(rows) * SIDE + CAPTION_HEIGHT + GAP
    sheet = Image.new("RGB", (COLUMNS * SIDE, bands * height), "white")
    pen = ImageDraw.Draw(sheet)
    for place, example in enumerate(shown):
        x, y = place % COLUMNS * SIDE, place // COLUMNS * height
        for row, picture in enumerate(rows):
            sheet.paste(Image.fromarray(picture(place)), (x, y + row * SIDE))
        words = example.prompt.split()
        for line, part in enumerate((words[: len(words) // 2], words[len(words) // 2 :])):
            pen.text((x + SIDE / 2, y + len(rows) * SIDE + 7 + 12 * line), " ".join(part), fill="black", anchor="mm", font_size=10)
    sheet.save(path, "JPEG", quality=85, subsampling=0)
