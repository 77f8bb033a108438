"""Words that a model file names itself: its trigger phrase, and the tags that it was trained with."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .records import LONGEST_WORD, words_in

PHRASES = ("modelspec.trigger_phrase", "ss_trigger_words", "trigger_words")
TAGS = "ss_tag_frequency"  # kohya's trainer: data set -> tag -> how often, as JSON
FOLDERS = "ss_dataset_dirs"  # folder -> {"n_repeats": ..., "img_count": ...}; folders are named "<repeats>_<trigger word> <class>"
REPEATS = re.compile(r"^\d+_")
SUGGESTED = 40


def training_words(metadata: Mapping[str, str]) -> list[str]:
    """What a safetensors header names as words that call a model's style or subject, likeliest first; at most 40.

    The phrase that the file gives itself, the names of the training folders, then its tags by how often they occur.
    """
    found: list[str] = []
    for key in PHRASES:
        value = metadata.get(key)
        if value:
            found += words_in(str(value))
    found += [REPEATS.sub("", name) for name in read(metadata.get(FOLDERS)) if REPEATS.match(name)]
    counts: Counter[str] = Counter()
    for tags in read(metadata.get(TAGS)).values():
        if isinstance(tags, dict):
            for tag, count in tags.items():
                counts[str(tag).strip()] += count if isinstance(count, int) else 0
    found += [tag for tag, _ in counts.most_common(SUGGESTED)]
    words = dict.fromkeys(word.strip() for word in found if word.strip() and len(word) <= LONGEST_WORD and word.isprintable())
    return list(words)[:SUGGESTED]


def read(text: object) -> dict[str, Any]:
    """A JSON object of a header; empty if it is none."""
    try:
        value: Any = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
