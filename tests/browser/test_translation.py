"""Prompts in Chinese: seen in English while they are typed, made into pictures, named in the infotext; templates and wildcard files."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Program, fill, job_shown

pytestmark = pytest.mark.browser


def switched_on(page: Page, name: str) -> Locator:
    """The panel of an extension, on and open."""
    page.locator(f"#script_txt2img_{name}_enabled").check()
    return page.locator(f"#script_txt2img_{name}_body")


def test_a_chinese_prompt_is_seen_in_english_and_its_picture_says_both(page: Page) -> None:
    panel = switched_on(page, "prompt_translation")
    fill(page, prompt="(蓝色背景上的红色星星:1.1), 魑魅", steps=2, seed=4711)
    expect(panel.locator(".english").first).to_have_text("(a red star on a blue background:1.1), 魑魅")
    expect(panel.locator(".preview").first).to_contain_text("Not known, and kept as it is: 魑魅")
    panel.locator("summary", has_text="Word by word").first.click()
    expect(panel.locator(".words").first).to_contain_text("星星")
    page.click("#txt2img_generate")
    job_shown(page)
    shown = page.locator("#html_info_txt2img")
    expect(shown).to_contain_text("(a red star on a blue background:1.1), 魑魅")
    expect(shown).to_contain_text("Original prompt:")
    expect(shown).to_contain_text("蓝色背景上的红色星星")
    panel.get_by_text("Put the English into the prompt").first.click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("(a red star on a blue background:1.1), 魑魅")


def test_an_english_prompt_is_said_to_stay(page: Page) -> None:
    panel = switched_on(page, "prompt_translation")
    fill(page, prompt="a red star on a blue background")
    expect(panel.locator(".preview").first).to_contain_text("It is English already")


def test_a_template_shows_examples_and_each_picture_its_prompt(page: Page) -> None:
    panel = switched_on(page, "dynamic_prompts")
    fill(page, prompt="a {red|blue} {star|heart}", steps=2, seed=8)
    expect(panel.locator(".preview")).to_contain_text("4 combinations.")
    expect(panel.locator(".examples li")).to_have_count(5)
    page.click("#txt2img_generate")
    job_shown(page)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Template: a {red|blue} {star|heart}")


def test_a_wildcard_file_is_written_in_the_page(page: Page, program: Program) -> None:
    page.get_by_role("tab", name="Tools").click()
    page.get_by_role("tab", name="Wildcards").click()
    editor = page.locator("dynamic-wildcards-page")
    editor.get_by_role("button", name="New file").click()
    editor.get_by_label("Name of the file").fill("colours/warm")
    editor.get_by_label("Lines of the file").fill("red\norange")
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator(".files")).to_contain_text("colours/warm.txt")
    assert (program.data / "wildcards" / "colours" / "warm.txt").read_text("utf8") == "red\norange"
    expect(editor).to_contain_text("__colours/warm__")
