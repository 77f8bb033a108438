"""Whether switching between checkpoints leaves memory as it was.

    python -m tests.benchmarks.switching [--models sd15,sd15,sdxl] [--switches 20] [--dtype bfloat16|float32] [--folder FOLDER]

Writes checkpoints of the real sizes with random weights (SD 1.5 takes 2 GB, SDXL 7 GB of disk), switches among them through
PipelineManager.load, and prints after each switch the resident memory: what the program holds, and what it has mapped from files.
At the end it says by how much it grew from the first time each checkpoint was loaded to the last.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import psutil
import torch

from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.runtime.device import Device
from modules.settings.store import SettingsStore
from tests.benchmarks.checkpoints import sd15_shapes, sdxl_shapes, write_random

SHAPES = {"sd15": sd15_shapes, "sdxl": sdxl_shapes}


def resident() -> tuple[float, float]:
    """The resident memory of this process in GB: its own, and that of mapped files."""
    memory = psutil.Process(os.getpid()).memory_info()
    shared = getattr(memory, "shared", 0)
    return (memory.rss - shared) / 1e9, shared / 1e9


def manager_of(folder: Path, dtype: torch.dtype) -> PipelineManager:
    """The application's own, with its data in a folder."""
    (folder / "models" / "Stable-diffusion").mkdir(parents=True, exist_ok=True)
    return PipelineManager(
        library=Library.at(folder / "models", folder, check_checkpoint),
        settings=SettingsStore(folder / "settings.json"),
        root=folder,
        device=lambda: Device(torch.device("cpu"), dtype, dtype, False, "asked for"),
    )


def main() -> None:
    """Write, switch, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", default="sd15,sd15,sdxl", help="sizes, by comma")
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--folder", type=Path, help="where to put the files (a temporary folder)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        manager = manager_of(folder, getattr(torch, given.dtype))
        for number, size in enumerate(given.models.split(",")):
            path = folder / "models" / "Stable-diffusion" / f"{size}-{number}.safetensors"
            write_random(path, SHAPES[size](), number)
        manager.refresh()
        switch(manager, given.switches)


def switch(manager: PipelineManager, switches: int) -> None:
    """Load one checkpoint after another, round and round."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    print("switch checkpoint   seconds  own GB  mapped GB")
    for number in range(switches):
        entries = manager.checkpoints()
        entry = entries[number % len(entries)]
        started = time.perf_counter()
        manager.load(entry, manager.settings.current)
        seconds = time.perf_counter() - started
        own, mapped = resident()
        first.setdefault(entry.name, own)
        last[entry.name] = own
        print(f"{number + 1:6} {entry.name:12} {seconds:7.1f} {own:7.2f} {mapped:10.2f}", flush=True)
    growth = max(last[name] - first[name] for name in first)
    print(f"most that one checkpoint's memory grew from its first to its last time: {growth * 1000:.0f} MB")
    manager.unload()
    print("after unloading: {:.2f} GB of its own, {:.2f} GB mapped".format(*resident()))


if __name__ == "__main__":
    main()
