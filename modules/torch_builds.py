"""Which build of PyTorch suits this machine, and where pip finds it; standard library only."""

import http.client
import os
import platform
import re
import subprocess
import sys
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Build:
    """What a build is for, PyTorch's own index that has it (None: the default one has), and the room it takes with all the rest."""

    title: str
    index: str | None
    gigabytes: int


BUILDS = {
    "cpu": Build("the processor", "https://download.pytorch.org/whl/cpu", 3),
    "cuda": Build("NVIDIA cards", "https://download.pytorch.org/whl/cu130", 10),
    "cuda12": Build("NVIDIA cards before Turing or with a driver before 580", "https://download.pytorch.org/whl/cu126", 10),
    "rocm": Build("AMD cards", "https://download.pytorch.org/whl/rocm7.2", 25),
    "mps": Build("Apple processors", None, 3),
    "default": Build("this system as the default index has it", None, 10),
}

# The architectures ROCm 7.2's build holds, as the kernel numbers them: gfx1030 is 100300, gfx90a 90010.
ROCM_CARDS = {90000, 90006, 90008, 90010, 90402, 90500, 100300, 110000, 110001, 110002, 110500, 110501, 120000, 120001}


class Unreachable(Exception):
    """The only index that has a build does not answer."""


def detected() -> str:
    """The key of BUILDS for this machine's accelerator."""
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "default"
    cards = nvidia_cards()
    if cards:
        return "cuda12" if any(capability < 7.5 or (driver < 580 and capability < 10) for capability, driver in cards) else "cuda"
    if sys.platform == "linux" and ROCM_CARDS & amd_cards():
        return "rocm"
    return "cpu"


def nvidia_cards() -> list[tuple[float, float]]:
    """Compute capability and driver version of each NVIDIA card that has a driver."""
    try:
        query = ["nvidia-smi", "--query-gpu=compute_cap,driver_version", "--format=csv,noheader"]
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        answer = ""
    return [(float(capability), float(driver)) for capability, driver in re.findall(r"^(\d+\.\d+), (\d+\.\d+)", answer, re.MULTILINE)]


def amd_cards(nodes: Path = Path("/sys/class/kfd/kfd/topology/nodes")) -> set[int]:
    """The architectures of the AMD cards that the kernel's compute driver knows; 0 is a processor."""
    found: set[int] = set()
    for properties in nodes.glob("*/properties"):
        version = re.search(r"^gfx_target_version (\d+)$", properties.read_text("ascii"), re.MULTILINE)
        found |= {int(version[1])} if version else set()
    return found


def pip_arguments(choice: str, pin: str) -> list[str]:
    """What pip is to install for `choice`, a key of BUILDS or a requirement; `pin` is the version in pyproject.toml.

    A build that only PyTorch's own index has is asked for by its local version, so that no other can come in its place.
    Raises Unreachable if that index does not answer.
    """
    build = BUILDS.get(choice)
    if build is None:
        return [choice]
    if build.index is None or default_index_has(choice):
        return [pin]
    if answers(build.index):
        return [f"{pin}+{build.index.rsplit('/', 1)[1]}", "--extra-index-url", build.index]
    raise Unreachable(f"{build.index} does not answer, and only there is PyTorch for {build.title}")


def default_index_has(choice: str) -> bool:
    """Whether the default index carries this very build for this system, so that PyTorch's own need not be asked."""
    if choice == "cpu":
        return sys.platform in ("darwin", "win32")
    return choice == "cuda" and (sys.platform, platform.machine()) == ("linux", "x86_64")


def answers(index: str, seconds: float = 6) -> bool:
    """Whether an index can be reached. In a thread of its own: looking up a name knows no time limit."""
    if os.environ.get("PIP_NO_INDEX"):
        return False
    reached: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(f"{index}/torch/", timeout=seconds) as response:
                reached.append(response.status == 200)
        except (OSError, http.client.HTTPException):
            reached.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return reached == [True]
