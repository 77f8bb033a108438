"""Each tab as a person sees it. The pictures in tests/browser/shots are made anew where EASEL_SHOTS is 1, and where one is missing."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Program, fill, idle, job_shown, ready
from tests.weights.test_cards import write_lora

pytestmark = pytest.mark.browser
SHOTS = Path(__file__).with_name("shots")
LARGEST = 120_000  # bytes of a picture in the repository
COLORS = 192
PROMPTS = ("a yellow moon over the sea", "a green tree on a hill", "a red star on a blue background", "a house at night",
           "a fish in the sea", "a white flower", "a boat, sunset")  # fmt: skip
POST = """async ([prompt, seed, steps, batch_count]) => fetch("webui/jobs", { method: "POST",
    headers: { "Content-Type": "application/json", "X-Requested-With": "webui" },
    body: JSON.stringify({ owner: await webui.owner(), request: { prompt, seed, steps, batch_count, size: [128, 128] } }) })"""
Shoot = Callable[[Page, str], None]


@pytest.fixture
def shoot() -> Shoot:
    """Keeps what the window shows under a name."""

    def keep(page: Page, name: str) -> None:
        file = SHOTS / f"{name}.png"
        if file.exists() and os.environ.get("EASEL_SHOTS") != "1":
            return
        page.mouse.move(0, 0)
        seen = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
        data = io.BytesIO()
        seen.quantize(COLORS, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
        SHOTS.mkdir(exist_ok=True)
        file.write_bytes(data.getvalue())

    return keep


@pytest.fixture(autouse=True)
def loras(program: Program) -> Iterator[None]:
    """Some LoRAs with pictures."""
    folder = program.data / "models" / "Lora"
    for number, name in enumerate(("ink", "watercolour", "paper cut", "harbour", "lantern", "meadow", "portrait", "woodcut")):
        file = write_lora(folder / ("styles", "places", "people")[number % 3] / f"{name}.safetensors", {"ss_base_model_version": "sd_v1.5"})
        file.with_suffix(".png").write_bytes(cover(number))
        file.with_suffix(".json").write_text(json.dumps({"description": f"Everything in {name}", "activation text": name}), "utf8")
    yield
    for file in folder.rglob("*.*"):
        file.unlink(missing_ok=True)


def cover(number: int) -> bytes:
    """A picture for a card."""
    picture = Image.new("RGB", (128, 192), (40 + 12 * number, 70, 130 - 10 * number))
    ImageDraw.Draw(picture).ellipse((24, 40 + 8 * number, 104, 120 + 8 * number), fill=(235 - 14 * number, 200, 120 + 12 * number))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def test_each_tab_shows_what_it_is_for(page: Page, program: Program, shoot: Shoot) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    made_picture(page)
    shoot(page, "txt2img")
    canvas(page, shoot)
    mine = next(path for path in sorted((program.data / "outputs").rglob(f"*{PROMPTS[0]}.png")) if ".trash" not in path.parts)
    cards(page, shoot)
    tools(page, mine, shoot)
    lists(page, shoot)
    page.click("#webui_theme")
    expect(page.locator("body.dark")).to_be_attached()
    shoot(page, "dark-settings")
    show(page, "txt2img", "#txt2img_gallery img")
    shoot(page, "dark")


def made_picture(page: Page) -> None:
    """A picture of the form's, and some more for the history."""
    for number, prompt in enumerate(PROMPTS[:-1]):
        page.evaluate(POST, [prompt, 40 + number, 6, 1])
    fill(page, prompt=PROMPTS[-1], neg_prompt="blurry", steps=12, seed=7)
    page.click("#txt2img_generate")
    idle(page)
    job_shown(page)
    expect(page.locator("#txt2img_gallery img").first).to_be_visible()
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 7")


def show(page: Page, tab: str, *expected: str) -> None:
    """Open a tab, and wait for what makes it one."""
    page.click(f"#tab_{tab}-button")
    for each in expected:
        expect(page.locator(each).first).to_be_visible()


def canvas(page: Page, shoot: Shoot) -> None:
    """A picture on the canvas, and a mask over it."""
    page.click("#txt2img_send_to_img2img")
    expect(page.locator("#img2img_canvas .canvas-stage")).to_be_visible()
    page.wait_for_function("() => webui.canvas?.('img2img')?.size && !!webui.canvas('img2img').picture")
    expect(page.locator("#resize_mode")).to_be_visible()
    shoot(page, "img2img")
    page.click("#tab_inpaint-button")
    expect(page.locator("#img2img_mask_blur")).to_be_visible()
    draw(page)
    shoot(page, "inpaint")


def draw(page: Page) -> None:
    """A stroke with the mouse over the middle of the canvas, which scrolls into view."""
    page.evaluate("() => { webui.canvas('img2img').size = 20; }")
    page.locator("#img2img_canvas .canvas-stage").scroll_into_view_if_needed()
    box: Any = page.locator("#img2img_canvas .canvas-stage").bounding_box()
    x, y, width, height = (box[key] for key in ("x", "y", "width", "height"))
    page.mouse.move(x + width * 0.42, y + height * 0.4)
    page.mouse.down()
    for across, down in ((0.5, 0.35), (0.58, 0.42), (0.55, 0.55), (0.45, 0.55)):
        page.mouse.move(x + width * across, y + height * down, steps=4)
    page.mouse.up()


def cards(page: Page, shoot: Shoot) -> None:
    show(page, "txt2img", "#txt2img_prompt")
    page.click("#txt2img_lora-button")
    found = page.locator("#txt2img_lora_cards_html .card")
    found.filter(has_text="lantern").first.click()  # others may have left some, too
    expect(page.locator("#txt2img_prompt textarea")).to_have_value(re.compile("<lora:"))
    page.wait_for_function("() => [...document.querySelectorAll('.card-picture img')].every((each) => each.complete && each.naturalWidth)")
    shoot(page, "lora")
    page.click("#txt2img_generation-button")


def tools(page: Page, picture: Path, shoot: Shoot) -> None:
    """Extras, PNG Info, Checkpoint Merger, Models."""
    show(page, "extras", "#extras_generate", "#extras_upscaler_1")
    page.locator("#extras_image input[type=file]").set_input_files(picture)
    page.click("#extras_generate")
    expect(page.locator("#extras_gallery img").first).to_be_visible()
    idle(page)
    shoot(page, "extras")
    show(page, "pnginfo", "#pnginfo_image", "#txt2img_tab")
    page.locator("#pnginfo_image input[type=file]").set_input_files(picture)
    expect(page.locator("#pnginfo_generation_info")).to_contain_text("Steps: ")
    shoot(page, "pnginfo")
    show(page, "modelmerger", "#modelmerger_merge", "#modelmerger_interp_description")
    shoot(page, "modelmerger")
    show(page, "models", "webui-models [role=row], webui-models tr, webui-models li")
    expect(page.locator("webui-models")).to_contain_text("demo.safetensors")
    shoot(page, "models")


def lists(page: Page, shoot: Shoot) -> None:
    """History, Queue, Settings, Extensions."""
    show(page, "history", "#history_search", "webui-history .virtual-cell img.there")
    shoot(page, "history")
    for number in range(4):
        page.evaluate(POST, [f"{PROMPTS[number]}, many", 90 + number, 150, 40])
    show(page, "queue", "#webui_queue h2")
    expect(page.locator("webui-queue li.queued").nth(2)).to_be_visible()
    expect(page.locator("webui-queue")).to_contain_text("Running")
    shoot(page, "queue")
    page.evaluate("() => webui.jobs.open().forEach((job) => webui.jobs.act(job.id, 'cancel'))")
    idle(page)
    show(page, "extensions", "#extensions_installed_html tbody tr")
    shoot(page, "extensions")
    show(page, "settings", "#settings_submit", "#setting_samples_save")
    shoot(page, "settings")


def test_a_phone_generates_and_inpaints(chromium: Browser, program: Program, shoot: Shoot) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    problems: list[str] = []
    context.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page = context.new_page()
    page.goto("/")
    ready(page)
    fill(page, prompt="a red star on a blue background", steps=6, seed=3)
    page.locator("#txt2img_generate").tap()
    idle(page)
    job_shown(page)
    expect(page.locator("#txt2img_gallery img").first).to_be_visible()
    shoot(page, "phone-txt2img")
    page.locator("#txt2img_send_to_inpaint").tap()
    stage = page.locator("#img2img_canvas .canvas-stage")
    expect(stage).to_be_visible()
    page.wait_for_function("() => !!webui.canvas?.('img2img')?.picture")
    draw(page)
    shoot(page, "phone-inpaint")
    context.close()
    assert problems == []


def test_the_pictures_in_the_repository_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in SHOTS.glob("*.png")}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    assert len(sizes) >= 16
