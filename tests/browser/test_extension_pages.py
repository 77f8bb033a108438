"""What extensions bring to the page: panels with pictures and units, panels of their own, style, modules, tools, words for settings."""

import io
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Program, fill, idle, ready
from tests.plugins.writing import extension

pytestmark = pytest.mark.browser

UNITS = """
from typing import Literal
from modules.contract.request import Picture
from modules.plugins import Choice, Extension, ImageField, Options, Slider, Toggle, Units, hook

class Unit(Options):
    enabled: bool = Toggle(False, "Enable")
    image: Picture | None = ImageField("Picture", mask="mask")
    mask: Picture | None = ImageField("Mask")
    weight: float = Slider(1, 0, 2, "Weight", step=0.05)

class Mine(Extension):
    class Options(Options):
        mode: Literal["soft", "hard"] = Choice("soft", "Mode")
        units: tuple[Unit, ...] = Units("Units", most=3, shown=2)

    @hook.request
    def tell(self, request):
        if "told" in request.prompt:
            return None
        said = [f"{unit.weight} {len(unit.image or b'')} {'mask' if unit.mask else 'none'}" for unit in self.options.units]
        return request.replace(prompt=f"told {self.options.mode} {len(said)}: {'; '.join(said)}")
"""
OWN = """
from modules.plugins import Extension, Options, Slider, Tab, Toggle, hook

class Mine(Extension):
    class Settings(Options):
        loud: bool = Toggle(True, "Be loud about it")

    class Options(Options):
        strength: float = Slider(0.5, 0, 1, "Strength", step=0.1)

    tab = Tab("My own page", "easel-test-page")

    @hook.request
    def sign(self, request):
        return None if "told" in request.prompt else request.replace(prompt=f"told {self.options.strength}")
"""
SCRIPT = """
import { define, element, promptBox, insertText } from "easel/extension.js";
define("easel-test-panel", class extends HTMLElement {
    connectedCallback() {
        this.box ??= element("input", { type: "number", "aria-label": "My strength", onchange: () =>
            this.dispatchEvent(new Event("change", { bubbles: true })) });
        this.append(this.box);
    }
    get value() { return { strength: Number(this.box.value) }; }
    set value(value) { this.box.value = value.strength; }
});
define("easel-test-page", class extends HTMLElement {
    connectedCallback() {
        this.replaceChildren(element("p", { class: "easel-test" }, "A page of mine"),
            element("button", { type: "button", onclick: () => insertText(promptBox("txt2img"), "inserted") }, "Insert"));
    }
});
"""


@pytest.fixture(autouse=True)
def cleared(program: Program) -> Iterator[None]:
    """Without the extensions of one test in the next."""
    yield
    for row in asked(program, "")["rows"]:
        if row["origin"] == "added":
            asked(program, "/remove", {"name": row["name"]})


def asked(program: Program, path: str, values: Any = None) -> Any:
    """What one of the Extensions tab's routes answers."""
    data = None if values is None else json.dumps(values).encode()
    request = urllib.request.Request(f"{program.url}webui/extensions{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def look_again(page: Page) -> None:
    page.click("#tab_extensions-button")
    expect(page.locator("webui-extensions[data-ready=true]")).to_be_attached()
    page.get_by_role("button", name="Look again for extensions").click()


def generated(page: Page) -> Locator:
    """The infotext of a picture made now."""
    fill(page, prompt="a star", steps=1, width=64, height=64)
    page.click("#txt2img_generate")
    idle(page)
    return page.locator("#html_info_txt2img")


def picture() -> FilePayload:
    file = io.BytesIO()
    Image.new("RGB", (48, 32), (200, 30, 30)).save(file, "PNG")
    return {"name": "red.png", "mimeType": "image/png", "buffer": file.getvalue()}


def test_units_with_pictures_and_masks_reach_the_request_and_outlive_a_reload(page: Page, program: Program) -> None:
    extension(program.data / "extensions", "web_units", UNITS)
    look_again(page)
    page.click("#tab_txt2img-button")
    panel = page.locator("webui-script[data-tab=txt2img] [data-name=web_units].script-panel")
    panel.get_by_role("checkbox", name="Web Units").check()
    expect(panel.get_by_role("tab")).to_have_count(2)
    panel.get_by_role("button", name="Add a unit").click()
    panel.get_by_role("tab", name="Unit 2").click()
    panel.get_by_role("checkbox", name="Enable").check()
    expect(panel.locator(".unit-tab.on")).to_have_text("Unit 2")
    file = picture()
    panel.locator("input[type=file]").set_input_files(file)
    panel.get_by_role("button", name="Draw a mask").click()
    stage = page.locator(".mask-dialog .canvas-stage")
    expect(page.locator(".mask-dialog webui-canvas.has-picture")).to_be_visible()
    stage.click()
    page.get_by_role("button", name="Use this mask").click()
    expect(panel.locator(".field-mask")).to_be_attached()
    panel.get_by_role("spinbutton", name="Weight").fill("0.5")
    expect(generated(page)).to_contain_text(f"told soft 1: 0.5 {len(file['buffer'])} mask")

    page.reload()
    ready(page)
    expect(panel.get_by_role("tab")).to_have_count(3)
    panel.get_by_role("tab", name="Unit 2").click()
    expect(panel.locator(".field-shown img")).to_be_visible()
    panel.get_by_role("button", name="Remove this unit").click()
    expect(panel.locator(".unit-tab.on")).to_have_count(0)
    expect(generated(page)).to_contain_text("told soft 0:")


def test_style_modules_panels_tools_and_settings_of_a_new_one_come_without_a_reload(page: Page, program: Program) -> None:
    page.click("#tab_settings-button")
    expect(page.locator("#settings_submit")).to_be_visible()
    page.click("#tab_tools-button")
    expect(page.locator("webui-tools[data-count]")).to_be_attached()
    web = '[web]\ncss = ["web/mine.css"]\njavascript = ["web/mine.js"]\npanel = "easel-test-panel"\n'
    folder = extension(program.data / "extensions", "web_own", OWN, more=web)
    (folder / "web").mkdir()
    (folder / "web" / "mine.js").write_text(SCRIPT)
    (folder / "web" / "mine.css").write_text(".easel-test { letter-spacing: 3px; }")
    page.evaluate("window.same = true")
    look_again(page)
    page.click("#tab_tools-button")
    page.get_by_role("tab", name="My own page").click()
    expect(page.locator("easel-test-page p")).to_have_css("letter-spacing", "3px")
    page.click("#tab_settings-button")
    page.locator("webui-settings nav").get_by_role("button", name="Web Own").click()
    expect(page.get_by_role("checkbox", name="Be loud about it")).to_be_checked()
    page.click("#tab_txt2img-button")
    page.get_by_role("checkbox", name="Web Own").check()
    strength = page.locator("webui-script[data-tab=txt2img]").get_by_label("My strength")
    strength.fill("0.3")
    strength.blur()
    expect(generated(page)).to_contain_text("told 0.3")
    page.click("#tab_tools-button")
    page.get_by_role("button", name="Insert").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a starinserted")

    asked(program, "/remove", {"name": "web_own"})
    look_again(page)
    expect(page.locator("#tool_web_own_tab")).to_have_count(0)
    expect(page.locator("webui-settings nav").get_by_role("button", name="Web Own")).to_have_count(0)
    expect(page.locator("[data-name=web_own].script-panel")).to_have_count(0)
    assert page.evaluate("window.same")


def test_a_module_that_fails_is_named_and_its_generated_panel_is_shown(page: Page, program: Program) -> None:
    web = '[web]\njavascript = ["web/mine.js"]\npanel = "easel-never"\n'
    folder = extension(program.data / "extensions", "web_fails", OWN.replace("easel-test-page", "easel-never-page"), more=web)
    (folder / "web").mkdir()
    (folder / "web" / "mine.js").write_text("throw new Error('nothing works <b>here</b>');")
    look_again(page)
    notices = page.locator("#webui-notices")
    expect(notices).to_contain_text("Web Fails: its part of the page could not be loaded.")
    expect(notices).to_contain_text("nothing works <b>here</b>")
    page.click("#tab_txt2img-button")
    page.get_by_role("checkbox", name="Web Fails").check()
    expect(page.locator("#script_txt2img_web_fails_strength input[type=range]")).to_be_visible()


def test_an_infotext_fills_panels_and_what_does_not_fit_is_named(page: Page, program: Program) -> None:
    extension(program.data / "extensions", "web_pasted", OWN.split("    tab =", maxsplit=1)[0] + """
    @hook.request
    def sign(self, request):
        return None
""")  # fmt: skip
    look_again(page)
    page.click("#tab_txt2img-button")
    fill(page, prompt="a star\nSteps: 3, Sampler: Euler, Seed: 5, Size: 64x64, Web Pasted: \"Strength: 0.8\", Nobody: 7")
    page.click("#txt2img_paste")
    expect(page.get_by_role("checkbox", name="Web Pasted")).to_be_checked()
    expect(page.locator("#script_txt2img_web_pasted_strength input[type=number]")).to_have_value("0.8")
    expect(page.locator("#webui-notices")).to_contain_text("No field takes this part of the infotext: Nobody: 7.")
