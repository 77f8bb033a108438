"""The page itself: keys, prompts, fields, light and dark, a phone's width."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Program, fill, idle, ready, running

pytestmark = pytest.mark.browser
PROMPT = "#txt2img_prompt textarea"


def test_the_keys_generate_skip_and_interrupt(page: Page) -> None:
    fill(page, steps=150)
    page.fill(PROMPT, "a moon")
    page.focus(PROMPT)
    page.keyboard.press("Control+Enter")
    running(page)
    page.keyboard.press("Alt+Enter")
    idle(page)
    page.keyboard.press("Control+Enter")
    running(page)
    page.keyboard.press("Escape")
    idle(page)


def test_ctrl_and_an_arrow_weigh_the_word_at_the_caret_and_undo_takes_it_back(page: Page) -> None:
    page.fill(PROMPT, "a red star")
    page.evaluate(f"() => document.querySelector('{PROMPT}').setSelectionRange(3, 3)")
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator(PROMPT)).to_have_value("a (red:1.1) star")
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator(PROMPT)).to_have_value("a (red:1.2) star")
    page.keyboard.press("Control+z")
    expect(page.locator(PROMPT)).to_have_value("a (red:1.1) star")


CASES = [  # text with | at the ends of the selection, direction, result
    ("a re|d star", 1, "a (red:1.1) star"),
    ("a re|d star", -1, "a (red:0.9) star"),
    ("a (re|d:1.1) star", -1, "a red star"),
    ("a |red star|", 1, "a (red star:1.1)"),
    ("|a red star |", 1, "(a red star:1.1) "),
    ("(a red| star:1.2), sea", 1, "(a red star:1.3), sea"),
    ("(a red| star, sea)", 1, "(a (red:1.1) star, sea)"),
    ("((re|d))", 1, "(red:1.31)"),
    ("[re|d]", 1, "(red:1.01)"),
    ("|(red:1.2)|", 1, "(red:1.3)"),
    ("a <lora:st|yle:0.8> b", 1, "a <lora:style:0.85> b"),
    ("a <lora:st|yle> b", -1, "a <lora:style:0.95> b"),
    (r"a \(re|d\) star", 1, r"a \((red:1.1)\) star"),
    ("a, | b", 1, "a,  b"),
]


def test_weights_are_changed_where_they_stand(page: Page) -> None:
    results = page.evaluate("""async (cases) => {
        const address = document.querySelector("script[src*='page.js']").src;
        const { reweighted } = await import(new URL("attention.js", address));
        return cases.map(([marked, direction]) => {
            const start = marked.indexOf("|"), end = marked.lastIndexOf("|");
            const text = marked.replaceAll("|", "");
            const edit = reweighted(text, start, Math.max(start, end - 1), direction);
            return edit ? text.slice(0, edit.start) + edit.text + text.slice(edit.end) : text;
        });
    }""", [case[:2] for case in CASES])
    assert results == [case[2] for case in CASES]


def test_tokens_are_counted_while_one_types(page: Page) -> None:
    counter = page.locator("#txt2img_token_counter")
    expect(counter).to_contain_text("0/75")
    page.locator(PROMPT).press_sequentially("a red star")
    expect(counter).not_to_contain_text("0/75")
    page.click("#txt2img_clear_prompt")
    expect(page.locator(PROMPT)).to_have_value("")
    expect(counter).to_contain_text("0/75")


def test_a_picture_dropped_on_the_prompt_fills_the_fields(page: Page, tmp_path: Path) -> None:
    chunks = PngInfo()
    parameters = "Steps: 9, Sampler: Euler a, CFG scale: 5.5, Seed: 77, Size: 192x128"
    chunks.add_text("parameters", f"a green fish\nNegative prompt: boat\n{parameters}")
    Image.new("RGB", (8, 8)).save(tmp_path / "fish.png", pnginfo=chunks)
    drop(page, tmp_path / "fish.png")
    expect(page.locator(PROMPT)).to_have_value("a green fish")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("boat")
    expect(page.locator("#txt2img_sampling input")).to_have_value("Euler a")
    for name, value in {"steps": "9", "cfg_scale": "5.5", "width": "192", "height": "128"}.items():
        expect(page.locator(f"#txt2img_{name} input[type=number]")).to_have_value(value)
    page.click("#txt2img_res_switch_btn")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("128")
    Image.new("RGB", (8, 8)).save(tmp_path / "bare.png")
    drop(page, tmp_path / "bare.png")
    expect(page.locator("#webui-notices")).to_contain_text("There is no infotext in 'bare.png'.")


def drop(page: Page, file: Path) -> None:
    """Let a file fall on the prompt."""
    transfer = page.evaluate_handle("""([name, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
        return transfer;
    }""", [file.name, list(file.read_bytes())])
    page.dispatch_event(PROMPT, "drop", {"dataTransfer": transfer})


def test_light_or_dark_is_chosen_once(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.click("#webui_theme")
    expect(page.locator("body.dark")).to_be_attached()
    page.reload()
    ready(page)
    expect(page.locator("body.dark")).to_be_attached()
    assert "__theme" not in page.url


def test_the_page_fits_a_phone(chromium: Browser, program: Program) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    assert too_wide(page) == []
    page.get_by_role("tab", name="Queue").click()
    expect(page.locator("#webui_queue h2").first).to_be_visible()
    assert too_wide(page) == []
    context.close()


def too_wide(page: Page) -> list[str]:
    """What stands out of the window to the right; what lies in a strip that scrolls by itself, as the tabs do, is within reach."""
    return page.evaluate("""() => [...document.querySelectorAll("body *")]
        .filter((each) => each.checkVisibility() && !each.closest(".visually-hidden, .sr-only, .for-screen-readers, .tab-wrapper"))
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 80))""")


def test_every_control_has_a_name_and_an_id_once(page: Page) -> None:
    problems = page.evaluate("""() => {
        const ids = [...document.querySelectorAll("[id]:not([id=''])")].map((each) => each.id);
        const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
        const nameless = [...document.querySelectorAll("button, input, textarea")].filter((each) => each.checkVisibility())
            .filter((each) => !(each.textContent?.trim() || each.ariaLabel || each.title || each.labels?.length));
        return [...twice, ...nameless.map((each) => each.outerHTML.slice(0, 120))];
    }""")
    assert problems == []


def test_eight_tabs_are_open_at_once(opened: Callable[[], Page]) -> None:
    pages = [opened() for _ in range(8)]  # with a stream for each, the browser's six connections would be used up
    fill(pages[0], prompt="a sun", steps=3)
    pages[0].click("#txt2img_generate")
    pages[7].get_by_role("tab", name="Queue").click()
    expect(pages[7].locator("#webui_queue")).to_contain_text("a sun")
    idle(pages[0])
