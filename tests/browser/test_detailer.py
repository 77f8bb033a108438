"""The detailer's panel: what a pass would find, a picture with it, and its infotext back in the panel."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ROOT, Program, fill, job_shown, ready, shown_pictures

pytestmark = pytest.mark.browser
DETECTOR = Path("models/adetailer/demo-faces.onnx")
UNIT = "#txt2img_detailer_units_1"
PROMPT = "a yellow face on a green background"


@pytest.fixture
def panel(page: Page, program: Program) -> Locator:
    """The panel of txt2img, on, with the demo's detector in the models' folder."""
    file = program.data / DETECTOR
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / DETECTOR, file)
    page.locator("#script_txt2img_detailer_enabled").check()
    panel = page.locator("#script_txt2img_detailer_body easel-detailer")
    expect(panel.locator(f"{UNIT}_detector")).to_be_visible()
    panel.get_by_role("button", name="Look for files again").click()
    expect(detector(panel).locator("option", has_text=DETECTOR.name)).to_be_attached()
    return panel


def detector(panel: Locator) -> Locator:
    return panel.locator(f"{UNIT}_detector select")


def sent(page: Page) -> dict[str, Any]:
    """The request whose pictures are shown."""
    return page.request.get(f"/webui/jobs/{page.evaluate('() => webui.results.info(`txt2img`).job')}").json()["request"]


def test_faces_are_shown_painted_anew_and_come_back_with_the_infotext(page: Page, panel: Locator) -> None:
    panel.get_by_role("button", name="Preview detections").click()
    expect(page.get_by_text("There is no picture to look at yet.")).to_be_visible()
    page.locator("#script_txt2img_detailer_enabled").uncheck()
    fill(page, prompt=PROMPT, steps=12, seed=3, width=128, height=128)
    page.click("#txt2img_generate")
    first = job_shown(page)

    page.locator("#script_txt2img_detailer_enabled").check()
    detector(panel).select_option(DETECTOR.name)
    panel.locator(f"{UNIT}_prompt textarea").fill("a red face [SEP] [SKIP]")
    panel.get_by_role("button", name="Preview detections").click()
    expect(panel.get_by_text("1 found")).to_be_visible()
    expect(panel.get_by_role("img", name="What was found")).to_have_js_property("naturalWidth", 128)
    expect(panel.locator(".detailer-found li")).to_have_text("a red face")
    expect(panel.get_by_role("button", name="Show it large: face 1")).to_be_visible()

    panel.locator("summary", has_text="Mask").click()
    panel.locator(f"{UNIT}_x_offset-input").fill("2")
    panel.locator(f"{UNIT}_strength-input").fill("0.6")
    expect(panel.locator("details", has=page.locator("summary", has_text="Inpainting")).locator(".chip")).to_have_text("1 changed")
    page.click("#txt2img_generate")
    job_shown(page, after=first)
    [unit] = sent(page)["extensions"]["detailer"]["units"]
    assert (unit["detector"], unit["strength"], unit["x_offset"], unit["padding"]) == (DETECTOR.name, 0.6, 2, 32)
    expect(page.locator("#html_info_txt2img")).to_contain_text("ADetailer model: demo-faces.onnx")
    text = page.evaluate("() => webui.results.info('txt2img').infotexts.find((one) => one.includes('ADetailer'))")
    assert "ADetailer prompt: a red face [SEP] [SKIP]," in text and "ADetailer denoising strength: 0.6" in text

    page.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
    page.reload()
    ready(page)
    expect(page.locator("#script_txt2img_detailer_enabled")).not_to_be_checked()
    page.locator("#txt2img_prompt textarea").fill(text)
    page.click("#txt2img_paste")
    expect(page.locator("#script_txt2img_detailer_enabled")).to_be_checked()
    expect(detector(panel)).to_have_value(DETECTOR.name)
    expect(panel.locator(f"{UNIT}_prompt textarea")).to_have_value("a red face [SEP] [SKIP]")
    expect(panel.locator(f"{UNIT}_strength-input")).to_have_value("0.6")
    expect(panel.locator(f"{UNIT}_x_offset-input")).to_have_value("2")


def test_a_finished_picture_is_detailed_as_it_is(page: Page, panel: Locator) -> None:
    detector(panel).select_option(DETECTOR.name)
    page.locator("#script_txt2img_detailer_enabled").uncheck()
    fill(page, prompt=PROMPT, steps=12, seed=3, width=128, height=128)
    page.click("#txt2img_generate")
    job_shown(page)
    page.locator("#script_txt2img_detailer_enabled").check()
    panel.get_by_role("button", name="Detail the shown picture").click()
    expect(page.locator("#script_img2img_detailer_enabled")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Skip img2img")).to_be_checked()
    expect(page.locator("#img2img_detailer_units_1_detector select")).to_have_value(DETECTOR.name)
    page.click("#img2img_generate")
    job_shown(page, tab="img2img")
    before, after = (
        np.asarray(Image.open(io.BytesIO(shown_pictures(page, tab)[0])).convert("RGB")).astype(int) for tab in ("txt2img", "img2img")
    )
    changed = np.abs(after - before).max(2) > 0
    assert before.shape == after.shape and changed[32:96, 32:96].mean() > 0.5, "the face is painted anew"
    assert not changed[:, :4].any() and not changed[:4].any(), "and nothing else"


def test_passes_are_added_walked_by_keys_and_outlive_a_reload(page: Page, panel: Locator) -> None:
    panel.get_by_role("button", name="Add a pass").click()
    tabs = panel.get_by_role("tab")
    expect(tabs).to_have_count(2)
    expect(tabs.nth(1)).to_be_focused()
    panel.locator("#txt2img_detailer_units_2_detector select").select_option("hand")
    panel.get_by_role("checkbox", name="Enable").uncheck()
    expect(tabs.nth(1)).to_have_attribute("title", "This pass is off")
    tabs.nth(1).focus()
    page.keyboard.press("ArrowLeft")
    expect(tabs.first).to_be_focused()
    expect(panel.locator(f"{UNIT}_detector")).to_be_visible()
    units = page.evaluate("() => document.querySelector('easel-detailer').value.units")
    assert [(unit["enabled"], unit["detector"]) for unit in units] == [(True, "mediapipe_face_full"), (False, "hand")]
    page.reload()
    ready(page)
    expect(tabs).to_have_count(2)
    assert page.evaluate("() => document.querySelector('easel-detailer').value.units") == units
    tabs.nth(1).click()
    panel.get_by_role("button", name="Remove this pass").click()
    expect(tabs).to_have_count(1)
