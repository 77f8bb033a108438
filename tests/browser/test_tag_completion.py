"""Tag completion in a browser: by keyboard, with an input method, in Chinese and Japanese, and what the program then gets."""

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ROOT, Program, started
from tests.weights.test_cards import write_lora

pytestmark = pytest.mark.browser
PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
ROWS = ".tag-completion:popover-open li"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program with a LoRA, a style, a wildcard and a tag list of its own."""
    data = tmp_path_factory.mktemp("data")
    shutil.copytree(ROOT / "models" / "Stable-diffusion", data / "models" / "Stable-diffusion")
    ink = write_lora(data / "models" / "Lora" / "ink.safetensors", {"ss_base_model_version": "sd_v1.5"})
    ink.with_suffix(".json").write_text(json.dumps({"activation text": "inkline", "preferred weight": 0.7}), "utf8")
    (data / "styles.csv").write_text("name,prompt,negative_prompt\nwatery,watercolor,\n", "utf8")
    (data / "wildcards").mkdir()
    (data / "wildcards" / "colours.txt").write_text("red\nblue\n", "utf8")
    tags = data / "extension-data" / "tag_completion" / "tags"
    tags.mkdir(parents=True)
    (tags / "mine.csv").write_text('zebra_crossing_(road),0,900,"pedestrian_crossing"\n', "utf8")
    (tags / "mine_zh.csv").write_text("zebra_crossing_(road),黑白路口\n", "utf8")
    with started(data) as running:
        yield running


@pytest.fixture
def box(page: Page) -> Locator:
    """The prompt, with the list read."""
    box = page.locator(PROMPT)
    box.click()
    expect(page.locator("body[data-tag-completion]")).to_be_attached()
    return box


def composed(page: Page, text: str) -> None:
    """Type a text as an input method does: the letters are there before it is decided, and only its end counts."""
    client = page.context.new_cdp_session(page)
    client.send("Input.imeSetComposition", {"selectionStart": 1, "selectionEnd": 1, "text": "l"})
    client.send("Input.imeSetComposition", {"selectionStart": 2, "selectionEnd": 2, "text": "la"})
    client.send("Input.insertText", {"text": text})


def test_english_by_keyboard_and_enter_is_the_prompt_s_own_until_something_is_selected(page: Page, box: Locator) -> None:
    box.press_sequentially("a girl with blue ha", delay=20)
    expect(page.locator(ROWS).first).to_contain_text("blue hair")
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Enter")
    expect(box).to_have_value("a girl with blue ha\n")
    expect(page.locator(ROWS)).to_have_count(0)
    page.keyboard.press("Backspace")
    expect(page.locator(ROWS).first).to_contain_text("blue hair")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(box).to_have_value("a girl with blue hair, ")
    page.keyboard.press("Control+z")
    expect(box).to_have_value("a girl with blue ha")


def test_chinese_by_an_input_method_gives_english_and_the_program_gets_it(page: Page, box: Locator, program: Program) -> None:
    composed(page, "蓝色头发")
    expect(page.locator(ROWS).first).to_contain_text("蓝色头发 → blue hair")
    page.keyboard.press("Tab")
    expect(box).to_have_value("blue hair, ")
    composed(page, "藍髮")  # in traditional characters
    expect(page.locator(ROWS).first).to_contain_text("blue hair")
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(0)
    box.fill("blue hair, ")
    with page.expect_request(lambda request: "webui/tokens" in request.url and "blue hair" in (request.post_data or "")):
        box.press("End")
        composed(page, "微笑")
        expect(page.locator(ROWS).first).to_contain_text("smile")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    expect(box).to_have_value("blue hair, smile, ")
    form = page.evaluate("() => webui.fields.values('txt2img').prompt")
    assert form == "blue hair, smile, "


def test_nothing_happens_while_a_text_is_composed(page: Page, box: Locator) -> None:
    client = page.context.new_cdp_session(page)
    client.send("Input.imeSetComposition", {"selectionStart": 4, "selectionEnd": 4, "text": "blue"})
    page.wait_for_timeout(400)
    expect(page.locator(ROWS)).to_have_count(0)
    client.send("Input.insertText", {"text": "blue"})
    expect(page.locator(ROWS).first).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "found"), [("lf", "blue hair"), ("青い髪", "blue hair"), ("ネコ", "cat"), ("黑白路口", "zebra crossing")]
)
def test_pinyin_initials_japanese_and_a_translation_of_one_s_own(page: Page, box: Locator, typed: str, found: str) -> None:
    page.keyboard.insert_text(typed)
    expect(page.locator(ROWS).first).to_contain_text(found)


def test_own_lists_escape_their_brackets_and_show_their_counts(page: Page, box: Locator) -> None:
    page.keyboard.insert_text("pedestrian")
    row = page.locator(ROWS).first
    expect(row).to_contain_text("pedestrian_crossing → zebra crossing (road)")
    expect(row).to_contain_text("900")
    row.click()
    expect(box).to_have_value("zebra crossing \\(road\\), ")
    expect(box).to_be_focused()


@pytest.mark.parametrize(("typed", "value"), [
    ("a harbor <in", "a harbor <lora:ink:0.7> inkline"), ("a __col", "a __colours__, "), ("x, <c:land", "x, landscape, scenery"),
])
def test_networks_wildcards_and_chants(page: Page, box: Locator, typed: str, value: str) -> None:
    page.keyboard.insert_text(typed)
    expect(page.locator(ROWS)).to_have_count(1)
    page.keyboard.press("Tab")
    assert box.input_value().startswith(value)


def test_a_style_is_chosen_and_not_written(page: Page, box: Locator) -> None:
    page.keyboard.insert_text("a fox, $wat")
    page.locator(ROWS).first.click()
    expect(box).to_have_value("a fox, ")
    assert page.evaluate("() => webui.fields.values('txt2img').styles") == ["watery"]


def test_the_list_is_near_the_caret_and_within_a_narrow_page(page: Page, box: Locator) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    page.locator(NEGATIVE).click()
    page.keyboard.insert_text("a house by the sea with a garden, re")
    expect(page.locator(ROWS).first).to_be_visible()
    where, field = page.locator(".tag-completion").bounding_box(), page.locator(NEGATIVE).bounding_box()
    assert where and field and where["x"] >= 0 and where["x"] + where["width"] <= 390
    assert abs(where["y"] - field["y"]) < 120
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_what_is_taken_is_counted_and_can_be_forgotten(page: Page, box: Locator, program: Program) -> None:
    page.keyboard.insert_text("lighthou")
    expect(page.locator(ROWS).first).to_contain_text("lighthouse")
    with page.expect_response(lambda answer: answer.url.endswith("/used")):
        page.keyboard.press("Tab")
    path = program.data / "extension-data" / "tag_completion" / "frequency.json"
    assert "lighthouse" in path.read_text("utf8")
    page.locator("#tab_tools-button").click()
    page.get_by_role("tab", name="Tag completion").click()
    page.get_by_role("button", name="Forget lighthouse").click()
    expect(page.get_by_role("button", name="Forget lighthouse")).to_have_count(0)
    assert "lighthouse" not in path.read_text("utf8")
