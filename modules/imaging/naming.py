"""File names from patterns such as `[seed]-[prompt_spaces]`: safe on every system, never too long in bytes.

The placeholders are A1111's; those with an argument are `[datetime<%Y%m%d><Asia/Tokyo>]`, `[hasprompt<cat|other><dog>]`,
`[prompt_hash<8>]`, `[negative_prompt_hash<8>]`, `[full_prompt_hash<8>]` and `[image_hash<8>]`.
"""

import hashlib
import re
import string
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from PIL import Image

LONGEST_NAME = 200  # bytes, of the 255 that file systems allow: room for a number in front and a suffix behind
LONGEST_VALUE = 128  # bytes of one placeholder, so that what stands behind a long prompt still shows
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*#\ud800-\udfff]')
RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\[([a-z_]+)((?:<[^<>\[\]]*>)*)\]", re.IGNORECASE)
ARGUMENT = re.compile(r"<([^<>]*)>")
NO_WORD = re.compile(rf"[\s{re.escape(string.punctuation)}]+")
NOTHING = "\0"  # a value that takes the text before its placeholder away, too
TIME_FORMAT = "%Y%m%d%H%M%S"
HASH_LENGTH = 8
PROMPT_WORDS = 8


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


def asks_for(pattern: str, name: str) -> bool:
    """Whether a pattern has a placeholder of that name; for what is dear to find out, as image_hash."""
    return any(match.group(1).lower() == name for match in PLACEHOLDER.finditer(pattern))


def image_hash(image: Image.Image) -> str:
    """The SHA-256 of a picture's pixels, as `[image_hash]` shows it."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def values_of(*, prompt: str, seed: int, facts: Mapping[str, object], now: datetime) -> dict[str, str]:
    """What the placeholders stand for. Of the `facts` any may be missing, and then its placeholder stays as it is:

    steps, cfg, width, height, sampler, scheduler, model_name, model_hash, vae_filename, clip_skip, user, basename,
    image_hash, negative_prompt, job_timestamp (a text as 20260131235959), styles (their names), style_texts (their texts),
    batch_size, batch_count, batch_index and iteration (from 0), seeds (of the whole batch), denoising (None: none),
    max_words (of prompt_words).
    """
    values = {name: str(value) for name, value in facts.items() if isinstance(value, str | int | float)}
    words = [word for word in NO_WORD.split(prompt) if word] or ["empty"]
    values |= {
        "seed": str(seed),
        "seed_first": str(seed),
        "seed_last": NOTHING,
        "prompt": prompt.replace(" ", "_"),
        "prompt_spaces": prompt,
        "prompt_words": " ".join(words[: number(facts.get("max_words"), PROMPT_WORDS)]),
        "date": now.strftime("%Y-%m-%d"),
        "none": "",
    }
    values.setdefault("basename", "img")
    values.setdefault("job_timestamp", now.strftime(TIME_FORMAT))
    values["denoising"] = str(facts.get("denoising") or NOTHING)
    values["prompt_no_styles"] = without_styles(prompt, texts(facts.get("style_texts")))
    if "styles" in facts:
        values["styles"] = ", ".join(name for name in texts(facts["styles"]) if name != "None") or "None"
    if "sampler" in values and "scheduler" in values:
        known = values["scheduler"] not in ("", "Automatic")
        values["sampler_scheduler"] = f"{values['sampler']} {values['scheduler']}" if known else values["sampler"]
    if "vae_filename" in values:
        values["vae_filename"] = values["vae_filename"].removeprefix(".").partition(".")[0]
    return values | places(facts)


def places(facts: Mapping[str, object]) -> dict[str, str]:
    """The placeholders that say which of several pictures it is; nothing where there is only one."""
    size, count = number(facts.get("batch_size"), 1), number(facts.get("batch_count"), 1)
    index, iteration = number(facts.get("batch_index"), 0), number(facts.get("iteration"), 0)
    found = {
        "batch_size": str(size),
        "batch_number": str(index + 1) if size > 1 else NOTHING,
        "generation_number": str(iteration * size + index + 1) if size > 1 or count > 1 else NOTHING,
    }
    seeds = facts.get("seeds")
    if size > 1 and isinstance(seeds, Sequence) and seeds:
        found |= {"seed_first": str(seeds[0]), "seed_last": str(seeds[-1])}
    return found


def number(value: object, default: int) -> int:
    """A fact as a whole number."""
    return value if isinstance(value, int) else default


def texts(value: object) -> list[str]:
    """A fact as a list of texts."""
    return [str(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else []


def without_styles(prompt: str, styles: Sequence[str]) -> str:
    """A prompt without the texts of its styles, and without the commas that they leave."""
    for style in styles:
        for part in filter(None, style.split("{prompt}")):
            prompt = prompt.replace(part, "").replace(", ,", ",").strip().strip(",")
        prompt = prompt.strip().strip(",").strip()
    return prompt


def name_from(pattern: str, values: Mapping[str, str], now: datetime, size: int = LONGEST_NAME) -> str:
    """A pattern filled in, as one safe part of a path. Unknown placeholders stay as they are; case does not matter.

    A placeholder with nothing to say, such as `[batch_number]` of a single picture, takes the text before it away.
    """
    name, place = "", 0
    for match in PLACEHOLDER.finditer(pattern):
        between = pattern[place : match.start()]
        place = match.end()
        value = filled(match.group(1).lower(), ARGUMENT.findall(match.group(2)), values, now)
        if value is None:
            name += between + match.group(0)
        elif value != NOTHING:
            name += between + clipped(FORBIDDEN.sub("_", value).lstrip(" "), LONGEST_VALUE).rstrip(" .")
    return safe_part(name + pattern[place:], size)


def filled(name: str, arguments: Sequence[str], values: Mapping[str, str], now: datetime) -> str | None:
    """What one placeholder stands for; None if it is unknown or its argument is wrong."""
    prompt, negative = values.get("prompt_spaces", ""), values.get("negative_prompt", "")
    special: dict[str, Callable[[], str | None]] = {
        "datetime": lambda: time_text(now, *arguments[:2]),
        "hasprompt": lambda: words_in(prompt, arguments),
        "prompt_hash": lambda: hashed(prompt, arguments),
        "negative_prompt_hash": lambda: hashed(negative, arguments),
        "full_prompt_hash": lambda: hashed(f"{prompt} {negative}", arguments),
        "image_hash": lambda: values["image_hash"][: length(arguments, None)] if "image_hash" in values else None,
    }
    try:
        return special[name]() if name in special else values.get(name)
    except ValueError:
        return None


def time_text(now: datetime, form: str = "", zone: str = "") -> str:
    """A time in a format of strftime and in a zone such as Asia/Tokyo; an unknown zone is the system's own."""
    with suppress(KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a name that leads out of its folder, ValueError
        now = now.astimezone(ZoneInfo(zone)) if zone else now
    try:
        return now.strftime(form or TIME_FORMAT)
    except ValueError:
        return now.strftime(TIME_FORMAT)


def words_in(prompt: str, arguments: Sequence[str]) -> str:
    """For each `word|other`: the word if the prompt has it, in any case, else the other."""
    chosen: list[str] = []
    for argument in arguments:
        word, *others = argument.split("|")
        chosen.append(word.lower() if word.lower() in prompt.lower() else (others or [""])[0])
    return "".join(chosen).replace(" ", "_")


def hashed(text: str, arguments: Sequence[str]) -> str:
    """The first characters of a text's SHA-256: as many as the argument says, or 8. Raises ValueError."""
    return hashlib.sha256(text.encode("utf8", "replace")).hexdigest()[: length(arguments, HASH_LENGTH)]


def length(arguments: Sequence[str], default: int | None) -> int | None:
    """An argument that is a length. Raises ValueError."""
    return int(arguments[0]) if arguments and arguments[0] else default
