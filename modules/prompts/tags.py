"""A1111's network tags, `<lora:name:0.8>`: taken out of a prompt, and what they say."""

import re
from typing import NamedTuple

HEAD = re.compile(r"<(\w+):")


class Tag(NamedTuple):
    """One tag: `kind` is its first word, as written; the arguments with a `=` are `named`, the others `positional`."""

    kind: str
    positional: tuple[str, ...]
    named: dict[str, str]


def without_tags(prompt: str) -> tuple[str, list[Tag]]:
    """The prompt without its tags, and the tags in order, of whatever kind. Never raises.

    A1111 does so for the positive prompts only; in a negative prompt tags are text.
    """
    kept: list[str] = []
    tags: list[Tag] = []
    place = 0
    for head in HEAD.finditer(prompt):
        if head.start() < place:
            continue  # inside the last tag
        end = prompt.find(">", head.end())
        if end < 0:
            break
        if end == head.end():
            continue
        kept.append(prompt[place : head.start()])
        tags.append(tag(head.group(1), prompt[head.end() : end]))
        place = end + 1
    return "".join(kept) + prompt[place:], tags


def tag(kind: str, arguments: str) -> Tag:
    """A tag from its text behind the kind. An argument with two or more `=` is positional, as in A1111."""
    positional: list[str] = []
    named: dict[str, str] = {}
    for argument in arguments.split(":"):
        name, *value = argument.split("=", 2)
        if len(value) == 1:
            named[name] = value[0]
        else:
            positional.append(argument)
    return Tag(kind, tuple(positional), named)
