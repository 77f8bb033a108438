"""The sidebars of txt2img and img2img, and what else the page of looks changes: opened, widened, used, and heeded without a reload."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ready

pytestmark = pytest.mark.browser
PROMPT = "#txt2img_prompt textarea"
DEFAULTS = {"sidebar_models": "Floating", "sidebar_prompt": "Off", "less_movement": False, "hide_footer": False, "page_title": ""}


@pytest.fixture(autouse=True)
def as_it_was(page: Page) -> Iterator[None]:
    yield
    keep(page, DEFAULTS)


def keep(page: Page, values: dict[str, Any]) -> None:
    """Apply settings as the Settings tab does, so that this page and others hear of it."""
    script = """async (values) => {
        const at = (name) => import(document.querySelector('script[src$="/page.js"]').src.replace("page.js", name));
        const answer = await (await at("server.js")).call("webui/settings", { json: { values } });
        (await at("settings_values.js")).applied(answer.values, answer.changed);
    }"""
    page.evaluate(script, values)


def door(page: Page, side: str) -> Locator:
    return page.locator(f".sidebar-door[data-side={side}]")


def width(locator: Locator) -> float:
    box = locator.bounding_box()
    assert box
    return box["width"]


def parts(page: Page) -> list[str]:
    return page.locator(".prompt-parts .words").all_text_contents()


def test_models_stand_at_the_right_for_the_form_in_front_and_the_browser_keeps_how(page: Page) -> None:
    aside = page.locator("#webui_sidebar_right")
    expect(aside).to_be_hidden()
    door(page, "right").click()
    expect(aside.locator("webui-cards[data-kind=lora][data-tab=txt2img]")).to_be_visible()
    aside.get_by_role("tab", name="LoRAs").press("End")
    expect(aside.get_by_role("tab", name="Checkpoints")).to_be_focused()
    expect(aside.locator("webui-cards[data-kind=checkpoint] .card").first).to_be_visible()
    page.locator("#tab_img2img-button").click()
    expect(aside.locator("webui-cards[data-kind=checkpoint][data-tab=img2img]")).to_be_visible()
    page.locator("#tab_queue-button").click()
    expect(aside).to_be_hidden()
    page.reload()
    ready(page)
    expect(aside.locator("webui-cards[data-kind=checkpoint] .card").first).to_be_visible()
    aside.get_by_role("tab", name="Checkpoints").press("Escape")
    expect(aside).to_be_hidden()
    expect(door(page, "right")).to_be_focused()
    expect(door(page, "right")).to_have_attribute("aria-expanded", "false")


def test_it_is_widened_by_hand_and_by_key_and_makes_room_where_it_is_fixed(page: Page) -> None:
    whole = width(page.locator("#tabs"))
    door(page, "right").click()
    aside, grip = page.locator("#webui_sidebar_right"), page.locator("#webui_sidebar_right .sidebar-grip")
    assert (width(aside), width(page.locator("#tabs"))) == (400, whole)
    page.mouse.move(1280 - 400, 700)
    page.mouse.down()
    page.mouse.move(1280 - 460, 700, steps=3)
    page.mouse.up()
    assert width(aside) == pytest.approx(460, abs=20)
    grip.press("Home")
    grip.press("ArrowLeft")
    assert width(aside) == 260
    expect(grip).to_have_attribute("aria-valuenow", "260")
    keep(page, {"sidebar_models": "Fixed"})
    expect(page.locator("body")).to_contain_class("sidebar-right-fixed")
    assert width(page.locator("#tabs")) == pytest.approx(whole - 260, abs=1)
    page.set_viewport_size({"width": 800, "height": 900})
    expect(aside).to_be_hidden()
    expect(door(page, "right")).to_be_hidden()
    assert width(page.locator("#tabs")) == pytest.approx(whole - 480, abs=1)
    page.set_viewport_size({"width": 1280, "height": 900})
    keep(page, {"sidebar_models": "Off"})
    expect(aside).to_be_hidden()
    assert width(page.locator("#tabs")) == whole


def test_the_parts_of_a_prompt_are_moved_weighted_and_removed_and_undo_takes_it_back(page: Page) -> None:
    keep(page, {"sidebar_prompt": "Fixed"})
    page.fill(PROMPT, "a harbor, (night:1.2), <lora:ink:0.7>, boats")
    door(page, "left").click()
    assert parts(page) == ["a harbor", "night", "lora:ink", "boats"]
    rows, words = page.locator(".prompt-parts li"), page.locator(".prompt-parts .words")
    words.nth(0).press("Alt+ArrowDown")
    expect(page.locator(PROMPT)).to_have_value("(night:1.2), a harbor, <lora:ink:0.7>, boats")
    expect(words.nth(1)).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator(PROMPT)).to_have_value("a harbor, (night:1.2), <lora:ink:0.7>, boats")
    rows.nth(3).drag_to(rows.nth(0), target_position={"x": 20, "y": 3})
    expect(page.locator(PROMPT)).to_have_value("boats, a harbor, (night:1.2), <lora:ink:0.7>")
    rows.nth(2).get_by_role("button", name="Weaker").click()
    rows.nth(3).get_by_role("button", name="Stronger").click()
    words.nth(0).press("+")
    expect(page.locator(PROMPT)).to_have_value("(boats:1.1), a harbor, (night:1.1), <lora:ink:0.75>")
    words.nth(1).press("Delete")
    expect(page.locator(PROMPT)).to_have_value("(boats:1.1), (night:1.1), <lora:ink:0.75>")
    expect(words.nth(1)).to_be_focused()
    rows.nth(2).get_by_role("button", name="Remove").click()
    expect(page.locator(PROMPT)).to_have_value("(boats:1.1), (night:1.1)")
    page.locator(".sidebar-prompt").get_by_role("button", name="Negative prompt").click()
    expect(page.locator(".sidebar-prompt")).to_contain_text("The prompt is empty.")
    page.fill("#txt2img_neg_prompt textarea", "blurry")
    expect(words).to_have_text(["blurry"])


def test_settings_stand_at_the_left_too_and_no_id_is_there_twice(page: Page) -> None:
    keep(page, {"sidebar_prompt": "Floating"})
    door(page, "left").click()
    clip = page.locator("#sidebar_setting_CLIP_stop_at_last_layers input[type=number]")
    clip.fill("2")
    clip.blur()
    above = page.locator("#setting_CLIP_stop_at_last_layers input[type=number]")
    expect(above).to_have_value("2")
    above.fill("1")
    above.blur()
    expect(clip).to_have_value("1")
    door(page, "right").click()
    expect(page.locator("#webui_sidebar_right webui-cards .toolbar")).to_be_visible()
    ids: list[str] = page.evaluate("() => [...document.querySelectorAll('[id]')].map((each) => each.id).filter(Boolean)")
    assert sorted(ids) == sorted(set(ids))


def test_title_footer_and_movement_follow_their_settings_at_once(page: Page) -> None:
    expect(page).to_have_title("Easel")
    keep(page, {"page_title": "Studio of Ada", "hide_footer": True, "less_movement": True})
    expect(page).to_have_title("Studio of Ada")
    expect(page.locator("#footer")).to_be_hidden()
    page.reload()
    ready(page)
    expect(page).to_have_title("Studio of Ada")
    expect(page.locator("#footer")).to_be_hidden()
    script = "() => { const one = document.querySelector('button'); one.style.transition = 'opacity 5s'; return %s; }"
    assert page.evaluate(script % "getComputedStyle(one).transitionDuration") == "0s"
