"""Asks the whole application for pictures from the demo checkpoint: to be judged, and to be shown on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from ..contract.progress import Silence
from ..contract.request import GenerationRequest, Size
from ..families.identify import check_checkpoint
from ..pipeline.library import Library, Places
from ..pipeline.manager import PipelineManager
from ..runtime.device import on_processor
from ..settings.store import SettingsStore
from .drawing import Picture

SIDE = 128
COLUMNS, ROWS = 8, 5
CAPTION_HEIGHT = 26


def pictures(
    checkpoint: Path,
    prompts: Sequence[str],
    *,
    sampler: str = "Euler a",
    steps: int = 20,
    loras: Sequence[Path] = (),
    embeddings: Sequence[Path] = (),
) -> list[Picture]:
    """One picture of 128 x 128 for each prompt, guidance 5; each prompt's seed is its place in the list.

    `loras` and `embeddings`: folders of what prompts may name.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        manager = PipelineManager(
            library=Library.at(
                root, root, check_checkpoint, Places(checkpoints=[checkpoint.parent], loras=[*loras], embeddings=[*embeddings])
            ),
            settings=SettingsStore(root / "settings.json"),
            root=root,
            device=lambda: on_processor(full=True),
        )
        asked = GenerationRequest(
            size=Size(SIDE, SIDE),
            steps=steps,
            guidance=5,
            sampler=sampler,
            checkpoint=checkpoint.stem,
            save=False,
            settings={"randn_source": "CPU"},
        )
        made = [manager.generate(asked.replace(prompt=text, seed=seed), Silence()) for seed, text in enumerate(prompts)]
        return [np.asarray(result.images[0].image) for result in made]


def write_sheet(path: Path, made: Sequence[Picture], prompts: Sequence[str]) -> None:
    """The pictures with their prompts below, as a JPEG file."""
    sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * (SIDE + CAPTION_HEIGHT)), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (picture, text) in enumerate(zip(made[: COLUMNS * ROWS], prompts, strict=False)):
        x, y = place % COLUMNS * SIDE, place // COLUMNS * (SIDE + CAPTION_HEIGHT)
        sheet.paste(Image.fromarray(picture), (x, y))
        words = text.split()
        for line, part in enumerate((words[: len(words) // 2], words[len(words) // 2 :])):
            pen.text((x + SIDE / 2, y + SIDE + 7 + 12 * line), " ".join(part), fill="black", anchor="mm", font_size=10)
    sheet.save(path, "JPEG", quality=90, subsampling=0)
