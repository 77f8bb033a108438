"""How fast the page is: from its address to a Generate that can be pressed, cold and warm, and clicks while a job runs.

    python -m tests.benchmarks.page [--rounds 3]

Starts the program in a folder of its own with the demo checkpoint. A click's time is what the browser itself sees: from the click to
the frame in which what was asked for stands there. "Busy" is while a job of thousands of steps runs on the same cores.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, PROGRAM, ROOT, ready, wait_for
from tests.served import free_port

CLICKS = (  # what, what is clicked, what is there then (after "!": no longer)
    ("a tab, first time", "#tab_img2img-button", "#img2img_generate"),
    ("a tab of a part, first time", "#tab_history-button", "#history_search"),
    ("Settings, first time", "#tab_settings-button", "#setting_samples_save"),
    ("a tab again", "#tab_txt2img-button", "#txt2img_generate"),
    ("a switch", "#txt2img_hr-checkbox input", "#txt2img_hr_upscaler"),
    ("a switch back", "#txt2img_hr-checkbox input", "!#txt2img_hr_upscaler"),
    ("cards, first time", "#txt2img_lora-button", "#txt2img_lora_cards_html .cards-body"),
    ("back to the form", "#txt2img_generation-button", "#txt2img_sampling"),
    ("Settings again", "#tab_settings-button", "#setting_samples_save"),
    ("the queue", "#tab_queue-button", "webui-queue h2"),
    ("the txt2img tab", "#tab_txt2img-button", "#txt2img_generate"),
    ("the styles editor", "#txt2img_styles_edit_button", "dialog.styles-dialog[open]"),
    ("its Close", "#txt2img_edit_style_close", "!dialog.styles-dialog[open]"),
)
ANSWERED = """async ([clicked, wanted]) => {
    const gone = wanted.startsWith("!");
    const there = () => Boolean(document.querySelector(wanted.replace("!", ""))?.checkVisibility({ visibilityProperty: true }));
    const start = performance.now();
    document.querySelector(clicked).click();
    while (there() === gone) {
        await new Promise((done) => requestAnimationFrame(done));
        if (performance.now() - start > 20_000) return -1;
    }
    await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - start;
}"""
WORK = """async () => fetch("webui/jobs", { method: "POST", headers: { "Content-Type": "application/json", "X-Requested-With": "webui" },
    body: JSON.stringify({ owner: await webui.owner(), request: { prompt: "boat", steps: 150, batch_count: 100, size: [128, 128] } }) })"""


def answered(page: Page, clicked: str, wanted: str) -> float:
    """Milliseconds from a click to its effect on the screen; -1 if there was none within 20 s."""
    return page.evaluate(ANSWERED, [clicked, wanted])


def begin_work(page: Page) -> None:
    """A job that runs for as long as anybody looks."""
    page.evaluate(WORK)
    page.wait_for_function("() => webui.jobs.open().some((job) => job.state === 'running')", timeout=120_000)


def end_work(page: Page) -> None:
    page.evaluate("() => webui.jobs.open().forEach((job) => webui.jobs.act(job.id, 'cancel'))")
    page.wait_for_function("() => webui.jobs.open().length === 0", timeout=120_000)


@contextmanager
def started(data: Path) -> Iterator[str]:
    """The program over a data folder; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with (data / "program.log").open("wb") as log:
        arguments = ["--port", str(port), "--data-dir", str(data)]
        process = subprocess.Popen([sys.executable, *PROGRAM, *arguments], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(url, process, data / "program.log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[tuple[Page, float, float]]:
    """A page in a browser without memories: the seconds until Generate shows, then until it is ready; and once more, warm."""
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900}, locale="en-US")
    page = context.new_page()
    cold = loaded(page)
    yield page, cold, loaded(page)
    context.close()


def loaded(page: Page) -> float:
    """Seconds from the address to a Generate that shows."""
    start = time.perf_counter()
    page.goto("/", wait_until="commit")
    page.locator("#txt2img_generate").wait_for()
    seconds = time.perf_counter() - start
    ready(page)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder)
        shutil.copytree(ROOT / "models" / "Stable-diffusion", data / "models" / "Stable-diffusion")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with started(data) as url:
            report(browser, url, rounds)
        browser.close()


def report(browser: Browser, url: str, rounds: int) -> None:
    loads: list[tuple[float, float]] = []
    times: dict[str, dict[str, list[float]]] = {name: {"idle": [], "busy": []} for name, _, _ in CLICKS}
    for _ in range(rounds):
        for state in ("idle", "busy"):
            with opened(browser, url) as (page, cold, warm):
                if state == "idle":
                    loads.append((cold, warm))
                else:
                    begin_work(page)
                for name, clicked, wanted in CLICKS:
                    times[name][state].append(answered(page, clicked, wanted))
                    page.wait_for_timeout(300)
                end_work(page)
    colds, warms = zip(*loads, strict=True)
    print(f"Generate shows after {min(colds):.1f} to {max(colds):.1f} s cold, {min(warms):.1f} to {max(warms):.1f} s warm")
    print(f"{'ms from click to screen':32}{'idle':>14}{'busy':>14}")
    for name, states in times.items():
        print(f"{name:32}" + "".join(f"{statistics.median(found):7.0f}/{max(found):6.0f}" for found in states.values()))


if __name__ == "__main__":
    main()
