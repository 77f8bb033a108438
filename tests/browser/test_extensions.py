"""The Extensions tab: installed from a folder, an address, a file; looked at, updated, removed, and a set of them kept."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Program, fill, idle, ready
from tests.plugins.repository import commit, needs_git, repository, set_version
from tests.plugins.writing import CODE, extension

pytestmark = pytest.mark.browser
OBSERVER = CODE.replace("class Options", "observer = True\n    class Options")


@pytest.fixture(autouse=True)
def cleared(program: Program) -> Iterator[None]:
    """Without the extensions of one test in the next."""
    yield
    for row in asked(program, "")["rows"]:
        if row["origin"] == "added" and row["state"] != "twin":
            asked(program, "/remove", {"name": row["name"]})
    asked(program, "/mode", {"mode": "none"})


def asked(program: Program, path: str, values: Any = None) -> Any:
    """What one of the tab's routes answers."""
    data = None if values is None else json.dumps(values).encode()
    request = urllib.request.Request(f"{program.url}webui/extensions{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture
def tab(page: Page) -> Page:
    page.click("#tab_extensions-button")
    expect(page.locator("webui-extensions[data-ready=true]")).to_be_attached()
    return page


def row(page: Page, name: str, state: str = "") -> Any:
    return page.locator(f"tr[data-name={name}]{f'.state-{state}' if state else ''}")


def test_all_that_come_along_are_there_and_one_is_switched_off_and_on(tab: Page) -> None:
    expect(tab.locator("#extensions > tbody > tr.state-on")).to_have_count(len(Path("extensions/bundled.txt").read_text().split()))
    switch = row(tab, "loopback").get_by_role("switch")
    switch.click()
    expect(row(tab, "loopback", "off")).to_be_visible()
    switch.click()
    expect(row(tab, "loopback", "on")).to_be_visible()
    tab.get_by_label("Search in the installed extensions").fill("plot")
    expect(tab.locator("#extensions > tbody > tr")).to_have_count(1)


@needs_git
def test_from_an_address_it_is_looked_at_switched_on_updated_and_taken_back(tab: Page, tmp_path: Path) -> None:
    source = extension(tmp_path, "web_git")
    url = repository(source)
    tab.get_by_role("tab", name="Install", exact=True).click()
    tab.get_by_label("URL for extension's git repository").fill(url)
    tab.locator("form", has=tab.locator("#extension_url")).get_by_role("button", name="Install").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("2 files, 1 of Python")
    tab.keyboard.press("Escape")
    expect(row(tab, "web_git", "new")).to_be_visible()
    row(tab, "web_git").get_by_role("button", name="Look at it… Web Git").click()
    dialog.get_by_role("button", name="Switch on").click()
    expect(row(tab, "web_git", "on")).to_be_visible()

    set_version(source, "1.3")
    commit(source, "Do it <b>better</b>")
    tab.get_by_role("button", name="Check for updates").click()
    row(tab, "web_git").get_by_role("button", name="Update… Web Git").click()
    expect(dialog).to_contain_text("1.2 → 1.3")
    expect(dialog).to_contain_text("Do it <b>better</b>")
    expect(dialog).to_contain_text("~ extension.toml")
    dialog.get_by_role("button", name="Update", exact=True).click()
    expect(row(tab, "web_git").locator(".version")).to_have_text("1.3")
    row(tab, "web_git").locator(".title").click()
    tab.get_by_role("button", name="Go back to 1.2").click()
    expect(row(tab, "web_git").locator(".version")).to_have_text("1.2")


def test_one_that_fails_to_load_is_shown_with_its_reason_removed_and_back_again(tab: Page, program: Program) -> None:
    extension(program.data / "extensions", "web_broken", "1 / 0")
    tab.get_by_role("button", name="Look again for extensions").click()
    expect(row(tab, "web_broken", "failed")).to_contain_text("It could not be imported: ZeroDivisionError: division by zero")
    row(tab, "web_broken").locator(".title").press("Enter")
    tab.get_by_text("How it failed to load").click()
    expect(tab.locator("tr.details pre")).to_contain_text("1 / 0")
    tab.get_by_role("button", name="Remove", exact=True).click()
    expect(row(tab, "web_broken")).to_have_count(0)
    tab.get_by_role("button", name="Undo").click()
    expect(row(tab, "web_broken", "failed")).to_be_visible()


def test_from_a_folder_its_time_is_shown_after_a_picture(tab: Page, tmp_path: Path) -> None:
    folder = extension(tmp_path, "web_folder", OBSERVER)
    tab.get_by_role("tab", name="Install", exact=True).click()
    tab.get_by_label("The whole path of the folder").fill(str(folder))
    tab.get_by_label("The whole path of the folder").press("Enter")
    tab.get_by_role("dialog").get_by_role("button", name="Switch on").click()
    expect(row(tab, "web_folder", "on")).to_be_visible()
    tab.click("#tab_txt2img-button")
    fill(tab, steps=1, width=64, height=64)
    tab.click("#txt2img_generate")
    idle(tab)
    expect(tab.locator("#html_info_txt2img")).to_contain_text("r0.5")
    tab.click("#tab_extensions-button")
    tab.get_by_role("button", name="Look again for extensions").click()
    row(tab, "web_folder").locator(".title").click()
    expect(tab.locator("table.spent tbody")).to_contain_text("request")


def test_a_set_is_saved_and_restored_and_all_is_switched_off_together(tab: Page, program: Program) -> None:
    extension(program.data / "extensions", "web_set")
    tab.get_by_role("button", name="Look again for extensions").click()
    expect(row(tab, "web_set", "on")).to_be_visible()
    tab.get_by_role("tab", name="Backup/Restore").click()
    tab.get_by_label("A name for the saved set").fill("my <i>set</i>")
    tab.get_by_label("A name for the saved set").press("Enter")
    expect(tab.locator("#extension_backup_saved_configs")).to_contain_text("my <i>set</i>")
    tab.get_by_role("tab", name="Backup/Restore").press("Home")
    tab.get_by_role("radio", name="extra").click()
    expect(row(tab, "web_set", "off")).to_be_visible()
    expect(tab.locator(".banner")).to_contain_text("Safe mode")
    tab.get_by_role("tab", name="Backup/Restore").click()
    tab.get_by_role("button", name="Restore: my <i>set</i>").click()
    expect(tab.locator(".status")).to_contain_text("as they were saved")
    tab.get_by_role("tab", name="Installed").click()
    expect(row(tab, "web_set", "on")).to_be_visible()


def test_from_an_index_one_is_installed(tab: Page, tmp_path: Path) -> None:
    folder = extension(tmp_path, "web_listed")
    archive = tmp_path / "web_listed.zip"
    zip_folder(folder, archive)
    entries = [{"name": "web_listed", "title": "Listed <b>here</b>", "url": archive.as_uri(), "api": 1, "tags": ["script"]},
               {"name": "old", "title": "Old one", "url": "https://example.org/old", "tags": ["script"]}]  # fmt: skip
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"extensions": entries}))
    tab.get_by_role("tab", name="Available").click()
    tab.get_by_label("Extension index URL").fill(index.as_uri())
    tab.get_by_label("Extension index URL").press("Enter")
    expect(tab.locator(".available > li")).to_have_count(1)
    tab.get_by_label("Show what is for A1111 only").check()
    expect(tab.locator(".available")).to_contain_text("needs its native twin")
    tab.get_by_role("button", name="Install Listed <b>here</b>").click()
    tab.get_by_role("dialog").get_by_role("button", name="Not now").click()
    tab.get_by_role("tab", name="Installed").click()
    expect(row(tab, "web_listed", "new")).to_be_visible()


def zip_folder(folder: Path, archive: Path) -> None:
    import zipfile

    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, f"{folder.name}/{path.name}")


def test_on_a_phone_nothing_is_wider_than_the_screen(chromium: Browser, program: Program) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    button = page.locator("#tab_extensions-button")
    if not button.count():
        page.locator("#tabs .overflow-menu > button").first.tap()
        button = page.locator("#tabs .overflow-dropdown button", has_text="Extensions")
    button.tap()
    expect(page.locator("webui-extensions[data-ready=true]")).to_be_attached()
    for name in ("Available", "Install", "Backup/Restore", "Installed"):
        page.get_by_role("tab", name=name, exact=True).tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    row(page, "xyz_plot").locator(".title").tap()
    expect(page.locator("tr.details")).to_contain_text("extensions/xyz_plot")
    context.close()
