"""The page for everyone: names, focus, keys, contrast, and a phone's width and touch, in every tab."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Program, fill, idle, job_shown, ready

pytestmark = pytest.mark.browser
TABS = {  # what is there once a tab is
    "txt2img": "#txt2img_script_container #script_list", "img2img": "#img2img_canvas .canvas-stage",
    "inpaint": "#img2img_mask_blur",
    "extras": "#extras_image .drop-here", "pnginfo": "#pnginfo_image .drop-here", "modelmerger": "#modelmerger_interp_description",
    "models": "webui-models .models-row:not(.models-head)", "history": "#history_search", "queue": "webui-queue h2",
    "settings": "#setting_samples_save",
    "extensions": "#extensions_installed_html tbody tr",
}  # fmt: skip
READABLE, LARGE = 4.5, 3.0  # contrast by WCAG 2.2 AA; large is 24 px, or 18.7 px in bold

NAMELESS = """() => {
    const named = (each) => each.textContent?.trim() || each.ariaLabel || each.title || each.labels?.length || each.placeholder
        || (each.getAttribute("aria-labelledby") ?? "").split(" ").some((id) => document.getElementById(id)?.textContent?.trim());
    return [...document.querySelectorAll("button, input, textarea, select, [role=button], [role=slider], [tabindex='0']")]
        .filter((each) => each.checkVisibility() && !named(each)).map((each) => each.outerHTML.slice(0, 140));
}"""
TWICE = """() => {
    const ids = [...document.querySelectorAll("[id]:not([id=''])")].map((each) => each.id);
    return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""
CONTRAST = """(scope) => {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {  // whatever a browser writes colours as
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = color;
        paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const known = new Map();
    const of = (color) => known.get(color) ?? (known.set(color, rgba(color)), known.get(color));
    const over = ([r, g, b, a], under) => [r, g, b].map((value, at) => value * (a / 255) + under[at] * (1 - a / 255));
    const behind = (element) => {
        const layers = [];
        for (let each = element; each; each = each.parentElement) {
            const style = getComputedStyle(each);
            if (style.backgroundImage.includes("url(") || each.matches("img, canvas, video")) return null;
            layers.push(of(style.backgroundColor));
            if (layers.at(-1)[3] === 255) break;
        }
        return layers.reduceRight((under, layer) => over(layer, under), [255, 255, 255]);
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const faded = (element) => {
        let opacity = 1;
        for (let each = element; each; each = each.parentElement) opacity *= Number(getComputedStyle(each).opacity);
        return opacity;
    };
    const texts = [];
    const walker = document.createTreeWalker(document.querySelector(scope), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.nodeValue.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        if (element.closest("script, style, option, :disabled, [aria-disabled=true], .for-screen-readers, [inert]")) continue;
        if (parseFloat(getComputedStyle(element).fontSize) < 2) continue;  // the words of an icon
        texts.push([element, getComputedStyle(element).color, node.nodeValue.trim()]);
    }
    const typed = "input:not([type=checkbox], [type=radio], [type=range], [type=color])";
    for (const field of document.querySelectorAll(`${scope} :is(${typed}, textarea)`)) {
        if (!field.checkVisibility() || field.disabled) continue;
        texts.push([field, getComputedStyle(field).color, field.value]);
        texts.push([field, getComputedStyle(field, "::placeholder").color, field.placeholder]);
    }
    const wrong = new Set();
    for (const [element, color, words] of texts) {
        const under = words && behind(element);
        if (!under) continue;
        const [r, g, b, a] = of(color);
        const found = ratio(over([r, g, b, a * faded(element)], under), under);
        const style = getComputedStyle(element);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (found < (large ? LARGE : READABLE) - 0.01) {
            wrong.add(`${found.toFixed(2)} ${element.tagName.toLowerCase()}.${element.className} "${words.slice(0, 30)}" ${color}`);
        }
    }
    return [...wrong].slice(0, 12);
}""".replace("LARGE", str(LARGE)).replace("READABLE", str(READABLE))


def show(page: Page, tab: str) -> None:
    page.click(f"#tab_{tab}-button")
    expect(page.locator(TABS[tab]).first).to_be_visible()


def in_each_tab(page: Page, question: str, *values: Any) -> dict[str, Any]:
    """What a script answers in each tab, where it answers anything."""
    answers: dict[str, Any] = {}
    for tab in TABS:
        show(page, tab)
        answers[tab] = page.evaluate(question, *values)
    return {tab: answer for tab, answer in answers.items() if answer}


def test_every_control_of_every_tab_has_a_name_and_an_id_is_there_once(page: Page) -> None:
    assert in_each_tab(page, NAMELESS) == {}
    assert page.evaluate(TWICE) == []


@pytest.fixture(params=["light", "dark", "midnight", "paper"])
def look(request: pytest.FixtureRequest) -> str:
    return request.param


def test_text_can_be_read_in_every_look(page: Page, look: str) -> None:
    page.goto(f"/?__theme={look}")
    ready(page)
    expect(page.locator(f"html[data-look={look}]")).to_be_attached()
    assert in_each_tab(page, CONTRAST, "body") == {}


REACHED = """() => {
    const each = document.activeElement;
    if (!each || each === document.body) return "";
    if ("reached" in each.dataset) return null;
    each.dataset.reached = "";
    const marks = [each, each.parentElement, each.parentElement?.parentElement, each.closest("label"), each.closest(".wrap, .container")];
    const shown = marks.filter(Boolean).some((mark) => {
        const style = getComputedStyle(mark);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow.includes("inset");
    });
    return shown ? "" : each.outerHTML.slice(0, 140);
}"""
UNREACHED = """() => [...document.querySelectorAll("button, input, textarea, select, a[href], [tabindex='0']")].filter((each) => {
    if (!each.checkVisibility({ visibilityProperty: true, opacityProperty: false }) || each.disabled || each.tabIndex < 0) return false;
    if ("reached" in each.dataset || each.closest("[inert]")) return false;
    const group = each.type === "radio" && [...document.getElementsByName(each.name)].some((one) => "reached" in one.dataset);
    return !group;
}).map((each) => each.outerHTML.slice(0, 140))"""


FORGET = """() => {
    for (const each of document.querySelectorAll("[data-reached]")) delete each.dataset.reached;
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
}"""


def test_the_tab_key_reaches_everything_and_shows_where_it_is(page: Page) -> None:
    unseen: dict[str, list[str]] = {}
    unreached: dict[str, list[str]] = {}
    for tab in TABS:
        show(page, tab)
        page.evaluate(FORGET)
        unseen[tab] = stepped(page)
        unreached[tab] = page.evaluate(UNREACHED)
    assert {tab: found for tab, found in unseen.items() if found} == {}, "the focus cannot be seen"
    assert {tab: found for tab, found in unreached.items() if found} == {}


def stepped(page: Page) -> list[str]:
    """Go round with the Tab key; what has the focus and does not show it."""
    hidden: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        found = page.evaluate(REACHED)
        if found is None:
            break
        if found:
            hidden.append(found)
    return hidden


WIDE = """() => [...document.querySelectorAll("body *")].filter((each) => {
    const fits = (one) => one.getBoundingClientRect().right <= innerWidth + 1;
    if (!each.checkVisibility() || each.closest(".for-screen-readers") || fits(each)) return false;
    for (let box = each.parentElement; box; box = box.parentElement) {  // what scrolls by itself may be wider inside
        if (["auto", "scroll"].includes(getComputedStyle(box).overflowX) && fits(box)) return false;
    }
    return true;
}).map((each) => each.outerHTML.slice(0, 140))"""


@pytest.fixture
def phone(chromium: Browser, program: Program) -> Iterator[Page]:
    """The page on a phone, ready."""
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    problems: list[str] = []
    context.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    page = context.new_page()
    page.goto("/")
    ready(page)
    yield page
    context.close()
    assert problems == []


def test_no_tab_is_wider_than_a_phone(phone: Page) -> None:
    wide: dict[str, list[str]] = {}
    for tab in TABS:
        show(phone, tab)
        wide[tab] = phone.evaluate(WIDE)
        assert phone.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert {tab: found for tab, found in wide.items() if found} == {}


def test_a_finger_generates_paints_a_mask_and_browses(phone: Page) -> None:
    fill(phone, prompt="a red star on a blue background", steps=4, width=128, height=128)
    phone.locator("#txt2img_generate").tap()
    idle(phone)
    first = job_shown(phone)
    phone.locator("#txt2img_send_to_inpaint").tap()
    stage = phone.locator("#img2img_canvas .canvas-stage")
    expect(stage).to_be_visible()
    phone.wait_for_function("() => !!webui.canvas?.('img2img')?.picture")
    stage.scroll_into_view_if_needed()
    finger(phone, stage.bounding_box())
    phone.wait_for_timeout(REST)
    assert phone.evaluate("async () => (await webui.canvas('img2img').value()).mask") is not None
    phone.locator("#img2img_generate").tap()
    idle(phone)
    expect(phone.locator("#img2img_gallery img").first).to_be_visible()
    assert phone.evaluate("() => JSON.parse(document.querySelector('#generation_info_img2img textarea').value).job") not in ("", first)
    show(phone, "history")
    picture = phone.locator("webui-history .virtual-cell img.there").first
    expect(picture).to_be_visible()
    picture.tap()
    expect(phone.locator("dialog.history-detail")).to_be_visible()


REST = 700  # milliseconds in which Chromium takes no tap after a swipe that it was sent this fast


def finger(page: Page, box: Any) -> None:
    """A finger draws across the middle of a box."""
    client = page.context.new_cdp_session(page)
    send: Callable[..., Any] = client.send
    x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y, "id": 1}]})
    for step in range(1, 6):
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 14 * step, "y": y + 4 * step, "id": 1}]})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
