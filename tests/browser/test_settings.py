"""The Settings tab: change and apply, search, what is changed, reset, export and import, actions, a phone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect

from tests.browser.conftest import Program, ready


def settings(page: Page) -> Locator:
    """Open the tab; gives the element once its pages are there."""
    page.locator("#tab_settings-button").click()
    tab = page.locator("webui-settings")
    expect(tab.locator("#settings_submit")).to_be_visible()
    return tab


def show(tab: Locator, name: str) -> Locator:
    """One of the pages."""
    tab.locator(f".settings-pages button[data-page={name}]").click()
    section = tab.locator(f"section[data-page={name}]")
    expect(section).to_be_visible()
    return section


def apply(tab: Locator) -> None:
    tab.locator("#settings_submit").click()
    expect(tab.locator(".state")).to_contain_text("applied")
    expect(tab.locator("#settings_submit .count")).to_be_hidden()


def kept(program: Program) -> dict[str, Any]:
    """The settings file."""
    return json.loads((program.data / "settings.json").read_text("utf8"))


def restore(page: Page) -> None:
    """All settings back at their defaults, for the tests that come after."""
    tab = page.locator("webui-settings")
    show(tab, "changes").locator(".reset-all").click()
    apply(tab)


def option(section: Locator, key: str) -> Locator:
    """A setting by its key; its id is another one where it stands above the tabs as well."""
    return section.locator(f".option[data-name={key}]")


def number(section: Locator, key: str) -> Locator:
    return option(section, key).locator("input[type=number]")


def test_a_setting_is_changed_applied_and_there_after_a_reload(page: Page, program: Program) -> None:
    tab = settings(page)
    section = show(tab, "model")
    number(section, "CLIP_stop_at_last_layers").fill("2")
    option(section, "randn_source").locator("select").select_option("CPU")
    expect(tab.locator("#settings_submit .count")).to_have_text("2")
    apply(tab)
    assert (kept(program)["model"]["clip_skip"], kept(program)["model"]["random_source"]) == (2, "CPU")
    page.reload()
    ready(page)
    section = show(settings(page), "model")
    expect(number(section, "CLIP_stop_at_last_layers")).to_have_value("2")
    section.locator(".reset-page").click()
    apply(page.locator("webui-settings"))
    assert (kept(program)["model"]["clip_skip"], kept(program)["model"]["random_source"]) == (1, "GPU")


def test_a_wrong_value_is_said_in_a_sentence_and_nothing_is_applied(page: Page) -> None:
    tab = settings(page)
    section = show(tab, "saving")
    number(section, "jpeg_quality").fill("900")
    wanted = "Quality for saved JPEG and WEBP pictures is 900; it must be between 1 and 100."
    expect(option(section, "jpeg_quality").locator(".problem")).to_have_text(wanted)
    show(tab, "grids")
    tab.locator("#settings_submit").click()
    expect(page.locator("#webui-notices")).to_contain_text(wanted)
    expect(number(section, "jpeg_quality")).to_be_focused()
    expect(number(section, "jpeg_quality")).to_have_value("900")
    option(section, "jpeg_quality").locator(".icon-reset").click()
    expect(number(section, "jpeg_quality")).to_have_value("80")
    expect(tab.locator("#settings_submit .count")).to_be_hidden()


def test_search_finds_labels_help_and_keys_on_all_pages(page: Page) -> None:
    tab = settings(page)
    search = tab.locator("#settings_search")
    shown = tab.locator(".settings-content section:not([hidden]) .option:not(.unmatched)")
    search.fill("tile size")
    expect(shown).to_have_count(2)  # of upscalers, of the VAE
    expect(option(tab, "ESRGAN_tile")).to_be_visible()
    search.fill("CLIP_stop_at")
    expect(option(tab, "CLIP_stop_at_last_layers")).to_be_visible()
    search.fill("nvidia card")
    expect(shown).to_have_count(1)
    search.fill("no such words")
    expect(tab.locator(".empty")).to_be_visible()
    search.fill("")
    expect(tab.locator("section[data-page=saving]")).to_be_visible()
    expect(tab.locator("section[data-page=grids]")).to_be_hidden()


def test_changes_show_old_and_new_values_and_are_not_lost_unasked(page: Page) -> None:
    tab = settings(page)
    option(show(tab, "grids"), "grid_save").locator("input").click()
    changes = show(tab, "changes")
    row = changes.locator("tr", has_text="Always save all generated grids")
    expect(row.locator("td.value")).to_have_text(["on", "off"])
    row.locator(".link").click()
    expect(option(tab, "grid_save").locator("input")).to_be_focused()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.close(run_before_unload=True)
    expect(tab).to_be_visible()  # the page is still there
    assert asked == ["beforeunload"]
    show(tab, "changes")
    row.locator("button[title='As it was']").click()
    expect(changes).to_contain_text("Everything is applied.")


def test_an_export_is_imported_and_a1111s_config_with_a_report(page: Page, program: Program, tmp_path: Path) -> None:
    tab = settings(page)
    with page.expect_download() as download:
        tab.locator("#settings_export").click()
    values = json.loads(Path(download.value.path()).read_text("utf8"))
    assert values["CLIP_stop_at_last_layers"] == 1
    config = {**values, "CLIP_stop_at_last_layers": 3, "jpeg_quality": 500, "hide_ldm_prints": True, "ad_max_models": 2,
              "keyedit_move": False}  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    tab.locator("input[type=file][accept*=json]").set_input_files(file)
    report = page.locator("dialog.settings-import")
    expect(report).to_contain_text("2 would change")
    expect(report).to_contain_text("is 500; it must be between 1 and 100.")
    expect(report).to_contain_text("1 of A1111's settings means nothing here")
    expect(report).to_contain_text("ad_max_models")
    report.get_by_role("button", name="Take over").click()
    expect(tab.locator("#settings_submit .count")).to_have_text("2")
    apply(tab)
    assert (kept(program)["model"]["clip_skip"], kept(program)["prompt_editing"]["move"]) == (3, False)
    restore(page)


def test_lists_are_worked_by_keyboard(page: Page, program: Program) -> None:
    tab = settings(page)
    section = show(tab, "sampling")
    field = option(section, "hide_samplers").locator("input")
    field.focus()
    field.press_sequentially("ddim")
    page.keyboard.press("Enter")
    field.press_sequentially("lms")
    page.keyboard.press("Enter")
    chips = option(section, "hide_samplers").locator(".chip span")
    first, second = chips.all_text_contents()
    assert "DDIM" in first and "LMS" in second
    option(section, "hide_samplers").locator(".chip button").nth(1).focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(chips).to_have_text([second, first])
    apply(tab)
    assert kept(program)["sampling"]["hidden"] == [second, first]
    field.focus()
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    expect(chips).to_have_count(0)
    page.keyboard.press("Control+s")
    expect(tab.locator("#settings_submit .count")).to_be_hidden()
    assert kept(program)["sampling"]["hidden"] == []


def test_another_tab_of_the_browser_sees_what_was_applied(opened: Callable[[], Page]) -> None:
    one, other = opened(), opened()
    there = show(settings(other), "model")
    here = show(settings(one), "model")
    number(here, "sd_checkpoints_limit").fill("2")
    apply(one.locator("webui-settings"))
    expect(number(there, "sd_checkpoints_limit")).to_have_value("2")
    here.locator(".reset-page").click()
    apply(one.locator("webui-settings"))


def test_actions_unload_and_load_the_checkpoint_and_hash_all(page: Page) -> None:
    tab = settings(page)
    section = show(tab, "actions")
    section.locator("#sett_unload_sd_model").click()
    expect(section).to_contain_text("No checkpoint is in memory")
    section.locator("#sett_reload_sd_model").click()
    expect(section).to_contain_text("It is in memory.")
    section.locator("#calculate_all_checkpoint_hash").click()
    expect(section).to_contain_text("All checkpoints have their hash.")
    with page.expect_download() as download:
        section.locator("#sysinfo_download").click()
    assert "torch" in json.loads(Path(download.value.path()).read_text("utf8"))["Packages"]
    licences = show(tab, "licences")
    expect(licences.locator("tr", has_text="fastapi").first).to_contain_text("MIT")


def test_a_phone_shows_settings_without_scrolling_sideways(context: BrowserContext) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    ready(page)
    page.evaluate("webui.showTab('settings')")
    if not page.locator("webui-settings").count():  # the tab stands behind the dots
        page.locator("#tabs > .tab-wrapper .overflow-menu > button").click()
        page.locator("#tabs .overflow-dropdown button", has_text="Settings").click()
    tab = page.locator("webui-settings")
    expect(tab.locator("#settings_submit")).to_be_visible()
    for name in ("interface", "changes", "actions", "licences"):
        tab.locator(".settings-pages select").select_option(name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
