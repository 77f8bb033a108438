"""Pictures that a person saves apart, with a line for each in log.csv, as A1111's save button does."""

import csv
import io
import os
from pathlib import Path

from modules.contract.files import write_whole
from modules.infotext.read import read

COLUMNS = {  # column of log.csv -> label in the infotext
    "prompt": "Prompt",
    "seed": "Seed",
    "width": "Size-1",
    "height": "Size-2",
    "sampler": "Sampler",
    "cfgs": "CFG scale",
    "steps": "Steps",
    "filename": "",
    "negative_prompt": "Negative prompt",
    "sd_model_name": "Model",
    "sd_model_hash": "Model hash",
}


def keep(picture: Path, infotext: str, folder: Path) -> Path:
    """A copy of a picture's file in a folder, under its own name or the next that is free there; its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = free(folder / picture.name)
    write_whole(path, picture.read_bytes())
    labels = {**read(infotext), "": path.name}
    log = folder.parent / "log.csv"
    rows = io.StringIO(newline="")
    writer = csv.writer(rows)
    if not log.exists():
        writer.writerow(COLUMNS)
    writer.writerow([labels.get(label, "") for label in COLUMNS.values()])
    with log.open("a", encoding="utf8", newline="") as file:
        file.write(rows.getvalue())
        file.flush()
        os.fsync(file.fileno())
    return path


def free(path: Path) -> Path:
    """The path, or with a number behind the name the first that is not taken."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found
