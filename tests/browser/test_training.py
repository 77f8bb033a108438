"""The Train tab in a real browser, over the real program: pictures are sent up, a LoRA is trained, and stands among the cards."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Program, ready

pytestmark = pytest.mark.browser
COLORS = {"blue": (90, 140, 200), "sand": (200, 180, 120), "green": (110, 170, 110), "violet": (160, 120, 170)}
FEW = {  # as little as a training can be asked for
    "steps_steps": "6", "steps_batch": "1", "data_resolution": "64", "network_rank": "2",
    "samples_every": "3", "samples_steps": "1", "samples_prompts": "little_star",
}  # fmt: skip
LONG = 240_000  # milliseconds that a training of a few steps may take on two busy cores


def star(color: tuple[int, int, int], turn: float) -> Image.Image:
    """A yellow star on a ground of one colour."""
    image = Image.new("RGB", (160, 160), color)
    rays = [(60 if corner % 2 == 0 else 26, corner * math.pi / 5 + turn) for corner in range(10)]
    corners = [(80 + length * math.sin(angle), 80 - length * math.cos(angle)) for length, angle in rays]
    ImageDraw.Draw(image).polygon(corners, fill=(250, 210, 40), outline=(120, 60, 0))
    return image


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four drawings of a star with their captions."""
    folder = tmp_path / "yellow star"
    folder.mkdir()
    for number, (name, color) in enumerate(COLORS.items()):
        star(color, number / 8).save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(f"a star on {name}", "utf8")
    return folder


def open_tab(page: Page) -> None:
    page.locator("#tab_train-button").click()
    expect(page.locator(".training-new")).to_be_visible()


def ask(page: Page, values: dict[str, str]) -> None:
    """Type into fields of Advanced, whether they are unfolded or not."""
    typed = "(field, value) => { field.value = value; field.dispatchEvent(new Event('input', {bubbles: true})); }"
    for name, value in values.items():
        page.locator(f"#training_{name}-input").evaluate(typed, value)


def point_at(page: Page, folder: Path) -> None:
    page.get_by_label("Folder of pictures").fill(str(folder))


def outlook(page: Page) -> Callable[[str], None]:
    """Waits until the panel beside the form says a text."""
    panel = page.get_by_role("complementary", name="Before the start")

    def says(text: str) -> None:
        expect(panel).to_contain_text(text)

    return says


def test_what_is_left_open_is_decided_from_the_pictures_and_explained(page: Page, pictures: Path) -> None:
    open_tab(page)
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_disabled()
    expect(page.get_by_text("Name a folder of pictures first.")).to_be_visible()
    point_at(page, pictures)
    says = outlook(page)
    says("4 pictures")
    says("Steps")
    expect(start).to_be_enabled()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("yellow star")
    expect(page.get_by_role("textbox", name="Trigger word", exact=True)).to_have_value("yellow_star")
    page.locator(".training-advanced > summary").click()
    page.get_by_label("Find a setting").fill("steps")
    reason = page.locator("#training_steps_steps .training-decided")
    expect(reason).to_be_visible()
    expect(reason).to_contain_text(".")
    page.locator("#training_steps_steps-input").fill("5")
    says("As you set it.")
    page.reload()
    ready(page)
    open_tab(page)
    expect(page.get_by_label("Folder of pictures")).to_have_value(str(pictures))
    expect(page.locator("#training_steps_steps-input")).to_have_value("5")


def test_a_file_that_is_no_picture_is_refused_and_taken_out_by_its_repair(page: Page, pictures: Path) -> None:
    (pictures / "notes.png").write_text("This is no picture.", "utf8")
    open_tab(page)
    point_at(page, pictures)
    finding = page.locator(".training-findings > .red")
    expect(finding).to_contain_text("notes.png")
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    finding.get_by_role("button").first.click()
    expect(finding).to_have_count(0)
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    assert not (pictures / "notes.png").exists()


@pytest.mark.slow
def test_a_lora_of_dropped_pictures_is_trained_and_stands_among_the_cards(page: Page, program: Program, pictures: Path) -> None:
    open_tab(page)
    page.locator(".training-pictures input[type=file]").set_input_files(sorted(pictures.iterdir()))
    says = outlook(page)
    says("4 pictures")
    page.get_by_role("textbox", name="Name", exact=True).fill("Little Star")
    ask(page, FEW)
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_enabled()
    start.click()
    run = page.locator(".training-run")
    expect(run.locator("h2").first).to_have_text("Little Star")
    line = run.locator(".chart-line:not(.faint) polyline").first
    expect(line).to_be_attached(timeout=LONG)
    before = line.get_attribute("points") or ""
    expect(run.locator(".training-chips")).to_contain_text("Done", timeout=LONG)
    page.wait_for_function(
        "(before) => document.querySelector('.training-run .chart-line:not(.faint) polyline').getAttribute('points').length > before",
        arg=len(before),
    )
    expect(run.get_by_role("columnheader", name="Before training")).to_be_visible()
    expect(run.get_by_role("columnheader", name="Step 6")).to_be_visible()
    assert (program.data / "models" / "Lora" / "Little Star.safetensors").is_file()
    page.locator("#tab_txt2img-button").click()
    page.locator("#txt2img_extra_tabs").get_by_role("tab", name="Lora", exact=True).click()
    expect(page.locator("#txt2img_lora_cards_html .card", has_text="Little Star")).to_be_visible()
    reproduced(page)


def reproduced(page: Page) -> None:
    """The last sample's settings go into txt2img, with the file that it was made of."""
    page.locator("#tab_train-button").click()
    cell = page.locator(".training-grid tbody tr").first.locator("td button").last
    cell.click()
    dialog = page.get_by_role("dialog", name="Samples over each other")
    expect(dialog.locator(".training-over img")).to_have_count(2)
    dialog.get_by_role("slider").press("ArrowRight")
    dialog.get_by_role("button", name="Reproduce in txt2img").click()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value(re.compile("<lora:Little Star-0000"), timeout=60_000)


SHOWN = """async (events) => {
    const near = document.querySelector("script[src*='/page.js']").src;
    const load = (name) => import(new URL(name, near).href);
    const [{ Chart }, { Curves }] = await Promise.all([load("training_chart.js"), load("training_curves.js")]);
    const curves = new Curves();
    curves.take(events);
    const chart = new Chart({ label: "Loss", unit: "" });
    const place = document.createElement("div");
    place.className = "webui";
    place.style.cssText = "position: fixed; inset: 0; z-index: 999; width: 600px";
    place.append(chart.element);
    document.body.append(place);
    chart.set([{ id: "loss", name: "Each step", points: curves.lines.loss }, { id: "held", name: "Held-out", points: curves.lines.held }]);
    return { steps: curves.lines.loss.map(([step]) => step), speed: curves.lines.speed, smooth: curves.smooth(4).map(([, loss]) => loss) };
}"""


def test_a_chart_tells_its_values_to_the_pointer_and_the_keyboard(page: Page) -> None:
    steps = [
        {"kind": "step", "at": 10.0 * number, "step": 5 * number, "losses": [0.5 - 0.05 * number] * 5, "images_per_second": 1.5}
        for number in (1, 2, 3)
    ]
    known = page.evaluate(SHOWN, [*steps, {"kind": "probe", "at": 31, "step": 15, "train": 0.2, "held_out": 0.25}])
    assert known["steps"] == list(range(1, 16))  # an event holds the losses since the one before
    assert known["speed"] == [[5, 1.5], [10, 1.5], [15, 1.5]]
    assert known["smooth"][0] == pytest.approx(0.45)
    assert 0.35 < known["smooth"][-1] < 0.45  # it follows late
    chart = page.locator(".chart svg")
    chart.focus()
    page.keyboard.press("Home")
    shown = page.locator(".chart-values")
    expect(shown).to_contain_text("Step 1")
    expect(shown).to_contain_text("0.45")
    page.keyboard.press("End")
    expect(shown).to_contain_text("Step 15")
    expect(shown).to_contain_text("0.25")
    page.get_by_role("button", name="Held-out").click()
    expect(page.locator(".chart-line")).to_have_count(1)


def test_the_tab_fits_a_phone(chromium: Browser, program: Program) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    open_tab(page)
    page.locator(".training-advanced > summary").tap()
    for tab in ("New training", "Trainings", "Dataset"):
        page.get_by_role("tab", name=tab).tap()
        wide = page.evaluate("""() => [...document.querySelectorAll("webui-training *")].filter((each) => each.checkVisibility())
            .filter((each) => !each.closest(".training-tabs, .for-screen-readers, .training-grid, .training-table"))
            .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 80))""")
        assert wide == [], tab
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
