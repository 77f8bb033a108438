"""Which folders hold extensions."""

from pathlib import Path

from modules.plugins.manifest import FILE


def folders(root: Path) -> list[Path]:
    """The folders directly under `root` that have an extension.toml, by name. None if there is no such root."""
    return sorted(path.parent for path in root.glob(f"*/{FILE}"))
