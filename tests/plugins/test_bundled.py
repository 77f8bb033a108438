"""The extensions that come with the program: they load, they stay inside their surface, they patch nothing."""

import ast
from collections.abc import Iterator

import pytest

from tests.extensions.drawing import bundled
from tests.guards.sources import ROOT, Source
from tests.guards.test_rules import RULES, dotted
from tests.guards.test_sizes import LONGEST_FILE, LONGEST_FUNCTION, Function, own_lines

SURFACE = (
    "modules.plugins", "modules.contract", "modules.imaging", "modules.sampling",
    "modules.prompts", "modules.weights", "modules.families", "modules.perception",
)  # fmt: skip
SOURCES = [
    Source(path.relative_to(ROOT).as_posix(), text := path.read_text("utf8"), ast.parse(text))
    for path in sorted((ROOT / "extensions").rglob("*.py"))
    if "tests" not in path.parts
]


def imported(tree: ast.AST) -> Iterator[str]:
    """The names of the program's own modules that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def test_all_of_them_can_be_used() -> None:
    rows = bundled().extensions()
    assert len(rows) >= 7 and not [(row.name, row.problem) for row in rows if row.problem]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_they_import_only_what_extensions_may(source: Source) -> None:
    own = f"extensions.{source.path.split('/')[1]}"
    outside = [
        name
        for name in imported(source.tree)
        if name.split(".")[0] in ("modules", "extensions") and not f"{name}.".startswith((*(f"{one}." for one in SURFACE), f"{own}."))
    ]
    assert not outside


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_they_keep_the_program_s_rules(source: Source) -> None:
    assert not [(rule.name, line) for rule in RULES for line in rule.lines(source)]
    sets = [node.lineno for node in ast.walk(source.tree) if isinstance(node, ast.Call) and dotted(node.func) in ("setattr", "delattr")]
    assert not sets, "what cannot be done with hooks is a request for a hook"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_they_fit_a_screen(source: Source) -> None:
    assert source.text.count("\n") <= LONGEST_FILE
    assert not [node.name for node in ast.walk(source.tree) if isinstance(node, Function) and own_lines(node) > LONGEST_FUNCTION]


@pytest.mark.parametrize("row", bundled().extensions(), ids=lambda row: row.name)
def test_each_explains_itself(row: object) -> None:
    folder = ROOT / "extensions" / str(getattr(row, "name", ""))
    assert (folder / "README.md").read_text("utf8").startswith("# ")
    extension = getattr(row, "extension", None)
    assert extension is not None
    assert all(field.title for field in extension.Options.model_fields.values())
