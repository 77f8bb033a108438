"""The Models tab in a real browser: what is on disk, what is wrong with it, and a download from a site on this machine."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Program, ready
from tests.downloads.site import MODEL, Site, safetensors

pytestmark = pytest.mark.browser
NAME = "dunes-lora.safetensors"


def embedding(fill: int = 0) -> bytes:
    return safetensors({"emb_params": (3, 768)}, {"modelspec.title": "Cats & <b>dogs</b>"}, fill)


@pytest.fixture
def site(program: Program, page: Page) -> Iterator[Site]:
    """A site in place of both real ones, for as long as the test runs."""
    site = Site()
    site.files[NAME] = embedding(fill=7)
    answer = page.request.post(
        "webui/settings",
        data={"values": {"downloads_hugging_face": site.hub, "downloads_civitai": site.bay}},
        headers={"X-Requested-With": "test"},
    )
    assert answer.ok, answer.text()
    yield site
    site.close()


def open_tab(page: Page) -> None:
    page.locator("#tab_models-button").click()
    expect(page.locator(".models-rows .models-row").first).to_be_visible()


def row(page: Page, name: str) -> Locator:
    return page.locator(".models-rows .models-row", has_text=name)


def reread(page: Page) -> None:
    page.get_by_role("button", name="Look at the folders again").click()


def put(program: Program, name: str, data: bytes) -> None:
    folder = program.data / "embeddings"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)


def test_files_are_listed_filtered_and_explained_by_keyboard(page: Page, program: Program) -> None:
    put(program, "cats.safetensors", embedding())
    put(program, "page.safetensors", b"<html> Please log in to go on. </html>")
    open_tab(page)
    reread(page)
    expect(row(page, "cats.safetensors")).to_contain_text("3 vectors")
    expect(row(page, "cats.safetensors")).to_contain_text("SD 1")
    page.get_by_label("State").select_option("problem")
    expect(page.locator(".models-rows .models-row")).to_have_count(1)
    expect(row(page, "page.safetensors")).to_contain_text("It is a web page, not a model.")
    page.get_by_label("State").select_option("")
    page.get_by_label("Search the files").fill("cats sd")
    expect(page.locator(".models-rows .models-row")).to_have_count(1)
    page.get_by_label("Search the files").fill("")
    expect(row(page, "page.safetensors")).to_be_visible()
    page.get_by_role("button", name="Size").click()
    expect(page.locator(".models-head [data-column=size]")).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".models-rows .models-row").first).to_contain_text("demo.safetensors")
    page.locator(".models-rows .models-row").first.focus()
    page.keyboard.press("End")
    expect(page.locator(".models-rows .models-row").last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    details = page.get_by_role("complementary", name="Details")
    expect(details).to_contain_text("demo.safetensors")
    expect(details.get_by_role("button", name="Use this checkpoint")).to_be_visible()
    page.evaluate("document.addEventListener('webui-choose-checkpoint', ({detail}) => { window.chosen = detail; }, {once: true})")
    details.get_by_role("button", name="Use this checkpoint").click()
    assert page.evaluate("window.chosen").startswith("demo.safetensors")
    page.locator(".models-rows .models-row").first.focus()
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()


def test_a_hash_is_computed_and_shown(page: Page, program: Program) -> None:
    put(program, "hashed.safetensors", embedding(3))
    open_tab(page)
    reread(page)
    row(page, "hashed.safetensors").click()
    details = page.get_by_role("complementary", name="Details")
    expect(details.locator("dd", has_text="3 vectors")).to_be_visible()
    details.get_by_role("button", name="Calculate hash").click()
    expect(details.get_by_role("link", name="Open on Civitai")).to_be_visible()
    assert "query=" in (details.get_by_role("link").get_attribute("href") or "")
    details.get_by_text("texts in its header").click()
    expect(details.get_by_text("Cats & <b>dogs</b>")).to_be_visible()  # a text, never HTML


def test_a_file_is_deleted_and_taken_back(page: Page, program: Program) -> None:
    put(program, "old.safetensors", embedding(1))
    open_tab(page)
    reread(page)
    row(page, "old.safetensors").click()
    page.get_by_role("complementary", name="Details").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("old.safetensors is in the trash.")).to_be_visible()
    expect(row(page, "old.safetensors")).to_have_count(0)
    assert not (program.data / "embeddings" / "old.safetensors").exists()
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "old.safetensors")).to_be_visible()
    assert (program.data / "embeddings" / "old.safetensors").read_bytes() == embedding(1)
    row(page, "old.safetensors").focus()
    page.keyboard.press("Delete")
    expect(row(page, "old.safetensors")).to_have_count(0)
    page.get_by_role("button", name="Trash (1)").click()
    page.get_by_role("dialog", name="Trash").get_by_role("button", name="Empty the trash").click()
    page.get_by_role("button", name="Delete them").click()
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    page.keyboard.press("Escape")


def test_a_model_is_found_by_its_link_and_fetched(page: Page, program: Program, site: Site) -> None:
    open_tab(page)
    site.faults.cut_after = [1000]
    page.get_by_label("Link or words").fill(f"{site.bay}/models/{MODEL}")
    page.get_by_label("Link or words").press("Enter")
    found = page.locator(".models-found > li")
    expect(found).to_contain_text("Dunes of Mars")
    expect(found).to_contain_text("For money one may: sell pictures.")
    expect(found.locator("img")).to_be_visible()
    found.get_by_label(f"Kind of {NAME}").select_option("embedding")
    found.get_by_role("button", name="Download").click()
    done = page.locator(".models-downloads > li", has_text=NAME)
    expect(done).to_contain_text("Done")
    expect(done).to_contain_text("its hash is right")
    expect(row(page, NAME)).to_contain_text("3 vectors")
    folder = program.data / "embeddings"
    assert (folder / NAME).read_bytes() == site.files[NAME]
    assert (folder / "dunes-lora.preview.png").exists()
    done.get_by_role("button", name="Take off the list").click()
    expect(done).to_have_count(0)


def test_a_site_out_of_reach_is_said_to_be_so_in_words(page: Page, site: Site) -> None:
    site.close()
    open_tab(page)
    page.get_by_label("Site to search").select_option("huggingface")
    page.get_by_label("Link or words").fill("dunes")
    with page.expect_response("**/find"):
        page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator(".models-said")).to_contain_text("Hugging Face cannot be reached (the connection was refused).")


def test_the_tab_fits_a_phone(chromium: Browser, program: Program) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    tab = page.locator("#tab_models-button")
    if not tab.count():  # it stands behind the dots
        page.locator("#tabs > .tab-wrapper .overflow-menu > button").tap()
        tab = page.locator("#tabs .overflow-dropdown button", has_text="Models")
    tab.tap()
    expect(page.locator(".models-rows .models-row").first).to_be_visible()
    wide = page.evaluate("""() => [...document.querySelectorAll("webui-models *")]
        .filter((each) => each.checkVisibility() && !each.closest(".models-kinds, .for-screen-readers"))
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 80))""")
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    row(page, "demo.safetensors").tap()
    expect(page.get_by_role("complementary", name="Details")).to_be_visible()
    page.get_by_role("button", name="Close the details").tap()
    expect(page.get_by_role("complementary", name="Details")).to_be_hidden()
    context.close()
