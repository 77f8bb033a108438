"""The templates' grammar, after sd-dynamic-prompts as people know it, written anew: text to a tree.

`{a|b}` one of several; `{2::a|b}` with weights; `{2$$a|b|c}` two of them, `{1-2$$ and $$a|b|c}` one or two joined by " and ";
`__name__` a line of a wildcard file, `__folder/*__` of several, `__name(x=red)__` with variables; `${x={a|b}}` a variable, drawn each time,
`${x=!{a|b}}` drawn once, `${x}` its value, `${x:red}` red if it has none; `# ...` and `/* ... */` comments. A backslash before one of
`{}|$#_` makes it a letter. `[a|b]` and `(a:1.2)` are the prompt's own and stay.
"""

import re
from dataclasses import dataclass, field

from modules.contract.errors import BadRequest

LONGEST = 50_000  # characters
DEEPEST = 40  # brackets within brackets
HEAD = re.compile(r"\s*(?P<least>\d*)(?P<range>-(?P<most>\d*))?\$\$")
WEIGHT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)::")
WILDCARD = re.compile(r"__(?P<name>[^\s{}|$()_][^\s{}|$()]*?)(?:\((?P<values>[^()]*)\))?__")
VARIABLE = re.compile(r"\$\{\s*(?P<name>[^\s{}|$=:!]+)\s*(?P<sign>=!|=|:|\})")
COMMENT = re.compile(r"/\*.*?\*/|(?m:(?<![^\n])[ \t]*#[^\n]*\n?)", re.DOTALL)
ESCAPABLE = "{}|$#_"


@dataclass(frozen=True)
class Text:
    """Text as it is."""

    text: str


@dataclass(frozen=True)
class Wildcard:
    """A line of the files of a name or pattern. `values` are variables for it."""

    name: str
    values: tuple[tuple[str, "Sequence"], ...] = ()


@dataclass(frozen=True)
class Assign:
    """A variable's value. `once`: drawn here, the same wherever it is used."""

    name: str
    value: "Sequence"
    once: bool


@dataclass(frozen=True)
class Use:
    """A variable's value; `otherwise` if it has none, None if that is an error."""

    name: str
    otherwise: "Sequence | None"


@dataclass(frozen=True)
class Choice:
    """`least` to `most` of the options, none of them twice, joined."""

    options: tuple["Sequence", ...]
    weights: tuple[float, ...]
    least: int = 1
    most: int = 1
    joint: str = ","


Node = Text | Wildcard | Assign | Use | Choice


@dataclass(frozen=True)
class Sequence:
    """Nodes, one behind the other."""

    nodes: tuple[Node, ...] = ()


@dataclass
class Parser:
    """Reads one template from left to right."""

    text: str
    place: int = 0
    depth: int = 0
    letters: list[str] = field(default_factory=list[str])

    def sequence(self, ends: str) -> Sequence:
        """All up to one of the characters `ends`, or to the end; the place is then before it."""
        nodes: list[Node] = []
        letters: list[str] = []

        def node(one: Node) -> None:
            if letters:
                nodes.append(Text("".join(letters)))
                letters.clear()
            nodes.append(one)

        while self.place < len(self.text) and self.text[self.place] not in ends:
            character = self.text[self.place]
            if character == "\\" and self.text[self.place + 1 : self.place + 2] in tuple(ESCAPABLE):
                letters.append(self.text[self.place + 1])
                self.place += 2
            elif match := VARIABLE.match(self.text, self.place):
                node(self.variable(match))
            elif character == "{":
                node(self.choice())
            elif match := WILDCARD.match(self.text, self.place):
                self.place = match.end()
                node(Wildcard(match["name"], values(match["values"] or "")))
            else:
                letters.append(character)
                self.place += 1
        return Sequence((*nodes, Text("".join(letters))) if letters else tuple(nodes))

    def inner(self, ends: str, opened: int) -> Sequence:
        """A sequence within brackets that were opened at a place. Raises BadRequest."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadRequest(f"The template has more than {DEEPEST} brackets within each other.")
        found = self.sequence(ends)
        self.depth -= 1
        if self.place >= len(self.text):
            raise BadRequest(
                f"The bracket in '{self.text[opened : opened + 30]}' is never closed.", "Close it with }, or write \\{ for a plain one."
            )
        return found

    def variable(self, match: "re.Match[str]") -> Node:
        """A variable's value or use. Raises BadRequest."""
        opened, self.place = self.place, match.end()
        if match["sign"] == "}":
            return Use(match["name"], None)
        value = self.inner("}", opened)
        self.place += 1
        return Use(match["name"], value) if match["sign"] == ":" else Assign(match["name"], value, match["sign"] == "=!")

    def choice(self) -> Choice:
        """One or more of several. Raises BadRequest."""
        opened = self.place
        self.place += 1
        least = most = 1
        joint = ","
        if head := HEAD.match(self.text, self.place):
            self.place = head.end()
            least, most = counts(head)
            if (end := self.text.find("$$", self.place)) >= 0 and not any(one in "{}|" for one in self.text[self.place : end]):
                joint, self.place = self.text[self.place : end], end + 2
        options: list[Sequence] = []
        weights: list[float] = []
        while True:
            weight = WEIGHT.match(self.text, self.place)
            self.place = weight.end() if weight else self.place
            weights.append(float(weight.group(1)) if weight else 1.0)
            options.append(self.inner("|}", opened))
            self.place += 1
            if self.text[self.place - 1] == "}":
                break
        if not any(weights):
            raise BadRequest(f"All weights in '{self.text[opened : self.place]}' are 0; one of them must be more.")
        return Choice(tuple(options), tuple(weights), least, min(most, len(options)), joint)


def counts(head: "re.Match[str]") -> tuple[int, int]:
    """How many of its options a choice takes, at least and at most. Raises BadRequest."""
    least = int(head["least"] or (0 if head["range"] else 1))
    most = int(head["most"] or LONGEST) if head["range"] else least
    if most < least:
        raise BadRequest(f"'{head.group().strip()}' wants at least {least} and at most {most}; the smaller number comes first.")
    return least, most


def values(text: str) -> tuple[tuple[str, Sequence], ...]:
    """The variables that a wildcard is given: `x=red, y=blue`."""
    found: list[tuple[str, Sequence]] = []
    for part in text.split(","):
        name, sign, value = part.partition("=")
        if sign:
            found.append((name.strip(), Parser(value.strip()).sequence("")))
    return tuple(found)


def parse(template: str) -> Sequence:
    """A template's tree. Raises BadRequest."""
    if len(template) > LONGEST:
        raise BadRequest(f"The template has {len(template)} characters; at most {LONGEST} can be used.")
    return Parser(COMMENT.sub("", template) if "#" in template or "/*" in template else template).sequence("")


def is_template(text: str) -> bool:
    """Whether a prompt holds anything that is drawn. Comments alone are the prompt's own."""
    return "{" in text or WILDCARD.search(text) is not None or VARIABLE.search(text) is not None
