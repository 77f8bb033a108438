"""A1111's handling of prompts: text of any length as chunks of 75 weighted tokens, with embeddings at their names' places."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from torch import Tensor

from modules.contract.errors import BadRequest
from modules.families import clip_tokens
from modules.families.clip_tokens import COMMA, END, START
from modules.prompts.grammar import ROUND, SQUARE, Piece, parse_attention

CHUNK = 75
PLACEHOLDER = 0  # the token that an embedding's vectors are laid over
Emphasis = Literal["None", "Ignore", "Original", "No norm"]


@dataclass(frozen=True)
class TextOptions:
    """How prompts become numbers: the settings of the same names. `zero_if_empty`: of SDXL's negative prompt, nothing if it is empty.

    `clip_skip` counts layers from the end, 1 is the last; SDXL's first encoder heeds it only with `clip_skip_sdxl`, the
    OpenCLIP encoders of SD 2 and SDXL never do. `comma_backtrack` is in tokens.
    """

    clip_skip: int = 1
    clip_skip_sdxl: bool = False
    emphasis: Emphasis = "Original"
    comma_backtrack: int = 20
    old_emphasis: bool = False
    zero_if_empty: bool = False


@dataclass(frozen=True, eq=False)
class Inserted:
    """A textual inversion embedding as a model's encoders take it: (n, width) for each of them, by their keys."""

    name: str
    vectors: Mapping[str, Tensor]

    @property
    def count(self) -> int:
        """How many tokens it takes the place of."""
        return max(len(rows) for rows in self.vectors.values())


@dataclass
class Chunk:
    """Up to 75 tokens with their weights; `padded` adds start, end and padding: 77.

    `placed`: embeddings and where they begin among the tokens, the start token not counted.
    """

    tokens: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])
    placed: list[tuple[int, Inserted]] = field(default_factory=list[tuple[int, Inserted]])

    def padded(self) -> "Chunk":
        missing = CHUNK - len(self.tokens)
        weights = [1.0, *self.weights, *[1.0] * (missing + 1)]
        return Chunk([START, *self.tokens, *[END] * (missing + 1)], weights, self.placed)


@dataclass(frozen=True)
class Tokens:
    """A prompt in chunks of 77. `count`: tokens in use, where each chunk but the last counts 75. `cut`: tokens left out at its end."""

    chunks: tuple[Chunk, ...]
    count: int
    cut: int = 0


class Lookup:
    """Finds embeddings by the tokens of their names, so that case does not matter; of several that fit the longest name wins."""

    def __init__(self, embeddings: Iterable[Inserted] = ()) -> None:
        self.by_first: dict[int, list[tuple[list[int], Inserted]]] = {}
        for embedding in embeddings:
            name = clip_tokens.encode(embedding.name)
            if name:
                self.by_first.setdefault(name[0], []).append((name, embedding))
        for entries in self.by_first.values():
            entries.sort(key=lambda entry: len(entry[0]), reverse=True)

    def at(self, tokens: Sequence[int], position: int) -> tuple[int, Inserted] | None:
        """The embedding whose name begins at a position, and how many tokens the name has."""
        for name, embedding in self.by_first.get(tokens[position], ()):
            if list(tokens[position : position + len(name)]) == name:
                return len(name), embedding
        return None

    def walk(self, tokens: Sequence[int]) -> Iterator[tuple[int, Inserted | None]]:
        """The tokens one by one; in place of a name its first token and the embedding."""
        position = 0
        while position < len(tokens):
            found = self.at(tokens, position)
            yield tokens[position], found[1] if found else None
            position += found[0] if found else 1


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

    def add(self, token: int, weight: float, embedding: Inserted | None = None) -> None:
        """A token, or an embedding whose name begins with it: that is never divided between two chunks.

        What moves behind a comma leaves its embeddings' vectors behind: A1111's behaviour, which old prompts depend on.
        """
        if token == COMMA:
            self.after_comma = len(self.chunk.tokens) + 1
        elif len(self.chunk.tokens) == CHUNK and self.after_comma and CHUNK - (self.after_comma - 1) <= self.backtrack:
            start, whole = self.after_comma, self.chunk
            self.chunk = Chunk(whole.tokens[:start], whole.weights[:start], whole.placed)
            self.close()
            self.chunk = Chunk(whole.tokens[start:], whole.weights[start:])
        count = embedding.count if embedding else 1
        if len(self.chunk.tokens) + count > CHUNK:
            self.close()
        if embedding:
            if count > CHUNK:
                raise BadRequest(f"The embedding {embedding.name} has {count} vectors; {CHUNK} is the most that a prompt can hold.")
            self.chunk.placed.append((len(self.chunk.tokens), embedding))
        self.chunk.tokens += [PLACEHOLDER] * count if embedding else [token]
        self.chunk.weights += [weight] * count

    def finish(self) -> Tokens:
        count = CHUNK * len(self.full) + len(self.chunk.tokens)
        if self.chunk.tokens or not self.full:
            self.full.append(self.chunk)
        return Tokens(tuple(chunk.padded() for chunk in self.full), count)


def tokenize(prompt: str, *, comma_backtrack: int = 20, emphasis: Emphasis = "Original", embeddings: Lookup | None = None) -> Tokens:
    """A prompt's chunks. With emphasis None its brackets are text. Raises BadRequest for an embedding that no chunk can hold."""
    lookup = embeddings or Lookup()
    chunker = Chunker(comma_backtrack)
    for piece in [Piece(prompt, 1.0)] if emphasis == "None" else parse_attention(prompt):
        if piece == Piece("BREAK", -1.0):
            chunker.close()
            continue
        for token, embedding in lookup.walk(clip_tokens.encode(piece.text)):
            chunker.add(token, piece.weight, embedding)
    return chunker.finish()


def tokenize_as_before_1_0(prompt: str, *, emphasis: Emphasis = "Original", embeddings: Lookup | None = None) -> Tokens:
    """A1111's old emphasis: each bracket token changes the weight of all that follows, numbers in brackets are text, and what is
    beyond 75 tokens is cut off."""
    factors = {} if emphasis == "None" else bracket_factors()
    chunk, weight = Chunk(), 1.0
    for token, embedding in (embeddings or Lookup()).walk(clip_tokens.encode(prompt)):
        if embedding is None and token in factors:
            weight *= factors[token]
            continue
        count = embedding.count if embedding else 1
        if embedding:
            chunk.placed.append((len(chunk.tokens), embedding))
        chunk.tokens += [PLACEHOLDER] * count if embedding else [token]
        chunk.weights += [weight] * count
    cut = Chunk(chunk.tokens[:CHUNK], chunk.weights[:CHUNK], [entry for entry in chunk.placed if entry[0] < CHUNK])
    return Tokens((cut.padded(),), len(chunk.tokens), max(len(chunk.tokens) - CHUNK, 0))


@cache
def bracket_factors() -> dict[int, float]:
    """The tokens that hold brackets, and what they multiply the weight by."""
    factors: dict[int, float] = {}
    for word, token in clip_tokens.tokenizer().get_vocab().items():
        factor = 1.0
        for sign in word:
            factor *= {"(": ROUND, ")": 1 / ROUND, "[": SQUARE, "]": 1 / SQUARE}.get(sign, 1.0)
        if factor != 1.0:
            factors[token] = factor
    return factors


def with_padding(chunk: Chunk, padding: int) -> Chunk:
    """The chunk as an encoder wants it that fills up with another token after the first end token."""
    if padding == END or END not in chunk.tokens:
        return chunk
    end = chunk.tokens.index(END) + 1
    return replace(chunk, tokens=[*chunk.tokens[:end], *[padding] * (len(chunk.tokens) - end)])
