"""The page's looks: logo and title, split view, boxes of long prompts, cards' size, themes and tints; and that nothing covers anything."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Program, ready
from tests.browser.test_sidebars import keep
from tests.weights.test_cards import write_lora

pytestmark = pytest.mark.browser
PROMPT = "#txt2img_prompt textarea"
DEFAULTS = {
    "sidebar_models": "Floating", "sidebar_prompt": "Off", "sidebar_models_start": "As it was left", "page_title": "",
    "page_title_shown": False, "page_logo": "None", "page_greys": "Neutral", "gradio_theme": "browser", "split_preview": False,
    "prompt_box": "Grow", "extra_networks_card_width": 0,
}  # fmt: skip
GREY = "getComputedStyle(document.body).getPropertyValue('--neutral-600')"
LUMINANCE = """(name) => {
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    const light = (value) => {
        pen.fillStyle = value;
        pen.fillRect(0, 0, 1, 1);
        const parts = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
        const [red, green, blue] = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    return light(getComputedStyle(document.body).getPropertyValue(name).trim());
}"""


@pytest.fixture(autouse=True)
def as_it_was(page: Page) -> Iterator[None]:
    yield
    keep(page, DEFAULTS)


def box(locator: Locator) -> dict[str, float]:
    there = "(each) => (({ x, y, width, height, right, bottom }) => ({ x, y, width, height, right, bottom }))(each.getBoundingClientRect())"
    return locator.evaluate(there)


def contrast(page: Page, one: str, other: str) -> float:
    """Of two of the page's colours, by the names of their variables."""
    low, high = sorted(float(page.evaluate(LUMINANCE, name)) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_the_presets_cover_no_tab_however_little_room_the_sidebars_leave(page: Page) -> None:
    presets, tabs = page.locator("#txt2img_presets webui-presets"), page.locator("#txt2img_extra_tabs [role=tab]")
    assert box(presets)["y"] < box(tabs.last)["bottom"], "with room they stand in one line"
    keep(page, {"sidebar_models": "Fixed", "sidebar_prompt": "Fixed"})
    for side in ("left", "right"):
        page.locator(f".sidebar-door[data-side={side}]").click()
    for width in (1280, 1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator("#txt2img_presets")).to_contain_class("own-line")
        assert box(presets)["bottom"] <= box(tabs.first)["y"] + 1, width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_a_sidebar_is_open_at_first_where_the_settings_say_so(page: Page) -> None:
    keep(page, {"sidebar_models_start": "Opened"})
    page.reload()
    ready(page)
    expect(page.locator("#webui_sidebar_right")).to_be_visible()
    keep(page, {"sidebar_models_start": "Closed"})
    page.reload()
    ready(page)
    expect(page.locator("#webui_sidebar_right")).to_be_hidden()


def test_a_logo_of_ones_own_stands_on_the_page_beside_its_title_and_goes_again(page: Page, program: Program) -> None:
    file = io.BytesIO()
    Image.new("RGB", (300, 100), "teal").save(file, "PNG")
    page.locator("#tab_settings-button").click()
    page.get_by_role("button", name="Language and looks").click()
    page.locator("#setting_accent_color").get_by_role("button", name="Teal").click()
    expect(page.locator("#setting_accent_color")).to_contain_class("unsaved")
    page.locator("#setting_accent_color").get_by_role("button", name="Orange").click()
    expect(page.locator("#setting_accent_color")).not_to_contain_class("unsaved")
    page.set_input_files(".logo-field input[type=file]", {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()})
    expect(page.locator(".logo-field [role=status]")).to_have_text("The picture is kept.")
    expect(page.locator("#setting_page_logo select")).to_have_value("Own picture")
    logo = page.locator("webui-brand img")
    expect(logo).to_have_js_property("naturalWidth", 300)
    assert box(logo)["height"] == 34
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", page.evaluate("document.querySelector('webui-brand img').src"))
    keep(page, {"page_title": "Studio of Ada", "page_title_shown": True})
    expect(page.locator("webui-brand")).to_have_text("Studio of Ada")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("webui-brand span")).to_be_hidden()
    assert box(page.locator("#refresh_sd_model_checkpoint"))["y"] < box(page.locator("#setting_sd_model_checkpoint"))["bottom"]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator(".logo-field").get_by_role("button", name="Remove it").click()
    expect(logo).to_have_count(0)
    expect(page.locator(".logo-field [role=status]")).to_have_text("The picture is gone.")
    assert not (program.data / "logo.png").exists()


def test_pictures_stay_beside_the_form_and_in_split_view_beside_the_prompts_too(page: Page) -> None:
    results, prompts = page.locator("#txt2img_results"), page.locator("#txt2img_toprow")
    page.evaluate("scrollTo({ top: 500, behavior: 'instant' })")
    expect(results).to_be_in_viewport()
    assert box(results)["y"] == pytest.approx(8, abs=1)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    assert box(results)["y"] > box(prompts)["bottom"]
    keep(page, {"split_preview": True})
    expect(page.locator("body")).to_contain_class("split-view")
    page.wait_for_function("() => Math.abs(txt2img_results.getBoundingClientRect().top - txt2img_toprow.getBoundingClientRect().top) < 2")
    assert box(results)["x"] >= box(prompts)["right"]
    page.locator("#txt2img_lora-button").click()
    page.wait_for_function("() => txt2img_toprow.getBoundingClientRect().width > innerWidth * 0.9")
    page.locator("#txt2img_generation-button").click()
    page.set_viewport_size({"width": 800, "height": 900})
    expect(page.locator("body")).not_to_contain_class("split-view")


def test_a_long_prompt_lets_its_box_grow_or_scroll(page: Page) -> None:
    prompt = page.locator(PROMPT)
    low = box(prompt)["height"]
    prompt.fill("\n".join(f"line {number}" for number in range(8)))
    assert box(prompt)["height"] > low + 40
    keep(page, {"prompt_box": "Scroll"})
    page.wait_for_function("(low) => document.querySelector('#txt2img_prompt textarea').getBoundingClientRect().height <= low + 1", arg=low)
    assert prompt.evaluate("(field) => field.scrollHeight > field.clientHeight")


def test_cards_are_as_large_as_the_slider_says_here_and_after_a_reload(page: Page, program: Program) -> None:
    for name in ("reed", "moss"):
        write_lora(program.data / "models" / "Lora" / f"{name}.safetensors", {"ss_base_model_version": "sd_v1.5"})
    page.locator("#txt2img_lora-button").click()
    cards = page.locator("#txt2img_lora webui-cards")
    card, slider = cards.locator(".card").first, cards.get_by_label("Size of the cards")
    expect(card).to_be_visible()
    assert 138 <= box(card)["width"] < 180
    slider.fill("300")
    page.wait_for_function("() => document.querySelector('#txt2img_lora .card')?.getBoundingClientRect().width >= 300")
    page.wait_for_function("() => window.webuiSettings.extra_networks_card_width === 300")
    page.reload()
    ready(page)
    page.locator("#txt2img_lora-button").click()
    expect(slider).to_have_value("300")
    assert box(card)["width"] >= 300
    slider.fill("80")
    page.wait_for_function("() => document.querySelector('#txt2img_lora .card')?.getBoundingClientRect().width < 100")


def test_a_theme_comes_from_the_address_and_from_the_settings_without_a_reload(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    root = page.locator("html")
    for asked, shown in (("paper", "light"), ("system", "dark")):
        page.goto(f"/?__theme={asked}")
        ready(page)
        expect(root).to_have_attribute("data-theme", shown)
        assert page.url.endswith(f"?__theme={asked}")
    keep(page, {"gradio_theme": "light"})
    expect(root).to_have_attribute("data-theme", "light")
    assert "__theme" not in page.url
    keep(page, {"gradio_theme": "midnight"})
    expect(root).to_have_attribute("data-look", "midnight")


def test_tinted_greys_are_as_readable_as_plain_ones(page: Page) -> None:
    seen = {page.evaluate(GREY)}
    for theme in ("dark", "light"):
        keep(page, {"gradio_theme": theme})
        for tint in ("Warm", "Cool", "Green", "Violet"):
            keep(page, {"page_greys": tint})
            there = "([tint, look]) => webuiSettings.page_greys === tint && document.documentElement.dataset.look === look"
            page.wait_for_function(there, arg=[tint, theme])
            for text in ("--body-text-color", "--quiet", "--accent"):
                assert contrast(page, text, "--page") >= 4.5, (theme, tint, text)
                assert contrast(page, text, "--background-fill-primary") >= 4.5, (theme, tint, text)
            assert contrast(page, "--quiet", "--button-secondary-background-fill") >= 4.5, (theme, tint)
            seen.add(page.evaluate(GREY))
    assert len(seen) == 5
