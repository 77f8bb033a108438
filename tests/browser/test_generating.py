"""From a prompt in the page to a picture on the disk, and what can be done on the way."""

import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program, fill, idle, job_shown, ready, running

pytestmark = pytest.mark.browser
LONG = 150  # steps: enough for a person to do something meanwhile


def test_a_prompt_becomes_a_picture_in_the_page_and_on_the_disk(page: Page, program: Program) -> None:
    fill(page, prompt="a red star on a blue background", steps=4, seed=7001)
    page.click("#txt2img_generate")
    job_shown(page)
    picture = page.locator("#txt2img_gallery img").first
    expect(picture).to_be_visible()
    assert page.evaluate("(img) => img.decode().then(() => img.naturalWidth)", picture.element_handle()) > 0
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 7001")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Time taken")
    expect(page.locator("#txt2img_token_counter")).not_to_contain_text("0/75")
    [file] = [path for path in (program.data / "outputs").rglob("*.png") if "Seed: 7001," in text_of(path)]
    assert text_of(file).startswith("a red star on a blue background\n")


def text_of(path: object) -> str:
    with Image.open(str(path)) as picture:
        return str(picture.info.get("parameters", ""))


def test_interrupting_keeps_what_is_ready_and_frees_the_page(page: Page) -> None:
    fill(page, prompt="a boat", steps=LONG)
    expect(page.locator("#txt2img_interrupt")).to_be_disabled()
    page.click("#txt2img_generate")
    running(page)
    expect(page).to_have_title(re.compile(r"^\["))
    page.click("#txt2img_interrupt")
    idle(page)
    expect(page).to_have_title("Easel")
    [job] = jobs_of(page)
    assert job == "interrupted"


def jobs_of(page: Page) -> list[str]:
    """The states of this tab's jobs."""
    return page.evaluate("""async () => {
        const answer = await fetch(`webui/jobs?owner=${await webui.owner()}`);
        return (await answer.json()).map((job) => job.state);
    }""")


def test_a_reloaded_page_finds_its_running_job_its_fields_and_its_result(page: Page) -> None:
    fill(page, prompt="a house at night", steps=LONG, seed=12345)
    page.click("#txt2img_generate")
    running(page)
    page.reload()
    ready(page)
    running(page)
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a house at night")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value(str(LONG))
    page.click("#txt2img_interrupt")
    first = job_shown(page)
    page.reload()
    ready(page)
    assert job_shown(page) == first
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 12345")


def test_a_closed_tab_is_found_again_by_the_next_one(page: Page, opened: Callable[[], Page]) -> None:
    fill(page, prompt="a fish", steps=4)
    page.click("#txt2img_generate")
    job = job_shown(page)
    page.close()
    assert job_shown(opened()) == job


def test_a_second_tab_sees_the_queue_and_can_take_a_job_out(page: Page, opened: Callable[[], Page]) -> None:
    fill(page, prompt="the first of two", steps=LONG)
    page.click("#txt2img_generate")
    running(page)
    fill(page, prompt="the second of two")
    page.click("#txt2img_generate")
    expect(page.locator("webui-progress .left")).to_contain_text("1 more waiting")

    other = opened()
    expect(other.locator("webui-progress .what")).to_have_text("Ready")
    other.get_by_role("tab", name="Queue").click()
    open_jobs = other.locator("#webui_queue section").first.locator("li")
    expect(open_jobs).to_have_count(2)
    expect(open_jobs.first).to_contain_text("Running")
    open_jobs.nth(1).get_by_role("button", name="Cancel").click()
    expect(open_jobs).to_have_count(1)
    open_jobs.first.get_by_role("button", name="Interrupt").click()
    expect(open_jobs).to_have_count(0)
    idle(page)


def test_a_value_that_cannot_be_is_said_in_a_sentence(page: Page) -> None:
    fill(page, prompt="a tree", seed="abc")
    page.click("#txt2img_generate")
    expect(page.locator("#webui-notices")).to_contain_text("Seed is 'abc'; it must be a whole number")
    page.locator("#webui-notices button").click()
    expect(page.locator("#webui-notices p")).to_have_count(0)


def test_each_picture_of_a_batch_has_its_own_text_and_seed(page: Page) -> None:
    fill(page, prompt="a flower", steps=3, seed=100, batch_size=2)
    page.click("#txt2img_generate")
    job_shown(page)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 100")
    page.locator("#txt2img_gallery .thumbnails .thumbnail-item").nth(2).click()  # behind the grid and the first picture
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 101")
    page.click("#txt2img_reuse_seed")
    expect(page.locator("#txt2img_seed").locator("textarea, input")).to_have_value("101")
    page.click("#txt2img_random_seed")
    expect(page.locator("#txt2img_seed").locator("textarea, input")).to_have_value("-1")
    page.click("#txt2img_open_folder")
    expect(page.locator("#html_log_txt2img code")).to_be_visible()
    with page.expect_download() as download:
        page.click("#txt2img_download")
    assert download.value.suggested_filename.endswith(".png")
