"""A training that ran out of memory, on its page: what it may change stands there as buttons, and with one of them it goes on and ends."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, Route, expect

from modules.assembly import handed_on
from modules.command_line import LaunchOptions
from modules.contract.training import TrainingRequest, training_request_from
from modules.training.runs.run_folder import RunFolder
from modules.training.runs.tried import tried
from modules.training.steps import loop
from modules.training_process import main
from tests.browser.conftest import Program
from tests.browser.test_training import COLORS, LONG, open_tab, outlook, point_at, star

pytestmark = pytest.mark.browser
DEVICE = {"place": "cpu", "dtype": "float32", "vae_dtype": "float32", "channels_last": False}
STEPS, SHORT_AT = 6, 3


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "yellow star"
    folder.mkdir()
    for number, (name, color) in enumerate(COLORS.items()):
        star(color, number / 8).resize((64, 64), Image.Resampling.BOX).save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(f"a star on {name}", "utf8")
    return folder


def asked(pictures: Path) -> TrainingRequest:
    """A training of very few steps, all four pictures in each."""
    return training_request_from(
        {
            "name": "Short Star",
            "trigger": "short_star",
            "checkpoint": "demo.safetensors",
            "data": {"folders": [{"folder": str(pictures)}], "resolution": 64},
            "network": {"rank": 16, "alpha": 16.0},
            "steps": {"steps": STEPS, "batch": 4, "precision": "fp32"},
            "optimizer": {"rate": 1e-3, "warm_up": 0},
            "samples": {"on": False},
            "saving": {"state_every": 2, "export_every": STEPS},
        }
    )


@pytest.fixture
def run(program: Program, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A training among the program's own whose process ran out of memory at a step, as a card says it."""
    whole = loop.gradients

    def gradients(session: Any, batches: Any, step: int) -> Any:
        if step >= SHORT_AT:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(session, batches, step)

    made = RunFolder(tmp_path / "short-star")
    made.path.mkdir()
    made.write_request(asked(pictures))
    flags = handed_on(LaunchOptions(data_dir=program.data, models_dir=program.data / "models"))
    (made.path / "program.json").write_text(json.dumps({"flags": flags, "device": DEVICE}))
    kept = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "gradients", gradients)
        assert main(made.path) == 1
    signal.signal(signal.SIGTERM, kept)
    place = program.data / "trainings" / "short-star"
    place.parent.mkdir(exist_ok=True)
    return RunFolder(made.path.rename(place))


@pytest.mark.slow
def test_a_training_without_memory_goes_on_with_what_was_pressed_and_ends(page: Page, run: RunFolder) -> None:
    assert (run.status().state, run.status().short_of_memory) == ("failed", "yes")
    open_tab(page)
    page.get_by_role("tab", name="Trainings").click()
    page.get_by_role("button", name="Short Star", exact=True).click()
    ladder = page.get_by_role("region", name="Memory")
    expect(ladder.get_by_role("button")).to_have_text([
        "Compute in bf16", "Gradient checkpointing", "Batches of 2, 2 for each step", "Rank 8",
    ])  # fmt: skip
    expect(ladder).to_contain_text("It goes on from step 2.")
    ladder.get_by_role("button", name="Rank 8").click()
    expect(page.locator("#training_network_rank-input")).to_have_value("8")
    expect(page.locator("#training_steps_batch-input")).to_have_value("4")
    page.get_by_role("tab", name="Trainings").click()
    expect(ladder).to_contain_text("Tried before: Rank 8")
    ladder.get_by_role("button", name="Batches of 2").click()
    expect(page.locator(".training-run .training-chips")).to_contain_text("Done", timeout=LONG)
    expect(ladder).to_be_hidden()
    expect(page.locator(".training-remarks")).to_contain_text("From here on: take 2 at once in place of 4, and accumulate 2.")
    assert (run.request().steps.batch, run.request().steps.accumulation, run.status().step) == (2, 2, STEPS)
    assert [(one["kind"], one["resumed"]) for one in tried(run)] == [("rank", False), ("batch", True)]
    assert sum(len(event["losses"]) for event in run.events()[0] if event["kind"] == "step") == STEPS


def test_where_it_does_not_fit_before_the_start_a_rung_is_put_into_the_form(page: Page, pictures: Path) -> None:
    rung = {"kind": "batch", "changes": {"steps": {"batch": 1, "accumulation": 2}}, "resumes": True, "saves": 3 << 30}
    short = {"state": "failed", "error": "There was not enough memory for a step.", "hint": "", "short": "yes", "rungs": [rung]}
    answers = [short, {**short, "error": "Still too large.", "rungs": []}]

    def answer(route: Route) -> None:
        begun = route.request.method == "POST"
        route.fulfill(json={"id": "trial"} if begun else answers.pop(0))

    page.route("**/webui/training/fit**", answer)
    open_tab(page)
    point_at(page, pictures)
    says = outlook(page)
    says("4 pictures")
    page.get_by_role("button", name="Measure time and memory").click()
    says("Saves about 3.00 GB.")
    page.get_by_role("button", name="Batches of 1, 2 for each step").click()
    says("Still too large.")
    expect(page.locator("#training_steps_batch-input")).to_have_value("1")
    expect(page.locator("#training_steps_accumulation-input")).to_have_value("2")
    assert answers == []
