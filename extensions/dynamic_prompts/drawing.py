"""Templates to prompts: one drawn by lot, or all that there are, in order."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from modules.contract.errors import BadRequest

from .grammar import Assign, Choice, Node, Sequence, Text, Use, Wildcard, parse
from .wildcards import Wildcards

LONGEST = 100_000  # characters of a prompt
DEEPEST = 30  # wildcards within wildcards
WORK = 200_000  # nodes that are read for one answer
TOO_DEEP = BadRequest("The template has too many parts, or too many within each other.", "Make it simpler.")
Variables = Mapping[str, Sequence]


@dataclass
class Budget:
    """Counts the work, so that no template goes on for ever."""

    left: int = WORK
    missing: dict[str, None] = field(default_factory=dict[str, None])  # wildcards that were not found

    def spend(self, count: int = 1) -> None:
        """Raises BadRequest when there is nothing left."""
        self.left -= count
        if self.left < 0:
            raise BadRequest("The template is too large to be drawn.", "Use fewer or smaller wildcards.")


@dataclass(frozen=True)
class Scene:
    """Where a template is read: its wildcards, the variables so far, how deep it is in wildcards."""

    wildcards: Wildcards
    budget: Budget
    variables: Variables = field(default_factory=dict[str, Sequence])
    trail: tuple[str, ...] = ()

    def within(self, name: str) -> "Scene":
        """The same inside of a wildcard. Raises BadRequest if they go round in a circle."""
        if len(self.trail) >= DEEPEST:
            raise BadRequest(
                f"The wildcards go round in a circle: {' → '.join(self.trail[-4:])} → {name}.", "None may lead back to itself."
            )
        return replace(self, trail=(*self.trail, name))

    def lines(self, name: str) -> list[tuple[Sequence, float]]:
        """A wildcard's lines with their weights; none if there is no such file, which is noted."""
        lines = self.wildcards.lines(name)
        if not lines:
            self.budget.missing.setdefault(name)
        return lines

    def given(self, wildcard: Wildcard) -> "Scene":
        """The inside of a wildcard with the variables that it is given."""
        return replace(self.within(wildcard.name), variables={**self.variables, **dict(wildcard.values)})

    def variable(self, use: Use) -> Sequence:
        """A variable's value. Raises BadRequest if it has none."""
        value = self.variables.get(use.name, use.otherwise)
        if value is None:
            known = ", ".join(self.variables) or "none"
            raise BadRequest(f"The variable ${{{use.name}}} has no value; there is {known}.", f"Give it one: ${{{use.name}=...}}.")
        return value


# One by lot


def drawn(template: str, wildcards: Wildcards, seed: int, budget: Budget) -> str:
    """A prompt by lot; the same seed gives the same one. Raises BadRequest."""
    try:
        return draw(parse(template), Scene(wildcards, budget), random.Random(f"{seed}"))[0]
    except RecursionError:
        raise TOO_DEEP from None


def draw(sequence: Sequence, scene: Scene, generator: random.Random) -> tuple[str, Scene]:
    """A text for a sequence, and the scene with the variables that were set in it."""
    parts: list[str] = []
    for node in sequence.nodes:
        scene.budget.spend()
        if isinstance(node, Assign):
            value = Sequence((Text(draw(node.value, scene, generator)[0]),)) if node.once else node.value
            scene = replace(scene, variables={**scene.variables, node.name: value})
        else:
            parts.append(draw_one(node, scene, generator))
    text = "".join(parts)
    if len(text) > LONGEST:
        raise BadRequest(f"The template becomes a prompt of more than {LONGEST} characters.")
    return text, scene


def draw_one(node: Node, scene: Scene, generator: random.Random) -> str:
    """A text for a node."""
    if isinstance(node, Text):
        return node.text
    if isinstance(node, Use):
        return draw(scene.variable(node), scene.within(node.name), generator)[0]
    if isinstance(node, Wildcard):
        lines = scene.lines(node.name)
        if not lines:
            return f"__{node.name}__"
        inside = scene.given(node)
        [line] = generator.choices([line for line, _ in lines], [weight for _, weight in lines])
        return draw(line, inside, generator)[0]
    assert isinstance(node, Choice)
    count = generator.randint(node.least, max(node.least, node.most))
    found: list[str] = []
    left = list(range(len(node.options)))
    while left and len(found) < count:
        weights = [node.weights[index] for index in left]
        if not any(weights):
            break
        [index] = generator.choices(left, weights)
        left.remove(index)
        found.append(draw(node.options[index], scene, generator)[0])
    return node.joint.join(found)


# All


def all_of(template: str, wildcards: Wildcards, budget: Budget, most: int) -> list[str]:
    """The prompts that a template can become, each once, in order, at most `most`. Raises BadRequest."""
    found: dict[str, None] = {}
    try:
        for text, _ in every(parse(template).nodes, Scene(wildcards, budget)):
            found.setdefault(text)
            if len(found) >= most:
                break
    except RecursionError:
        raise TOO_DEEP from None
    return list(found)


def every(nodes: tuple[Node, ...], scene: Scene) -> Iterator[tuple[str, Scene]]:
    """All texts of some nodes, the last of them changing first."""
    scene.budget.spend()
    if not nodes:
        yield "", scene
        return
    first, rest = nodes[0], nodes[1:]
    if isinstance(first, Assign):
        values = [Sequence((Text(text),)) for text in texts(first.value, scene)] if first.once else [first.value]
        for value in values:
            yield from every(rest, replace(scene, variables={**scene.variables, first.name: value}))
        return
    for head in every_one(first, scene):
        for tail, after in every(rest, scene):
            if len(head) + len(tail) > LONGEST:
                raise BadRequest(f"The template becomes a prompt of more than {LONGEST} characters.")
            yield head + tail, after


def texts(sequence: Sequence, scene: Scene) -> Iterator[str]:
    """All texts of a sequence."""
    return (text for text, _ in every(sequence.nodes, scene))


def every_one(node: Node, scene: Scene) -> Iterator[str]:
    """All texts of a node."""
    if isinstance(node, Text):
        yield node.text
    elif isinstance(node, Use):
        yield from texts(scene.variable(node), scene.within(node.name))
    elif isinstance(node, Wildcard):
        lines = scene.lines(node.name)
        inside = scene.given(node)
        for line, _ in lines:
            yield from texts(line, inside)
        if not lines:
            yield f"__{node.name}__"
    elif isinstance(node, Choice):
        options = [index for index, weight in enumerate(node.weights) if weight]
        for count in range(min(node.least, len(options)), min(node.most, len(options)) + 1):
            for chosen in combinations(options, count):
                yield from joined([node.options[index] for index in chosen], node.joint, scene)


def joined(sequences: list[Sequence], joint: str, scene: Scene) -> Iterator[str]:
    """All texts of some sequences with a joint between them."""
    if not sequences:
        yield ""
        return
    for head in texts(sequences[0], scene):
        if len(sequences) == 1:
            yield head
        else:
            yield from (head + joint + tail for tail in joined(sequences[1:], joint, scene))
