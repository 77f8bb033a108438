"""A prompt's phrases, and the prompt as each of them is to see it: without the others' target words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modules.families.clip_text import Tokens
from modules.families.clip_tokens import COMMA


@dataclass(frozen=True)
class Masked:
    """A prompt as some phrases see it. `phrases` are their numbers; one text may be for several."""

    text: str
    phrases: tuple[int, ...]


def targets_of(text: str) -> tuple[str, ...]:
    """The words of a list with commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def masked_texts(text: str, targets: Sequence[str], padding: str, count: dict[str, int]) -> list[Masked]:
    """The prompt for each phrase with a target word of its own, and for all others together: the targets of other phrases padded out.

    Phrases stand between commas. `count`: the tokens of each target; as many paddings take its place, so that no word moves.
    """
    pieces = text.split(",")
    words = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(targets, key=len, reverse=True)), re.IGNORECASE)
    lowered = {word.lower(): number for word, number in count.items()}

    def padded(match: re.Match[str]) -> str:
        return " ".join([padding] * lowered[match[0].lower()])

    without = [words.sub(padded, piece) for piece in pieces]
    own = [number for number, (piece, other) in enumerate(zip(pieces, without, strict=True)) if piece != other]
    if not own:
        return []
    others = tuple(number for number in range(len(pieces)) if number not in own)
    found = [Masked(",".join(without), others)] if others else []
    seen = (",".join([*without[:number], pieces[number], *without[number + 1 :]]) for number in own)
    return found + [Masked(text, (number,)) for text, number in zip(seen, own, strict=True)]


def phrase_numbers(tokens: Tokens) -> list[int]:
    """The phrase that each token of a prompt belongs to, over all chunks of 77; a comma ends one. -1: no token of the prompt."""
    numbers: list[int] = []
    phrase, left = 0, tokens.count
    for chunk in tokens.chunks:
        used = min(left, len(chunk.tokens) - 2)
        numbers.append(-1)  # the start token
        for token in chunk.tokens[1 : 1 + used]:
            numbers.append(phrase)
            phrase += token == COMMA
        numbers += [-1] * (len(chunk.tokens) - 1 - used)
        left -= used
    return numbers
