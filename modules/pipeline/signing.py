"""Content credentials for the files that the pipeline writes, where the settings want them."""

from collections.abc import Callable
from pathlib import Path

import modules
from modules.contract.errors import NotSupported
from modules.imaging.credentials import Credentials
from modules.settings.groups import Settings


def signed(data: bytes, format: str, *, root: Path, settings: Settings, warn: Callable[[str], None]) -> bytes:
    """A picture file, signed as generated if the settings say so; as it is, with a warning, where that cannot be done."""
    if not settings.screening.sign:
        return data
    try:
        return Credentials(root / "credentials", f"Easel {modules.__version__}").sign(data, format)
    except NotSupported as error:
        warn(str(error))
        return data
