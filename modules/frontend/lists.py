"""The page's dropdowns whose choices change while the program runs: models, upscalers, styles."""

from collections.abc import Callable, Sequence
from typing import Any

from modules.frontend.toolkit import Component, gr

Choices = Callable[[], Sequence[str | tuple[str, str]]]


class Lists:
    """All such dropdowns of the page, so that one event brings them up to date."""

    def __init__(self) -> None:
        self.found: list[tuple[Component, Choices, tuple[str, ...]]] = []

    def add(self, dropdown: Component, choices: Choices, *first: str) -> Component:
        """A dropdown and what it lists, behind the entries that come `first`."""
        self.found.append((dropdown, choices, first))
        return dropdown

    def components(self) -> list[Component]:
        return [dropdown for dropdown, _, _ in self.found]

    def updates(self) -> dict[Component, Any]:
        """What a handler gives back to show the lists as they are now."""
        known: dict[Choices, Sequence[str | tuple[str, str]]] = {}
        for _, choices, _ in self.found:
            if choices not in known:
                known[choices] = choices()
        return {dropdown: gr.update(choices=[*first, *known[choices]]) for dropdown, choices, first in self.found}
