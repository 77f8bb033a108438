"""ControlNet's panel: a picture, its lines, a picture that follows them, and its infotext back in the panel."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ROOT, Program, fill, job_shown, ready

pytestmark = pytest.mark.browser
MODEL = Path("models/ControlNet/demo-lines.safetensors")
SIDE = 128


@pytest.fixture
def panel(page: Page, program: Program) -> Locator:
    """The panel of txt2img, on, with the demo's control network in the models' folder."""
    file = program.data / MODEL
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / MODEL, file)
    page.locator("#script_txt2img_controlnet_enabled").check()
    panel = page.locator("#script_txt2img_controlnet_body controlnet-panel")
    expect(panel.locator("#txt2img_controlnet_0_type")).to_be_visible()
    panel.get_by_role("button", name="Look for files again").click()
    expect(panel.locator("#txt2img_controlnet_0_model option", has_text="demo-lines")).to_be_attached()
    return panel


def ring() -> bytes:
    """A dark ring on light ground, 128x128, as a PNG."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    ImageDraw.Draw(image).ellipse((24, 24, 104, 104), outline="black", width=8)
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def drop(page: Page, field: Locator, picture: bytes) -> None:
    """Drop a file on a place for pictures, as a person does."""
    files = page.evaluate_handle(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "ring.png", { type: "image/png" }));
            return transfer;
        }""",
        list(picture),
    )
    field.dispatch_event("drop", {"dataTransfer": files})
    expect(field.locator("img")).to_have_js_property("naturalWidth", SIDE)


def pixels(page: Page, image: Locator) -> Any:
    """What an image of the page shows, (h, w, 3)."""
    expect(image).to_be_visible()
    data = page.evaluate("async (img) => [...new Uint8Array(await (await fetch(img.src)).arrayBuffer())]", image.element_handle())
    return np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGB")).astype(int)


def sent(page: Page, tab: str = "txt2img") -> list[dict[str, Any]]:
    """The units of the request whose pictures are shown; pictures in it are left empty."""
    answer = page.request.get(f"/webui/jobs/{page.evaluate('(tab) => webui.results.info(tab).job', tab)}")
    return answer.json()["request"]["extensions"]["controlnet"]["units"]


def test_a_dropped_picture_becomes_lines_then_a_picture_and_its_infotext_comes_back(page: Page, panel: Locator) -> None:
    drop(page, panel.locator("webui-picture-field").first, ring())
    panel.locator("#txt2img_controlnet_0_type label", has_text="Canny").click()
    expect(panel.locator("#txt2img_controlnet_0_module")).to_have_value("canny")
    model = panel.locator("#txt2img_controlnet_0_model").input_value()
    assert model.startswith("demo-lines [")
    panel.get_by_role("checkbox", name="Pixel Perfect").check()
    fill(page, prompt="a red star on a blue background", steps=3, seed=5, width=SIDE, height=SIDE)
    panel.get_by_role("button", name="Run the preprocessor").click()
    lines = pixels(page, panel.locator(".cn-preview img"))
    assert lines.shape == (SIDE, SIDE, 3) and set(np.unique(lines)) == {0, 255}
    y, x = np.nonzero(lines[:, :, 0])
    radius = np.hypot(x - 64, y - 64)
    assert (abs(radius - 36) < 7).all() and len(x) > 300, "two circles, inside and outside of the ring"

    panel.locator("#txt2img_controlnet_0_weight-input").fill("0.8")
    page.click("#txt2img_generate")
    job_shown(page)
    [unit] = sent(page)
    assert (unit["module"], unit["model"], unit["weight"], unit["pixel_perfect"]) == ("canny", model, 0.8, True)
    infotext = page.locator("#html_info_txt2img")
    expect(infotext).to_contain_text("ControlNet 0")
    expect(infotext).to_contain_text("Module: canny")
    text = page.evaluate("() => webui.results.info('txt2img').infotexts.find((one) => one.includes('ControlNet 0'))")

    page.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
    page.reload()
    ready(page)
    expect(page.locator("#script_txt2img_controlnet_enabled")).not_to_be_checked()
    page.locator("#txt2img_prompt textarea").fill(text)
    page.click("#txt2img_paste")
    expect(page.locator("#script_txt2img_controlnet_enabled")).to_be_checked()
    expect(page.locator("#txt2img_controlnet_0_module")).to_have_value("canny")
    expect(page.locator("#txt2img_controlnet_0_model")).to_have_value(model)
    expect(page.locator("#txt2img_controlnet_0_weight-input")).to_have_value("0.8")
    expect(page.locator("#txt2img_controlnet_0_pixel_perfect")).to_be_checked()


def test_units_are_walked_by_keys_filtered_by_type_and_outlive_a_reload(page: Page, panel: Locator) -> None:
    panel.get_by_role("checkbox", name="Enable").uncheck()
    tabs = panel.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(panel.get_by_role("checkbox", name="Enable")).not_to_be_checked()
    panel.get_by_role("checkbox", name="Enable").check()
    expect(tabs.nth(1)).to_have_attribute("title", "This unit is on")

    types = panel.locator("#txt2img_controlnet_1_type")
    types.get_by_role("radio", name="All").check()
    page.keyboard.press("ArrowRight")  # Blur
    expect(panel.locator("#txt2img_controlnet_1_module")).to_have_value("blur_gaussian")
    expect(panel.get_by_role("slider", name="Sigma")).to_have_value("9")
    types.get_by_role("radio", name="Reference").check()
    modules = panel.locator("#txt2img_controlnet_1_module option").all_inner_texts()
    assert modules == ["none", "reference_only", "reference_adain", "reference_adain+attn"]
    expect(panel.get_by_text("This preprocessor does its work without a model.")).to_be_visible()
    panel.locator("#txt2img_controlnet_1_threshold_a-input").fill("0.7")

    units = page.evaluate("() => document.querySelector('controlnet-panel').value.units")
    assert units[0] == {"enabled": False} and len(units) == 2
    assert (units[1]["module"], units[1]["threshold_a"], units[1]["model"]) == ("reference_only", 0.7, "None")
    page.reload()
    ready(page)
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(panel.locator("#txt2img_controlnet_1_threshold_a-input")).to_have_value("0.7")
    assert page.evaluate("() => document.querySelector('controlnet-panel').value.units") == units


def test_a_pose_is_drawn_by_dragging_a_joint_and_becomes_the_unit_s_picture(page: Page, panel: Locator) -> None:
    fill(page, width=256, height=256)
    panel.locator("#txt2img_controlnet_0_type").get_by_role("radio", name="OpenPose").check()
    panel.locator("#txt2img_controlnet_0_module").select_option("openpose_landmarks")
    panel.get_by_role("checkbox", name="Allow Preview").check()
    panel.get_by_role("button", name="Edit the pose").click()
    dialog = page.get_by_role("dialog", name="Edit the pose")
    wrist = dialog.get_by_role("button", name="Right wrist")
    area = dialog.locator("svg").bounding_box()
    before = wrist.bounding_box()
    assert area and before
    middle = (before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 8, area["y"] + area["height"] / 4, steps=4)
    page.mouse.up()
    expect(dialog.get_by_text("Right wrist · Person 1")).to_be_visible()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Control+z")
    dialog.get_by_role("button", name="Nose").focus()
    page.keyboard.press("Delete")
    expect(dialog.get_by_role("button", name="Nose")).to_have_attribute("aria-pressed", "false")
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog).to_have_count(0)
    expect(panel.locator("#txt2img_controlnet_0_module")).to_have_value("none")
    drawn = pixels(page, panel.locator("webui-picture-field").first.locator("img"))
    assert drawn.shape == (256, 256, 3)
    assert abs(drawn[64, 32] - (170, 255, 0)).max() <= 1, "the right wrist, where it was dragged to"
    assert not (abs(drawn - (255, 0, 0)).max(axis=2) == 0).any(), "the nose is hidden"
    expect(panel.get_by_role("button", name="Edit the pose")).to_be_visible()
