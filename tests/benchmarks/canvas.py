"""How long the page's canvas takes for each move of a stroke, in Chromium.

    python -m tests.benchmarks.canvas [--sides 1024 2048 4096] [--brush 200] [--moves 400] [--mode inpaint]

Prints percentiles of two times for each size of picture: the work that a pointer event makes (its handler, which draws), and what
a person feels (from the event's own time to the end of the work of the screen's next picture, waiting for it included). The
program serves the page; a real pointer is moved by the browser's own input, about 250 times a second.
"""

import argparse
import io
import math
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import CDPSession, Page, sync_playwright

from modules.contract.request import picture_text
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.served import Served

MOUNT = """async (mode) => {
    document.querySelector("#tabs").style.display = "none";
    const box = document.createElement("div");
    box.style.maxWidth = "720px";
    box.innerHTML = `<webui-canvas data-name="benchmark" data-mode="${mode}"></webui-canvas>`;
    document.querySelector("main").prepend(box);
    await customElements.whenDefined("webui-canvas");
    await webui.canvas("benchmark").loading;
}"""
LOAD = """async ([address, brush]) => {
    const canvas = webui.canvas("benchmark");
    canvas.clear();
    await canvas.load(address);
    canvas.resizeBrushTo(brush);
    await new Promise((resolve) => setTimeout(resolve, 300));
}"""
WATCH = """() => {
    const stage = document.querySelector("webui-canvas .canvas-stage");
    const found = (window.measured = { work: [], felt: [] });
    let begun = 0, pending = [];
    stage.addEventListener("pointermove", () => (begun = performance.now()), true);
    document.addEventListener("pointermove", (event) => {
        found.work.push(performance.now() - begun);
        for (const each of event.getCoalescedEvents()) pending.push(each.timeStamp);
    });
    const frame = () => {
        const now = pending;
        pending = [];
        const channel = new MessageChannel(); // its message comes once the picture is handed over
        channel.port1.onmessage = () => now.forEach((time) => found.felt.push(performance.now() - time));
        channel.port2.postMessage(0);
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""


def picture(side: int) -> bytes:
    """Clouds of noise as JPEG: something a browser has to work for."""
    coarse = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def strokes(page: Page, moves: int) -> None:
    """Two quick strokes in loops over the whole stage."""
    box = page.locator("webui-canvas .canvas-stage").bounding_box()
    assert box
    client: CDPSession = page.context.new_cdp_session(page)

    def pointer(kind: str, at: float) -> None:
        x = box["x"] + box["width"] / 2 + math.sin(at * 23) * box["height"] * 0.42
        y = box["y"] + box["height"] / 2 + math.cos(at * 17) * box["height"] * 0.42
        client.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1})

    for half in range(2):
        start = half * 0.5
        pointer("mousePressed", start)
        for move in range(moves // 2):
            pointer("mouseMoved", start + move / moves)
            time.sleep(0.004)
        pointer("mouseReleased", start + 0.5)
    client.detach()


def line(name: str, times: list[float]) -> str:
    """A row of the table, milliseconds."""
    values = np.percentile(times, [50, 90, 97, 99])
    within = np.mean(np.asarray(times) < 16) * 100
    return f"| {name} | {len(times)} | " + " | ".join(f"{value:.1f}" for value in values) + f" | {max(times):.1f} | {within:.1f} |"


def measure(page: Page, arguments: argparse.Namespace) -> None:
    print("| picture, what | events | median | 90 % | 97 % | 99 % | most | % under 16 ms |\n|---|---|---|---|---|---|---|---|")
    for side in arguments.sides:
        page.evaluate(LOAD, [f"data:image/jpeg;base64,{picture_text(picture(side))}", arguments.brush])
        page.evaluate("() => Object.assign(window.measured, { work: [], felt: [] })")
        strokes(page, arguments.moves)
        page.wait_for_timeout(500)
        found = page.evaluate("() => window.measured")
        print(line(f"{side}, the event's work", found["work"]))
        print(line(f"{side}, felt", found["felt"]), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="*", default=[1024, 2048, 4096])
    parser.add_argument("--brush", type=int, default=200, help="pixels of the picture across")
    parser.add_argument("--moves", type=int, default=400)
    parser.add_argument("--mode", default="inpaint")
    parser.add_argument("--url", help="of a program that runs already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "models").mkdir()
        served = Served(Path(folder))
        if not arguments.url:
            served.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(arguments.url or served.url)
        page.wait_for_selector("body[data-webui=ready]", state="attached", timeout=90_000)
        page.evaluate(MOUNT, arguments.mode)
        page.evaluate(WATCH)
        measure(page, arguments)
        browser.close()
        if not arguments.url:
            served.kill()
