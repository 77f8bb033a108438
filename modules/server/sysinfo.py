"""A description of the system for reports of problems: versions, device, memory, settings; no passwords, and no paths for strangers."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from modules import __version__
from modules.settings.store import SettingsStore, defaults_of, entries_of, flat, is_local

PACKAGES = ("torch", "torchvision", "diffusers", "transformers", "accelerate", "safetensors", "gradio", "fastapi", "starlette", "pydantic",
            "numpy", "pillow", "opencv-python-headless", "spandrel", "xformers", "uvicorn")  # fmt: skip


def sysinfo(
    store: SettingsStore,
    data: Path,
    *,
    device: Callable[[], Mapping[str, Any]],
    extensions: Callable[[], Iterable[Mapping[str, Any]]],
    flags: Mapping[str, Any],
    whole: bool,
) -> dict[str, Any]:
    """The description. Not `whole`: without settings and flags that say where files lie."""
    values = flat(store.current)
    defaults, known = flat(defaults_of(store.current)), entries_of(store.current)
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(data)
    return {
        "Program": f"Easel {__version__}",
        "Written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "Platform": platform.platform(),
        "Python": sys.version.partition("\n")[0],
        "Processor": {"name": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "Memory": {"total": gigabytes(memory.total), "free": gigabytes(memory.available)},
        "Disk of the data folder": {"total": gigabytes(disk.total), "free": gigabytes(disk.free)},
        "Device": dict(device()),
        "Packages": {name: found for name in PACKAGES if (found := installed(name))},
        "Extensions": [dict(extension) for extension in extensions()],
        "Flags": {name: harmless(value) for name, value in flags.items() if whole or not is_place(value)},
        "Changed settings": {key: value for key, value in values.items() if value != defaults[key] and (whole or not is_local(key, known))},
        "Problem with the settings file": store.problem,
    }


def installed(package: str) -> str | None:
    """A package's version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GB"


def is_place(value: Any) -> bool:
    """Whether a flag's value says where something lies, or who may come in."""
    parts = value if isinstance(value, tuple | list) else [value]
    return any(not isinstance(part, str | int | float | bool | type(None)) or (isinstance(part, str) and "/" in part) for part in parts)


def harmless(value: Any) -> Any:
    """A flag's value as JSON can hold it. What is neither number nor text shows as it prints itself: a password as ***."""
    if isinstance(value, tuple | list):
        return [harmless(part) for part in value]
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    return str(value)
