"""Which pictures a training learns least: the file in its folder that says so, and what the page shows of it.

pictures.json: {"step": 120, "pictures": [{"name": "0/cat.png", "seen": 24, "ratio": 1.8, "error": 0.07, "fit": 0.6}, …]}
`ratio` is a picture's loss over the usual one at the same timesteps, 1 for the median picture; `error` the standard error of its logarithm
(`training.steps.picture_losses`). `fit` is its loss with its caption over that without, at the end (`training.steps.caption_fit`). Each is
null where it is not known.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from modules.contract.errors import NotFound, WebuiError
from modules.contract.files import write_whole
from modules.contract.training import TrainingRequest
from modules.datasets.captions import LARGEST, caption_file, decode
from modules.datasets.pictures import SUFFIXES
from modules.datasets.scan import root_of
from modules.training.runs.run_folder import RunFolder

FILE = "pictures.json"
HARD = 1.25  # times the usual loss, and above
FEWEST = 8  # showings before anything is said
SURE = 3.0  # standard errors: of 1,000 pictures that are alike, one or two go so far by chance
LITTLE = 1.4  # times the median `fit`: wrong captions had 1.5 to 2 in trials with the demo checkpoint, right ones 1.38 at most
TAUGHT = 0.9  # a median `fit` above says that captions were not learned at all, or say nothing
FEWEST_FITS = 4  # pictures, for one to be unlike the others
Verdict = Literal["hard", "usual", "easy", "few"]


@dataclass(frozen=True)
class Measured:
    """A picture's numbers, as the file has them."""

    name: str
    seen: int
    ratio: float | None
    error: float | None
    fit: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Hard or easy only where it is far from the usual by more than chance."""
        if self.ratio is None or self.error is None or self.seen < FEWEST:
            return "few"
        away, sure = math.log(self.ratio), SURE * self.error
        if abs(away) <= sure:
            return "usual"
        return "hard" if self.ratio >= HARD else "easy" if self.ratio <= 1 / HARD else "usual"


def write(run: RunFolder, step: int, pictures: Sequence[Measured]) -> None:
    """Replace the file."""
    write_whole(run.path / FILE, json.dumps({"step": step, "pictures": [asdict(one) for one in pictures]}, ensure_ascii=False).encode())


def read(run: RunFolder) -> tuple[int, list[Measured]]:
    """The step that it was measured up to, and the pictures; step 0 without any where there is no file that can be read."""
    try:
        values = json.loads((run.path / FILE).read_text("utf8"))
        return int(values["step"]), [Measured(**one) for one in values["pictures"]]
    except (OSError, ValueError, KeyError, TypeError):
        return 0, []


def told(run: RunFolder, request: TrainingRequest) -> dict[str, Any]:
    """What the page shows: the step, and the pictures, hardest first, each with its caption and whether its file is still there."""
    step, pictures = read(run)
    roots = [root(each.folder) for each in request.data.folders]
    doubted = doubtful(pictures)
    lines = [{**asdict(one), "verdict": one.verdict, "doubtful": one.name in doubted, **beside(one.name, roots)} for one in pictures]
    lines.sort(key=lambda line: (not line["doubtful"], line["verdict"] == "few", -(line["ratio"] or 0.0), line["name"]))
    return {"step": step, "pictures": lines, "folders": [each.folder for each in request.data.folders]}


def doubtful(pictures: Sequence[Measured]) -> set[str]:
    """The names of pictures whose caption helps far less than those of others do."""
    fits = {one.name: one.fit for one in pictures if one.fit is not None}
    if len(fits) < FEWEST_FITS or (middle := median(fits.values())) > TAUGHT:
        return set()
    return {name for name, fit in fits.items() if fit > LITTLE * middle}


def root(folder: str) -> Path | None:
    """A folder as it really lies; None where it is not there any more."""
    try:
        return root_of(folder)
    except WebuiError:
        return None


def beside(name: str, roots: Sequence[Path | None]) -> dict[str, Any]:
    """A picture's caption as it is now, and whether its file is still there."""
    path = place(name, roots)
    if path is None:
        return {"there": False, "caption": None}
    text = caption_file(path)
    try:
        with text.open("rb") as file:
            return {"there": True, "caption": decode(file.read(LARGEST))[0].strip()}
    except OSError:
        return {"there": True, "caption": None}


def picture(run: RunFolder, request: TrainingRequest, name: str) -> Path:
    """The file of a picture that the training was measured on. Raises NotFound."""
    known = any(one.name == name for one in read(run)[1])
    path = place(name, [root(each.folder) for each in request.data.folders]) if known else None
    if path is None:
        raise NotFound(f"There is no picture '{name}' in this training's data.", "It may have been left out or moved.")
    return path


def place(name: str, roots: Sequence[Path | None]) -> Path | None:
    """Where a picture lies, by its name: the number of its folder, then the path below it. None where it is no picture there any more."""
    number, _, short = name.partition("/")
    home = roots[int(number)] if number.isdecimal() and int(number) < len(roots) else None
    if home is None:
        return None
    path = (home / short).resolve()
    return path if path.is_relative_to(home) and path.suffix.lower() in SUFFIXES and path.is_file() else None
