"""The page in another language, chosen in the settings."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program, fill, idle

NAMES = {  # what is called the same in every language
    *"Easel Textbox Lora LoRA VAE GFPGAN CodeFormer BLIP Deepbooru DeepBooru Civitai API png jpg webp avif GPU CPU Shift Ctrl Alt TAESD "
    "ckpt safetensors vary_coeff time_uniform time_quadratic logSNR".split(),
    "txt2img", "img2img", "Textual Inversion", "CLIP skip", "SD VAE", "Stable Diffusion", "Approx NN", "Hugging Face", "Sigma tmin",
    "Sigma tmax", "ControlNet", "Cutoff", "FreeU", "S, Esc", "Ctrl + V", "Ctrl + Z, Ctrl + Y", "https://",
}  # fmt: skip
# Texts and names of the page that have Latin words. The prompt's and other people's words are left out.
LATIN = """() => {
    const found = new Set();
    const kept = "[translate=no], script, style, code, textarea, .infotext, #footer, webui-settings .label";
    for (const element of document.body.querySelectorAll(`*:not(${kept})`)) {
        if (element.closest(kept)) continue;
        const texts = [...element.childNodes].filter((node) => node instanceof Text).map((node) => node.data.trim());
        for (const name of ["title", "aria-label", "placeholder", "alt"]) texts.push(element.getAttribute(name) ?? "");
        texts.filter((text) => /[A-Za-z]{3,}/.test(text)).forEach((text) => found.add(text));
    }
    return [...found];
}"""
OTHER_LETTERS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.fixture
def setting(program: Program) -> Iterator[Callable[..., None]]:
    """Changes settings of the page; at the end all is English again."""

    def change(**values: Any) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{program.url}webui/settings", json.dumps({"values": values}).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    yield change
    change(localization="None", localization_bilingual=False)


def show(page: Page, tab: str) -> None:
    page.locator(f"#tab_{tab}-button").click()


def test_the_whole_page_is_in_chinese_but_what_a_person_wrote(setting: Callable[..., None], opened: Callable[[], Page]) -> None:
    setting(localization="简体中文")
    page = opened()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#tab_img2img-button")).to_have_text("图生图")
    expect(page.locator("#txt2img_generate")).to_have_text("生成")
    expect(page.locator("#txt2img_width label").first).to_have_text("宽度")
    expect(page.locator("#txt2img_prompt textarea")).to_have_attribute("placeholder", re.compile("^提示词\n"))
    fill(page, prompt="Width", steps=1)
    page.locator("#txt2img_generate").click()
    idle(page)
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("Width")
    expect(page.locator("#txt2img_gallery img").first).to_be_visible()
    assert english(page) == []
    show(page, "queue")  # made only now
    expect(page.locator("webui-queue")).to_contain_text("暂停队列")
    expect(page.locator("webui-queue .job").first).to_contain_text("Width")
    expect(page.locator("webui-queue .job").first).to_contain_text("此标签页")


def test_no_text_of_the_page_stays_english(setting: Callable[..., None], opened: Callable[[], Page]) -> None:
    setting(localization="日本語")
    page = opened()
    show_all(page)
    assert english(page) == []


def test_no_text_stays_english_where_the_language_has_its_letters(
    setting: Callable[..., None], opened: Callable[[], Page], program: Program
) -> None:
    setting(localization="Deutsch")
    with urllib.request.urlopen(f"{program.url}webui/localizations/Deutsch", timeout=60) as answer:
        texts = json.load(answer)["texts"]
    page = opened()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    show_all(page)
    shown = set(page.evaluate(LATIN))
    assert shown & {text for text, translation in texts.items() if translation != text} == set()
    assert {texts[text] for text in ("Width", "Settings", "Queue", "Get models", "Save all settings as a file")} <= shown


def show_all(page: Page) -> None:
    """Every tab once, and all settings at the end."""
    for tab, part in (("img2img", "webui-canvas .toolbar"), ("extras", "webui-extras"), ("modelmerger", "webui-merger .panel"),
                      ("models", "webui-models .toolbar"), ("history", "webui-history .toolbar"), ("queue", "webui-queue .toolbar"),
                      ("extensions", "webui-extensions td"), ("settings", "webui-settings .option")):  # fmt: skip
        show(page, tab)
        expect(page.locator(part).first).to_be_visible()
    page.locator("#settings_show_all_pages").click()
    expect(page.locator("webui-settings .option").nth(60)).to_be_attached()


def english(page: Page) -> list[str]:
    """What stands in English on the page and is no name."""
    latin = [text for text in page.evaluate(LATIN) if not OTHER_LETTERS.search(text)]
    return [text for text in latin if text not in NAMES and not made_by_the_program(text)]


def made_by_the_program(text: str) -> bool:
    """Facts about files, such as 'compact, fp16', and files' names."""
    return bool(re.fullmatch(r"[a-z0-9]+(, [a-z0-9]+)*", text) or re.search(r"\.(safetensors|png)\b", text))


def test_two_languages_stand_beside_each_other(setting: Callable[..., None], opened: Callable[[], Page]) -> None:
    setting(localization="简体中文", localization_bilingual=True)
    page = opened()
    expect(page.locator("#txt2img_width label").first).to_have_text("宽度 · Width")
    expect(page.locator("#txt2img_generate")).to_have_text("生成")  # a button has no room for two
    expect(page.locator("#tab_settings-button")).to_have_text("设置")
    expect(page.locator("#tab_settings-button")).to_have_attribute("title", "Settings")


def test_the_page_goes_back_to_english(setting: Callable[..., None], opened: Callable[[], Page], program: Program) -> None:
    setting(localization="日本語")
    page = opened()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("#tab_settings-button")).to_have_text("設定")
    setting(localization="None")
    page.reload()
    expect(page.locator("body[data-webui=ready]")).to_be_attached()
    expect(page.locator("#tab_settings-button")).to_have_text("Settings")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_file_of_ones_own_is_a_language(setting: Callable[..., None], opened: Callable[[], Page], program: Program) -> None:
    folder = program.data / "localizations"
    folder.mkdir(exist_ok=True)
    (folder / "Pirate.json").write_text(json.dumps({"Settings": "Riggin'", "Width": "Beam"}), "utf8")
    with urllib.request.urlopen(f"{program.url}webui/localizations/{urllib.parse.quote('Pirate')}", timeout=60) as answer:
        assert json.load(answer)["texts"]["Width"] == "Beam"
    setting(localization="Pirate")
    page = opened()
    expect(page.locator("#tab_settings-button")).to_have_text("Riggin'")
    expect(page.locator("#txt2img_width label").first).to_have_text("Beam")
    expect(page.locator("#txt2img_generate")).to_have_text("Generate")
