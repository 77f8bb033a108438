"""The Extras tab in a browser: real pictures through the real upscaler, one and several, from the page and from a folder."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program

pytestmark = pytest.mark.browser


def picture(folder: Path, name: str = "small.png", size: tuple[int, int] = (48, 32)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize(size).convert("RGB").save(folder / name)
    return folder / name


def extras(page: Page) -> None:
    page.locator("#tab_extras-button").click()
    expect(page.locator("webui-extras .extras-stage")).to_be_visible()


def choose(page: Page, dropdown: str, choice: str) -> None:
    page.locator(f"#{dropdown} input").click()
    page.get_by_role("option", name=choice, exact=True).click()


def number(page: Page, slider: str, value: float) -> None:
    field = page.locator(f"#{slider} input[type=number]")
    field.fill(str(value))
    field.blur()


def finished(page: Page, count: int) -> None:
    expect(page.locator("#html_log_extras")).to_contain_text(f"{count} picture", timeout=60_000)


def result(page: Page) -> Image.Image:
    """The picture that is shown, byte for byte."""
    address = page.locator("webui-extras .extras-picture").get_attribute("src")
    return Image.open(io.BytesIO(page.request.get(page.url + str(address)).body()))


def test_a_picture_is_enlarged_compared_and_sent_on(page: Page, tmp_path: Path) -> None:
    extras(page)
    page.locator("#extras_image input[type=file]").set_input_files(picture(tmp_path))
    choose(page, "extras_upscaler_1", "demo-2x")
    number(page, "extras_upscaling_resize", 2)
    page.locator("#extras_generate").click()
    finished(page, 1)
    assert result(page).size == (96, 64)
    expect(page.locator("#html_info_x_extras")).to_have_text("Postprocess upscale by: 2.0, Postprocess upscaler: demo-2x")
    page.locator("#extras_compare").click()
    expect(page.locator(".extras-before")).to_be_visible()
    page.locator("#extras_send_to_extras").click()
    expect(page.locator("#extras_image .drop-said")).to_contain_text("96x64")


def test_several_pictures_become_several_of_one_size_with_mirrored_copies(page: Page, tmp_path: Path, program: Program) -> None:
    extras(page)
    page.locator("#extras_batch_process_tab-button").click()
    files = [picture(tmp_path, f"batch-{each}.png", (40 + 8 * each, 40)) for each in range(3)]
    page.locator("#extras_image_batch input[type=file]").set_input_files(files)
    page.get_by_label("Take batch-2.png out").click()
    choose(page, "extras_upscaler_1", "Lanczos")
    page.locator("#extras_scale_to_tab-button").click()
    number(page, "extras_upscaling_resize_w", 96)
    number(page, "extras_upscaling_resize_h", 72)
    page.locator("#input-accordion-5-checkbox input").check()
    page.locator("#extras_generate").click()
    finished(page, 4)  # two pictures, each with a mirrored copy
    assert result(page).size == (96, 72)
    names = sorted(path.name for path in (program.data / "outputs").rglob("batch-*.png"))
    assert names == ["batch-0-1.png", "batch-0.png", "batch-1-1.png", "batch-1.png"]
    page.locator(".extras-thumbnails [role=option]").first.focus()
    page.keyboard.press("End")
    expect(page.locator(".extras-thumbnails [aria-selected=true]")).to_have_attribute("aria-label", "Picture 4")


def test_a_folder_of_this_machine_is_worked_through(page: Page, tmp_path: Path) -> None:
    for each in range(2):
        picture(tmp_path / "many", f"{each}.png")
    (tmp_path / "many" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    extras(page)
    page.locator("#extras_batch_directory_tab-button").click()
    page.locator("#extras_batch_input_dir").locator("textarea, input").first.fill(str(tmp_path / "many"))
    choose(page, "extras_upscaler_1", "Nearest")
    page.locator("#extras_generate").click()
    finished(page, 2)
    expect(page.locator("#html_log_extras")).to_contain_text("damaged.png")


def test_what_is_missing_is_said(page: Page) -> None:
    extras(page)
    page.locator("#extras_generate").click()
    expect(page.locator("#webui-notices")).to_contain_text("There is no picture to work on.")


def test_a_reloaded_page_shows_its_last_result(opened: Callable[[], Page], tmp_path: Path) -> None:
    page = opened()
    extras(page)
    page.locator("#extras_image input[type=file]").set_input_files(picture(tmp_path))
    choose(page, "extras_upscaler_1", "Lanczos")
    page.locator("#extras_generate").click()
    finished(page, 1)
    page.reload()
    expect(page.locator("body[data-webui=ready]")).to_be_attached()
    extras(page)
    finished(page, 1)
    expect(page.locator("#extras_upscaler_1 input")).to_have_value("Lanczos")


def test_the_tab_fits_a_phone(page: Page, tmp_path: Path) -> None:
    extras(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#extras_image input[type=file]").set_input_files(picture(tmp_path, size=(900, 300)))
    expect(page.locator("#extras_image .drop-said")).to_contain_text("900x300")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
