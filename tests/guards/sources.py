"""The program's own files, as the guards look at them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ROOT / "modules"


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the repository on, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module


def sources() -> list[Source]:
    """Every Python file under modules, by path."""
    return [
        Source(path.relative_to(ROOT).as_posix(), text := path.read_text("utf8"), ast.parse(text, str(path)))
        for path in sorted(MODULES.rglob("*.py"))
    ]


def packages() -> list[str]:
    """The packages and modules directly under modules, without their folder."""
    return sorted(path.stem for path in MODULES.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Every function, class and method with its dotted name; not what is defined inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            yield from definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.If | ast.Try):
            yield from definitions(node, prefix)
