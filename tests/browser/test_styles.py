"""The styles editor in a browser: written, previewed, renamed, deleted and brought back, over a real styles.csv."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program

pytestmark = pytest.mark.browser

DIALOG = "dialog.styles-dialog"
FILE = 'name,prompt,negative_prompt\nphoto,"{prompt}, photograph",blurry\nink,ink drawing,\n'


@pytest.fixture(autouse=True)
def styles(program: Program) -> Iterator[None]:
    """Two styles on the disk."""
    path = program.data / "styles.csv"
    path.write_text(FILE, "utf8")
    yield
    path.unlink()


def opened_editor(page: Page) -> None:
    page.locator("#txt2img_styles_edit_button").click()
    expect(page.locator(f"{DIALOG} [role=option]").first).to_be_visible()


def names(page: Page) -> list[str]:
    return page.locator(f"{DIALOG} [role=option] > span").all_inner_texts()


def on_disk(program: Program) -> str:
    return (program.data / "styles.csv").read_text("utf-8-sig")


def test_the_current_prompt_becomes_a_style_and_the_forms_hear_of_it(page: Page, program: Program) -> None:
    page.evaluate("() => { window.told = 0; document.addEventListener('webui-styles-changed', () => window.told++); }")
    page.locator("#txt2img_prompt textarea").fill("a lighthouse, oil on canvas")
    page.locator("#txt2img_neg_prompt textarea").fill("people")
    opened_editor(page)
    page.get_by_role("button", name="New style").click()
    page.locator("#txt2img_style_copy").click()
    expect(page.locator("#txt2img_edit_style_prompt")).to_have_value("a lighthouse, oil on canvas")
    expect(page.locator("#txt2img_edit_style_save")).to_be_disabled()  # it has no name yet
    page.get_by_label("Name", exact=True).fill("lighthouse")
    page.locator("#txt2img_edit_style_save").click()
    expect(page.locator(f"{DIALOG} [aria-selected=true]")).to_have_text("lighthouse")
    assert '"a lighthouse, oil on canvas",people' in on_disk(program)
    assert page.evaluate("() => window.told") == 1
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f"{DIALOG} [role=option]")).to_have_count(2)
    assert "lighthouse" not in on_disk(program)


def test_the_preview_shows_what_applying_gives_and_one_click_does_it(page: Page) -> None:
    page.locator("#txt2img_prompt textarea").fill("a fox")
    opened_editor(page)
    page.get_by_role("option", name="photo").click()
    expect(page.locator(".styles-seen")).to_contain_text("a fox, photograph")
    page.locator("#txt2img_edit_style_prompt").fill("a drawing of {prompt}")
    expect(page.locator(".styles-seen")).to_contain_text("a drawing of a fox")
    page.get_by_role("button", name="Put into the prompt", exact=True).click()
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a drawing of a fox")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")


def test_what_was_typed_survives_choosing_another_style(page: Page, program: Program) -> None:
    opened_editor(page)
    page.get_by_role("option", name="photo").click()
    page.get_by_label("Name", exact=True).fill("photograph")
    page.get_by_role("option", name="ink").click()
    expect(page.locator("#txt2img_edit_style_prompt")).to_have_value("ink drawing")
    page.get_by_role("option", name="photo").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("photograph")
    page.keyboard.press("Control+s")
    expect(page.locator(f"{DIALOG} [role=status]")).to_contain_text("Saved 'photograph'")
    expect(page.locator(f"{DIALOG} [role=option] > span").first).to_have_text("photograph")
    assert names(page) == ["photograph", "ink"]
    assert on_disk(program).splitlines()[1] == 'photograph,"{prompt}, photograph",blurry'


def test_a_deleted_style_comes_back_to_its_place_by_keyboard_alone(page: Page, program: Program) -> None:
    opened_editor(page)
    page.get_by_role("option", name="photo").focus()
    page.keyboard.press("Delete")
    expect(page.locator(f"{DIALOG} [role=option]")).to_have_count(1)
    assert "photo" not in on_disk(program)
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"{DIALOG} [role=option]")).to_have_count(2)
    assert names(page) == ["photo", "ink"]
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_be_hidden()


def test_search_finds_words_of_the_prompts(page: Page) -> None:
    opened_editor(page)
    page.get_by_label("Search styles").fill("DRAWING")
    expect(page.locator(f"{DIALOG} [role=option]")).to_have_count(1)
    assert names(page) == ["ink"]
    page.get_by_label("Search styles").fill("nothing like it")
    expect(page.locator(f"{DIALOG} .styles-rows")).to_contain_text("No style has these words.")
