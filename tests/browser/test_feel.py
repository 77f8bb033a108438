"""The page answers whatever the program is doing, and does not hold more than it needs. Times are measured by tests/benchmarks/page.py."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.page import CLICKS, answered, begin_work, end_work
from tests.browser.conftest import fill, idle, job_shown, ready
from tests.browser.test_shots import draw

pytestmark = pytest.mark.browser
MOST = 400  # Gradio components that the first page builds
MOST_IN_ALL = 500  # what is in other tabs the browser knows of, and builds when they are opened
FIRST = """async () => {
    const { components, layout } = await (await fetch("config")).json();
    const kinds = new Map(components.map((each) => [each.id, each.type]));
    const built = ({ id, children = [] }) => {  // of the tabs the first one
        const shown = kinds.get(id) === "tabs" ? children.slice(0, 1) : children;
        return Number(kinds.has(id)) + children.length - shown.length + shown.reduce((sum, each) => sum + built(each), 0);
    };
    return [built(layout), components.length];
}"""
LONG = 150  # steps: enough for a person to do something meanwhile


def test_the_first_page_has_few_components(page: Page) -> None:
    first, everything = page.evaluate(FIRST)
    assert 100 < first <= MOST
    assert first < everything <= MOST_IN_ALL


def test_every_click_is_answered_while_a_job_runs(page: Page) -> None:
    begin_work(page)
    try:
        times = {name: answered(page, clicked, wanted) for name, clicked, wanted in CLICKS}
        assert page.evaluate("() => webui.jobs.open().some((job) => job.state === 'running')"), "the job ended before the clicks did"
    finally:
        end_work(page)
    assert {name: taken for name, taken in times.items() if taken < 0} == {}


def test_two_tabs_make_a_picture_each(page: Page, opened: Callable[[], Page]) -> None:
    other = opened()
    for one, prompt, seed in ((page, "a fish in the sea", 61), (other, "a white flower", 62)):
        fill(one, prompt=prompt, seed=seed, steps=20)
        one.click("#txt2img_generate")
    for one, prompt, seed in ((page, "a fish in the sea", 61), (other, "a white flower", 62)):
        job_shown(one)
        expect(one.locator("#html_info_txt2img")).to_contain_text(prompt)
        expect(one.locator("#html_info_txt2img")).to_contain_text(f"Seed: {seed},")


def test_a_reload_in_the_middle_of_inpainting_keeps_picture_mask_and_job(page: Page) -> None:
    fill(page, prompt="a green tree on a hill", steps=4, seed=9)
    page.click("#txt2img_generate")
    job_shown(page)
    page.click("#txt2img_send_to_inpaint")
    expect(page.locator("#img2img_mask_blur")).to_be_visible()
    page.wait_for_function("() => !!webui.canvas?.('img2img')?.picture")
    draw(page)
    before = page.evaluate("async () => webui.canvas('img2img').value()")
    assert before["mask"]
    page.locator("#img2img_steps input[type=number]").fill(str(LONG))
    page.locator("#img2img_steps input[type=number]").blur()
    page.locator("#img2img_batch_count input[type=number]").fill("20")
    page.locator("#img2img_batch_count input[type=number]").blur()
    page.click("#img2img_generate")
    expect(page.locator("#img2img_progress .what")).to_contain_text("Step")
    page.reload()
    ready(page)
    page.click("#tab_inpaint-button")
    expect(page.locator("#img2img_progress .what")).to_contain_text("Step")
    expect(page.locator("#img2img_mask_blur")).to_be_visible()
    page.wait_for_function("() => !!webui.canvas?.('img2img')?.picture")
    assert page.evaluate("async () => webui.canvas('img2img').value()") == before
    page.evaluate("() => webui.jobs.open().forEach((job) => webui.jobs.act(job.id, 'interrupt'))")
    idle(page)
