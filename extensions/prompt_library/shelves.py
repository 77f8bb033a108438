"""What stands in the library: the program's vocabulary by subject, and a person's own files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from modules.prompts.tag_rule import TAG_RULE
from modules.prompts.vocabulary import vocabulary

LARGEST = 16 * 2**20  # bytes of a file
DEEPEST = 8
TITLES = {
    "shapes": "Shapes and sizes", "colours": "Colours", "people": "People", "body": "Face, hair and body", "nature": "Nature and sky",
    "animals": "Animals", "clothes": "Clothes", "composition": "Framing and light", "places": "Places", "things": "Things", "food": "Food",
    "styles": "Styles and moods", "quality": "Quality", "actions": "Poses and actions",
}  # fmt: skip
ORDER = ("quality", "people", "body", "clothes", "actions", "composition", "nature", "places", "animals", "things", "food", "styles",
         "colours", "shapes")  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A tag: what is put into the prompt, and what it is called by language; "own" is the name in a person's own file."""

    english: str
    names: Mapping[str, str]


def bundled(*, explicit: bool) -> list[dict[str, Any]]:
    """The categories of the vocabulary: {name, own, groups: [{name, tags: [[english, {language: name}]]}]}."""
    found: dict[str, dict[str, list[Entry]]] = {name: {} for name in ORDER}
    for word in vocabulary().words:
        if TAG_RULE.allows(word.english, explicit=explicit):
            names = {language: texts[0] for language, texts in word.names.items() if texts}
            found.setdefault(word.category, {}).setdefault(word.group, []).append(Entry(word.english, names))
    return [shelf(TITLES.get(name, name.capitalize()), groups, own=False) for name, groups in found.items() if groups]


def own_files(folder: Path, *, explicit: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """The categories of a person's files, and a sentence for each file that cannot be read.

    A file is a nested object whose last level says what a name stands for: {"Group": {"蓝发": "blue hair"}}, as deep as one likes.
    """
    shelves: list[dict[str, Any]] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST // 2**20} MB")
            read: Any = json.loads(path.read_text("utf-8-sig"))
            if not isinstance(read, dict):
                raise ValueError("it does not hold an object")  # noqa: TRY004 - the file is wrong, not a type
        except (OSError, ValueError, RecursionError) as error:
            problems.append(f"{path.name} cannot be read: {error}.")
            continue
        groups: dict[str, list[Entry]] = {}
        for group, name, english in leaves(cast("Mapping[str, Any]", read)):
            if TAG_RULE.allows(english, (name,), explicit=explicit):
                groups.setdefault(group or path.stem, []).append(Entry(english, {"own": name}))
        shelves.append(shelf(path.stem, groups, own=True))
    return shelves, problems


def leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str, str]]:
    """The group, name and text of each entry of a nested object; of a list, the texts are their own names."""
    for name, value in tree.items():
        if isinstance(value, str):
            yield " / ".join(above), name, value
        elif isinstance(value, list):
            for text in cast("list[Any]", value):
                if isinstance(text, str):
                    yield " / ".join((*above, name)), text, text
        elif isinstance(value, dict) and len(above) < DEEPEST:
            yield from leaves(cast("Mapping[str, Any]", value), (*above, name))


def shelf(name: str, groups: Mapping[str, list[Entry]], *, own: bool) -> dict[str, Any]:
    """A category as the page reads it."""
    listed = [{"name": group, "tags": [[tag.english, dict(tag.names)] for tag in tags]} for group, tags in groups.items()]
    return {"name": name, "own": own, "groups": listed}
