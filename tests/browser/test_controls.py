"""Each control of A1111's has its place on the page, as the table in modules/frontend/README.md says."""

import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program
from tests.frontend.controls import missing, selectors
from tests.weights.test_cards import write_lora

pytestmark = pytest.mark.browser
CARDS = {"lora": "Lora", "checkpoints": "Checkpoints", "textual_inversion": "Textual Inversion", "hypernetworks": "Hypernetworks"}


class Search:
    """What of the table was not found yet while the page was gone through."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.left = selectors()
        self.wrong: set[str] = set()
        self.gone = [f"#{control.id}" for control in missing() if control.id]

    def look(self) -> None:
        """Strike out what the page has now, and note what it should not have."""
        there = "(all) => all.filter((each) => document.querySelector(each))"
        for found in self.page.evaluate(there, list(self.left)):
            del self.left[found]
        self.wrong |= set(self.page.evaluate(there, self.gone))


@pytest.fixture
def search(page: Page) -> Search:
    return Search(page)


def test_every_control_of_the_table_is_on_the_page(page: Page, program: Program, search: Search) -> None:
    tags = json.dumps({"1_ink": {"thin line": 9}})
    write_lora(program.data / "models" / "Lora" / "ink.safetensors", {"ss_base_model_version": "sd_v1.5", "ss_tag_frequency": tags})
    for tab in ("txt2img", "img2img"):
        open_tab(page, tab)
        styles(page, tab, search)
        scripts(page, tab, search)
        cards(page, tab, search)
    extras(page, search)
    picture_info(page, program, search)
    merger(page, search)
    training(page, search)
    for tab, ready in (("Settings", "#settings_submit"), ("Extensions", "#extensions_installed_html tbody tr")):
        open_tab(page, tab)
        page.locator(ready).first.wait_for()
        search.look()
    for part in page.locator("#tabs_extensions [role=tab]").all():
        part.click()
        search.look()
    assert search.left == {}
    assert search.wrong == set(), "the table says that these are missing"


def training(page: Page, search: Search) -> None:
    open_tab(page, "Train")
    page.locator("#training_start").wait_for()
    search.look()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).first.click()


def styles(page: Page, tab: str, search: Search) -> None:
    page.click(f"#{tab}_styles_edit_button")
    expect(page.locator(f"#{tab}_styles_dialog")).to_be_visible()
    search.look()
    page.keyboard.press("Escape")


def scripts(page: Page, tab: str, search: Search) -> None:
    """Choose each script, and switch on each extension."""
    chosen = page.locator(f"#{tab}_script_container [id^=script_list]")
    for value in chosen.locator("option").evaluate_all("(all) => all.map((option) => option.value)"):
        chosen.select_option(value)
        search.look()
    for switch in page.locator(f"#{tab}_script_container .script-switch input").all():
        switch.check()
        search.look()
        switch.uncheck()


def cards(page: Page, tab: str, search: Search) -> None:
    """Each kind's cards, and the dialog of one where there is one."""
    for kind, title in CARDS.items():
        page.locator(f"#{tab}_extra_tabs").get_by_role("tab", name=title, exact=True).click()
        here = page.locator(f"#{tab}_{kind}_cards_html")
        if kind in ("lora", "checkpoints"):
            here.locator(".card").first.hover()
            here.locator(".icon-card-edit").first.click()
            page.locator("dialog.card-dialog [name=notes]").wait_for()
            search.look()
            page.keyboard.press("Escape")
        else:
            here.locator(".cards-body").wait_for()
            search.look()
    page.locator(f"#{tab}_generation-button").click()


def extras(page: Page, search: Search) -> None:
    open_tab(page, "Extras")
    page.locator("#extras_image webui-drop .drop-here").wait_for()
    search.look()
    for part in ("Batch Process", "Batch from Directory", "Scale to"):
        open_tab(page, part)
        page.locator(f"[role=tabpanel]:visible >> #{PARTS[part]}").first.wait_for()
        search.look()


PARTS = {"Batch Process": "extras_image_batch", "Batch from Directory": "extras_batch_input_dir", "Scale to": "extras_upscaling_resize_w"}


def picture_info(page: Page, program: Program, search: Search) -> None:
    chunks = PngInfo()
    chunks.add_text("parameters", "a fish\nSteps: 9, Sampler: Euler a, CFG scale: 5.5, Seed: 77, Size: 64x64")
    Image.new("RGB", (64, 64)).save(program.data / "fish.png", pnginfo=chunks)
    open_tab(page, "PNG Info")
    page.locator("#pnginfo_image input[type=file]").set_input_files(program.data / "fish.png")
    page.locator("#pnginfo_generation_info").wait_for()
    search.look()


def merger(page: Page, search: Search) -> None:
    open_tab(page, "Checkpoint Merger")
    page.locator("#modelmerger_metadata button").first.click()
    page.locator("#modelmerger_save_metadata").wait_for()
    search.look()
