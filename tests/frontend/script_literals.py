"""The text literals of a script of the page, with what stands before each: a reader of JavaScript as far as that takes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
WORD = re.compile(r"[A-Za-z_$#][\w$]*|\d[\w.]*")
REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
OPERATOR = re.compile(r"===|!==|=>|\?\?=?|\?\.(?!\d)|&&|\|\||==|!=|<=|>=|\.\.\.|.", re.DOTALL)
BEFORE_REGEX = {"return", "typeof", "case", "of", "in"}  # words after which a slash begins a pattern
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
MOST = 64  # variants of one template


@dataclass(frozen=True)
class Token:
    """`kind`: "text", "template", "word", "regex", "sign". A template's parts are texts and, between them, tokens of what is filled in."""

    kind: str
    text: str
    line: int
    parts: tuple["str | tuple[Token, ...]", ...] = ()


class Reader:
    """Reads a script from its start to its end."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.place = 0

    def tokens(self, *, inside: bool = False) -> list[Token]:
        """All tokens; `inside` a template's hole those up to its closing brace, which is taken too."""
        found: list[Token] = []
        depth = 0
        while True:
            if blank := BLANK.match(self.source, self.place):
                self.place = blank.end()
            if self.place >= len(self.source):
                return found
            token = self.token(found[-1] if found else None)
            if inside and token.kind == "sign":
                depth += {"{": 1, "}": -1}.get(token.text, 0)
                if depth < 0:
                    return found
            found.append(token)

    def token(self, last: Token | None) -> Token:
        sign, line = self.source[self.place], self.source.count("\n", 0, self.place) + 1
        if sign in "\"'":
            self.place += 1
            return Token("text", self.until(sign), line)
        if sign == "`":
            self.place += 1
            return Token("template", "", line, tuple(self.template()))
        value = last is not None and (last.kind in ("text", "template", "regex") or (last.kind == "word" and last.text not in BEFORE_REGEX)
                                      or last.text in (")", "]", "}"))
        kinds = [("word", WORD), *([] if value else [("regex", REGEX)]), ("sign", OPERATOR)]
        for kind, pattern in kinds:
            if match := pattern.match(self.source, self.place):
                self.place = match.end()
                return Token(kind, match.group(), line)
        raise ValueError(f"Line {line} cannot be read.")

    def until(self, *ends: str) -> str:
        """The text up to one of the ends, which is taken too."""
        found = ""
        while not self.source.startswith(ends, self.place):
            sign = self.source[self.place]
            self.place += 1
            found += self.escaped() if sign == "\\" else sign
        self.place += next(len(end) for end in ends if self.source.startswith(end, self.place))
        return found

    def escaped(self) -> str:
        sign = self.source[self.place]
        self.place += 1
        if sign == "u" and self.source[self.place] == "{":
            self.place += 1
            return chr(int(self.until("}"), 16))
        if length := {"u": 4, "x": 2}.get(sign):
            digits = self.source[self.place : self.place + length]
            self.place += length
            return chr(int(digits, 16))
        return ESCAPES.get(sign, sign)

    def template(self) -> Iterator["str | tuple[Token, ...]"]:
        while True:
            yield self.until("`", "${")
            if self.source[self.place - 1] == "`":
                return
            yield tuple(self.tokens(inside=True))


@dataclass(frozen=True)
class Literal:
    """A text of a script as a translator sees it, `{}` for what is filled in, and the tokens on both sides of it, the nearest last
    before it and first behind it."""

    text: str
    line: int
    before: tuple[str, ...]
    behind: tuple[str, ...]


def literals(source: str) -> Iterator[Literal]:
    """All texts of a script, those inside a template's holes too, where they are not part of the template's own variants."""
    yield from of_tokens(joined(Reader(source).tokens()))


def joined(tokens: list[Token]) -> list[Token]:
    """The tokens with texts that are added to each other as one."""
    found: list[Token] = []
    for token in tokens:
        if token.kind == "text" and len(found) > 1 and found[-1].text == "+" and found[-2].kind == "text":
            found[-2:] = [replace(found[-2], text=found[-2].text + token.text)]
        else:
            found.append(token)
    return found


def of_tokens(tokens: list[Token] | tuple[Token, ...]) -> Iterator[Literal]:
    for place, token in enumerate(tokens):
        if token.kind not in ("text", "template"):
            continue
        before = tuple(map(shown, tokens[max(0, place - 8) : place]))
        behind = tuple(map(shown, tokens[place + 1 : place + 3]))
        for text in dict.fromkeys(variants(token)):
            yield Literal(text, token.line, before, behind)
        for part in token.parts:
            if isinstance(part, tuple) and choices(part) is None:
                yield from of_tokens(part)


def shown(token: Token) -> str:
    """A token as one that stands beside it names it."""
    return f"'{token.text}'" if token.kind == "text" else token.text if token.kind in ("word", "sign") else token.kind


def variants(token: Token) -> list[str]:
    """What a literal can be. A hole that chooses between literals gives one variant for each; any other is `{}`."""
    if token.kind == "text":
        return [token.text]
    parts = [[part] if isinstance(part, str) else choices(part) or ["{}"] for part in token.parts]
    return ["".join(each) for each, _ in zip(product(*parts), range(MOST), strict=False)]


def choices(tokens: tuple[Token, ...]) -> list[str] | None:
    """The texts that an expression chooses from: `a ? "x" : "y"`; another hole counts as `{}`. None if it is not such a choice."""
    if len(tokens) == 1 and tokens[0].kind in ("text", "template"):
        return variants(tokens[0])
    depth, question, colon, nested = 0, -1, -1, 0
    for place, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.text == "?":
            question, nested = (place, nested) if question < 0 else (question, nested + 1)
        elif depth == 0 and token.text == ":" and question >= 0:
            if nested == 0:
                colon = place
                break
            nested -= 1
    if question < 0 or colon < 0:
        return None
    yes, no = tokens[question + 1 : colon], tokens[colon + 1 :]
    found = [choices(yes), choices(no)]
    if found == [None, None]:
        return None
    return [text for one in found for text in (one if one is not None else ["{}"])]
