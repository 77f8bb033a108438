"""The yaml that may lie beside a checkpoint: data about its networks, never code."""

from pathlib import Path
from typing import Any

import yaml

from modules.weights.header import BadModel

LARGEST = 2**20


def config_beside(path: Path) -> Path | None:
    """The yaml of a checkpoint, by its name; a folder has its own files instead."""
    beside = path.with_suffix(".yaml")
    if path.is_dir():
        return None
    return beside if beside.is_file() else None


def read_config(path: Path | None) -> dict[str, Any] | None:
    """A yaml's content; None without one. Raises BadModel for a file that is too large, damaged or no table."""
    if path is None:
        return None
    if path.stat().st_size > LARGEST:
        raise BadModel(path, "it is too large for a model's yaml")
    try:
        config = yaml.safe_load(path.read_text("utf8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadModel(path, f"it is not a yaml file ({str(error).splitlines()[0]})") from None
    if not isinstance(config, dict):
        raise BadModel(path, "it holds no table")
    return config
