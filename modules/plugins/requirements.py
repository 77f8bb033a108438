"""The packages that extensions need: which are missing, what installing them would change, and installing them by pip."""

import importlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modules.contract.errors import BadRequest, NotSupported, Unavailable

SECONDS = 1800.0
OFFLINE = re.compile(r"NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|SSLError|Max retries exceeded")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """A package that an installation would bring along."""

    name: str
    version: str


def understood(text: str) -> Requirement | None:
    """A requirement; None if its marker is for another system. Raises BadRequest for what PEP 508 does not know, or has an address."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise BadRequest(f"It requires '{text}', which is not how PEP 508 writes a package.") from None
    if requirement.url:
        raise BadRequest(f"It requires '{text}', which names an address; packages come from the package index only.")
    return requirement if requirement.marker is None or requirement.marker.evaluate() else None


def missing(requires: Sequence[str]) -> list[str]:
    """Those of an extension's requirements that this environment does not meet. Raises BadRequest."""
    absent: list[str] = []
    for text in requires:
        requirement = understood(text)
        if requirement is None:
            continue
        try:
            there = requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
        except importlib.metadata.PackageNotFoundError:
            there = False
        absent += [] if there else [text]
    return absent


class Pip:
    """pip in the program's own environment. Nothing that is installed already ever moves: all of it is given as constraints."""

    def __init__(self, *, python: str | None = None, arguments: Sequence[str] = ()) -> None:
        self.python = python  # of another environment than this process's own
        self.arguments = tuple(arguments)
        self.lock = threading.Lock()

    def installed(self) -> Mapping[str, str]:
        """All packages of the environment with their versions."""
        if self.python is None:
            return {canonicalize_name(one.name): one.version for one in importlib.metadata.distributions() if one.name}
        listed: list[dict[str, str]] = json.loads(self.run(["list", "--format=json"], lambda line: None))
        return {canonicalize_name(one["name"]): one["version"] for one in listed}

    def plan(self, requires: Sequence[str]) -> list[Package]:
        """What installing an extension's requirements would add; nothing is changed yet.

        Raises NotSupported for what would change a package that is there, BadRequest, Unavailable.
        """
        wanted = [text for text in requires if understood(text)]
        there = self.installed()
        for text in wanted:
            requirement = Requirement(text)
            version = there.get(canonicalize_name(requirement.name))
            if version is not None and not requirement.specifier.contains(version, prereleases=True):
                raise NotSupported(
                    f"It needs {text}, and this program has {requirement.name} {version}, which stays as it is.",
                    "Ask its author for a version that works with it.",
                )
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            self.pip_install(["--dry-run", "--report", str(report), *wanted], there, lambda line: None)
            found: list[dict[str, Any]] = json.loads(report.read_text("utf8"))["install"]
        return [Package(str(one["metadata"]["name"]), str(one["metadata"]["version"])) for one in found]

    def install(self, requires: Sequence[str], say: Say) -> None:
        """Install them; `say` is told each line that pip writes. Raises as `plan`, which comes first, does."""
        with self.lock:
            if self.plan(requires):
                self.pip_install([text for text in requires if understood(text)], self.installed(), say)
            importlib.invalidate_caches()

    def pip_install(self, arguments: Sequence[str], there: Mapping[str, str], say: Say) -> None:
        """`pip install` with wheels only: a package's build script could do anything."""
        with tempfile.TemporaryDirectory() as folder:
            constraints = Path(folder) / "constraints.txt"
            constraints.write_text("".join(f"{name}=={version}\n" for name, version in there.items()), "utf8")
            fixed = ["--no-user", "--no-input", "--progress-bar=off", "--only-binary=:all:", "-c", str(constraints)]
            self.run(["install", *fixed, *self.arguments, *arguments], say)

    def run(self, arguments: Sequence[str], say: Say) -> str:
        """What a command of pip prints. Raises Unavailable, NotSupported with its last words."""
        own = ["--python", self.python] if self.python else []
        command = [sys.executable, "-m", "pip", *own, *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace", env=environment)
        end = threading.Timer(SECONDS, process.kill)
        end.start()
        lines: list[str] = []
        try:
            for line in process.stdout or ():
                lines.append(line)
                say(line.rstrip())
        finally:
            end.cancel()
            process.wait()
        text = "".join(lines)
        if process.returncode != 0:
            raise explained(text, process.returncode)
        return text


def explained(text: str, status: int) -> Unavailable | NotSupported:
    """Why pip ended with a status other than 0, by what it wrote."""
    if OFFLINE.search(text):
        return Unavailable("The package index cannot be reached.", "Is this machine connected to the internet?")
    if nothing := re.search(r"No matching distribution found for (\S+)", text):
        return NotSupported(f"There is no {nothing[1]} for this Python and this system that goes with what is installed.")
    if "ResolutionImpossible" in text:
        return NotSupported("Its packages ask for other versions of what this program has, and those stay as they are.")
    errors = [line for line in text.splitlines() if line.strip()]
    return NotSupported(f"pip ended with status {status}: {errors[-1][:300] if errors else 'it wrote nothing'}")
