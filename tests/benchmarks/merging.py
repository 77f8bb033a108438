"""The memory and the time that merging two checkpoints takes, at the real size, in a process of its own.

    python -m tests.benchmarks.merging [--model sdxl|sd15] [--method weighted|difference] [--format safetensors|ckpt] [--folder FOLDER]

Writes two (three) checkpoints with random weights and merges them; SDXL takes 21 (28) GB of disk while it runs. Prints the peak of
resident memory, of the process before the merge, and whether a sample of tensors is what the formula says.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch

from modules.contract.merge import DIFFERENCE, WEIGHTED, MergeRequest
from modules.contract.progress import Filed
from modules.weights.catalogue import Catalogue
from modules.weights.files import open_tensors
from modules.weights.hashes import HashCache
from modules.weights.kinds import VAE
from modules.weights.merge import merge

ROOT = Path(__file__).parents[2]
SAMPLE = 40  # every so many tensors are computed again


class Quiet:
    """A Reporter that notes the highest memory use it has seen."""

    def __init__(self) -> None:
        self.process = psutil.Process(os.getpid())
        self.peak = 0

    def start(self, total: int) -> None: ...

    def extend(self, steps: int) -> None: ...

    def step(self, text: str = "") -> None:
        self.check()

    def check(self) -> None:
        self.peak = max(self.peak, self.process.memory_info().rss)

    def check_between(self) -> None:
        self.check()

    def wants_preview(self) -> bool:
        return False

    def preview(self, picture: bytes) -> None: ...

    def warn(self, text: str) -> None:
        print(f"  warning: {text}")

    def filed(self, number: int) -> Filed | None: ...

    def filing(self, number: int, filed: Filed) -> None: ...


def measure(folder: Path, request: MergeRequest) -> None:
    """Merge in this process, and print what it took."""
    catalogue = Catalogue([folder], [], HashCache(folder / "hashes.json"))
    vaes = Catalogue([], [], catalogue.hashes, kind=VAE)
    report = Quiet()
    report.check()
    before, started = report.peak, time.perf_counter()
    path = merge(request, checkpoints=catalogue, vaes=vaes, folder=folder, report=report)
    seconds, size = time.perf_counter() - started, path.stat().st_size
    peak = max(report.peak, highest())
    print(f"{path.name}: {size / 1e9:.2f} GB in {seconds:.0f} s, hashing the sources included")
    print(f"resident before {before / 1e9:.2f} GB, peak {peak / 1e9:.2f} GB")
    check(folder, path, request)


def highest() -> int:
    """The highest resident memory of this process, in bytes, as the system counted it; 0 where it does not."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def check(folder: Path, path: Path, request: MergeRequest) -> None:
    """Compute a sample of the merged tensors anew."""
    m = request.multiplier
    with open_tensors(path) as made, open_tensors(folder / "a.safetensors") as a, open_tensors(folder / "b.safetensors") as b:
        names = list(made)[::SAMPLE]
        for name in names:
            expected = (1 - m) * a[name] + m * b[name]
            if request.method == DIFFERENCE:
                with open_tensors(folder / "c.safetensors") as c:
                    expected = a[name] + m * (b[name] - c[name])
            assert torch.equal(made[name], expected), name
    print(f"{len(names)} tensors of {len(made)} computed anew: equal")


def main() -> None:
    """Make the checkpoints, and merge them in a fresh process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=("sdxl", "sd15"), default="sdxl")
    parser.add_argument("--method", choices=("weighted", "difference"), default="weighted")
    parser.add_argument("--format", choices=("safetensors", "ckpt"), default="safetensors")
    parser.add_argument("--folder", type=Path, help="where to put the files (a temporary folder)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    method = WEIGHTED if given.method == "weighted" else DIFFERENCE
    request = MergeRequest(primary="a", secondary="b", tertiary="c", method=method, custom_name="merged", format=given.format)
    if given.measure:
        measure(given.measure, request)
        return
    from tests.benchmarks.checkpoints import sd15_shapes, sdxl_shapes, write_random

    shapes = sdxl_shapes() if given.model == "sdxl" else sd15_shapes()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        for seed, letter in enumerate("ab" if method == WEIGHTED else "abc"):
            path = write_random(folder / f"{letter}.safetensors", shapes, seed)
            print(f"{path.name}: {path.stat().st_size / 1e9:.2f} GB, {len(shapes)} tensors", flush=True)
        subprocess.run([sys.executable, "-m", "tests.benchmarks.merging", "--measure", str(folder), *sys.argv[1:]], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
