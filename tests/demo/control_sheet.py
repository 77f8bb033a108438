"""`python -m tests.demo.control_sheet`: shows what the bundled control network does, in models/controlnet-sheet.jpg, with figures."""

from pathlib import Path

import numpy as np

from modules.demo import control_trial
from tests.extensions.drawing import bundled

MODELS = Path(__file__).parents[2] / "models"


def main() -> None:
    """Writes the sheet of the first sixteen examples; measures all twenty-four."""
    shown = control_trial.examples(24)
    without, made = (control_trial.pictures(shown, MODELS, bundled().instances, controlled=controlled) for controlled in (False, True))
    for name, found in (("without", without), ("with", made)):
        figures = [control_trial.overlap(picture, one.lines) for picture, one in zip(found, shown, strict=True)]
        print(f"edge overlap {name}: mean {np.mean(figures):.3f}, least {min(figures):.3f}")
    control_trial.write_sheet(MODELS / "controlnet-sheet.jpg", shown[:16], without[:16], made[:16])


if __name__ == "__main__":
    main()
