"""The prompt library in a browser: its panel by keys, words by click, the prompt as chips, favourites, and its page in Tools."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Program

pytestmark = pytest.mark.browser
PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
PANEL = ".prompt-library-panel"


@pytest.fixture(autouse=True)
def own(program: Program) -> Iterator[None]:
    """A person's own file."""
    folder = program.data / "extension-data" / "prompt_library" / "yours"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.json").write_text(json.dumps({"夜": {"星空下": "under the starry sky"}}), "utf8")
    yield
    (folder / "mine.json").unlink()


@pytest.fixture
def panel(page: Page) -> Locator:
    """The panel, opened by its keys."""
    page.evaluate("() => customElements.whenDefined('easel-prompt-library').then(() => true)")  # its module comes after the page
    page.locator(PROMPT).fill("masterpiece, (a red star:1.2), at night, <lora:ink:0.7>")
    page.keyboard.press("Alt+q")
    panel = page.locator(PANEL)
    expect(panel.locator(".tag").first).to_be_visible()
    return panel


def chip(panel: Locator, text: str) -> Locator:
    return panel.locator(".chip-part .name").filter(has_text=text)


def test_a_click_puts_a_word_into_the_prompt_the_right_button_into_the_other_and_again_takes_it_out(page: Page, panel: Locator) -> None:
    panel.get_by_role("tab", name="Animals", exact=True).click()
    cat = panel.locator('.tag[data-english="cat"]')
    cat.click()
    expect(page.locator(PROMPT)).to_have_value("masterpiece, (a red star:1.2), at night, <lora:ink:0.7>, cat")
    expect(cat).to_contain_class("used")
    panel.locator('.tag[data-english="dog"]').click(button="right")
    expect(page.locator(NEGATIVE)).to_have_value("dog")
    expect(panel.locator('.tag[data-english="dog"]')).to_contain_class("used-negative")
    cat.click()
    expect(page.locator(PROMPT)).to_have_value("masterpiece, (a red star:1.2), at night, <lora:ink:0.7>")
    expect(cat).not_to_contain_class("used")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_chips_are_dragged_weighed_switched_off_edited_and_deleted(page: Page, panel: Locator) -> None:
    prompt = page.locator(PROMPT)
    panel.locator(".chip-part").nth(0).drag_to(panel.locator(".chip-part").nth(2))
    expect(prompt).to_have_value("(a red star:1.2), at night, masterpiece, <lora:ink:0.7>")
    panel.get_by_role("button", name="More of a red star").click()
    panel.get_by_role("button", name="Less of <lora:ink:0.7>").click()
    expect(prompt).to_have_value("(a red star:1.3), at night, masterpiece, <lora:ink:0.6>")
    chip(panel, "at night").press("Enter")
    expect(prompt).to_have_value("(a red star:1.3), masterpiece, <lora:ink:0.6>")
    expect(chip(panel, "at night")).to_have_attribute("aria-pressed", "false")
    chip(panel, "at night").press("Enter")
    expect(prompt).to_have_value("(a red star:1.3), at night, masterpiece, <lora:ink:0.6>")
    chip(panel, "at night").dblclick()
    panel.get_by_label("Text of this part").fill("at noon")
    panel.get_by_label("Text of this part").press("Enter")
    chip(panel, "masterpiece").press("Alt+ArrowLeft")
    expect(prompt).to_have_value("(a red star:1.3), masterpiece, at noon, <lora:ink:0.6>")
    chip(panel, "masterpiece").click(button="right")
    expect(prompt).to_have_value("(a red star:1.3), at noon, <lora:ink:0.6>")
    assert page.evaluate("() => webui.fields.values('txt2img').prompt") == "(a red star:1.3), at noon, <lora:ink:0.6>"


def test_words_are_found_in_chinese_and_a_random_set_is_put_together(page: Page, panel: Locator) -> None:
    page.locator(PROMPT).fill("")
    search = panel.get_by_label("Search the library")
    search.fill("猫")
    search.press("Enter")
    expect(page.locator(PROMPT)).to_have_value("cat")
    panel.get_by_role("button", name="Random set").click()
    for word in ("red", "blue"):
        search.fill(word)
        panel.locator(f'.tag[data-english="{word}"]').click()
    panel.get_by_role("button", name="Put in").click()
    expect(page.locator(PROMPT)).to_have_value("cat, #[red, blue]")


def test_favourites_are_kept_and_own_files_are_a_shelf(page: Page, panel: Locator, program: Program) -> None:
    panel.get_by_role("tab", name="Favourites").click()
    panel.get_by_role("button", name="Keep the prompt").click()
    name = panel.get_by_label("Name", exact=True)
    expect(name).to_have_value("masterpiece, (a red star:1.2),")
    name.fill("star")
    with page.expect_response(lambda answer: answer.url.endswith("/favourites")):
        name.blur()
    kept = json.loads((program.data / "extension-data" / "prompt_library" / "favourites.json").read_text("utf8"))
    assert kept["positive"] == [{"name": "star", "text": "masterpiece, (a red star:1.2), at night, <lora:ink:0.7>"}]
    panel.get_by_role("button", name="Delete star").click()
    panel.get_by_role("tab", name="mine").click()
    panel.locator(".tag", has_text="星空下").click()
    expect(page.locator(PROMPT)).to_have_value("masterpiece, (a red star:1.2), at night, <lora:ink:0.7>, under the starry sky")


def test_the_library_is_a_page_of_tools_and_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    page.locator("#tab_tools-button").click()
    page.get_by_role("tab", name="Prompt library").click()
    library = page.locator("easel-prompt-library")
    library.get_by_role("button", name="Inspiration").click()
    expect(library.locator(".chip-part").nth(3)).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert len(page.locator(PROMPT).input_value().split(", ")) > 3
