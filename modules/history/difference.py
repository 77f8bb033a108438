"""Why two pictures differ: their settings side by side, the words of their prompts, and what can explain it."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from modules.history.effects import BLANKS, SAME_MODEL, SAME_WORDS, Effect, Strength, effect_of
from modules.infotext import read

WORDS = re.compile(r"\s*,\s*|\s+|[^\s,]+")
MOST_WORDS = 3000  # on a side; longer ones are not compared word by word
ORDER: tuple[Strength, ...] = ("another", "details", "slight", "none")
MISSING = {"RNG": "GPU", "Clip skip": "1", "Emphasis": "Original", "Schedule type": "Automatic", "VAE Encoder": "Full",
           "VAE Decoder": "Full"}  # fmt: skip

CONCLUSIONS = {
    "same file": "These two files are the same, byte for byte.",
    "no settings": "At least one of the pictures tells nothing of how it was made.",
    "another": "Each of the settings marked as decisive is enough to give another picture.",
    "details": "The settings that differ change details and colours; the composition stays much the same.",
    "slight": "What differs in the settings explains slight differences at most.",
    "none": "Nothing in the settings explains a difference. What is left: another graphics card or driver, another version of a library, "
            "an optimisation that does not repeat itself exactly, another batch size, or an edit of the file.",
}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """Some words of a prompt: on both sides, only on the left, or only on the right."""

    side: str
    text: str


@dataclass(frozen=True)
class Line:
    """A setting that differs: its values, empty where one is not said, and what that can do."""

    label: str
    left: str
    right: str
    strength: Strength
    why: str


@dataclass(frozen=True)
class Difference:
    """The conclusion in a sentence, what differs, strongest first, what is the same, and the prompts word by word."""

    conclusion: str
    lines: list[Line] = field(default_factory=list[Line])
    same: dict[str, str] = field(default_factory=dict[str, str])
    prompt: list[Piece] = field(default_factory=list[Piece])
    negative: list[Piece] = field(default_factory=list[Piece])


def difference(left: str, right: str, *, same_file: bool = False) -> Difference:
    """Why the pictures of two infotexts differ. `same_file`: their files are equal."""
    one, other = settings_of(left), settings_of(right)
    labels = list(dict.fromkeys([*one, *other]))
    prompts = ("Prompt", "Negative prompt")
    lines = [line for label in labels if (line := compared(label, one, other)) is not None]
    lines.sort(key=lambda line: (ORDER.index(line.strength), labels.index(line.label)))
    same = {label: one[label] for label in labels if label not in prompts and one.get(label) == other.get(label)}
    reason = "same file" if same_file else "no settings" if not (left and right) else lines[0].strength if lines else "none"
    pieces = [pieces_of(one.get(label, ""), other.get(label, "")) for label in prompts]
    return Difference(CONCLUSIONS[reason], lines, same, *pieces)


def settings_of(infotext: str) -> dict[str, str]:
    """The values of an infotext by label, sizes as one text."""
    values = read(infotext) if infotext else {}
    whole: dict[str, str] = {}
    for label, value in values.items():
        plain = label[:-2]
        if label.endswith("-1") and f"{plain}-2" in values:
            whole[plain] = f"{value}x{values[f'{plain}-2']}"
        elif not (label.endswith("-2") and f"{plain}-1" in values):
            whole[label] = value
    return {label: value for label, value in whole.items() if value}


def compared(label: str, one: Mapping[str, str], other: Mapping[str, str]) -> Line | None:
    """The line of a setting that differs; None for one that does not. A label that is missing stands for its usual value."""
    left, right = one.get(label, ""), other.get(label, "")
    usual = MISSING.get(label, "")
    if (left or usual) == (right or usual):
        return None
    effect = special(label, left, right, one, other) or effect_of(label)
    return Line(label, left, right, effect.strength, effect.why)


def special(label: str, left: str, right: str, one: Mapping[str, str], other: Mapping[str, str]) -> Effect | None:
    """What a difference means that is less than it seems."""
    if label in ("Prompt", "Negative prompt"):
        words = [sorted(re.split(r"[\s,]+", text.strip(" ,\n"))) for text in (left, right)]
        if left.split() == right.split():
            return BLANKS
        return SAME_WORDS if words[0] == words[1] else None
    pairs = {"Model": "Model hash", "VAE": "VAE hash"}
    if label in pairs and one.get(pairs[label]) and one.get(pairs[label]) == other.get(pairs[label]):
        return SAME_MODEL
    return None


def pieces_of(left: str, right: str) -> list[Piece]:
    """Two prompts as one row of pieces."""
    if left == right:
        return [Piece("both", left)] if left else []
    one, other = WORDS.findall(left), WORDS.findall(right)
    if max(len(one), len(other)) > MOST_WORDS:
        return [Piece("left", left), Piece("right", right)]
    pieces: list[Piece] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("both", "".join(one[a:b])))
        else:
            pieces += [Piece("left", "".join(one[a:b]))] if b > a else []
            pieces += [Piece("right", "".join(other[c:d]))] if d > c else []
    return pieces
