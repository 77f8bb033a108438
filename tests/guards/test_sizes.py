"""A file has one idea and a function fits a screen."""

import ast

from tests.guards.sources import sources

Function = ast.FunctionDef | ast.AsyncFunctionDef
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
ONE_FUNCTION_A_PAPER = {"modules/sampling/samplers.py"}


def test_no_file_holds_a_second_idea() -> None:
    found = sources()
    assert len(found) > 40
    long = {source.path: length for source in found if (length := source.text.count("\n")) > LONGEST_FILE}
    assert set(long) <= ONE_FUNCTION_A_PAPER, long


def test_every_function_fits_a_screen() -> None:
    long = {
        f"{source.path}:{node.lineno} {node.name}": length
        for source in sources()
        if source.path not in ONE_FUNCTION_A_PAPER
        for node in ast.walk(source.tree)
        if isinstance(node, Function) and (length := own_lines(node)) > LONGEST_FUNCTION
    }
    assert not long


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without those of the functions inside it."""
    inside = [node for node in function.body if isinstance(node, Function)]
    return lines(function) - sum(map(lines, inside))


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1
