"""A running program and a browser that looks at it. Every test fails on an error in the browser's log and on any outside address."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
# Another program under the same page: "-m tests.frontend.pretended" draws its pictures without a model.
PROGRAM = shlex.split(os.environ.get("EASEL_BROWSER_PROGRAM", "webui.py --no-venv --no-browser"))
# `--self-test` says where a browser is; empty: the one that Playwright finds by itself.
CHROMIUM = os.environ.get("EASEL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or None
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb"]
START_SECONDS = 200

expect.set_options(timeout=60_000)


@dataclass(frozen=True)
class Program:
    """A running program: where its page is, and where it keeps its files."""

    url: str
    data: Path


@pytest.fixture(scope="package")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    data = tmp_path_factory.mktemp("data")
    for kind in ("Stable-diffusion", "ESRGAN"):  # copies: tests write beside models
        shutil.copytree(ROOT / "models" / kind, data / "models" / kind)
    with started(data) as running:
        yield running


@contextmanager
def started(data: Path) -> Iterator[Program]:
    """A program over a data folder, as a person starts it who has answered the first question; ended behind the block."""
    kept = data / "settings.json"
    if not kept.exists():
        kept.write_text('{"screening": {"mode": "Off"}}', "utf8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/", data / "program.log"
    with log.open("wb") as output:
        # more threads would wait for each other on the cores that the browser needs; MKL's are counted apart
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, *PROGRAM, "--port", str(port), "--data-dir", str(data)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(url, process, log)
        yield Program(url, data)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the page is there."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if answers(url):
            return
        time.sleep(0.2)
    pytest.fail(f"The program did not start:\n{log.read_text('utf8', 'replace')[-4000:]}")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture(scope="package")  # not for the whole session: while it is open, no other test could run an event loop
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, program: Program) -> Iterator[BrowserContext]:
    """A browser of one's own, without memories."""
    problems: list[str] = []
    context = chromium.new_context(base_url=program.url, viewport={"width": 1280, "height": 900}, locale="en-US", reduced_motion="reduce")
    context.on("console", lambda message: problems.append(f"{message.type}: {message.text}") if message.type == "error" else None)
    context.on("weberror", lambda error: problems.append(f"uncaught: {error.error}"))
    context.on("request", lambda request: problems.append(f"outside: {request.url}") if not inside(request.url, program.url) else None)
    yield context
    context.close()
    assert problems == []


def inside(url: str, program: str) -> bool:
    return url.startswith((program, "data:", "blob:"))


@pytest.fixture
def opened(context: BrowserContext) -> Callable[[], Page]:
    """Opens the page in a new tab; gives it once it is ready."""

    def open_page() -> Page:
        page = context.new_page()
        page.goto("/")
        ready(page)
        return page

    return open_page


@pytest.fixture
def page(opened: Callable[[], Page]) -> Page:
    return opened()


def ready(page: Page) -> None:
    """Wait until the page has found its jobs and shows them."""
    expect(page.locator("body[data-webui=ready]")).to_be_attached()


def fill(page: Page, tab: str = "txt2img", **values: str | float) -> None:
    """Type into fields by the ends of their ids."""
    for name, value in values.items():
        field = page.locator(f"#{tab}_{name}").locator("textarea, input[type=number], input[type=text]").first
        field.fill(str(value))
        field.blur()


def idle(page: Page) -> None:
    """Wait until this tab's jobs are over."""
    expect(page.locator("body[data-job=none]")).to_be_attached(timeout=200_000)


def running(page: Page) -> None:
    """Wait until a job of this tab has done its first step."""
    expect(page.locator("webui-progress .what")).to_contain_text("Step", timeout=200_000)


def shown_job(page: Page, tab: str = "txt2img") -> str:
    """The job whose pictures are shown."""
    return page.evaluate("(tab) => webui.results.info(tab).job", tab)


def job_shown(page: Page, *, after: str = "", tab: str = "txt2img") -> str:
    """Wait until the pictures of a job other than `after` are shown; that job."""
    shown = "([tab, before]) => ![before, '', undefined].includes(webui.results.info(tab).job)"
    page.wait_for_function(shown, arg=[tab, after], timeout=200_000)
    return shown_job(page, tab)


def shown_pictures(page: Page, tab: str = "txt2img") -> list[bytes]:
    """The files of the pictures in a gallery, in their order."""
    addresses: list[str] = page.evaluate("(tab) => webui.results.pictures(tab).map((each) => each.src)", tab)
    return [page.request.get(address).body() for address in addresses]
