"""Presets: sets of values under a name, as files that can be passed on; some come with the program. Needs no torch."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.contract.training import TrainingRequest, training_request_from

BUNDLED = Path(__file__).parent / "bundled"
FORMAT = "easel training preset"
LARGEST = 1 << 20  # bytes
NAME = re.compile(r"[^/\\:*?\"<>|\x00-\x1f]{1,80}")
# What belongs to one training and says nothing about another; the rest of a request is a preset.
PERSONAL = {"": ("name", "trigger", "checkpoint"), "data": ("folders",), "prior": ("folder",), "network": ("continue_from",)}
PERSONAL |= {"devices": ("devices", "processes", "machines", "address"), "samples": ("prompts",), "saving": ("comment",)}


@dataclass(frozen=True)
class Preset:
    """A set of values: those of a TrainingRequest that it sets, groups as dicts. `text` says in a sentence what it is for."""

    name: str
    text: str
    values: dict[str, Any]
    bundled: bool = False

    def as_file(self) -> bytes:
        """The file that people pass on."""
        return json.dumps({"format": FORMAT, "text": self.text, "values": self.values}, indent=1, ensure_ascii=False).encode()


class Presets:
    """The presets in a folder, and those that come with the program. A person's own hides a bundled one of its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Preset]:
        """All of them, bundled ones first, each group by name. Files that cannot be read are left out."""
        own = {preset.name: preset for preset in read_folder(self.folder, bundled=False)}
        bundled = [preset for preset in read_folder(BUNDLED, bundled=True) if preset.name not in own]
        return [*bundled, *own.values()]

    def read(self, name: str) -> Preset:
        """The preset of a name. Raises NotFound."""
        presets = {preset.name: preset for preset in self.all()}
        if name not in presets:
            raise NotFound.among("preset", name, presets)
        return presets[name]

    def write(self, name: str, values: Mapping[str, Any], text: str = "") -> Preset:
        """Keep values under a name; what belongs to one training only is left out. Raises BadRequest for values that cannot be."""
        name = name.strip()
        if not NAME.fullmatch(name) or name.startswith("."):
            raise BadRequest(
                f"A preset cannot be called '{name}'.", "Its name is a file's: 1 to 80 characters, none of / \\ : * ? \" < > |."
            )
        preset = Preset(name, text.strip(), checked(values))
        write_whole(self.folder / f"{name}.json", preset.as_file())
        return preset

    def add(self, name: str, data: bytes) -> Preset:
        """Keep a preset file that someone passed on. Raises BadRequest for what is none."""
        preset = parsed(name, data, bundled=False)
        return self.write(preset.name, preset.values, preset.text)

    def remove(self, name: str) -> None:
        """Take a person's own preset away. Raises NotFound, and BadRequest for one that comes with the program."""
        if self.read(name).bundled:
            raise BadRequest(f"The preset '{name}' comes with the program and stays.", "Save your own under its name to replace it.")
        (self.folder / f"{name}.json").unlink(missing_ok=True)


def applied(request: TrainingRequest, preset: Preset) -> TrainingRequest:
    """The request with a preset's values; what they do not name stays. Raises BadRequest for values that do not go together."""
    values = request.model_dump()
    for name, value in preset.values.items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return training_request_from(values)


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a preset without those of one training. Raises BadRequest for names and values that cannot be."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name in PERSONAL[""]:
            continue
        if isinstance(value, Mapping):
            own = {key: item for key, item in value.items() if key not in PERSONAL.get(name, ())}
            kept |= {name: own} if own else {}
        else:
            kept[name] = value
    needs_prompt = kept.get("prior", {}).get("on") and not kept["prior"].get("prompt")
    trial = {**kept, "prior": {**kept["prior"], "prompt": "a photo"}} if needs_prompt else kept
    training_request_from(json.loads(json.dumps(trial)))
    return kept


def read_folder(folder: Path, *, bundled: bool) -> list[Preset]:
    """The presets of a folder by name."""
    found: list[Preset] = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(parsed(path.stem, path.read_bytes(), bundled=bundled))
        except (OSError, BadRequest):
            continue
    return found


def parsed(name: str, data: bytes, *, bundled: bool) -> Preset:
    """A preset from a file's bytes. Raises BadRequest with one sentence."""
    try:
        content = json.loads(data) if len(data) <= LARGEST else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("values"), dict):
        raise BadRequest(f"'{name}' is not a preset of this program.", "A preset is a .json file that was saved in the Train tab.")
    return Preset(name, str(content.get("text", "")), checked(content["values"]), bundled)
