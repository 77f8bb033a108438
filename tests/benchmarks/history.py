"""A history of many pictures: how long it takes to list them, to notice changes, to search, to answer the first page.

    python -m tests.benchmarks.history [--pictures 50000] [--folder FOLDER]

The pictures are real files of 96x64 pixels with infotexts such as people write, in folders of days, in another program's layout.
"""

import argparse
import os
import random
import shutil
import statistics
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.history.history import History
from modules.imaging.thumbnails import Thumbnails
from modules.server import errors
from modules.server import history as routes
from modules.settings.store import SettingsStore

WORDS = """masterpiece best quality highly detailed portrait landscape castle forest lake mountain river sunset sunrise golden hour neon
city street cyberpunk samurai dragon knight elf witch robot spaceship planet nebula storm rain snow autumn spring flowers butterfly cat
dog horse wolf fox owl raven tiger lion whale jellyfish coral ocean waves beach palm cliff cave waterfall bridge tower ruins temple
library cafe window candle lantern mirror crown armor sword cloak dress kimono hat glasses freckles smile blonde hair blue eyes red
green purple teal monochrome watercolor ink oil painting sketch photo film grain bokeh 35mm macro wide angle aerial isometric""".split()
QUERIES = ("", "castle", "golden hour", '"oil painting" -neon', "model:model-7", "lora:style-3 castle", "seed:12345", "size:512x768",
           "date:2025-06", "date:2025-01..2025-03 is:portrait", 'sampler:"Euler a" steps:>30', "c", "kind:img2img forest",
           "negative:blurry", "is:favourite", "folder:2025-03")  # fmt: skip
DAY = 86_400


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="where the pictures lie, or are made; kept")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp())
    try:
        measure(folder, asked.pictures)
    finally:
        if not asked.folder:
            shutil.rmtree(folder)


def measure(data: Path, count: int) -> None:
    """Make the pictures if they are not there, and print each figure as it is known."""
    outputs = data / "outputs"
    if not outputs.is_dir():
        print(f"{count} files made in {seconds(lambda: make(outputs, count)):.1f} s", flush=True)
    for old in data.glob("history*"):
        old.unlink()
    history = History(data, outputs, SettingsStore(data / "settings.json"))
    lags: list[float] = []
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(history, lags, done))
    watcher.start()
    busy = time.process_time()
    print(f"listed in {seconds(history.scan):.1f} s, {time.process_time() - busy:.1f} s of it computing", flush=True)
    done.set()
    watcher.join()
    print(f"searches meanwhile: {len(lags)}, p95 {1000 * percentile(lags, 95):.0f} ms, slowest {1000 * max(lags):.0f} ms")
    print(f"a look that finds nothing new: {1000 * seconds(history.scan):.0f} ms")
    files = sorted(outputs.rglob("*.png"))
    for file in files[:100]:
        file.rename(file.with_name(f"moved-{file.name}"))
    print(f"a look that finds 100 renamed: {1000 * seconds(history.scan):.0f} ms; listed {len(history.search('').ids)}")
    history.favour(history.search("").ids[::97], favourite=True)
    searches(history)
    pages(history, data)
    size = sum(path.stat().st_size for path in data.glob("history.sqlite3*"))
    print(f"the list takes {size / 2**20:.0f} MiB")
    history.stop()


def searches(history: History) -> None:
    """The time of each kind of search, and of all; computing is what is left of it on a machine that does nothing else."""
    all_times: list[float] = []
    for query in QUERIES:
        busy = time.thread_time()
        times = [seconds(lambda query=query: history.search(query)) for _ in range(20)]
        computing = (time.thread_time() - busy) / 20
        all_times += times
        print(f"  {query or '(all)':36} {len(history.search(query).ids):6} found, median {1000 * statistics.median(times):6.1f} ms, "
              f"p95 {1000 * percentile(times, 95):6.1f} ms, computing {1000 * computing:5.1f} ms")  # fmt: skip
    print(f"search, all kinds: median {1000 * statistics.median(all_times):.1f} ms, p95 {1000 * percentile(all_times, 95):.1f} ms")
    print(f"what there is to choose from: {1000 * seconds(history.facets):.0f} ms")
    print(f"suggestions: {1000 * percentile([seconds(lambda: history.suggestions('ca')) for _ in range(50)], 95):.1f} ms (p95)")


def pages(history: History, data: Path) -> None:
    """The routes that the page asks while one scrolls."""
    app = FastAPI()
    errors.install(app)
    app.include_router(routes.router(history, Thumbnails(data / "cache"), lambda folder: False))
    client = TestClient(app)
    answer = client.get("/webui/history")
    print(f"first page: {1000 * seconds(lambda: client.get('/webui/history')):.0f} ms, {len(answer.content) / 1000:.0f} kB")
    ids = answer.json()["ids"]
    rows = [seconds(lambda: client.post("/webui/history/rows", json={"ids": random.sample(ids, 150)})) for _ in range(30)]
    print(f"150 rows anywhere: p95 {1000 * percentile(rows, 95):.1f} ms")
    fresh = [seconds(lambda id=id: client.get(f"/webui/history/thumbnails/{id}")) for id in random.sample(ids, 100)]
    print(f"a thumbnail made: median {1000 * statistics.median(fresh):.1f} ms, p95 {1000 * percentile(fresh, 95):.1f} ms")
    print(f"the state: {1000 * seconds(lambda: client.get('/webui/history/state')):.0f} ms")
    moved = seconds(lambda: client.post("/webui/history/trash", json={"ids": ids[:1000]}))
    back = seconds(lambda: client.post("/webui/history/restore", json={"ids": ids[:1000]}))
    print(f"1000 pictures to the trash: {moved:.2f} s; back: {back:.2f} s")


def make(outputs: Path, count: int) -> None:
    """Files in the layout of A1111, over three years, about as many a day as somebody busy makes."""
    draw = random.Random(1)
    pixels = zlib.compress(b"".join(b"\0" + bytes((x * y) % 256 for x in range(96 * 3)) for y in range(64)), 1)
    begin = time.time() - 3 * 365 * DAY
    for number in range(count):
        made = begin + number * (3 * 365 * DAY / count)
        kind = "img2img" if draw.random() < 0.15 else "txt2img"
        folder = outputs / f"{kind}-images" / time.strftime("%Y-%m-%d", time.localtime(made))
        if number % 50 == 0 or not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{number:05}-{number}.png"
        file.write_bytes(png(pixels, infotext(draw, number, kind)))
        os.utime(file, (made, made))


def infotext(draw: random.Random, number: int, kind: str) -> str:
    prompt = ", ".join(" ".join(draw.sample(WORDS, draw.randint(1, 3))) for _ in range(draw.randint(6, 20)))
    loras = "".join(f" <lora:style-{draw.randint(0, 40)}:0.8>" for _ in range(draw.choice((0, 0, 1, 2))))
    width, height = draw.choice(((512, 512), (512, 768), (768, 512), (1024, 1024)))
    strength = "Denoising strength: 0.6, " if kind == "img2img" else ""
    return (f"{prompt}{loras}\nNegative prompt: blurry, low quality, bad anatomy, extra fingers\nSteps: {draw.randint(15, 45)}, "
            f"Sampler: {draw.choice(('Euler a', 'DPM++ 2M', 'DDIM', 'UniPC'))}, Schedule type: Karras, CFG scale: 7, Seed: {number}, "
            f"Size: {width}x{height}, Model hash: {draw.randint(0, 20):010x}, Model: model-{draw.randint(0, 20)}, "
            f"{strength}Version: v1.10.1")  # fmt: skip


def png(pixels: bytes, text: str) -> bytes:
    """A picture of 96x64 pixels with an infotext."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 64, 8, 2, 0, 0, 0))
    told = chunk(b"tEXt", b"parameters\0" + text.encode("latin-1"))
    return b"\x89PNG\r\n\x1a\n" + header + told + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def watch(history: History, lags: list[float], done: threading.Event) -> None:
    """Search while the list is made, as a person would."""
    while not done.is_set():
        lags.append(seconds(lambda: history.search("castle")))
        time.sleep(0.25)


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def percentile(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


if __name__ == "__main__":
    main()
