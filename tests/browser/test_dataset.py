"""The workbench for pictures to train on, as a person uses it."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.datasets.test_check import bad_folder, picture, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for seed, caption in enumerate(["a cat, red hat", "a cat, sleeping", "a dog, red hat", None]):
        written(folder, f"{seed}.png", picture(seed, (512, 384)), caption)
    return folder


def workbench(page: Page, folder: Path) -> Locator:
    """The tab, with a folder opened in it by its field."""
    page.get_by_role("tab", name="Train", exact=True).click()
    page.locator("#training_tab_dataset").click()
    bench = page.locator("webui-dataset")
    bench.get_by_role("button", name="Open a folder").click()
    bench.get_by_label("Folder of this machine").fill(str(folder))
    bench.get_by_role("button", name="Open", exact=True).click()
    expect(bench.locator(".virtual-cell").first).to_be_visible()
    return bench


def caption(folder: Path, number: int) -> str:
    return (folder / f"{number}.txt").read_text("utf8")


def test_captions_are_written_edited_together_and_taken_back(opened: Callable[[], Page], folder: Path) -> None:
    page = opened()
    bench = workbench(page, folder)
    expect(bench.locator(".virtual-cell")).to_have_count(4)
    bench.locator(".virtual-cell").nth(3).click()
    bench.get_by_label("Caption of 3.png").fill("a bird")
    bench.get_by_role("button", name="Save", exact=True).click()
    expect(bench.locator(".virtual-cell").nth(3)).to_contain_text("a bird")
    assert caption(folder, 3) == "a bird"

    bench.get_by_role("button", name="Select none").click()
    bench.get_by_label("What is done").first.select_option("add")
    bench.get_by_label("Text", exact=True).fill("drawing")
    bench.locator("#dataset_captions").get_by_role("button", name="Look first").first.click()
    expect(bench.locator(".dataset-differences ins").first).to_contain_text("drawing")
    assert "drawing" not in caption(folder, 0)
    bench.get_by_role("button", name="Change captions").click()
    expect(bench.locator(".virtual-cell").first).to_contain_text("drawing")
    assert [caption(folder, number) for number in range(4)] == [
        "a cat, red hat, drawing", "a cat, sleeping, drawing", "a dog, red hat, drawing", "a bird, drawing",
    ]  # fmt: skip
    bench.get_by_role("button", name="Undo").click()
    expect(bench.locator(".virtual-cell").first).not_to_contain_text("drawing")
    assert caption(folder, 0) == "a cat, red hat"
    bench.get_by_role("button", name="Redo").click()
    expect(bench.locator(".virtual-cell").first).to_contain_text("drawing")


def test_a_tag_shows_its_pictures_and_is_renamed_in_all_of_them(opened: Callable[[], Page], folder: Path) -> None:
    page = opened()
    bench = workbench(page, folder)
    bench.get_by_role("tab", name="Tags").click()
    bench.locator(".dataset-cloud button", has_text="red hat").click()
    expect(bench.locator(".virtual-cell")).to_have_count(2)
    bench.get_by_label("New name").fill("blue hat")
    bench.get_by_role("button", name="Rename").click()
    expect(bench.locator(".virtual-cell")).to_have_count(4)
    expect(bench.locator(".dataset-cloud button", has_text="blue hat")).to_contain_text("2")
    assert (caption(folder, 0), caption(folder, 2)) == ("a cat, blue hat", "a dog, blue hat")


def test_a_bad_folder_is_refused_and_its_repairs_mend_it(opened: Callable[[], Page], tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad_folder(bad)
    page = opened()
    bench = workbench(page, bad)
    bench.get_by_role("tab", name=re.compile("Check")).click()
    expect(bench.locator(".dataset-verdict")).to_contain_text("refused")
    stops = bench.locator('.dataset-finding[data-level="red"]')
    left = stops.count()
    assert left >= 7
    while left:
        stops.first.locator("button").first.click()
        left -= 1
        expect(stops).to_have_count(left)
    expect(bench.locator(".dataset-verdict")).not_to_contain_text("refused")
    assert not (bad / "text.png").exists() and (bad / ".removed").is_dir()
    assert (bad / "latin.txt").read_text("utf8") == "ein grünes Ding"


def test_a_cut_is_shown_moved_and_made(opened: Callable[[], Page], folder: Path) -> None:
    page = opened()
    bench = workbench(page, folder)
    bench.locator(".virtual-cell").first.click()
    bench.get_by_role("tab", name="Cut").click()
    bench.get_by_label("Proportions").select_option("1x1")
    bench.get_by_label("Around").select_option("middle")
    frame = bench.locator(".dataset-cut i.cut")
    expect(frame).to_have_attribute("style", re.compile(r"left: 12\.5%"))
    frame.focus()
    for _ in range(10):
        frame.press("ArrowLeft")
    expect(frame).to_have_attribute("style", re.compile("left: 0%"))
    bench.get_by_role("button", name="Do it").click()
    expect(bench.locator("#dataset_captions, .dataset-cuts").get_by_text("stays whole")).to_be_visible()
    assert (np.asarray(Image.open(folder / "0.png")) == np.asarray(picture(0, (512, 384)))[:, :384]).all()


def test_pictures_are_uploaded_into_a_new_set_and_fit_on_a_phone(opened: Callable[[], Page], folder: Path) -> None:
    page = opened()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("tab", name="Train", exact=True).first.evaluate("tab => tab.click()")
    page.locator("#training_tab_dataset").click()
    bench = page.locator("webui-dataset")
    expect(bench.get_by_role("button", name="Upload pictures")).to_be_visible()
    bench.locator("input[type=file]").set_input_files([folder / "0.png", folder / "0.txt", folder / "1.png"])
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("cats of mine")
    page.get_by_role("button", name="Make it").click()
    expect(bench.locator(".virtual-cell")).to_have_count(2)
    expect(bench.locator(".dataset-facts")).to_contain_text("2 pictures · 1 with captions")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
