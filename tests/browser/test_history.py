"""The History tab: a real picture appears, is found, looked at, marked, deleted, brought back, compared, taken up again."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program, fill, job_shown
from tests.history.pictures import draw, infotext

pytestmark = pytest.mark.browser
CELLS = "webui-history .virtual-cell"
DETAIL = "dialog.history-detail"


@pytest.fixture
def pictures(program: Program) -> Iterator[Path]:
    """Eight pictures in a folder of their own below the outputs."""
    folder = program.data / "outputs" / "history-test"
    for number in range(8):
        text = infotext(f"a windmill, {'night' if number % 2 else 'noon'}", seed=700 + number, model="demo" if number < 4 else "other")
        draw(folder / f"{number}.png", text, size=(96, 64), color=(30 * number, 100, 200 - 20 * number), made=1_700_000_000 + number)
    yield folder
    shutil.rmtree(folder)


def opened(page: Page, query: str, count: int) -> None:
    """Open the tab with what a query finds."""
    page.click("#tab_history-button")
    page.click("#history_scan")
    search(page, query, count)


def search(page: Page, query: str, count: int) -> None:
    page.fill("#history_search", query)
    expect(page.locator("#history_count")).to_have_text(re.compile(rf"^{count} (of|pictures?)"))
    expect(page.locator(f"{CELLS} img.there")).to_have_count(count)


def test_a_generated_picture_appears_is_found_and_its_settings_go_back(page: Page) -> None:
    fill(page, steps=3, seed=4711)
    page.fill("#txt2img_prompt textarea", "a yellow moon over the sea")
    page.click("#txt2img_generate")
    job_shown(page)
    page.click("#tab_history-button")
    search(page, 'seed:4711 "yellow moon"', 1)
    page.locator(CELLS).click()
    expect(page.locator(f"{DETAIL} .detail-fields")).to_contain_text("4711")
    page.get_by_role("button", name="Use settings").click()
    expect(page.locator(DETAIL)).to_be_hidden()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a yellow moon over the sea")
    expect(page.locator("#txt2img_seed").locator("textarea, input").first).to_have_value("4711")


def test_suggestions_filters_and_wrong_words_guide_the_search(page: Page, pictures: Path) -> None:
    opened(page, "windmill", 8)
    page.fill("#history_search", "windmill ")
    page.locator("#history_search").press_sequentially("model:ot")
    page.get_by_role("option", name="model:other").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#history_search")).to_have_value("windmill model:other ")
    expect(page.locator("#history_count")).to_have_text(re.compile("^4 of"))
    page.click("#history_filters")
    expect(page.get_by_label("Model", exact=True)).to_have_value("other")
    page.get_by_label("Model", exact=True).select_option("")
    expect(page.locator("#history_count")).to_have_text(re.compile("^8 of"))
    page.fill("#history_search", "windmill size:big")
    expect(page.locator(".history-hints")).to_contain_text("512x768")
    page.fill("#history_search", "nothing-is-like-this")
    expect(page.locator("webui-history .empty")).to_have_text("No picture is like that.")


def test_a_picture_is_looked_at_marked_deleted_and_brought_back_by_keys(page: Page, pictures: Path) -> None:
    opened(page, "windmill", 8)
    page.locator(CELLS).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    place = page.locator(f"{DETAIL} .detail-place")
    expect(place).to_have_text("2 of 8")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text("3 of 8")
    expect(page.locator(f"{DETAIL} .detail-fields")).to_contain_text("705")
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Favourite (F)")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Delete")
    expect(place).to_have_text("3 of 7")
    page.wait_for_function("() => !document.querySelector('webui-history').busy")
    assert not (pictures / "5.png").exists()
    page.locator(".history-toast").get_by_role("button", name="Undo").click()
    expect(place).to_have_text(re.compile("of 8"))
    assert (pictures / "5.png").is_file()
    page.keyboard.press("Escape")
    expect(page.locator(f"{CELLS}:focus")).to_have_count(1)
    page.click("#history_favourites")
    expect(page.locator("#history_count")).to_have_text(re.compile("^1 of"))
    expect(page.locator("#history_search")).to_have_value("windmill is:favourite")


def test_many_are_selected_deleted_and_restored_from_the_trash(page: Page, pictures: Path) -> None:
    opened(page, "windmill night", 4)
    page.locator(CELLS).nth(0).click(modifiers=["Control"])
    page.locator(CELLS).nth(2).click(modifiers=["Shift"])
    chosen = page.locator(".history-chosen")
    expect(chosen).to_contain_text("3 selected")
    with page.expect_download() as download:
        chosen.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "pictures.zip"
    chosen.get_by_role("button", name="Delete").click()
    expect(page.locator("#history_count")).to_have_text(re.compile("^1 of"))
    page.wait_for_function("() => !document.querySelector('webui-history').busy")
    assert len(list(pictures.iterdir())) == 5
    page.click("#history_trash")
    expect(page.locator("#history_count")).to_have_text("3 pictures in the trash")
    page.locator(CELLS).first.focus()
    page.keyboard.press("Control+a")
    chosen.get_by_role("button", name="Restore").click()
    expect(page.locator("webui-history .empty")).to_have_text("No picture in the trash is like that.")
    page.click("#history_trash")
    search(page, "windmill", 8)
    assert len(list(pictures.iterdir())) == 8


def test_two_pictures_are_compared_and_their_difference_explained(page: Page, pictures: Path) -> None:
    opened(page, "windmill model:demo", 4)
    page.locator(CELLS).nth(0).click(modifiers=["Control"])
    page.locator(CELLS).nth(1).click(modifiers=["Control"])
    page.get_by_role("button", name="Compare").click()
    compare = page.locator("dialog.history-compare")
    expect(compare.locator("tbody tr")).to_have_count(1)
    expect(compare.locator("tbody tr")).to_contain_text("Seed")
    expect(compare.locator("del")).to_have_text("noon")
    expect(compare.locator("ins")).to_have_text("night")
    compare.locator(".stage").first.hover()
    page.mouse.wheel(0, -500)
    planes = compare.locator(".stage-plane")
    assert planes.nth(0).evaluate("(plane) => plane.style.transform") == planes.nth(1).evaluate("(plane) => plane.style.transform")
    assert "scale(1)" not in planes.nth(0).evaluate("(plane) => plane.style.transform")
    compare.get_by_role("radio", name="Difference").click()
    expect(compare.locator(".compare-note")).to_have_text("100 % of the pixels differ, by 30 of 255 at most.")
    compare.get_by_role("radio", name="Slider").click()
    slider = compare.get_by_label("How much of the left picture shows")
    slider.fill("1000")
    assert compare.locator(".compare-over").evaluate("(over) => over.style.clipPath") == "inset(0px 0% 0px 0px)"
    page.keyboard.press("Escape")
    expect(compare).to_be_hidden()


def test_a_phone_has_room_for_all_of_it(page: Page, pictures: Path) -> None:
    opened(page, "windmill", 8)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(CELLS).first).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.locator(CELLS).first.click()
    expect(page.locator(f"{DETAIL} .detail-fields")).to_be_visible()
    assert page.locator(DETAIL).evaluate("(dialog) => dialog.scrollWidth") <= 390
