"""Which pictures are hard to learn, in a real browser: a grid on a training's page, the hardest first, and what can be done about them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from modules.contract.training import training_request_from
from modules.training.runs import hard_pictures
from modules.training.runs.hard_pictures import Measured
from modules.training.runs.run_folder import RunFolder, Status
from tests.browser.conftest import Program

pytestmark = pytest.mark.browser
COLORS = {"blue": (90, 140, 200), "sand": (200, 180, 120), "green": (110, 170, 110), "violet": (160, 120, 170)}
NUMBERS = {"blue": (24, 1.0, 0.5), "sand": (24, 1.8, 0.55), "green": (24, 1.1, 0.95), "violet": (3, 1.2, 0.5)}
MANY = 1000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four drawings with captions."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    for name, color in COLORS.items():
        image = Image.new("RGB", (96, 96), color)
        ImageDraw.Draw(image).ellipse((20, 20, 76, 76), fill=(250, 210, 40))
        image.save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(f"a disc on {name}", "utf8")
    return folder


@pytest.fixture
def run(program: Program, data: Path) -> Iterator[RunFolder]:
    """A training of them that has ended, with what it has measured."""
    made = RunFolder(program.data / "trainings" / "discs")
    made.path.mkdir(parents=True)
    made.write_request(training_request_from({"name": "Discs", "method": "LoRA", "data": {"folders": [{"folder": str(data)}]}}))
    made.write_status(Status(state="done", step=100, steps=100, queued_at=4e9))
    hard_pictures.write(made, 100, [Measured(f"0/{name}.png", seen, ratio, 0.05, fit) for name, (seen, ratio, fit) in NUMBERS.items()])
    yield made
    shutil.rmtree(made.path)


def opened(page: Page) -> None:
    page.locator("#tab_train-button").click()
    page.get_by_role("tab", name="Trainings").click()
    page.get_by_role("button", name="Discs", exact=True).click()
    expect(page.locator(".training-run h2").first).to_have_text("Discs")


def test_the_hardest_pictures_stand_first_and_can_be_left_out(page: Page, run: RunFolder, data: Path) -> None:
    opened(page)
    part = page.get_by_role("region", name="Hard pictures")
    cells = part.get_by_role("gridcell")
    expect(cells).to_have_count(4)
    names = [str(cell.get_attribute("aria-label")).split(".")[0] for cell in cells.all()]
    assert names == ["green", "sand", "blue", "violet"]
    expect(cells.nth(0)).to_contain_text("The caption may be wrong")
    expect(cells.nth(1)).to_contain_text("1.8 ×")
    expect(cells.nth(1)).to_contain_text("a disc on sand")
    expect(cells.nth(1)).not_to_contain_text("false")
    expect(part).to_contain_text("1 of 4 pictures are hard to learn")
    page.wait_for_function("() => document.querySelector('.training-losses img').naturalWidth > 0")
    part.screenshot(path="/tmp/team/G/light.png")  # SHOT
    cells.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(part.get_by_role("status")).to_have_text("Hard to learn: 1.8 times the usual loss, seen 24 times")
    part.get_by_role("button", name="Leave out").click()
    page.get_by_role("dialog", name="Leave these pictures out?").get_by_role("button", name="Leave out").click()
    expect(cells.nth(1)).to_contain_text("No longer there")
    assert sorted(path.name for path in data.glob("*.png")) == ["blue.png", "green.png", "violet.png"]
    cells.nth(0).click()
    part.get_by_role("button", name="Show in Dataset").click()
    chosen = page.locator("webui-dataset .virtual-cell[aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("a disc on green")


def test_a_thousand_pictures_are_no_thousand_cells(page: Page, run: RunFolder) -> None:
    rows = [Measured(f"0/{number:04}.png", 20, 1 + number / MANY, 0.05) for number in range(MANY)]
    hard_pictures.write(run, 100, rows)
    assert len(json.loads((run.path / hard_pictures.FILE).read_text())["pictures"]) == MANY
    opened(page)
    part = page.get_by_role("region", name="Hard pictures")
    expect(part.get_by_role("gridcell").first).to_have_attribute(
        "aria-label", "0999.png. Hard to learn: 2.0 times the usual loss. seen 20 times. "
    )
    assert part.get_by_role("gridcell").count() < 150
    part.get_by_label("Which pictures").select_option("usual")
    expect(part.get_by_role("gridcell").first).to_contain_text("1.2 ×")
