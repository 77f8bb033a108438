"""A1111's CLIP arithmetic: a prompt of any length as chunks of 75 weighted tokens, encoded one by one.

The chunks' encodings stand side by side on the token axis: n chunks give (n * 77, width).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from transformers import CLIPTextModel

from modules.families import clip_tokens
from modules.families.clip_tokens import COMMA, END, START
from modules.prompts.grammar import Piece, parse_attention

CHUNK = 75
Emphasis = Literal["None", "Ignore", "Original", "No norm"]


@dataclass
class Chunk:
    """Up to 75 tokens with their weights; `padded` adds start, end and padding: 77."""

    tokens: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])

    def padded(self) -> "Chunk":
        missing = CHUNK - len(self.tokens)
        return Chunk([START, *self.tokens, *[END] * (missing + 1)], [1.0, *self.weights, *[1.0] * (missing + 1)])


@dataclass(frozen=True)
class Tokens:
    """A prompt in chunks of 77. `count`: tokens in use, where each chunk but the last counts 75."""

    chunks: tuple[Chunk, ...]
    count: int


class Chunker:
    """Deals tokens out to chunks. A chunk that is full gives all after its last comma to the next, if that is near its end."""

    def __init__(self, comma_backtrack: int) -> None:
        self.backtrack = comma_backtrack
        self.full: list[Chunk] = []
        self.chunk = Chunk()
        self.after_comma = 0  # where the text after the last comma of this chunk begins; 0: no comma yet

    def close(self) -> None:
        """Begin a new chunk."""
        self.full.append(self.chunk)
        self.chunk, self.after_comma = Chunk(), 0

    def add(self, token: int, weight: float) -> None:
        if token == COMMA:
            self.after_comma = len(self.chunk.tokens) + 1
        elif len(self.chunk.tokens) == CHUNK and self.after_comma and CHUNK - (self.after_comma - 1) <= self.backtrack:
            start, whole = self.after_comma, self.chunk
            self.chunk = Chunk(whole.tokens[:start], whole.weights[:start])
            self.close()
            self.chunk = Chunk(whole.tokens[start:], whole.weights[start:])
        if len(self.chunk.tokens) == CHUNK:
            self.close()
        self.chunk.tokens.append(token)
        self.chunk.weights.append(weight)

    def finish(self) -> Tokens:
        count = CHUNK * len(self.full) + len(self.chunk.tokens)
        if self.chunk.tokens or not self.full:
            self.full.append(self.chunk)
        return Tokens(tuple(chunk.padded() for chunk in self.full), count)


def tokenize(prompt: str, *, comma_backtrack: int = 20, emphasis: Emphasis = "Original") -> Tokens:
    """A prompt's chunks. With emphasis None its brackets are text."""
    chunker = Chunker(comma_backtrack)
    for piece in [Piece(prompt, 1.0)] if emphasis == "None" else parse_attention(prompt):
        if piece == Piece("BREAK", -1.0):
            chunker.close()
            continue
        for token in clip_tokens.encode(piece.text):
            chunker.add(token, piece.weight)
    return chunker.finish()


class ClipText:
    """A CLIP text encoder with A1111's arithmetic around it."""

    def __init__(self, model: CLIPTextModel) -> None:
        self.model = model

    def encode(self, prompts: Sequence[Tokens], *, clip_skip: int = 1, emphasis: Emphasis = "Original") -> Tensor:
        """The encodings of prompts that belong together (the variants of one scheduled prompt): (N, chunks * 77, width).

        Shorter ones are filled up with empty chunks. The mean that emphasis keeps is that of all N together, chunk by chunk.
        """
        count = max(len(prompt.chunks) for prompt in prompts)
        empty = Chunk().padded()
        rows = [[*prompt.chunks, *[empty] * (count - len(prompt.chunks))] for prompt in prompts]
        return torch.cat([self.encode_chunks([row[i] for row in rows], clip_skip, emphasis) for i in range(count)], dim=1)

    def encode_chunks(self, chunks: Sequence[Chunk], clip_skip: int, emphasis: Emphasis) -> Tensor:
        """(N, 77, width): the last hidden states, `clip_skip` - 1 layers before the end, after the final layer norm, weighted."""
        device = self.model.device
        tokens = torch.tensor([chunk.tokens for chunk in chunks], device=device)
        output = self.model(input_ids=tokens, output_hidden_states=clip_skip > 1)
        if clip_skip > 1:
            layers = output.hidden_states
            encoded = self.model.final_layer_norm(layers[-min(clip_skip, len(layers))])
        else:
            encoded = output.last_hidden_state
        weighted = any(weight != 1.0 for chunk in chunks for weight in chunk.weights)
        if weighted and emphasis in ("Original", "No norm"):
            weights = torch.tensor([chunk.weights for chunk in chunks], device=device, dtype=encoded.dtype)
            before = encoded.mean()
            encoded = encoded * weights[..., None]
            if emphasis == "Original":
                encoded = encoded * (before / encoded.mean())
        return encoded
