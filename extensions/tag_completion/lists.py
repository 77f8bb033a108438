"""Tag lists: what files say, put together, filtered, and written for the page.

Any of these may lie in the folder, and is told from the others by its columns: a tag list (`name,type,count,"aliases"`, the form that
A1111's tag completion uses), more tags (the same, a few columns less), a translation (`tag,translation` or the older
`tag,type,translation`).
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.prompts.tag_rule import TAG_RULE, TagRule

LARGEST = 256 * 2**20  # bytes of a file
Translate = Callable[[str], Sequence[str]]


@dataclass
class Tag:
    """A tag. `count` orders the tags; `counted` says whether it is a real one, from a list of a person's own."""

    name: str
    type: int = 0
    count: int = 0
    aliases: dict[str, None] = field(default_factory=dict[str, None])
    translations: dict[str, None] = field(default_factory=dict[str, None])
    counted: bool = False


@dataclass
class Source:
    """A file that was read: how many lines of it are used, how many the rule left out; or why it could not be read."""

    name: str
    kind: str = "tags"
    rows: int = 0
    left_out: int = 0
    problem: str = ""


class TagBook:
    """All tags by name, from several files; of two files with one tag the higher count holds."""

    def __init__(self, rule: TagRule = TAG_RULE, *, explicit: bool = False) -> None:
        self.rule = rule
        self.explicit = explicit
        self.tags: dict[str, Tag] = {}
        self.sources: list[Source] = []

    def add(self, name: str, kind: int, count: int, aliases: Iterable[str], source: Source, *, counted: bool = True) -> None:
        """Take a tag in, unless the rule says no."""
        key = name.strip().replace(" ", "_")
        others = [one for alias in aliases if (one := alias.strip().replace(" ", "_"))]
        if not key or "\t" in key or "|" in key:
            return
        if not self.rule.allows(key, others, explicit=self.explicit):
            source.left_out += 1
            return
        source.rows += 1
        tag = self.tags.setdefault(key, Tag(key, kind))
        if count >= tag.count or (counted and not tag.counted):
            tag.count, tag.type = count, kind
        tag.counted = tag.counted or counted
        tag.aliases.update(dict.fromkeys(one for one in others if one != key and "|" not in one))

    def translate(self, name: str, translation: str, source: Source) -> None:
        """Add another language's names to a tag that is known."""
        tag = self.tags.get(name.strip().replace(" ", "_"))
        texts = [text for part in translation.replace("|", ",").split(",") if (text := part.strip())]
        if tag is None or not texts:
            return
        if not self.rule.allows(tag.name, texts, explicit=self.explicit):
            source.left_out += 1
            return
        source.rows += 1
        tag.translations.update(dict.fromkeys(texts))

    def read(self, path: Path) -> list[tuple[str, str]]:
        """Take a file in. The lines of a translation are given back: they are for when all tags are known."""
        source = Source(path.name)
        self.sources.append(source)
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST // 2**20} MB")
            rows = [row for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")) if row and row[0].strip()]
        except (OSError, ValueError, csv.Error) as error:
            source.problem = f"It cannot be read: {error}."
            return []
        source.kind = kind_of(rows)
        if source.kind == "translation":
            return [(row[0], row[-1]) for row in rows if len(row) > 1]
        for row in rows:
            aliases = row[3].split(",") if len(row) > 3 else []
            self.add(row[0], number(row, 1), number(row, 2), aliases, source)
        return []

    def sorted(self) -> list[Tag]:
        """All tags, the most used first."""
        return sorted(self.tags.values(), key=lambda tag: (-tag.count, tag.name))


def kind_of(rows: Sequence[Sequence[str]]) -> str:
    """Whether lines are "tags" or a "translation": the second has a text that is no number at its second or third, last place."""
    sample = [row for row in rows[:200] if len(row) > 1]
    texts = sum(1 for row in sample if len(row) in (2, 3) and row[-1].strip() and not is_number(row[-1]))
    return "translation" if sample and texts * 2 > len(sample) else "tags"


def is_number(text: str) -> bool:
    """Whether a cell holds a whole number."""
    return text.strip().lstrip("-").isdecimal()


def number(row: Sequence[str], place: int) -> int:
    """A line's whole number at a place; 0 where there is none."""
    return int(row[place]) if place < len(row) and is_number(row[place]) else 0


def payload(tags: Iterable[Tag], names: Translate, initials: Callable[[str], str]) -> str:
    """The tags as the page's index reads them: lines of name, type, count, aliases, translations, initials, shown count; by tabs.

    `names` gives further names of a tag in the languages that one may type in; `initials` those of the pinyin of a Chinese one, or "".
    """
    lines: list[str] = []
    for tag in tags:
        texts = [*tag.translations, *(name for name in names(tag.name) if name not in tag.translations)]
        short = dict.fromkeys(one for text in texts if len(one := initials(text)) > 1)
        shown = str(tag.count) if tag.counted and tag.count else ""
        cells = (tag.name, str(tag.type), str(tag.count), "|".join(tag.aliases), "|".join(clean(texts)), "|".join(short), shown)
        lines.append("\t".join(cells))
    return "\n".join(lines)


def clean(texts: Iterable[str]) -> list[str]:
    """Texts without the signs that part them."""
    return [text.replace("\t", " ").replace("|", " ").replace("\n", " ") for text in texts]
