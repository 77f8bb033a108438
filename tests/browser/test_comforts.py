"""What makes the page pleasant: generating forever, the lightbox, sizes, keys in the prompt, tokens in chunks, sound, interrupting."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import fill, idle, job_shown, running

pytestmark = pytest.mark.browser
PROMPT = "#txt2img_prompt textarea"
LONG_PROMPT = "a red star on a blue background, with many small houses, trees and a quiet river, masterpiece, best quality, " * 6


@pytest.fixture(autouse=True)
def nothing_left(page: Page) -> Iterator[None]:
    yield
    page.evaluate("() => webui.jobs.open().forEach((job) => webui.jobs.act(job.id, 'cancel'))")
    page.wait_for_function("() => webui.jobs.open().length === 0", timeout=60_000)


def caret(page: Page, place: int) -> None:
    page.focus(PROMPT)
    page.evaluate(f"(place) => document.querySelector('{PROMPT}').setSelectionRange(place, place)", place)


def test_generate_forever_goes_on_until_it_is_stopped(page: Page) -> None:
    fill(page, prompt="a star", steps=3, width=64, height=64)
    page.click("#txt2img_generate", button="right")
    page.get_by_role("menuitem", name="Generate forever").first.press("Enter")
    expect(page.locator("#txt2img_forever")).to_be_visible()
    mine = "webui.jobs.all().filter((job) => job.state === 'done' && webui.jobs.mine(job))"
    page.wait_for_function(f"() => {mine}.length >= 2", timeout=60_000)
    page.locator("#txt2img_generate + .generate-menu, .generate-menu").first.click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_forever")).to_have_count(0)
    page.wait_for_timeout(1500)  # a job that was on its way still comes
    idle(page)
    count = page.evaluate("() => webui.jobs.all().length")
    page.wait_for_timeout(700)
    assert page.evaluate("() => webui.jobs.all().length") == count


def test_the_lightbox_walks_zooms_tiles_saves_and_closes(page: Page) -> None:
    fill(page, prompt="a flower", steps=3, seed=100, batch_size=2, width=64, height=64)
    page.click("#txt2img_generate")
    job_shown(page)
    page.locator("#txt2img_gallery .media-button").click()
    box = page.locator("dialog.lightbox")
    expect(box.locator(".place")).to_have_text("1 of 3")  # the grid stands first
    page.keyboard.press("ArrowRight")
    expect(box.locator(".place")).to_have_text("2 of 3")
    expect(box.locator(".stage img")).to_have_js_property("naturalWidth", 64)
    fitted = box.locator(".stage img").bounding_box()
    page.mouse.move(640, 450)
    page.mouse.wheel(0, -400)
    zoomed = box.locator(".stage img").bounding_box()
    assert fitted and zoomed and fitted["height"] == pytest.approx(900, abs=1) and zoomed["height"] > 1.5 * fitted["height"]
    page.mouse.down()
    page.mouse.move(700, 500, steps=3)
    page.mouse.up()
    moved = box.locator(".stage img").bounding_box()
    assert moved and (moved["x"] - zoomed["x"], moved["y"] - zoomed["y"]) == pytest.approx((60, 50), abs=8)
    page.keyboard.press("t")
    expect(box.locator(".tiles")).to_be_visible()
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert download.value.suggested_filename.endswith(".png")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    assert page.evaluate("() => document.body.dataset.job") == "none"


def test_an_aspect_ratio_keeps_the_area_and_a_size_is_pasted(page: Page) -> None:
    fill(page, width=512, height=512)
    page.click("#txt2img_ratio")
    page.get_by_role("menuitemradio", name="16:9").click()
    width, height = page.locator("#txt2img_width input[type=number]"), page.locator("#txt2img_height input[type=number]")
    expect(width).to_have_value("680")
    expect(height).to_have_value("384")
    page.evaluate("""() => {
        const data = new DataTransfer();
        data.setData("text", "832 x 1216");
        const field = document.querySelector("#txt2img_width input[type=number]");
        field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }""")
    expect(width).to_have_value("832")
    expect(height).to_have_value("1216")
    fill(page, width=128, height=128)


def test_alt_and_an_arrow_move_what_stands_between_commas_and_undo_takes_it_back(page: Page) -> None:
    page.fill(PROMPT, "a star, (blue sea, sand:1.2), boat")
    caret(page, 12)
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(PROMPT)).to_have_value("(blue sea, sand:1.2), a star, boat")
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator(PROMPT)).to_have_value("a star, boat, (blue sea, sand:1.2)")
    page.keyboard.press("Alt+ArrowRight")  # it is the last
    expect(page.locator(PROMPT)).to_have_value("a star, boat, (blue sea, sand:1.2)")
    page.keyboard.press("Control+z")
    expect(page.locator(PROMPT)).to_have_value("a star, (blue sea, sand:1.2), boat")


def test_the_token_counter_shows_the_chunks_and_brackets_that_do_not_pair(page: Page) -> None:
    counter = page.locator("#txt2img_token_counter webui-tokens")
    page.fill(PROMPT, LONG_PROMPT)
    expect(counter).to_contain_text("/150")
    counter.get_by_role("button").click()
    chunks = page.locator(".chunks .chunk")
    expect(chunks).to_have_count(2)
    assert "".join(chunks.all_text_contents()) == LONG_PROMPT
    page.keyboard.press("Escape")
    expect(page.locator(".chunks")).to_have_count(0)
    page.fill(PROMPT, "a ((red) star \\(")
    expect(counter).to_have_class("problem")
    expect(counter.get_by_role("button")).to_have_attribute("title", "Brackets: 1 round not closed")
    page.fill(PROMPT, "a (red) star")
    expect(counter).not_to_have_class("problem")


def test_the_first_interrupt_lets_the_picture_become_ready_and_the_second_does_not(page: Page) -> None:
    fill(page, prompt="a boat", steps=60, batch_count=4, width=64, height=64)
    page.click("#txt2img_generate")
    running(page)
    page.click("#txt2img_interrupt")
    expect(page.locator("#txt2img_interrupt")).to_have_text("Interrupting...")
    idle(page)
    [job] = page.evaluate("() => webui.jobs.all().filter((job) => webui.jobs.mine(job)).slice(-1)")
    assert job["state"] == "interrupted" and len(job["summary"]["seeds"]) >= 1
    expect(page.locator("#txt2img_interrupt")).to_have_text("Interrupt")
    fill(page, steps=150)
    page.click("#txt2img_generate")
    running(page)
    page.click("#txt2img_interrupt")
    page.click("#txt2img_interrupt")
    idle(page)
    fill(page, batch_count=1)


def test_a_sound_says_that_the_pictures_are_ready_when_the_page_is_not_in_front(page: Page, opened: Callable[[], Page]) -> None:
    fill(page, prompt="a fish", steps=3, width=64, height=64)
    page.evaluate("() => { document.hasFocus = () => false; }")
    page.click("#txt2img_generate")
    job_shown(page)
    page.wait_for_function("() => document.body.dataset.sounded === '1'", timeout=20_000)
    page.evaluate("() => { delete document.hasFocus; }")
