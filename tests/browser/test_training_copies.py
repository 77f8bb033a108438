"""A sample that is nearly a picture that was trained on bears a mark; a click on it shows both side by side."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from modules.contract.training import training_request_from
from modules.imaging.metadata import encode
from modules.training.runs.copies import values
from modules.training.runs.run_folder import RunFolder, Status
from tests.browser.conftest import Program, ready
from tests.browser.test_training import open_tab
from tests.training.test_copies import again, copies_of, drawing, lesson

pytestmark = pytest.mark.browser
NAME = "Learned Mushroom"


@pytest.fixture
def run(program: Program, tmp_path: Path) -> RunFolder:
    """A training that has ended; of its two samples the later is nearly its third picture."""
    images = lesson("mushroom")
    copies = copies_of(tmp_path, images)
    made = copies.run
    made.write_request(training_request_from({"name": NAME, "trigger": "mushroom", "checkpoint": "demo.safetensors"}))
    for step, image in ((0, drawing("star", 1)), (40, again(images[2]))):
        name = f"{step:08}-0.png"
        made.samples.mkdir(exist_ok=True)
        (made.samples / name).write_bytes(encode(image, format="png", infotext="a mushroom"))
        copy = copies.check(step, 0, "a mushroom", image)
        made.tell("sample", step=step, prompt=0, text="a mushroom", file=name, seed=1, infotext="", **values(copy))
    made.write_status(Status(state="done", step=40, steps=40, queued_at=time.time(), ended=time.time()))
    place = program.data / "trainings" / "learned-mushroom"
    place.parent.mkdir(exist_ok=True)
    if not place.exists():
        made.path.rename(place)
    return RunFolder(place)


def opened_run(page: Page) -> None:
    open_tab(page)
    page.get_by_role("tab", name="Trainings").click()
    page.get_by_role("button", name=NAME, exact=True).click()


def test_a_copy_is_marked_and_shown_beside_the_picture_that_it_is_nearly(page: Page, run: RunFolder) -> None:
    opened_run(page)
    expect(page.locator(".training-remarks")).to_contain_text("A sample is nearly 02.png, which it was trained on")
    mark = page.locator(".training-grid").get_by_role("button", name="Step 40: nearly a picture that was trained on")
    expect(page.locator(".training-copied")).to_have_count(1)
    mark.click()
    dialog = page.get_by_role("dialog", name="Nearly a picture that was trained on")
    expect(dialog.locator("figcaption").last).to_contain_text("02.png")
    expect(dialog).to_contain_text("of 255 levels on average")
    page.wait_for_function("() => [...document.querySelectorAll('.training-pair img')].filter((one) => one.naturalWidth === 128 "
                           "|| one.naturalWidth === 112).length === 2")  # fmt: skip
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.locator(".training-cell").last.get_by_role("button").first.click()
    expect(page.get_by_role("dialog", name="Samples over each other")).to_be_visible()


def test_both_pictures_fit_a_phone(chromium: Browser, program: Program, run: RunFolder) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    opened_run(page)
    page.locator(".training-copied").tap()
    pair = page.locator(".training-pair img")
    expect(pair).to_have_count(2)
    sides = [box for each in pair.all() if (box := each.bounding_box())]
    assert len(sides) == 2 and all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in sides)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
