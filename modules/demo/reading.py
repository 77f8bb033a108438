"""Teaches the text encoder to read captions before any picture is made: what a scene holds must show in its context.

The denoiser then finds each fact at once, instead of learning to read through a thousand steps of noise. Training it
jointly takes several times the denoiser's steps to reach the same pictures.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..families.clip_tokens import END, encode
from . import figures, networks, palette, scenes
from .captions import caption
from .course import Course
from .progress import learning_rate
from .scenes import Scene

SEED = 2
STEPS = 500
BATCH = 64
PEAK_RATE = 1e-3
EMPTY_SHARE = 0.06
STRANGE_SHARE = 0.25
FACTS: tuple[tuple[str, ...], ...] = (
    palette.NAMES,
    figures.NAMES,
    scenes.BACKGROUNDS,
    ("", *palette.NAMES),
    ("", *figures.NAMES),
    scenes.RELATIONS,
    scenes.SIZES,
    scenes.PLACES,
    ("one", "two", "three"),
    ("flat", "outlined"),
)


def train(work: Path, device: torch.device, steps: int = STEPS) -> None:
    """Writes `text_encoder.pt` in the work folder, going on where an earlier process stopped."""
    path = work / "text_encoder.pt"
    torch.manual_seed(SEED)
    model = nn.ModuleDict({"reader": networks.text_encoder(), "answers": _answers()}).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-4)
    course = Course(
        "text encoder", path, model, optimizer, steps=steps, rate=lambda step: learning_rate(step / steps, PEAK_RATE), every=100
    )
    for step, tokens, facts in _batches(course.first, steps):
        with torch.autocast(device.type, torch.bfloat16):
            context = model["reader"](tokens.to(device)).last_hidden_state
            answers = model["answers"](context).float()
        loss, right = _examined(answers, tokens.to(device), facts.to(device))
        course.learn(step, loss, all_right=right)


def strange(ids: list[int], rng: np.random.Generator) -> list[int]:
    """The tokens with some unknown ones among them, for words no drawing explains must change nothing."""
    if rng.random() >= STRANGE_SHARE:
        return ids
    ids = list(ids)
    for _ in range(int(rng.integers(1, 6))):
        spot = int(rng.choice([0, len(ids), int(rng.integers(len(ids) + 1))]))
        ids.insert(spot, int(rng.integers(END - 1)))
    return ids


def _answers() -> nn.Linear:
    """One linear layer for all facts: what it can tell apart, a cross-attention's projection can too."""
    return nn.Linear(networks.CONTEXT, sum(len(options) + 1 for options in FACTS))


def _facts(scene: Scene | None) -> list[int]:
    """The index of each fact among its options; the last index of each, "not said", for an empty caption."""
    if scene is None:
        return [len(options) for options in FACTS]
    second = scene.second
    said = (
        scene.first.colour,
        scene.first.thing,
        scene.background,
        second.colour if second else "",
        second.thing if second else "",
        scene.relation,
        scene.size,
        scene.place,
        FACTS[8][scene.count - 1],
        "outlined" if scene.outlined else "flat",
    )
    return [options.index(word) for options, word in zip(FACTS, said, strict=True)]


def _examined(answers: Tensor, tokens: Tensor, facts: Tensor) -> tuple[Tensor, float]:
    """The mean cross entropy at the caption's end and all the padding, and the share of captions read without a slip."""
    after = tokens == END  # (B, 77); the padding is the same token
    loss = answers.new_zeros(())
    right = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
    for index, part in enumerate(answers.split([len(options) + 1 for options in FACTS], dim=-1)):
        wanted = facts[:, index, None].expand(-1, tokens.shape[1])
        loss = loss + F.cross_entropy(part[after], wanted[after])
        right &= part[:, -1].argmax(-1) == facts[:, index]
    return loss, right.float().mean().item()


def _batches(first: int, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Steps with their tokens (B, 77) and facts (B, 10)."""
    for step in range(first, steps):
        rng = np.random.default_rng((SEED, step))
        rows: list[list[int]] = []
        facts: list[list[int]] = []
        for _ in range(BATCH):
            shown = None if rng.random() < EMPTY_SHARE else scenes.scene(rng)
            rows.append([] if shown is None else strange(encode(caption(shown, rng)), rng))
            facts.append(_facts(shown))
        # Every token sees only what came before it, so most steps may stop soon after the longest caption.
        length = networks.TOKENS if step % 4 == 0 else min(networks.TOKENS, max(map(len, rows)) + 6)
        yield step, padded(rows)[:, :length], torch.tensor(facts)


def padded(rows: list[list[int]]) -> Tensor:
    """Token rows between start and end, filled up with the end token as SD1 does, (B, 77)."""
    start = END - 1
    full = [[start, *row[: networks.TOKENS - 2], END] for row in rows]
    return torch.tensor([row + [END] * (networks.TOKENS - len(row)) for row in full])
