"""The question of the first start, and content credentials in PNG Info."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from modules.imaging.credentials import Credentials
from tests.browser.conftest import Program
from tests.extensions.pictures import varied
from tests.pipeline.pictures import file

pytestmark = pytest.mark.browser
ASKED = ".first-choice"


def change(page: Page, mode: str) -> None:
    asked = "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({values})}"
    page.evaluate(f"values => fetch('webui/settings', {asked}).then(answer => answer.json())", {"content_screen": mode})


def test_the_content_screen_is_asked_for_once(page: Page, program: Program) -> None:
    page.goto(program.url)
    expect(page.locator("#txt2img_generate")).to_be_visible()
    expect(page.locator(ASKED)).to_have_count(0)
    change(page, "Not chosen")
    page.reload()
    expect(page.locator(ASKED)).to_contain_text("Should pictures be screened")
    page.get_by_role("button", name="Show all pictures").click()
    expect(page.locator(ASKED)).to_have_count(0)
    page.reload()
    expect(page.locator("#txt2img_generate")).to_be_visible()
    expect(page.locator(ASKED)).to_have_count(0)


def test_content_credentials_are_shown_in_png_info(page: Page, program: Program, tmp_path: Path) -> None:
    page.goto(program.url)
    signed = tmp_path / "signed.png"
    signed.write_bytes(Credentials(tmp_path / "keys", "Easel").sign(file(varied(64, 64)), "png"))
    page.get_by_role("tab", name="PNG Info").click()
    page.locator("#pnginfo_image input[type=file]").set_input_files(signed)
    expect(page.locator("webui-pnginfo")).to_contain_text("a program generated the picture")
    expect(page.locator("webui-pnginfo")).to_contain_text("unchanged")
