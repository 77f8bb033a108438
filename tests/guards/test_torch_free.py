"""The page and the values come up without the networks: importing them loads neither torch nor diffusers."""

import subprocess
import sys

import pytest

from tests.guards.sources import MODULES, ROOT

LIGHT = ("contract", "settings", "prompts", "infotext", "imaging", "jobs", "history", "downloads", "frontend", "server")
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module("modules." + sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(*(name for name in ("torch", "diffusers", "transformers") if name in sys.modules))
"""


@pytest.mark.parametrize("package", LIGHT)
def test_a_light_package_loads_no_network_library(package: str) -> None:
    if not (MODULES / package / "__init__.py").exists():
        pytest.skip(f"modules/{package} does not exist yet")
    answer = subprocess.run([sys.executable, "-c", IMPORT_ALL, package], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == []
