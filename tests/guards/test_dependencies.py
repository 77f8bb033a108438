"""What is imported is pinned in pyproject.toml, what is pinned is imported, and what runs before the installation needs neither."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.environment import name_of, requirements
from tests.guards.sources import MODULES, ROOT

PACKAGES = {  # another name in `import`
    "c2pa": "c2pa-python", "PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image", "yaml": "PyYAML",
}  # fmt: skip
BEFORE_INSTALLATION = {f"modules.{name}" for name in ("launcher", "command_line", "environment", "torch_builds", "new_extension")}


def imported(path: Path) -> Iterator[str]:
    """The full names of what a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield f"{node.module}.{node.names[0].name}"


def outside_packages(folder: Path) -> set[str]:
    """The packages that the files under a folder import and that neither Python nor this repository has."""
    first = {name.partition(".")[0] for path in folder.rglob("*.py") for name in imported(path)}
    return {PACKAGES.get(name, name) for name in first - set(sys.stdlib_module_names) - {"modules", "tests", "extensions"}}


def test_the_program_imports_what_is_pinned_for_it() -> None:
    optional = [("project.optional-dependencies", name) for name in ("provenance", "bitsandbytes")]
    tables = (("project", "dependencies"), ("tool.uv", "override-dependencies"), *optional)
    pinned = {name_of(one) for table in tables for one in requirements(*table)}
    assert outside_packages(MODULES) - pinned == set()


def test_what_is_pinned_is_imported() -> None:
    pinned = {name_of(requirement) for requirement in requirements("project", "dependencies")}
    assert pinned - outside_packages(MODULES) == set()


def test_the_tests_import_what_is_pinned_for_them() -> None:
    tables = (("project", "dependencies"), ("tool.uv", "override-dependencies"), ("dependency-groups", "test"))
    pinned = {name_of(requirement) for table in tables for requirement in requirements(*table)}
    assert outside_packages(ROOT / "tests") - pinned == set()


def test_everything_is_pinned_to_one_version() -> None:
    for table in (("project", "dependencies"), ("tool.uv", "override-dependencies"), ("dependency-groups", "test")):
        assert requirements(*table)
        assert all("==" in requirement for requirement in requirements(*table))


@pytest.mark.parametrize("name", ["webui", *sorted(BEFORE_INSTALLATION)])
def test_what_runs_before_the_installation_needs_python_alone(name: str) -> None:
    for module in imported(ROOT / f"{name.replace('.', '/')}.py"):
        ours = any(f"{module}.".startswith(f"{one}.") for one in BEFORE_INSTALLATION | {"modules.app"})
        built_in = module.partition(".")[0] in sys.stdlib_module_names
        known = module in {f"modules.{one.rpartition('.')[2]}" for one in BEFORE_INSTALLATION}
        assert ours or built_in or known, module
