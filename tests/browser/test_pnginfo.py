"""The PNG Info tab in a browser: what a file says is shown as text, copied, and sent to the forms."""

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

INFOTEXT = (
    "a lighthouse <b>at night</b>\nNegative prompt: people\n"
    "Steps: 7, Sampler: Euler a, Schedule type: Karras, CFG scale: 5, Seed: 4242, Size: 96x64, Version: easel-0.1.0"
)


def picture(folder: Path, **texts: str) -> Path:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    path = folder / "night.png"
    Image.new("RGB", (96, 64), (20, 40, 90)).save(path, pnginfo=info)
    return path


def shown(page: Page, path: Path) -> None:
    page.locator("#tab_pnginfo-button").click()
    page.locator("#pnginfo_image input[type=file]").set_input_files(path)


def test_everything_in_the_file_is_shown_as_text_and_nothing_as_html(page: Page, tmp_path: Path) -> None:
    shown(page, picture(tmp_path, parameters=INFOTEXT, note="<img src=x onerror=alert(1)>"))
    expect(page.locator("#pnginfo_generation_info")).to_have_text(INFOTEXT, use_inner_text=True)
    expect(page.locator(".pnginfo-facts")).to_contain_text("96x64")
    expect(page.locator(".pnginfo-parameters")).to_contain_text("4242")
    expect(page.locator(".pnginfo-items td").first).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("webui-pnginfo .pnginfo-body :is(img, b)").count() == 0


def test_sending_to_txt2img_fills_its_fields(page: Page, tmp_path: Path) -> None:
    shown(page, picture(tmp_path, parameters=INFOTEXT))
    page.locator("#txt2img_tab").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a lighthouse <b>at night</b>")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")
    expect(page.locator("#txt2img_seed").locator("textarea, input").first).to_have_value("4242")


def test_sending_to_extras_takes_the_picture_there(page: Page, tmp_path: Path) -> None:
    shown(page, picture(tmp_path))
    expect(page.locator(".pnginfo-body")).to_contain_text("no settings of a generation")
    expect(page.locator("#txt2img_tab")).to_be_disabled()
    page.locator("#extras_tab").click()
    expect(page.locator("#extras_image .drop-said")).to_have_text("night.png · 96x64")


def test_a_file_that_is_no_picture_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing to see", "utf8")
    shown(page, path)
    expect(page.locator("#webui-notices")).to_contain_text("'notes.txt' is no picture.")
    expect(page.locator("webui-pnginfo .empty")).to_be_visible()


def test_a_picture_is_pasted_from_the_clipboard(page: Page, tmp_path: Path) -> None:
    data = list(picture(tmp_path, parameters=INFOTEXT).read_bytes())
    page.locator("#tab_pnginfo-button").click()
    expect(page.locator("#pnginfo_image .drop-here")).to_be_visible()
    page.evaluate(
        """(bytes) => {
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
            document.activeElement?.blur();
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true }));
        }""",
        data,
    )
    expect(page.locator("#pnginfo_generation_info")).to_contain_text("Seed: 4242")
