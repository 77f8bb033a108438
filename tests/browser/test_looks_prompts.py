"""What the page does with prompts as texts: tidying up, marks, asking before it is left; and the card of a picture to share."""

import base64
import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import fill, job_shown, ready
from tests.browser.test_sidebars import keep

pytestmark = pytest.mark.browser
PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
DEFAULTS = {"prompt_highlight": False, "confirm_unload": False, "page_title": "", "page_logo": "None"}
TIDIED = [
    ("a  harbor ,boats ,, night,", "a harbor, boats, night"),
    ("（red：1.2），【cat｜dog】、sea。", "(red:1.2), [cat|dog], sea."),
    ("( word : 1.2 ), \\( smile \\)", "(word:1.2), \\( smile \\)"),
    ("<lora:名，前 :0.7> ,__a，b__", "<lora:名，前 :0.7>, __a，b__"),
    ("1,000 boats,20 trees", "1,000 boats, 20 trees"),
    ("{2$$,$$a|b}", "{2$$,$$a|b}"),
    ("a  b # keep，  this\n\n\n\nc", "a b # keep，  this\n\nc"),
    ("a ((b", "a ((b"),
]


@pytest.fixture(autouse=True)
def as_it_was(page: Page) -> Iterator[None]:
    yield
    keep(page, DEFAULTS)


def test_what_is_doubled_or_wide_in_a_prompt_is_tidied_up(page: Page) -> None:
    script = """async (texts) => {
        const { tidied } = await import(document.querySelector('script[src$="/page.js"]').src.replace("page.js", "prompt_tidy.js"));
        return texts.map((text) => [tidied(text), tidied(tidied(text))]);
    }"""
    found = page.evaluate(script, [given for given, _ in TIDIED])
    assert found == [[wanted, wanted] for _, wanted in TIDIED]


def test_the_button_tidies_both_prompts_undo_takes_it_back_and_brackets_are_said(page: Page) -> None:
    page.fill(PROMPT, "a  harbor ,，boats")
    page.fill(NEGATIVE, "( blurry ,dark")
    page.locator("#txt2img_tidy_prompt").click()
    expect(page.locator(PROMPT)).to_have_value("a harbor, boats")
    expect(page.locator(NEGATIVE)).to_have_value("(blurry, dark")
    expect(page.locator("#webui-notices")).to_contain_text("1 round not closed")
    page.locator(PROMPT).press("Control+z")
    expect(page.locator(PROMPT)).to_have_value("a  harbor ,，boats")


def test_marks_lie_behind_the_letters_they_are_about(page: Page) -> None:
    keep(page, {"prompt_highlight": True})
    text = "a (night:1.2), <lora:ink:0.7>, __color__ AND sea ] \\( # a (note"
    page.fill(PROMPT, "\n".join([*(["far above"] * 14), text]))
    marks = page.locator("#txt2img_prompt .prompt-marks")
    for kind, words in (
        ("weighted", "(night:1.2)"), ("network", "<lora:ink:0.7>"), ("wildcard", "__color__"), ("keyword", "AND"), ("problem", "]"),
        ("comment", "# a (note"),
    ):  # fmt: skip
        expect(marks.locator(f".{kind}")).to_have_text(words)
    field = page.locator(PROMPT)
    field.evaluate("(each) => { each.scrollTop = each.scrollHeight; }")
    page.wait_for_function("() => document.querySelector('#txt2img_prompt .prompt-marks').scrollTop > 0")
    same = "(each) => [each.scrollTop, each.scrollHeight, each.clientWidth, each.clientHeight]"
    assert marks.evaluate(same) == field.evaluate(same), "both scroll alike, so lines break alike"
    keep(page, {"prompt_highlight": False})
    expect(marks).to_have_count(0)


def test_leaving_is_asked_about_only_where_the_settings_want_it(page: Page) -> None:
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    page.locator(PROMPT).click()
    page.keyboard.type("a harbor")
    page.reload()
    ready(page)
    expect(page.locator(PROMPT)).to_have_value("a harbor")
    keep(page, {"confirm_unload": True})
    page.locator(PROMPT).click()
    page.reload()
    ready(page)
    assert asked == [], "without the setting, and with it where nothing was typed since"
    page.locator(PROMPT).click()
    page.keyboard.type(" at night")
    page.reload()
    ready(page)
    assert asked == ["beforeunload"]


def test_a_card_of_the_shown_picture_holds_it_with_its_words_in_each_format(page: Page) -> None:
    keep(page, {"page_title": "Studio <of> Ada", "page_logo": "Easel"})
    fill(page, prompt="a circle & <b>bold</b> 一只猫", steps=2)
    page.locator("#txt2img_share").click()
    expect(page.locator("#webui-notices")).to_contain_text("There is no picture to make a card of.")
    page.locator("#txt2img_generate").click()
    job_shown(page)
    page.locator("#txt2img_share").click()
    dialog = page.locator("dialog.share-card")
    expect(dialog.locator("canvas")).to_be_visible()
    tall = dialog.locator("canvas").evaluate("(each) => each.height")
    for value, kind in (("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")):
        picture = Image.open(io.BytesIO(downloaded(page, value)))
        assert (picture.format, picture.size) == (kind, (624, tall))
    svg = downloaded(page, "svg").decode()
    assert all(text in svg for text in ("a circle &amp; &lt;b&gt;bold&lt;/b&gt;", "一只猫", "Steps: 2", "Studio &lt;of&gt; Ada"))
    found = re.search(r'data:image/png;base64,([^"]+)', svg)
    assert found
    assert Image.open(io.BytesIO(base64.b64decode(found[1]))).size == (128, 128), "the picture itself, not a smaller one"
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    dialog.get_by_label("Settings").uncheck()
    assert dialog.locator("canvas").evaluate("(each) => each.height") < tall
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.locator("#txt2img_gallery .media-button").click()
    page.locator("dialog.lightbox .icon-share").click()
    expect(dialog.locator("canvas")).to_be_visible()


def downloaded(page: Page, format: str) -> bytes:
    page.locator("dialog.share-card select").select_option(format)
    with page.expect_download() as waiting:
        page.locator("dialog.share-card").get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename.endswith(f"-card.{format}")
    return waiting.value.path().read_bytes()
