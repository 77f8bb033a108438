"""Where the numbers are made, everything public says what it is."""

import ast
from pathlib import PurePosixPath

from tests.guards.sources import definitions, sources

PACKAGES = {"contract", "sampling", "pipeline", "weights", "families", "plugins"}


def test_everything_public_has_a_docstring() -> None:
    found = [source for source in sources() if PurePosixPath(source.path).parts[1] in PACKAGES]
    assert len(found) > 15
    bare = [source.path for source in found if not ast.get_docstring(source.tree)]
    bare += [
        f"{source.path}:{node.lineno} {name}"
        for source in found
        for name, node in definitions(source.tree)
        if not name.startswith("_") and "." not in name and not ast.get_docstring(node)  # a method may be plain beside its class
    ]
    assert not bare, "\n".join(bare)
