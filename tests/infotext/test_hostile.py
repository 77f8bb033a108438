"""Infotexts that nobody means: none raises, none takes long."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.contract.errors import BadRequest
from modules.contract.request import request_from
from modules.infotext.foreign import from_comfyui
from modules.infotext.networks import with_added_networks, with_local_names
from modules.infotext.paste import pasted, request_values
from modules.infotext.read import read
from tests.timing import seconds

SIZE = 10_000
SECONDS = 0.3  # of this thread; the slowest takes 0.02 s on the machine of 2026, a quadratic one 0.5 s and more
READERS: dict[str, Callable[[str], object]] = {
    "read": read,
    "pasted": pasted,
    "local names": lambda text: with_local_names({"Prompt": text, "Lora hashes": text}, lambda hash: hash),
    "added networks": lambda text: with_added_networks(read(text)),
    "comfyui": lambda text: from_comfyui({"prompt": text}),
}
REPEATED = [
    "a", "aa ", "a: ", "A: ", "aa: ", 'aa: "', 'aa:"\\",', "Steps: 20, ", '"', "\\", '\\"', ":", ": ", ",", " ", "\t", "\n",
    "Negative prompt:\n", "aa:, ", "5x6, ", "5", "x", "-", "(", "\\(", "<lora:", "<lora:a", "<lora:a:1>",
    "AddNet Model 1: x, ", "v1-", "[", "{", '{"a":', "aa: 1x1,",
]  # fmt: skip
SPECIAL = ['aa: "' + "\\" * 9990, "aa:" + " " * 9990, "a" + " " * 9990 + ":", "Steps: 1, Sampler: x, Version: v1." + "9" * 9000]
TEXTS = st.text(alphabet='aSx:,"\\ 1\n-/(<>', max_size=60)
PAIRS = st.lists(
    st.tuples(st.sampled_from(["Steps", "Size", "Version", "Hires resize", "ENSD", "Hypernet", "Seed", "Sampler"]), TEXTS), max_size=8
)


@pytest.mark.parametrize("name", READERS)
def test_no_text_of_ten_kilobytes_takes_long(name: str) -> None:
    times: dict[str, float] = {}
    for text in [*((unit * SIZE)[:SIZE] for unit in REPEATED), *SPECIAL]:
        times[text[:20]] = seconds(lambda text=text: READERS[name](text))
    assert max(times.values()) < SECONDS, max(times, key=lambda unit: times[unit])


def test_a_graph_of_many_nodes_takes_time_in_proportion() -> None:
    nodes = {str(number): {"class_type": "X", "inputs": {"images": [str(number + 1), 0], "clip": 0}} for number in range(20_000)}
    assert seconds(lambda: from_comfyui({"prompt": json.dumps(nodes)})) < 2


def check(text: str) -> None:
    """What holds for every text: a request can be made of it, or a BadRequest says why not."""
    values, overrides = request_values(text)
    assert all(isinstance(key, str) for key in overrides)
    try:
        request_from(values)
    except BadRequest as error:
        assert error.message


@given(TEXTS, PAIRS)
@settings(max_examples=200)
def test_every_text_is_a_request_or_says_why_not(prompt: str, pairs: list[tuple[str, str]]) -> None:
    check(f"{prompt}\n{', '.join(f'{label}: {value}' for label, value in pairs)}")


@pytest.mark.slow
@given(st.one_of(st.text(max_size=500), TEXTS), PAIRS)
@settings(max_examples=4000, deadline=None)
def test_every_text_of_many_is_a_request_or_says_why_not(prompt: str, pairs: list[tuple[str, str]]) -> None:
    check(f"{prompt}\n{', '.join(f'{label}: {value}' for label, value in pairs)}")
