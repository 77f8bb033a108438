"""Cutoff: what each phrase sees, against encodings made by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from extensions.cutoff import Cutoff, between
from extensions.cutoff.phrases import masked_texts, phrase_numbers, targets_of
from modules.contract.errors import BadRequest
from modules.families.clip_text import TextOptions, tokenize
from modules.pipeline.manager import PipelineManager
from modules.sampling.guidance import Condition
from tests import tiny
from tests.extensions.making import REQUEST, equal, leaves_no_trace, pictures

PROMPT = "a girl, red hair, (blue dress:1.2), standing"
COLOURS = {"targets": "red, blue"}


def test_each_phrase_keeps_its_own_words() -> None:
    found = masked_texts(PROMPT, ("red", "blue"), "_", {"red": 1, "blue": 1})
    assert [(one.text, one.phrases) for one in found] == [
        ("a girl, _ hair, (_ dress:1.2), standing", (0, 3)),
        ("a girl, red hair, (_ dress:1.2), standing", (1,)),
        ("a girl, _ hair, (blue dress:1.2), standing", (2,)),
    ]
    assert masked_texts("a bored girl", ("red",), "_", {"red": 1}) == []
    assert masked_texts("Dark Red hat", ("red", "dark red"), "_", {"red": 1, "dark red": 2})[0].text == "Dark Red hat"


def test_words_are_padded_token_by_token() -> None:
    found = masked_texts("hat, turquoise", ("turquoise",), "_", {"turquoise": 3})
    assert found[0].text == "hat, _ _ _" and found[0].phrases == (0,)


def test_tokens_know_their_phrase() -> None:
    numbers = phrase_numbers(tokenize("a girl, red hair"))
    assert numbers[:7] == [-1, 0, 0, 0, 1, 1, -1] and len(numbers) == 77 and set(numbers[7:]) == {-1}


def test_long_prompts_have_phrases_over_chunks() -> None:
    text = ", ".join(["red hair"] * 40)
    numbers = phrase_numbers(tokenize(text))
    assert len(numbers) == 154 and max(numbers) == 39


def test_lerp_and_slerp_are_numpy_s() -> None:
    one, other = torch.randn(3, 8), torch.randn(3, 8)
    assert torch.allclose(between(one, other, 0.25, spherical=False), one * 0.75 + other * 0.25, atol=1e-6)
    found = between(one, other, 0.25, spherical=True).numpy()
    for row in range(3):
        a, b = one[row].numpy(), other[row].numpy()
        u, v = a / np.linalg.norm(a), b / np.linalg.norm(b)
        angle = np.arccos(u @ v)
        wanted = (np.sin(0.75 * angle) * u + np.sin(0.25 * angle) * v) / np.sin(angle)
        assert np.allclose(found[row], wanted * (np.linalg.norm(a) * 0.75 + np.linalg.norm(b) * 0.25), atol=1e-5)
    assert torch.allclose(between(one, one, 0.5, spherical=True), one, atol=1e-5)


def contexts(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Tensor:
    """The positive context (77, width) that the network got."""
    seen: list[Condition] = []
    loaded = pipeline.models.current()
    assert loaded is not None
    kind = type(loaded.components)
    predict = kind.predict

    def watch(self: Any, x: Tensor, t: Tensor, context: Tensor, *more: Any) -> Tensor:
        seen.append(Condition(context[0], 0))
        return predict(self, x, t, context, *more)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "predict", watch)
        pictures(pipeline, REQUEST.replace(prompt=PROMPT, steps=1), **options)
    return seen[0].context


def test_the_network_sees_mixed_tokens(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None

    def encoded(text: str) -> Tensor:
        with torch.inference_mode():
            return loaded.components.encode_prompts([text], TextOptions()).context[0]

    plain, found = encoded(PROMPT), contexts(pipeline, monkeypatch, cutoff={**COLOURS, "weight": 0.5})
    numbers = phrase_numbers(tokenize(PROMPT))
    masked = {0: "a girl, _ hair, (_ dress:1.2), standing", 1: "a girl, red hair, (_ dress:1.2), standing"}
    masked |= {2: "a girl, _ hair, (blue dress:1.2), standing", 3: masked[0]}
    for place in range(77):
        number = numbers[place]
        wanted = plain[place] if number < 0 else (plain[place] + encoded(masked[number])[place]) / 2
        assert torch.allclose(found[place], wanted, atol=1e-5), place


def test_it_leaves_no_trace(pipeline: PipelineManager) -> None:
    assert leaves_no_trace(pipeline, REQUEST.replace(prompt=PROMPT), cutoff={**COLOURS, "weight": 1.0})


@pytest.mark.parametrize("options", [{"weight": 0.0}, {"targets": "violet"}, {"targets": ""}])
def test_without_weight_or_words_nothing_changes(pipeline: PipelineManager, options: dict[str, Any]) -> None:
    request = REQUEST.replace(prompt=PROMPT)
    assert equal(pictures(pipeline, request), pictures(pipeline, request, cutoff=options))


def test_schedules_parts_and_batches_work(pipeline: PipelineManager) -> None:
    request = REQUEST.replace(prompt="[red:blue:0.5] hat, red shoe AND white sky, red sun", batch_size=2)
    batch = pictures(pipeline, request, cutoff=COLOURS)
    single = pictures(pipeline, request.replace(batch_size=1, seed=8), cutoff=COLOURS)
    assert np.abs(batch[1] - single[0]).max() <= 1


def test_a_padding_of_several_tokens_is_refused(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="it must be one token"):
        pictures(pipeline, REQUEST.replace(prompt=PROMPT), cutoff={"padding": "two words"})


def test_its_infotext_comes_back_and_so_does_a1111s() -> None:
    options = Cutoff.Options(targets="red, blue", weight=0.7)
    notes = {key: str(value) for key, value in Cutoff.notes(options, "").items()}
    assert Cutoff.Options(**(Cutoff.options_from(notes, "") or {})) == options
    old = {"Cutoff enabled": "True", "Cutoff targets": "['white', 'green']", "Cutoff weight": "0.5"}
    assert targets_of((Cutoff.options_from(old, "") or {})["targets"]) == ("white", "green")


def test_both_encoders_of_sdxl_have_the_same_places() -> None:
    tokens = tiny.model("sdxl").tokens(PROMPT, TextOptions())
    assert phrase_numbers(tokens) == phrase_numbers(tokenize(PROMPT))
