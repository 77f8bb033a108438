"""How fast the cards of very many LoRAs are: the list, the first sight of it, scrolling and searching in a browser.

    python -m tests.benchmarks.cards [--count 5000] [--keep FOLDER]

Makes tiny LoRAs with metadata, notes and pictures in a folder of its own, starts the program over it, and opens a browser. `--keep`
names a data folder to make them in, or to use them from, instead of one that is thrown away.
"""

import argparse
import io
import json
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, PROGRAM, ROOT, wait_for

FOLDERS = ("styles/ink", "styles/oil", "people", "places/cities", "places/nature", "things", "concepts", "")
WORDS = ("ember", "harbor", "lantern", "meadow", "copper", "willow", "frost", "canyon", "velvet", "sparrow", "tide", "marble", "saffron")
BASES = ("sd_v1.5", "sdxl_base_v1-0", "sd_v2-1-768-v", "")
NARROW = {"sd_v1.5": 768, "sdxl_base_v1-0": 2048, "sd_v2-1-768-v": 1024, "": 768}


def lora(number: int, chance: random.Random) -> bytes:
    """A whole LoRA of one module, with the metadata that kohya's trainer writes."""
    base = chance.choice(BASES)
    words = chance.sample(WORDS, 5)
    tags = {f"{number % 9 + 1}_{words[0]}": {f"{a} {b}": chance.randint(1, 90) for a in words for b in words if a != b}}
    metadata = {"ss_output_name": f"{words[0]}_{number:05}", "ss_base_model_version": base, "ss_tag_frequency": json.dumps(tags),
                "ss_network_dim": "16", "ss_network_alpha": "8", "ss_num_train_images": str(chance.randint(10, 400))}
    if not base:
        del metadata["ss_base_model_version"]
    module = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    width = NARROW[base]
    header = {
        "__metadata__": metadata,
        f"{module}.alpha": {"dtype": "F16", "shape": [], "data_offsets": [0, 2]},
        f"{module}.lora_down.weight": {"dtype": "F16", "shape": [1, width], "data_offsets": [2, 2 + 2 * width]},
        f"{module}.lora_up.weight": {"dtype": "F16", "shape": [320, 1], "data_offsets": [2 + 2 * width, 642 + 2 * width]},
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(642 + 2 * width)


def picture(number: int, chance: random.Random) -> bytes:
    """A preview of some discs."""
    image = Image.new("RGB", (128, 192), tuple(chance.randint(20, 90) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, size = chance.randint(0, 128), chance.randint(0, 192), chance.randint(12, 60)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=tuple(chance.randint(60, 255) for _ in range(3)))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def make(folder: Path, count: int) -> None:
    """Fill a LoRA folder: a picture for each but every tenth, notes for every third, one damaged file."""
    chance = random.Random(4)
    for number in range(count):
        place = folder / FOLDERS[number % len(FOLDERS)]
        place.mkdir(parents=True, exist_ok=True)
        name = f"{chance.choice(WORDS)}-{chance.choice(WORDS)}-{number:05}"
        data = lora(number, chance)
        (place / f"{name}.safetensors").write_bytes(data[:-9] if number == 7 else data)
        if number % 10:
            (place / f"{name}.png").write_bytes(picture(number, chance))
        if number % 3 == 0:
            notes = {"description": f"Trained on {chance.choice(WORDS)} at dusk.", "activation text": f"{name.partition('-')[0]}style",
                     "preferred weight": 0.8 if number % 2 else 0, "notes": ""}
            (place / f"{name}.json").write_text(json.dumps(notes), "utf8")


def measure_list(url: str) -> None:
    """The list's first request, and later ones. The first may end before all files were read; then the page asks again."""
    first, size, tag = asked(url)
    begin = time.perf_counter() - first
    while json.loads(urllib.request.urlopen(f"{url}webui/cards/lora").read())["unread"]:
        pass
    whole, (_, size, tag) = time.perf_counter() - begin, asked(url)
    again = [asked(url)[0] for _ in range(7)]
    unchanged = [asked(url, tag)[0] for _ in range(7)]
    print(f"| first list after the start, all files new to the program, ms | {first * 1000:.0f} |")
    print(f"| until all files were read, ms (then the list is {size // 1024} KB packed) | {whole * 1000:.0f} |")
    print(f"| list again, ms | {statistics.median(again) * 1000:.0f} |")
    print(f"| list that has not changed (304), ms | {statistics.median(unchanged) * 1000:.0f} |")


def asked(url: str, tag: str = "") -> tuple[float, int, str]:
    """Seconds, bytes and ETag of a list."""
    request = urllib.request.Request(f"{url}webui/cards/lora", headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    begin = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return len(data := answer.read()) and time.perf_counter() - begin, len(data), answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        assert error.code == 304
        return time.perf_counter() - begin, 0, tag


INSERT = """() => new Promise((done) => {
    const cards = document.createElement("webui-cards");
    Object.assign(cards.dataset, { kind: "lora", tab: "txt2img" });
    cards.id = "measured";
    const begin = performance.now();
    document.querySelector("#txt2img_toprow").after(cards);
    cards.scrollIntoView();
    const look = () => cards.querySelector(".card")
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin))) : requestAnimationFrame(look);
    look();
})"""
SCROLL = """() => new Promise((done) => {
    const grid = document.querySelector("#measured .virtual-grid"), works = [], frames = [];
    let last = 0;
    grid.scrollTop = 0;
    const step = (now) => {
        if (last) frames.push(now - last);
        last = now;
        const begin = performance.now();
        grid.scrollTop += 160;
        grid.dispatchEvent(new Event("scroll"));
        grid.offsetHeight;
        works.push(performance.now() - begin);
        if (frames.length < 240) requestAnimationFrame(step); else done([works, frames]);
    };
    requestAnimationFrame(step);
})"""
JUMP = """() => new Promise((done) => {
    const grid = document.querySelector("#measured .virtual-grid"), begin = performance.now(), sight = grid.getBoundingClientRect();
    grid.scrollTop = grid.scrollHeight - 2000;
    const seen = (card) => card.getBoundingClientRect().bottom > sight.top && card.getBoundingClientRect().top < sight.bottom;
    const look = () => {
        const cards = [...grid.querySelectorAll(".card")].filter(seen), images = cards.flatMap((card) => [...card.querySelectorAll("img")]);
        const there = images.length > cards.length / 2 && images.every((one) => one.complete && one.naturalWidth);
        if (there || performance.now() - begin > 20000) done(performance.now() - begin); else setTimeout(look, 5);
    };
    setTimeout(look, 20);
})"""
SEARCH = """(words) => {
    const field = document.querySelector("#measured input[type=search]"), times = [];
    for (const word of words) for (let end = 1; end <= word.length; end++) {
        field.value = word.slice(0, end);
        const begin = performance.now();
        field.dispatchEvent(new Event("input", { bubbles: true }));
        document.body.offsetHeight;
        times.push(performance.now() - begin);
    }
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return times;
}"""


def measure_page(page: Page, url: str) -> None:
    """What a person waits for in the browser."""
    page.goto(url)
    page.wait_for_selector("body[data-webui=ready]", timeout=120_000)
    print(f"| from the element to its first cards, ms | {page.evaluate(INSERT):.0f} |")
    page.uncheck("#measured .card-fits input")
    page.wait_for_timeout(500)
    works, frames = page.evaluate(SCROLL)
    slow = sum(frame > 33 for frame in frames) / len(frames)
    print(f"| work of a scroll step of 160 px, ms: median, 97 % | {statistics.median(works):.1f}, {share(works, 0.97):.1f} |")
    middle = f"{statistics.median(frames):.1f}, {share(frames, 0.97):.1f}"
    print(f"| frames while scrolling, ms: median, 97 %; over 33 ms | {middle}; {slow:.0%} |")
    print(f"| from a jump to cards never seen to their pictures, ms | {page.evaluate(JUMP):.0f} |")
    times = page.evaluate(SEARCH, ["ember canyon", "sparrow", "styles/ink", "00042", "zzz"])
    print(f"| search at each letter, ms: median, most | {statistics.median(times):.1f}, {max(times):.1f} |")


def share(values: list[float], part: float) -> float:
    """What that part of the values is not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        data = options.keep or Path(folder)
        if not (data / "models" / "Lora").exists():
            make(data / "models" / "Lora", options.count)
        (data / "models" / "Stable-diffusion").mkdir(parents=True, exist_ok=True)
        for model in (ROOT / "models" / "Stable-diffusion").glob("*.safetensors"):
            (data / "models" / "Stable-diffusion" / model.name).write_bytes(model.read_bytes())
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        url = f"http://127.0.0.1:{port}/"
        with (data / "program.log").open("wb") as log:
            arguments = ["--port", str(port), "--data-dir", str(data), "--skip-load-model-at-start"]
            process = subprocess.Popen([sys.executable, *PROGRAM, *arguments], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(url, process, data / "program.log")
            print(f"| {len(list((data / 'models' / 'Lora').rglob('*.safetensors')))} LoRAs | |\n|---|---|")
            measure_list(url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                measure_page(browser.new_page(viewport={"width": 1280, "height": 900}), url)
                browser.close()
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main()
