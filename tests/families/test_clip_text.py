"""Tokens, chunks and weights, against A1111's."""

from typing import Any

import pytest
import torch

from modules.families.clip_text import Inserted, Lookup, bracket_factors, tokenize, tokenize_as_before_1_0
from modules.prompts.grammar import ROUND, SQUARE
from tests.golden import golden_json

Case = dict[str, Any]
EMBEDDINGS = Lookup([Inserted("tiny-ti", {"clip_l": torch.zeros(3, 4)}), Inserted("tinypt", {"clip_l": torch.zeros(2, 4)})])


def cases(name: str) -> list[Case]:
    return golden_json(f"pure/{name}.json")


@pytest.mark.parametrize("case", cases("tokenize_line_clip"), ids=lambda case: f"{case['prompt'][:30]}-{case['comma_padding_backtrack']}")
def test_a_prompt_falls_into_a1111s_chunks(case: Case) -> None:
    tokens = tokenize(case["prompt"], comma_backtrack=case["comma_padding_backtrack"], embeddings=EMBEDDINGS)
    assert tokens.count == case["token_count"]
    assert [chunk.tokens for chunk in tokens.chunks] == [chunk["tokens"] for chunk in case["chunks"]]
    assert [chunk.weights for chunk in tokens.chunks] == [chunk["multipliers"] for chunk in case["chunks"]]
    placed = [[[offset, embedding.name] for offset, embedding in chunk.placed] for chunk in tokens.chunks]
    assert placed == [chunk["fixes"] for chunk in case["chunks"]]


@pytest.mark.parametrize("case", cases("tokenize_line_emphasis"), ids=lambda case: f"{case['prompt'][:30]}-{case['emphasis']}")
def test_each_emphasis_mode_reads_brackets_as_a1111_does(case: Case) -> None:
    tokens = tokenize(case["prompt"], emphasis=case["emphasis"], embeddings=EMBEDDINGS)
    for chunk, wanted in zip(tokens.chunks, case["chunks"], strict=True):
        shown = len(wanted["tokens"])  # the recording kept the first tokens of each chunk
        assert chunk.tokens[:shown] == wanted["tokens"]
        assert chunk.weights[:shown] == wanted["multipliers"]


def test_a_prompt_of_a_thousand_words_keeps_every_word() -> None:
    tokens = tokenize(" ".join(["cat"] * 1000))
    assert sum(chunk.tokens.count(2368) for chunk in tokens.chunks) == 1000
    assert all(len(chunk.tokens) == len(chunk.weights) == 77 for chunk in tokens.chunks)


def test_an_embedding_that_does_not_fit_begins_a_new_chunk() -> None:
    tokens = tokenize(" ".join(["cat"] * 73) + " tiny-ti", embeddings=EMBEDDINGS)
    assert [len(chunk.placed) for chunk in tokens.chunks] == [0, 1]
    assert tokens.chunks[0].tokens.count(2368) == 73
    assert tokens.chunks[1].tokens[1:4] == [0, 0, 0]


def test_of_two_names_that_begin_alike_the_longer_one_counts() -> None:
    lookup = Lookup([Inserted("cat", {"k": torch.zeros(1, 4)}), Inserted("cat dog", {"k": torch.zeros(1, 4)})])
    assert [embedding.name for _, embedding in tokenize("a cat dog and a cat", embeddings=lookup).chunks[0].placed] == ["cat dog", "cat"]


def test_the_old_emphasis_weighs_by_bracket_tokens_and_reads_numbers_as_text() -> None:
    chunk = tokenize_as_before_1_0("a ((cat)) [dog] (b:1.5)").chunks[0]
    words = dict(zip(chunk.tokens, chunk.weights, strict=True))
    assert words[2368] == pytest.approx(ROUND**2)
    assert words[1929] == pytest.approx(SQUARE)
    assert [words[token] for token in (320, 281, 269, 276)] == pytest.approx([1.0, ROUND, ROUND, 1.0 * ROUND])  # a, :, ., 5
    assert len(chunk.tokens) == len(chunk.weights) == 77


def test_a_token_of_several_brackets_counts_each() -> None:
    assert set(bracket_factors().values()) >= {ROUND, SQUARE}
    assert all(0.4 < factor < 2.6 for factor in bracket_factors().values())
