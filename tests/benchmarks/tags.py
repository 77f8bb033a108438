"""How fast tag completion answers over 140,000 tags, in a browser as a person has it: from asking the worker to having its answer.

    python -m tests.benchmarks.tags [--count 140000]

Makes a list of made-up words whose uses fall off as those of real lists do, half of them with a Chinese name. No program is started.
"""

import argparse
import json
import random
import statistics
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, ROOT

WEB = ROOT / "extensions" / "tag_completion" / "web"
PAGE = "http://bench.test/"
MEASURE = """
async ({rows, queries}) => {
    const worker = new Worker(new URL("worker.js", location.href), {type: "module"});
    const answer = (message) => new Promise((resolve) => { worker.onmessage = ({data}) => resolve(data); worker.postMessage(message); });
    const begun = performance.now();
    const loaded = await answer({load: {rows, pairs: ""}});
    const build = performance.now() - begun;
    const times = [];
    for (const [number, texts] of queries.entries()) {
        const asked = performance.now();
        const found = await answer({number, texts, how: {limit: 100}});
        times.push([performance.now() - asked, texts[0], found.hits.length]);
    }
    return {build, loaded, times};
}
"""


def made_up(count: int, chance: random.Random) -> list[list[str]]:
    """Lines of a list as the worker reads them."""
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"] + list("aeiou")
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 3))) for _ in range(9000)]
    pick: Callable[[], str] = lambda: words[int(chance.random() ** 2 * len(words))]  # noqa: E731
    rows: dict[str, list[str]] = {}
    while len(rows) < count:
        name = "_".join(pick() for _ in range(chance.randint(1, 3)))
        uses = 5_000_000 // (len(rows) + 1) + 3
        alias = f"{pick()}_{pick()}" if chance.random() < 0.35 else ""
        signs = chance.choice((0, 0, 2, 4))
        chinese = "".join(chr(0x4E00 + int(chance.random() ** 2 * 3000)) for _ in range(signs))
        initials = "".join(chance.choices("abcdefghjklmnopqrstwxyz", k=len(chinese)))
        rows.setdefault(name, [name, "0", str(uses), alias, chinese, initials, str(uses)])
    return list(rows.values())


def queries(rows: list[list[str]], chance: random.Random) -> list[list[str]]:
    """What people type: each single letter, beginnings of names, aliases and Chinese names, several words before the caret, misses."""
    asked = [[letter] for letter in "abcdefghijklmnopqrstuvwxyz"]
    for number in range(400):
        row = chance.choice(rows)
        text = [row[0].replace("_", " "), row[3].replace("_", " "), row[4]][number % 3] or row[0].replace("_", " ")
        asked.append([text[: chance.randint(1, len(text))]])
    asked += [[f"with {row[0][:5]}", row[0][:5]] for row in chance.sample(rows, 60)]
    return asked + [[f"qx{row[0][:4]}"] for row in chance.sample(rows, 40)]


def serve(route: Route) -> None:
    """The worker's own files, and an empty page."""
    name = route.request.url.removeprefix(PAGE)
    if name in ("worker.js", "fold.js", "tag_index.js"):
        route.fulfill(body=(WEB / name).read_text("utf8"), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")


def measure(count: int) -> dict[str, Any]:
    """Milliseconds of the index's making and of the answers."""
    chance = random.Random(7)
    rows = made_up(count, chance)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.context.route("**/*", serve)
        page.goto(PAGE)
        found = page.evaluate(MEASURE, {"rows": "\n".join("\t".join(row) for row in rows), "queries": queries(rows, chance)})
        browser.close()
    times = sorted(time for time, _, _ in found["times"])
    slowest = sorted(found["times"], reverse=True)[:5]
    return {
        "tags": count, "build ms": round(found["build"]), "first ms": round(found["times"][0][0], 1),
        "p50 ms": round(statistics.median(times), 2),
        "p95 ms": round(times[int(len(times) * 0.95)], 1), "p99 ms": round(times[int(len(times) * 0.99)], 1), "max ms": round(times[-1], 1),
        "slowest": slowest,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=140_000)
    print(json.dumps(measure(parser.parse_args().count), ensure_ascii=False, indent=1))
