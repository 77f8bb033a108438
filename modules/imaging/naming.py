"""File names from patterns such as `[seed]-[prompt_spaces]`: safe on every system, never too long in bytes."""

import re
from collections.abc import Mapping
from datetime import datetime

LONGEST_NAME = 200  # bytes, of the 255 that file systems allow: room for a number in front and a suffix behind
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*#\ud800-\udfff]')
RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\[([a-z_]+)(?:<([^<>\[\]]*)>)?\]")
WORD = re.compile(r"\w+")


def clipped(text: str, size: int) -> str:
    """The longest beginning of a text that is at most `size` bytes long in UTF-8, and no half character."""
    return text.encode("utf8", "replace")[:size].decode("utf8", "ignore")


def safe_part(text: str, size: int = LONGEST_NAME) -> str:
    """A text as one part of a path: no separators, no control or reserved characters, no dots or blanks at its ends."""
    part = FORBIDDEN.sub("_", text)
    part = clipped(part.lstrip(" "), size).strip(" .")
    if not part or RESERVED.match(part):
        part = "_" + part
    return part


def values_of(*, prompt: str, seed: int, facts: Mapping[str, object], now: datetime) -> dict[str, str]:
    """What the placeholders stand for. `facts`: steps, cfg, width, height, sampler, scheduler, model_name, model_hash."""
    words = WORD.findall(prompt)
    return {
        "seed": str(seed),
        "prompt": prompt.replace(" ", "_"),
        "prompt_spaces": prompt,
        "prompt_words": " ".join(words[:8]),
        "date": now.strftime("%Y-%m-%d"),
        "datetime": now.strftime("%Y%m%d%H%M%S"),
        **{name: str(value) for name, value in facts.items()},
    }


def name_from(pattern: str, values: Mapping[str, str], now: datetime, size: int = LONGEST_NAME) -> str:
    """A pattern filled in, as one safe part of a path. `[datetime<%Y%m%d>]` takes a format; unknown placeholders stay as they are."""

    def fill(match: re.Match[str]) -> str:
        name, argument = match.groups()
        if name == "datetime" and argument:
            return now.strftime(argument)
        return values.get(name, match.group(0))

    return safe_part(PLACEHOLDER.sub(fill, pattern), size)
