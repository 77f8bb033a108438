"""What a training says of its speed."""

from pathlib import Path

import pytest

from modules.training.runs.run_folder import RunFolder
from modules.training.steps import speed
from modules.training.steps.recovery import Looked
from modules.training.steps.report import Report


def test_steps_that_become_five_times_as_slow_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(speed.time, "monotonic", lambda: now[0])
    meter = speed.Meter(100)
    report = Report(RunFolder(tmp_path), meter, steps=100, epoch_steps=10, silent=False)
    meter.start()

    def take(steps: range, seconds: float) -> None:
        for step in steps:
            now[0] += seconds
            meter.step(4, 1e9)
            report.steps([Looked(step + 1, 0.1, False)], mean=0.1, rate=1e-4, now=True)

    take(range(40), 0.1)
    assert not meter.spilling
    take(range(40, 80), 0.7)
    warnings = [event for event in RunFolder(tmp_path).events()[0] if event["kind"] == "warning"]
    assert len(warnings) == 1 and "5 times as long" in warnings[0]["text"]
