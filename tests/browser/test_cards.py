"""The model cards: into the prompt and out again, found, sorted, written on, and fresh."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import ROOT, Program, fill, idle, job_shown, ready, started
from tests.weights.test_cards import png, write_lora

pytestmark = pytest.mark.browser
PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
TAGS = json.dumps({"1_ink": {"thin line": 9, "hatching (dense)": 4}})


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program with LoRAs of its own."""
    data = tmp_path_factory.mktemp("data")
    shutil.copytree(ROOT / "models" / "Stable-diffusion", data / "models" / "Stable-diffusion")
    loras(data)
    with started(data) as running:
        yield running


def loras(data: Path) -> None:
    """Four LoRAs in two folders, one of them damaged and one for another family, and an embedding."""
    folder = data / "models" / "Lora"
    ink = write_lora(folder / "styles" / "ink.safetensors", {"ss_base_model_version": "sd_v1.5", "ss_tag_frequency": TAGS})
    ink.with_suffix(".png").write_bytes(png("navy", (200, 300)))
    notes = {"description": "Thin lines", "activation text": "inkline", "preferred weight": 0.7, "negative text": "blurry"}
    ink.with_suffix(".json").write_text(json.dumps(notes), "utf8")
    write_lora(folder / "people" / "sailor.safetensors", {"ss_base_model_version": "sd_v1.5"}, width=800)
    write_lora(folder / "people" / "grand.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"}, width=2048)
    write_lora(folder / "cut.safetensors", {"ss_base_model_version": "sd_v1.5"}, missing=9)
    write_lora(data / "embeddings" / "badhands.safetensors", width=768, module="emb")


def shown(page: Page, tab: str = "Lora") -> Locator:
    """The cards of a tab of the txt2img form, in front."""
    page.locator("#txt2img_extra_tabs").get_by_role("tab", name=tab, exact=True).click()
    cards = page.locator("#tab_txt2img webui-cards:visible")
    expect(cards.locator(".card").first).to_be_visible()
    return cards


def card(cards: Locator, name: str) -> Locator:
    return cards.locator(".card").filter(has=cards.page.locator(".card-name", has_text=name))


def names(cards: Locator) -> list[str]:
    return cards.locator(".card .card-name").all_text_contents()


def edited(page: Page, name: str = "ink") -> Locator:
    """The dialog of a card, filled."""
    card(shown(page), name).focus()
    page.keyboard.press("F2")
    dialog = page.locator("dialog.card-dialog")
    expect(dialog.get_by_label("Notes", exact=True)).to_be_visible()
    return dialog


def test_a_click_puts_a_lora_into_the_prompt_with_all_its_words_and_another_takes_them_out(page: Page) -> None:
    page.fill(PROMPT, "a harbor")
    cards = shown(page)
    card(cards, "ink").click()
    expect(page.locator(PROMPT)).to_have_value("a harbor <lora:ink:0.7> inkline")
    expect(page.locator(NEGATIVE)).to_have_value("blurry")
    expect(card(cards, "ink")).to_contain_class("used")
    expect(card(cards, "ink")).to_be_focused()
    page.fill(PROMPT, "a harbor <lora:ink:0.35> inkline, at night")
    card(cards, "ink").click()
    expect(page.locator(PROMPT)).to_have_value("a harbor, at night")
    expect(page.locator(NEGATIVE)).to_have_value("")
    expect(card(cards, "ink")).not_to_contain_class("used")
    card(cards, "sailor").press("Enter")
    expect(page.locator(PROMPT)).to_have_value("a harbor, at night <lora:sailor:1>")


def test_cards_are_searched_sorted_and_kept_to_a_folder_and_a_family(page: Page) -> None:
    cards = shown(page)
    assert names(cards) == ["cut", "sailor", "ink"]
    expect(cards.locator(".card-status")).to_have_text("3 of 4")
    cards.get_by_label("Only what fits the checkpoint").uncheck()
    expect(cards.locator(".card")).to_have_count(4)
    search = cards.get_by_label("Search the cards")
    for words, found in {"inkLINE thin": ["ink"], "hatching": ["ink"], "people/": ["grand", "sailor"], "sdxl": ["grand"]}.items():
        search.fill(words)
        assert names(cards) == found
    search.fill("nothing like it")
    expect(cards.locator(".empty")).to_contain_text("No card matches.")
    search.press("Escape")
    cards.get_by_label("Order").select_option("Size")
    assert names(cards)[-1] == "grand"
    cards.get_by_role("button", name="From last to first").click()
    assert names(cards)[0] == "grand"
    cards.get_by_role("treeitem", name="styles").click()
    assert names(cards) == ["ink"]
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(cards.locator(".card")).to_have_count(4)


def test_a_damaged_file_says_why_and_stays_out_of_the_prompt(page: Page) -> None:
    cards = shown(page)
    expect(card(cards, "cut")).to_contain_text("cut off: 9 bytes are missing")
    card(cards, "cut").click()
    expect(page.locator("#webui-notices")).to_contain_text("'cut' cannot be used.")
    expect(page.locator(PROMPT)).to_have_value("")


def test_notes_are_written_by_keyboard_alone_and_escape_asks_first(page: Page, program: Program) -> None:
    dialog = edited(page, "sailor")
    page.keyboard.type("A sailor at sea")
    page.keyboard.press("Escape")
    expect(dialog.get_by_text("There is unsaved text.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog.get_by_text("There is unsaved text.")).to_be_hidden()
    expect(dialog.get_by_label("Description")).to_have_value("A sailor at sea")
    expect(dialog.get_by_label("Description")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(dialog).to_have_count(0)
    again = card(page.locator("#tab_txt2img webui-cards:visible"), "sailor")
    expect(again).to_contain_text("A sailor at sea")
    expect(again).to_be_focused()
    written = json.loads((program.data / "models" / "Lora" / "people" / "sailor.json").read_text("utf8"))
    assert (written["description"], written["preferred weight"], written["sd version"]) == ("A sailor at sea", 0, "")


def test_training_tags_go_into_the_prompt_while_the_dialog_is_open(page: Page) -> None:
    dialog = edited(page)
    dialog.get_by_role("button", name="thin line").click()
    expect(page.locator(PROMPT)).to_have_value("thin line")
    dialog.get_by_role("button", name="hatching").click()
    expect(page.locator(PROMPT)).to_have_value(r"thin line, hatching \(dense\)")
    expect(dialog.get_by_role("button", name="hatching")).to_be_focused()
    dialog.get_by_role("button", name="thin line").click()
    expect(page.locator(PROMPT)).to_have_value(r"hatching \(dense\)")
    dialog.get_by_role("button", name="Random prompt from tags").click()
    expect(dialog.get_by_label("Random prompt", exact=True)).to_have_value(re.compile("^thin line"))
    dialog.get_by_role("button", name="What the file says of itself").click()
    facts = page.locator("dialog.card-metadata")
    expect(facts).to_contain_text("sd_v1.5")
    page.keyboard.press("Escape")
    expect(facts).to_have_count(0)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_picture_of_the_results_shows_a_model(page: Page, program: Program) -> None:
    fill(page, prompt="a star", steps=1, width=64, height=64)
    page.click("#txt2img_generate")
    idle(page)
    job_shown(page)
    dialog = edited(page, "sailor")
    dialog.get_by_role("button", name="Use the selected picture").click()
    expect(dialog.locator(".card-side img")).to_be_visible()
    file = program.data / "models" / "Lora" / "people" / "sailor.preview.png"
    assert b"a star" in file.read_bytes(), "its infotext came along"
    dialog.locator("input[type=file]").set_input_files({"name": "new.png", "mimeType": "image/png", "buffer": png("teal", (20, 30))})
    expect(dialog.locator(".card-side img")).to_have_js_property("naturalWidth", 20)
    assert file.read_bytes() == png("teal", (20, 30))


def test_files_that_come_and_go_show_without_a_reload(page: Page, program: Program) -> None:
    cards = shown(page)
    file = write_lora(program.data / "models" / "Lora" / "fresh" / "new.safetensors", {"ss_base_model_version": "sd_v1.5"})
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(card(cards, "new")).to_be_visible()
    file.unlink()
    cards.get_by_role("button", name="Look for files again").click()
    expect(card(cards, "new")).to_have_count(0)


def test_an_embedding_goes_where_the_focus_was_last(page: Page) -> None:
    page.fill(PROMPT, "a hand")
    cards = shown(page, "Textual Inversion")
    card(cards, "badhands").click()
    expect(page.locator(PROMPT)).to_have_value("a hand, badhands")
    card(cards, "badhands").click()
    page.focus(NEGATIVE)
    card(cards, "badhands").click()
    expect(page.locator(NEGATIVE)).to_have_value("badhands")
    expect(page.locator(PROMPT)).to_have_value("a hand")
    card(cards, "badhands").click(modifiers=["Control"])
    expect(page.locator(NEGATIVE)).to_have_value("")


def test_a_checkpoint_card_chooses_the_checkpoint(page: Page) -> None:
    cards = shown(page, "Checkpoints")
    expect(card(cards, "demo")).to_contain_class("used")
    page.evaluate("() => document.addEventListener('webui-choose-checkpoint', (event) => (window.chosen = event.detail))")
    card(cards, "demo").click()
    assert page.evaluate("window.chosen").startswith("demo.safetensors")


def test_cards_fit_a_phone(chromium: Browser, program: Program) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    page.evaluate("""() => {
        const cards = document.createElement("webui-cards");
        Object.assign(cards.dataset, { kind: "lora", tab: "txt2img" });
        document.querySelector("#txt2img_toprow").after(cards);
    }""")
    cards = page.locator("webui-cards")
    card(cards, "ink").tap()
    expect(page.locator(PROMPT)).to_have_value("<lora:ink:0.7> inkline")
    card(cards, "ink").locator(".icon-card-edit").tap()
    dialog = page.locator("dialog.card-dialog")
    expect(dialog.get_by_label("Notes", exact=True)).to_be_visible()
    wide = page.evaluate("""() => [...document.querySelectorAll("webui-cards *, dialog *")].filter((each) => each.checkVisibility())
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 80))""")
    assert wide == []
    context.close()
