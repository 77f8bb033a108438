"""Captions: the text files beside pictures, their tags, and what a picture without one is called."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Missing = Literal["refuse", "trigger", "file name", "empty"]

SUFFIXES = (".txt", ".caption")
LARGEST = 1 << 20  # bytes: a file that is longer is no caption
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def caption_file(picture: Path) -> Path:
    """The file that holds a picture's caption, or would hold it: .txt, or .caption where only that is there."""
    text, other = (picture.with_suffix(suffix) for suffix in SUFFIXES)
    return other if other.is_file() and not text.is_file() else text


def decode(data: bytes) -> tuple[str, str]:
    """Bytes as text, and what encoding they have: "" for UTF-8, which captions are to have, else a guess."""
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        pass
    for encoding in [name for mark, name in MARKS if data.startswith(mark)] + ["cp1252"]:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def tags_of(text: str, separator: str = ",") -> list[str]:
    """The parts of a caption between separators, without space around them; empty ones are left out."""
    parts = text.split(separator) if separator else [text]
    return [part for part in (" ".join(part.split()) for part in parts) if part]


def joined(tags: Iterable[str], separator: str = ",") -> str:
    """Tags as a caption."""
    return f"{separator.strip()} ".join(tags) if separator.strip() else separator.join(tags)


def words_of_name(stem: str) -> str:
    """The words in a file's name: "03_red-car (2)" is "red car"."""
    plain = re.sub(r"\(\d+\)|\[\d+\]", " ", stem)
    words = re.sub(r"[_\-.+]+", " ", plain).split()
    return " ".join(word for word in words if not word.isdigit())


def effective(caption: str | None, stem: str, words: str, missing: Missing, trigger: str) -> str:
    """What a picture is called. `caption` None: it has no caption file. `words`: what its folder's name says (kohya's `10_words`).

    No trigger is put in front here. "refuse" never gets this far; it gives "".
    """
    if caption is not None:
        return caption
    if missing == "trigger":
        return words or trigger
    return words_of_name(stem) if missing == "file name" else ""
