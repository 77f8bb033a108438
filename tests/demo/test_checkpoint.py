"""The demo checkpoint draws what it is asked for, in combinations its training never saw."""

from pathlib import Path

import pytest

from modules.demo import judge, trial

CHECKPOINT = Path(__file__).parents[2] / "models" / "Stable-diffusion" / "demo.safetensors"
LARGEST = 40_000_000  # bytes


def test_the_checkpoint_is_small_enough_to_come_along() -> None:
    assert CHECKPOINT.stat().st_size <= LARGEST


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_unseen_combinations_have_the_right_background_colour_and_thing() -> None:
    asked = judge.prompts()
    found = judge.verdicts(trial.pictures(CHECKPOINT, [text for text, _ in asked]))
    pairs = [(scene, verdict) for (_, scene), verdict in zip(asked, found, strict=True)]
    background = sum(scene.background == verdict.background for scene, verdict in pairs) / len(pairs)
    colour = sum(scene.first.colour == verdict.colour for scene, verdict in pairs) / len(pairs)
    thing = sum(scene.first.thing == verdict.thing for scene, verdict in pairs) / len(pairs)
    print(f"background {background:.3f}, colour {colour:.3f}, thing {thing:.3f}")
    assert background >= 0.95
    assert colour >= 0.90
    assert thing >= 0.80
