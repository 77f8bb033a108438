"""A repository small enough to be installed in seconds: the real launcher, packages of one line each, no network."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ("__init__", "launcher", "command_line", "environment", "torch_builds", "new_extension")
LAUNCHER = ("webui.py", *(f"modules/{name}.py" for name in MODULES))

PYPROJECT = """[project]
name = "scratch"
dependencies = [
    "diffusers==1.0",
    "gradio==1.0",
    "torch==1.0",
    "transformers==1.0; python_version >= '3.4'",
    "transformers==0.1; python_version < '3.4'",
]

[project.optional-dependencies]
xformers = [
    "xformers==1.0",
]

[dependency-groups]
test = [
    "tester==1.0",
]

[tool.uv]
override-dependencies = [
    "pillow==2.0",
]

[tool.easel]
files-of = [
    "carrier==1.0; python_version >= '3.4'",
]
"""
APP = '''"""Says what the program would find."""
import os, sys
def main(options):
    import pillow
    print("app:", options.port, sys.prefix, pillow.VERSION, os.environ.get("HF_HUB_OFFLINE"), os.environ.get("HF_TOKEN"))
'''


def make_wheel(folder: Path, name: str, version: str, requires: Sequence[str] = ()) -> None:
    """A wheel with one module of one line."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode() for path, text in files.items()}
    files[f"{info}/RECORD"] = "".join(f"{path},sha256={hashes[path]},{len(files[path])}\n" for path in hashes) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def make_wheels(folder: Path) -> None:
    """All packages that the scratch repository pins, gradio refusing the Pillow that is pinned over it, as it really does."""
    folder.mkdir()
    for name in ("torch", "diffusers", "transformers", "tester", "xformers"):
        make_wheel(folder, name, "1.0")
    make_wheel(folder, "gradio", "1.0", ["pillow<2"])
    make_wheel(folder, "pillow", "1.0")
    make_wheel(folder, "pillow", "2.0")
    make_wheel(folder, "carrier", "1.0", ["pillow<2", "no-such-package"])


class Repository:
    """A scratch repository and how it is started."""

    def __init__(self, root: Path, wheels: Path) -> None:
        self.root = root
        (root / "modules").mkdir(parents=True)
        for name in LAUNCHER:
            shutil.copy(ROOT / name, root / name)
        (root / "pyproject.toml").write_text(PYPROJECT, "utf8")
        (root / "modules" / "app.py").write_text(APP, "utf8")
        unwanted = ("COMMANDLINE_ARGS", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "VIRTUAL_ENV")
        self.environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull, "HF_TOKEN": "secret"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "webui.py"), *arguments]

    def start(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """One start, to its end."""
        environment = self.environment | variables
        return subprocess.run(self.command(*arguments), env=environment, cwd=self.root.parent, capture_output=True, text=True, timeout=120)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """One start, which goes on."""
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self.root.parent, **output)

    def packages(self) -> Path:
        """Where its environment keeps packages."""
        (found,) = [*self.root.glob(".venv/lib/python*/site-packages"), *self.root.glob(".venv/Lib/site-packages")]
        return found

    def log(self) -> str:
        """Everything that the installations wrote."""
        return (self.root / ".venv" / "install.log").read_text("utf8")
