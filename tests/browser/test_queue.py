"""The Queue tab: order, changes, repeats, pausing, and what it shows."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import fill, running

pytestmark = pytest.mark.browser
LONG = 150  # steps: enough for a person to do something meanwhile


def post(page: Page, path: str) -> None:
    page.evaluate("(path) => fetch(path, { method: 'POST', headers: { 'X-Requested-With': 'webui' } })", f"webui/{path}")


@pytest.fixture
def queue(page: Page) -> Iterator[Page]:
    """The page with its Queue tab, over a list that is empty before and after."""
    empty(page)
    yield page
    empty(page)


def empty(page: Page) -> None:
    post(page, "queue/resume")
    post(page, "queue/cancel_waiting")
    page.evaluate("() => webui.jobs.open().forEach((job) => webui.jobs.act(job.id, 'cancel'))")
    page.wait_for_function("() => webui.jobs.open().length === 0", timeout=60_000)
    post(page, "queue/clear_ended")


def submit(page: Page, *prompts: str, steps: int = LONG) -> None:
    """Queue pictures as another tab's form would."""
    for prompt in prompts:
        page.evaluate(
            """async ([prompt, steps]) => fetch("webui/jobs", { method: "POST",
                headers: { "Content-Type": "application/json", "X-Requested-With": "webui" },
                body: JSON.stringify({ owner: await webui.owner(), request: { prompt, steps, size: [128, 128], seed: 5 } }) })""",
            [prompt, steps],
        )


def show(page: Page) -> Locator:
    """The Queue tab; the lines of what waits or runs."""
    page.get_by_role("tab", name="Queue").click()
    return page.locator("webui-queue section").first.locator("li")


def test_waiting_jobs_are_reordered_by_keys_buttons_and_dragging_in_every_tab(queue: Page, opened: Callable[[], Page]) -> None:
    other = opened()
    submit(queue, "first", "alpha", "bravo", "delta")
    expect(show(queue)).to_have_count(4)
    expect(show(other)).to_have_count(4)
    queue.locator("li.queued", has_text="delta").locator(".grip").focus()
    queue.keyboard.press("ArrowUp")
    expect(queue.locator("li.queued strong")).to_have_text(["alpha", "delta", "bravo"])
    queue.keyboard.press("Alt+ArrowUp")  # the focus stays with the job
    expect(queue.locator("li.queued strong")).to_have_text(["delta", "alpha", "bravo"])
    expect(other.locator("li.queued strong")).to_have_text(["delta", "alpha", "bravo"])

    queue.locator("li.queued", has_text="delta").get_by_role("button", name="Move down").click()
    expect(other.locator("li.queued strong")).to_have_text(["alpha", "delta", "bravo"])

    grip = queue.locator("li.queued", has_text="bravo").locator(".grip").bounding_box()
    above = queue.locator("li.queued").first.bounding_box()
    assert grip and above
    queue.mouse.move(grip["x"] + 5, grip["y"] + 5)
    queue.mouse.down()
    queue.mouse.move(grip["x"] + 5, above["y"] + 4, steps=5)
    expect(queue.locator("li.drop-before strong")).to_have_text("alpha")
    queue.mouse.up()
    expect(queue.locator("li.queued strong")).to_have_text(["bravo", "alpha", "delta"])
    expect(other.locator("li.queued strong")).to_have_text(["bravo", "alpha", "delta"])
    queue.reload()
    expect(show(queue)).to_have_count(4)
    expect(queue.locator("li.queued strong")).to_have_text(["bravo", "alpha", "delta"])


def test_a_waiting_job_is_changed_in_its_line_and_held_meanwhile(queue: Page, opened: Callable[[], Page]) -> None:
    other = opened()
    submit(queue, "first", "before")
    expect(show(queue)).to_have_count(2)
    line = queue.locator("li.queued")
    line.get_by_role("button", name="Edit").click()
    line.get_by_label("Prompt", exact=True).fill("after")
    expect(show(other).nth(1)).to_contain_text("Held back")
    line.get_by_label("Sampling steps").fill("7")
    line.get_by_label("Batch count").fill("2")
    line.get_by_role("button", name="Save").click()
    expect(line).to_contain_text("7 steps, 2 pictures, seed 5")
    expect(line.locator("strong")).to_have_text("after")
    expect(line.locator(".editor")).to_have_count(0)
    expect(show(other).nth(1)).not_to_contain_text("Held back")


def test_a_waiting_job_is_changed_in_the_form_and_keeps_its_place(queue: Page) -> None:
    submit(queue, "first", "old words", "third")
    expect(show(queue)).to_have_count(3)
    queue.locator("li.queued", has_text="old words").get_by_role("button", name="Edit").click()
    queue.get_by_role("button", name="Open it in the form").click()
    expect(queue.locator("#txt2img_prompt textarea")).to_have_value("old words")
    expect(queue.locator("#txt2img_steps input[type=number]")).to_have_value(str(LONG))
    expect(queue.locator(".editing-strip")).to_be_visible()
    queue.reload()  # nothing is lost
    expect(queue.locator(".editing-strip")).to_be_visible()
    expect(queue.locator("#txt2img_prompt textarea")).to_have_value("old words")
    fill(queue, prompt="new words")
    queue.click("#txt2img_generate")
    expect(queue.locator(".editing-strip")).to_have_count(0)
    expect(show(queue)).to_have_count(3)
    expect(queue.locator("li.queued strong")).to_have_text(["new words", "third"])


def test_a_paused_queue_begins_nothing_and_all_that_waits_is_cancelled(queue: Page) -> None:
    show(queue)
    queue.get_by_role("button", name="Pause the queue").click()
    expect(queue.get_by_role("button", name="Go on with the queue")).to_be_visible()
    submit(queue, "a", "b")
    expect(show(queue)).to_have_count(2)
    expect(queue.locator("webui-queue")).to_contain_text("The queue is paused · 2 jobs wait")
    queue.get_by_role("button", name="Cancel all waiting").click()
    expect(show(queue)).to_have_count(0)
    queue.get_by_role("button", name="Go on with the queue").click()
    expect(queue.get_by_role("button", name="Pause the queue")).to_be_visible()
    ended = queue.locator("webui-queue section").nth(1).locator("li")
    expect(ended).to_have_count(2)
    queue.get_by_role("button", name="Clear the list").click()
    expect(ended).to_have_count(0)


def test_an_ended_job_shows_its_picture_and_is_repeated(queue: Page) -> None:
    submit(queue, "a star", steps=3)
    show(queue)
    done = queue.locator("li.done")
    expect(done).to_have_count(1)
    picture = done.locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 128
    done.get_by_role("button", name="Repeat", exact=True).click()
    expect(done).to_have_count(2)
    done.first.get_by_role("button", name="Repeat with a new seed").click()
    expect(done).to_have_count(3)
    seeds = [text.partition("seed ")[2].partition(" ")[0] for text in done.locator("small").all_text_contents()]
    assert seeds[1:] == ["5", "5"] and seeds[0] != "5"
    done.last.get_by_role("button", name="Show").last.click()
    expect(queue.locator("#html_info_txt2img")).to_contain_text("Seed: 5")


def test_a_waiting_job_says_how_long_it_takes_and_when_it_begins(queue: Page) -> None:
    submit(queue, "known", steps=20)
    show(queue)
    expect(queue.locator("li.done")).to_have_count(1)
    submit(queue, "first", "second")
    running(queue)
    expect(queue.locator("li.queued small")).to_contain_text("takes about")
    expect(queue.locator("li.queued small")).to_contain_text("begins in about")
    expect(queue.locator("li.running img")).to_be_visible()


def test_the_queue_fits_a_phone(queue: Page) -> None:
    queue.set_viewport_size({"width": 390, "height": 844})
    submit(queue, "a very long prompt " * 20, "another_without_blanks" * 12)
    queue.evaluate("() => document.querySelector('#tab_queue-button').click()")
    expect(queue.locator("webui-queue li").first).to_be_visible()
    assert queue.evaluate("() => document.documentElement.scrollWidth") <= 390
