"""The folders whose pictures are listed: the output folder, where the settings save to, and those that a person added."""

import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from modules.contract.errors import BadRequest
from modules.contract.files import write_whole
from modules.settings.store import SettingsStore

log = logging.getLogger(__name__)
MOST = 100
SAVE_FOLDERS = ("folder", "img2img_folder", "extras_folder")
GRID_FOLDERS = ("folder", "img2img_folder")


def save_folders(settings: SettingsStore, data: Path) -> list[Path]:
    """Where the settings save pictures to; relative ones lie in the data folder."""
    saving, grids = settings.current.saving, settings.current.grids
    names = [getattr(saving, name) for name in SAVE_FOLDERS] + [getattr(grids, name) for name in GRID_FOLDERS]
    return [data / name for name in names if name]


class AddedFolders:
    """The folders that a person added, in a small file. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.folders = self.load()

    def load(self) -> list[Path]:
        try:
            return [Path(str(name)) for name in json.loads(self.path.read_text("utf8"))["folders"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s could not be read (%s); no further folders are listed.", self.path.name, error)
            return []

    def change(self, names: Sequence[str]) -> None:
        """List these folders and no others. Raises BadRequest for what is no folder, or a whole disk."""
        folders = list(dict.fromkeys(Path(name.strip()) for name in names if name.strip()))
        if len(folders) > MOST:
            raise BadRequest(f"There are {len(folders)} folders; at most {MOST} can be listed.")
        for folder in folders:
            if not folder.is_absolute() or folder.resolve().parent == folder.resolve():
                raise BadRequest(f"'{folder}' is not the whole path of a folder.")
            if not folder.is_dir():
                raise BadRequest(f"There is no folder '{folder}'.")
        with self.lock:
            write_whole(self.path, json.dumps({"folders": [str(folder) for folder in folders]}, ensure_ascii=False, indent=1).encode())
            self.folders = folders


def outermost(folders: Sequence[Path]) -> list[Path]:
    """The folders without those that lie in another one of them, as they really are on the disk, in order."""
    real = list(dict.fromkeys(folder.resolve() for folder in folders))
    return [folder for folder in real if not any(folder != other and folder.is_relative_to(other) for other in real)]
