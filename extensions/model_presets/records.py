"""What is kept of a model: one JSON file each, named by its hash, in the form that Model Preset Manager writes.

`{"url": "", "default_preset": "default", "trigger_words": [], "presets": {"name": "infotext"}}`; other keys are kept as they are.
"""

import json
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole

MOST_PRESETS, LONGEST_PRESET = 500, 50_000
MOST_WORDS, LONGEST_WORD = 500, 300
LONGEST_NAME, LONGEST_URL = 200, 2000
LARGEST_FILE = 4_000_000  # bytes
MARK = "###ModelPresets###"
HASH = re.compile(r"[0-9a-f]{64}")
SHORT = 10  # digits of the SHA-256 that A1111 shows, and the original names its files by
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Record(BaseModel):
    """A model's presets by name, its trigger words, and the address of its page."""

    model_config = ConfigDict(extra="allow")

    url: str = ""
    default_preset: str = ""
    trigger_words: list[str] = Field(default_factory=list[str], max_length=MOST_WORDS)
    presets: dict[str, str] = Field(default_factory=dict[str, str], max_length=MOST_PRESETS)

    @field_validator("url", "default_preset", mode="before")
    @classmethod
    def known(cls, value: object) -> object:
        """The original's files may have null."""
        return "" if value is None else value

    @field_validator("trigger_words", mode="before")
    @classmethod
    def listed(cls, value: object) -> object:
        """Some have their words in one text."""
        return words_in(value) if isinstance(value, str) else value or []


def words_in(text: str) -> list[str]:
    """The words between commas and line ends, each once."""
    return list(dict.fromkeys(word.strip() for word in re.split(r"[,\uff0c\n]", text) if word.strip()))


def checked_name(name: str) -> str:
    """A preset's name without blanks around it. Raises BadRequest."""
    name = name.strip()
    if not name:
        raise BadRequest("The preset has no name.", "Write one beside Save.")
    if len(name) > LONGEST_NAME or CONTROL.search(name):
        raise BadRequest(f"'{name[:40]}' cannot be a preset's name.", f"It may have {LONGEST_NAME} characters on one line.")
    return name


def checked_url(url: str) -> str:
    """An address that a page may link to; empty for none. Raises BadRequest."""
    url = url.strip()
    if url and (len(url) > LONGEST_URL or not re.fullmatch(r"https?://[^\s\x00-\x1f\"<>\\]+", url)):
        raise BadRequest(f"'{url[:60]}' is no address of a page.", f"It begins with https:// and has at most {LONGEST_URL} characters.")
    return url


def checked(record: Record) -> Record:
    """A record that may be written. Raises BadRequest."""
    for name, text in record.presets.items():
        checked_name(name)
        if len(text) > LONGEST_PRESET:
            raise BadRequest(f"The preset '{name}' has {len(text)} characters.", f"At most {LONGEST_PRESET} are kept.")
    if len(record.presets) > MOST_PRESETS:
        raise BadRequest(f"There are {len(record.presets)} presets.", f"A model may have {MOST_PRESETS}; delete some first.")
    if len(record.trigger_words) > MOST_WORDS:
        raise BadRequest(f"There are {len(record.trigger_words)} trigger words.", f"A model may have {MOST_WORDS}.")
    long = [word for word in record.trigger_words if len(word) > LONGEST_WORD or CONTROL.search(word)]
    if long:
        raise BadRequest(f"'{long[0][:40]}' cannot be a trigger word.", f"One has at most {LONGEST_WORD} characters on one line.")
    return record


class Records:
    """The files. Only the first folder is written to; those behind it are read where it has none for a model."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self.lock = threading.Lock()

    def place(self, sha256: str) -> Path:
        """Where a model's record is written. `sha256`: 64 hex digits. Raises BadRequest."""
        if not HASH.fullmatch(sha256):
            raise BadRequest(f"'{sha256[:40]}' is no hash of a model.", "It has 64 digits from 0 to f.")
        return self.folders[0] / f"{sha256[:SHORT]}.json"

    def read(self, sha256: str) -> Record:
        """A model's record, an empty one if there is none. Raises BadRequest with the file's name if it is damaged."""
        short = self.place(sha256).name
        paths = [folder / name for folder in self.folders for name in (short, f"{sha256}.json")]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            return Record()
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise BadRequest(f"{path} is larger than {LARGEST_FILE // 1_000_000} MB.", "That is no file of presets; put it away.")
            return Record.model_validate(json.loads(path.read_text("utf-8-sig")))
        except (OSError, ValueError, RecursionError) as error:
            raise BadRequest(f"The presets of this model cannot be read ({said(error)}).", f"Mend or remove {path}.") from None

    def change(self, sha256: str, act: Callable[[Record], None]) -> Record:
        """Read, change and write a record in one step. Raises BadRequest, NotFound; then nothing is written."""
        with self.lock:
            record = self.read(sha256)
            act(record)
            data = json.dumps(checked(record).model_dump(), ensure_ascii=False, indent=4).encode("utf8", "replace")
            if len(data) > LARGEST_FILE:
                raise BadRequest(f"The presets of this model would take {len(data) // 1_000_000} MB.", "Delete some first.")
            write_whole(self.place(sha256), data)
            return record


def said(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def save(record: Record, name: str, text: str) -> None:
    """Keep a preset; the first one becomes the default."""
    name = checked_name(name)
    record.presets[name] = text
    if record.default_preset not in record.presets:
        record.default_preset = name


def existing(record: Record, name: str) -> str:
    """The name of a preset that there is. Raises NotFound."""
    if name not in record.presets:
        raise NotFound.among("preset", name, record.presets)
    return name


def delete(record: Record, name: str) -> None:
    """Take a preset away; a default one leaves the first of the others as the default."""
    del record.presets[existing(record, name)]
    if record.default_preset == name:
        record.default_preset = next(iter(record.presets), "")


def rename(record: Record, name: str, to: str) -> None:
    """Give a preset another name, at its place in the list. Raises NotFound, BadRequest if that name is taken."""
    existing(record, name)
    to = checked_name(to)
    if to != name and to in record.presets:
        raise BadRequest(f"There is a preset named '{to}' already.", "Choose another name.")
    record.presets = {to if one == name else one: text for one, text in record.presets.items()}
    if record.default_preset == name:
        record.default_preset = to


def sharing_text(record: Record) -> str:
    """What one puts under a picture or a model for others."""
    return f"{MARK}\n{json.dumps(record.model_dump(), ensure_ascii=False)}"


def shared(text: str) -> Record:
    """The record in a sharing text: the JSON behind its mark, or the whole; what follows the JSON is left. Raises BadRequest."""
    body = text.partition(MARK)[2] if MARK in text else text
    start = body.find("{")
    try:
        if start < 0:
            raise ValueError("there is no { in it")
        found: Any = json.JSONDecoder().raw_decode(body[start:])[0]
        record = Record.model_validate(found if "presets" in found else {"presets": found})
        checked_url(record.url)
        return checked(record)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"This text holds no presets ({said(error)}).", f"It is {MARK} with JSON behind it.") from None


def merge(record: Record, other: Record) -> None:
    """Take in what another record has: no text of one's own is lost, equal names with other texts get a number."""
    for name, text in other.presets.items():
        free, number = name, 1
        while record.presets.get(free) not in (None, "", text):
            number += 1
            free = f"{name} ({number})"
        record.presets[free] = text
    record.trigger_words = list(dict.fromkeys([*record.trigger_words, *other.trigger_words]))
    record.url = record.url or other.url
    if record.default_preset not in record.presets:
        wanted = other.default_preset
        record.default_preset = wanted if wanted in record.presets else next(iter(record.presets), "")
