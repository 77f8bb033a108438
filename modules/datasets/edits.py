"""Many captions changed at once: tags added, taken out, renamed, put in order; texts found and replaced."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from pydantic import Field, ValidationError

from modules.contract.errors import BadRequest
from modules.contract.request import Frozen, sentence
from modules.datasets.captions import joined, tags_of

LONGEST = 20_000  # characters of a caption that is written
LONGEST_PATTERN = 1000

Kind = Literal["write", "add", "remove", "replace", "sort", "tidy", "find"]
Operation = Callable[[str], str]


class CaptionEdit(Frozen):
    """What is done to each of some captions.

    write: `text` takes the caption's place. add: `tags` stand in front or behind, where they are not there yet. remove: `tags` go.
    replace: the tag `find` becomes `tags`. sort: by name, or by how many of the captions have a tag. tidy: tags that are there twice
    and spare spaces go. find: the text `find` becomes `text`; `regex`: as a regular expression of Python's, with \\1 in `text`.
    """

    kind: Kind
    text: str = Field(default="", max_length=LONGEST)
    tags: tuple[str, ...] = Field(default=(), max_length=200)
    find: str = Field(default="", max_length=LONGEST_PATTERN)
    regex: bool = False
    match_case: bool = False
    whole_words: bool = False
    at: Literal["front", "end"] = "end"
    by: Literal["name", "frequency"] = "name"
    separator: str = Field(default=",", max_length=10)


class Difference(NamedTuple):
    """A caption and what becomes of it; `before` None: there was no file."""

    name: str
    before: str | None
    after: str


def edit_from(values: Mapping[str, object]) -> CaptionEdit:
    """An edit from named values. Raises BadRequest with one sentence per wrong value."""
    try:
        return CaptionEdit.model_validate(values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem) for problem in error.errors())) from None


def differences(texts: Mapping[str, str | None], edit: CaptionEdit) -> list[Difference]:
    """What an edit would change, of captions by the picture's name. None is a missing caption: only "write" and "add" make one.

    Raises BadRequest for a pattern that cannot be, a text that is missing, or a caption that would become very long.
    """
    change = operation(edit, [text for text in texts.values() if text])
    makes = edit.kind in ("write", "add")
    found: list[Difference] = []
    for name, before in texts.items():
        if before is None and not makes:
            continue
        after = change(before or "")
        if len(after) > LONGEST:
            raise BadRequest(f"The caption of {name} would have {len(after)} characters; at most {LONGEST} can be written.")
        if after != before:
            found.append(Difference(name, before, after))
    return found


def operation(edit: CaptionEdit, texts: Iterable[str]) -> Operation:
    """What is done to one caption. `texts` are all that are edited: sorting by frequency counts in them. Raises BadRequest."""
    tags = list(dict.fromkeys(tag for text in edit.tags for tag in tags_of(text, edit.separator)))
    if edit.kind in ("add", "remove") and not tags:
        raise BadRequest("There is no tag to add or to remove.")
    if edit.kind in ("replace", "find") and not edit.find:
        raise BadRequest("There is nothing to look for.")
    if edit.kind == "write":
        return lambda _: edit.text.strip()
    if edit.kind == "find":
        return replacing(edit)
    change = on_tags(edit, tags, texts)

    def on_text(text: str) -> str:
        old = tags_of(text, edit.separator)
        new = change(old)
        return text if new == old and edit.kind != "tidy" else joined(new, edit.separator)

    return on_text


def on_tags(edit: CaptionEdit, tags: list[str], texts: Iterable[str]) -> Callable[[list[str]], list[str]]:
    """What is done to the tags of one caption; upper and lower case are the same."""
    low = {tag.casefold() for tag in tags}

    def added(old: list[str]) -> list[str]:
        there = {tag.casefold() for tag in old}
        new = [tag for tag in tags if tag.casefold() not in there]
        return [*new, *old] if edit.at == "front" else [*old, *new]

    def without(old: list[str]) -> list[str]:
        return [tag for tag in old if tag.casefold() not in low]

    def replaced(old: list[str]) -> list[str]:
        wanted = " ".join(edit.find.split()).casefold()
        if wanted not in {tag.casefold() for tag in old}:
            return old
        return once(one for tag in old for one in (tags if tag.casefold() == wanted else [tag]))

    if edit.kind == "sort":
        return order(edit, texts)
    return {"add": added, "remove": without, "replace": replaced, "tidy": once}[edit.kind]


def order(edit: CaptionEdit, texts: Iterable[str]) -> Callable[[list[str]], list[str]]:
    """Tags in order of their names, or the ones in front that most captions have."""
    if edit.by == "name":
        return lambda old: sorted(old, key=str.casefold)
    counts = Counter(tag.casefold() for text in texts for tag in set(tags_of(text, edit.separator)))
    return lambda old: sorted(old, key=lambda tag: (-counts[tag.casefold()], tag.casefold()))


def once(tags: Iterable[str]) -> list[str]:
    """Tags, each where it stands first."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


def replacing(edit: CaptionEdit) -> Operation:
    """Find and replace. Raises BadRequest for an expression that cannot be."""
    plain = edit.find if edit.regex else re.escape(edit.find)
    pattern = rf"\b(?:{plain})\b" if edit.whole_words else plain
    try:
        compiled = re.compile(pattern, 0 if edit.match_case else re.IGNORECASE)
        compiled.sub(edit.text if edit.regex else "", "")
    except (re.error, IndexError) as error:
        raise BadRequest(f"'{edit.find}' is no expression that can be looked for: {error}.") from None

    def replaced(text: str) -> str:
        try:
            return compiled.sub(edit.text if edit.regex else lambda _: edit.text, text).strip()
        except (re.error, IndexError) as error:
            raise BadRequest(f"'{edit.text}' cannot be put in its place: {error}.") from None

    return replaced
