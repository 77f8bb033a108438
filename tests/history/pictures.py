"""Small pictures with infotexts, and a history over a folder of them."""

import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.history.history import History
from modules.settings.store import SettingsStore


def infotext(prompt: str = "a castle", *, negative: str = "", seed: int = 1, model: str = "demo", sampler: str = "Euler a",
             more: str = "") -> str:  # fmt: skip
    """An infotext as A1111 writes it; `more` is put before the version."""
    second = f"\nNegative prompt: {negative}" if negative else ""
    return (f"{prompt}{second}\nSteps: 20, Sampler: {sampler}, Schedule type: Karras, CFG scale: 7, Seed: {seed}, Size: 64x48, "
            f"Model hash: 0123456789, Model: {model}{more}, Version: v1.10.1")  # fmt: skip


def draw(path: Path, text: str | None = None, *, size: tuple[int, int] = (64, 48), color: str | tuple[int, int, int] = "red",
         made: float | None = None, chunk: str = "parameters") -> Path:  # fmt: skip
    """A picture file of one colour; `made` is its time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngInfo()
    if text is not None:
        info.add_text(chunk, text)
    Image.new("RGB", size, color).save(path, pnginfo=info if path.suffix == ".png" else None)
    if made is not None:
        os.utime(path, (made, made))
    return path


@dataclass
class Place:
    """A data folder with its outputs."""

    data: Path

    @property
    def outputs(self) -> Path:
        return self.data / "outputs"

    def history(self) -> History:
        """A history whose thread does not run: `scan` is called by the test."""
        self.outputs.mkdir(parents=True, exist_ok=True)
        return History(self.data, self.outputs, SettingsStore(self.data / "settings.json"))


def paths(history: History, query: str = "", *, sort: str = "newest", trash: bool = False) -> list[str]:
    """The paths of what a search finds."""
    return [row.path for row in history.rows(history.search(query, sort=sort, trash=trash).ids)]
