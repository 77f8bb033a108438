"""Pictures that are saved apart."""

import csv
from pathlib import Path

from modules.frontend.keeping import COLUMNS, keep

INFOTEXT = 'a "red", fish\nNegative prompt: boat\nSteps: 9, Sampler: Euler a, CFG scale: 5.5, Seed: 77, Size: 192x128, Model: demo'


def test_a_picture_is_copied_beside_its_line_in_the_log_and_never_over_another(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    for content in (b"one", b"two"):
        picture.write_bytes(content)
        keep(picture, INFOTEXT, tmp_path / "log" / "images")
    kept = tmp_path / "log" / "images"
    assert ((kept / "picture.png").read_bytes(), (kept / "picture-2.png").read_bytes()) == (b"one", b"two")
    with (tmp_path / "log" / "log.csv").open(encoding="utf8", newline="") as file:
        header, first, second = csv.reader(file)
    assert header == list(COLUMNS)
    assert dict(zip(header, first, strict=True)) | {"sd_model_hash": ""} == {
        "prompt": 'a "red", fish', "seed": "77", "width": "192", "height": "128", "sampler": "Euler a", "cfgs": "5.5", "steps": "9",
        "filename": "picture.png", "negative_prompt": "boat", "sd_model_name": "demo", "sd_model_hash": "",
    }  # fmt: skip
    assert second[header.index("filename")] == "picture-2.png"
