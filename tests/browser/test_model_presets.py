"""Model presets in a browser: a preset is saved, there after a reload, and sent into the forms."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Program

pytestmark = pytest.mark.browser
TEXT = "a red star\nNegative prompt: blurry\nSteps: 7, Sampler: Euler a, CFG scale: 5.5, Seed: 3, Size: 64x64"


@pytest.fixture(autouse=True)
def bare(program: Program) -> Iterator[None]:
    """No presets before a test, and none left behind."""
    yield
    (program.data / "models" / "Stable-diffusion" / "demo.preview.png").unlink(missing_ok=True)
    for path in (program.data / "model presets").rglob("*.*"):
        path.unlink()


def presets(page: Page) -> Locator:
    """The page in Tools, once it shows the chosen checkpoint."""
    page.get_by_role("tab", name="Tools", exact=True).click()
    page.get_by_role("tab", name="Model presets", exact=True).click()
    part = page.locator("easel-model-presets")
    expect(part.locator(".hash")).to_have_text(re.compile("^[0-9a-f]{10}$"))
    return part


def test_a_preset_is_saved_found_again_and_sent_to_the_forms(page: Page, opened: Callable[[], Page], program: Program) -> None:
    part = presets(page)
    expect(part.get_by_role("combobox", name="Model", exact=True)).to_have_value("demo")
    part.get_by_label("Trigger words", exact=True).fill("starry, night")
    part.get_by_role("button", name="Save address and words").click()
    part.get_by_label("Generation data", exact=True).fill(TEXT)
    part.get_by_role("checkbox", name="starry").check()
    expect(part.get_by_label("Generation data", exact=True)).to_have_value(TEXT.replace("red star", "red star, starry"))
    part.get_by_label("Name of the preset").fill("星")
    part.get_by_role("button", name="Save", exact=True).click()
    expect(part.get_by_label("Presets", exact=True)).to_have_value("星")
    (file,) = (program.data / "model presets").glob("*.json")
    assert json.loads(file.read_text("utf8"))["default_preset"] == "星"

    page = opened()
    part = presets(page)
    expect(part.get_by_label("Presets", exact=True)).to_have_value("星")
    expect(part.get_by_role("checkbox", name="starry")).to_be_checked()
    expect(part.get_by_role("checkbox", name="night")).not_to_be_checked()
    part.get_by_role("button", name="Send to txt2img").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a red star, starry")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")
    expect(page.locator("#txt2img_cfg_scale input[type=number]")).to_have_value("5.5")
    part = presets(page)
    part.get_by_role("button", name="Send to inpaint").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a red star, starry")
    expect(page.locator("body")).to_have_attribute("data-mode", "inpaint")


def test_the_sharing_text_is_imported_and_presets_are_renamed_and_deleted(page: Page) -> None:
    part = presets(page)
    part.get_by_text("Share", exact=True).click()
    part.get_by_label("Sharing text").fill('###ModelPresets### {"presets": {"one": "a cat", "two": "a dog"}, "default_preset": "two"}')
    part.get_by_role("button", name="Import the sharing text").click()
    chosen = part.get_by_label("Presets", exact=True)
    expect(chosen).to_have_value("two")
    expect(part.get_by_label("Generation data", exact=True)).to_have_value("a dog")
    part.get_by_label("Name of the preset").fill("three")
    part.get_by_role("button", name="Rename").click()
    expect(chosen.locator("option")).to_have_text(["New preset", "one", "★ three"])
    chosen.select_option("one")
    part.get_by_role("button", name="Set as default").click()
    expect(chosen.locator("option")).to_have_text(["New preset", "★ one", "three"])
    page.on("dialog", lambda dialog: dialog.accept())
    part.get_by_role("button", name="Delete").click()
    expect(chosen.locator("option")).to_have_text(["New preset", "★ three"])
    part.get_by_role("button", name="Get the sharing text").click()
    expect(part.get_by_label("Sharing text")).to_have_value(
        '###ModelPresets###\n{"url": "", "default_preset": "three", "trigger_words": [], "presets": {"three": "a dog"}}'
    )


def test_a_picture_of_the_results_becomes_a_preset_and_the_model_s_picture(page: Page, program: Program) -> None:
    page.locator("#txt2img_prompt textarea").fill("a blue boat")
    page.locator("#txt2img_steps input[type=number]").fill("2")
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("a blue boat", timeout=30_000)
    page.get_by_role("button", name="Send to model presets").click()
    part = page.locator("easel-model-presets")
    expect(part.get_by_text("Write a name and save it.")).to_be_visible()
    expect(part.get_by_label("Generation data", exact=True)).to_have_value(re.compile("^a blue boat\nSteps: 2, "))
    part.get_by_label("Name of the preset").fill("boat")
    part.get_by_role("button", name="Save", exact=True).click()
    card = part.get_by_role("group", name="Presets with a picture").get_by_role("button", name="boat")
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(card.locator("img")).to_have_js_property("complete", True)
    assert len(list((program.data / "model presets" / "pictures").glob("*.webp"))) == 1
    part.get_by_role("button", name="Remove the picture").click()
    expect(card).to_have_count(0)

    frame = part.get_by_role("group", name="Picture of the model")
    frame.get_by_role("button", name="Use the shown picture").click()
    expect(frame.locator("img")).to_be_visible()
    assert (program.data / "models" / "Stable-diffusion" / "demo.preview.png").is_file()
    assert "webui/cards/checkpoint/picture" in (frame.locator("img").get_attribute("src") or "")  # the card's own, not a second one
