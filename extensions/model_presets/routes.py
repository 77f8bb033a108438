"""What the page asks for. Models are named as the lists name them, never by a path."""

import re
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from modules.contract.errors import BadRequest, NotFound
from modules.contract.services import ModelEntry
from modules.plugins import Host
from modules.weights.hashes import HashCache

from . import records
from .records import Record, Records, checked_url, existing
from .training import training_words

Kind = Literal["checkpoint", "lora"]


class Target(BaseModel):
    """A model of a list. An empty name is the chosen checkpoint."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "checkpoint"
    name: str = Field("", max_length=1000)


class Details(Target):
    """What is kept beside the presets."""

    url: str
    trigger_words: list[str]


class Preset(Target):
    """A preset, and the text that it gets. Without `replace`, one of that name stays."""

    preset: str
    text: str = Field(max_length=records.LONGEST_PRESET)
    replace: bool = False


class Named(Target):
    """A preset that there is, and for a change of its name the new one."""

    preset: str
    to: str = ""


class Shared(Target):
    """A sharing text."""

    text: str = Field(max_length=records.LARGEST_FILE)


class Presets:
    """The models of the program with what is kept of each."""

    def __init__(self, host: Host) -> None:
        self.host = host
        own = host.program.folders.data / "model presets"
        self.records = Records([own, host.data / "model presets", host.data])
        self.hashes = HashCache(host.data / "hashes.json")

    def entry(self, target: Target) -> ModelEntry:
        """The model that is meant. Raises NotFound."""
        program = self.host.program
        chosen = program.chosen_checkpoint() if target.kind == "checkpoint" and not target.name else None
        if chosen:
            return chosen
        entries = program.models(target.kind)
        found = next((one for one in entries if target.name and target.name in names_of(one)), None)
        if found is None:
            raise NotFound.among(target.kind, target.name, (one.name for one in entries))
        return found

    def sha256(self, entry: ModelEntry) -> str:
        """The hash of a model's file; read for it once if the program does not know it. Raises BadRequest."""
        try:
            return entry.sha256 or self.hashes.sha256(entry.path)
        except OSError as error:
            reason = error.strerror or error
            raise BadRequest(f"'{entry.name}' cannot be read ({reason}).", "Presets are kept by a model file's hash.") from None

    def shown(self, target: Target, entry: ModelEntry, record: Record) -> dict[str, Any]:
        """A model as the page shows it."""
        digits = self.sha256(entry)[: records.SHORT]
        return {
            "name": entry.name,
            "hash": digits,
            "url": record.url if safe(record.url) else "",
            "default_preset": record.default_preset,
            "trigger_words": record.trigger_words,
            "presets": record.presets,
            "suggested": training_words(entry.metadata),
            "template": template(record.trigger_words, f"<lora:{entry.name}:1>" if target.kind == "lora" else "", digits),
        }

    def change(self, target: Target, act: Callable[[Record], None]) -> dict[str, Any]:
        """Change a model's record; the model as the page shows it then."""
        entry = self.entry(target)
        return self.shown(target, entry, self.records.change(self.sha256(entry), act))


def names_of(entry: ModelEntry) -> tuple[str, str, str]:
    """What a page may call a model: its name, and its title with and without the hash, which comes when the file was read."""
    return entry.name, entry.title, re.sub(r" \[[0-9a-f]+\]$", "", entry.title)


def template(words: list[str], tag: str, digits: str) -> str:
    """An infotext to be filled in. `tag`: of a LoRA; a checkpoint has none, and is named by the first `digits` of its hash."""
    settings = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: -1, Size: 512x512"
    return f"{', '.join([*words, *filter(None, [tag])])}\nNegative prompt: \n{settings}{'' if tag else f', Model hash: {digits}'}"


def safe(url: str) -> bool:
    """Whether a page may link to an address that stood in a file."""
    try:
        checked_url(url)
    except BadRequest:
        return False
    return True


def add_routes(router: APIRouter, host: Host) -> None:
    """Add them."""
    presets = Presets(host)

    @router.get("/models")
    def models() -> dict[str, Any]:
        """The names of each kind, and the chosen checkpoint's."""
        chosen = host.program.chosen_checkpoint()
        kinds: tuple[Kind, ...] = ("checkpoint", "lora")
        names = {kind: [one.name for one in host.program.models(kind)] for kind in kinds}
        return {"chosen": chosen.name if chosen else "", "models": names}

    @router.get("/model")
    def model(kind: Kind = "checkpoint", name: str = "") -> dict[str, Any]:
        """One model."""
        target = Target.model_construct(kind=kind, name=name)
        entry = presets.entry(target)
        return presets.shown(target, entry, presets.records.read(presets.sha256(entry)))

    @router.get("/default")
    def default(name: str = "") -> dict[str, str]:
        """The default preset of a checkpoint, or of the chosen one; empty texts if it has none."""
        entry = presets.entry(Target.model_construct(kind="checkpoint", name=name))
        record = presets.records.read(presets.sha256(entry))
        return {"name": record.default_preset, "text": record.presets.get(record.default_preset, "")}

    @router.get("/sharing")
    def sharing(kind: Kind = "checkpoint", name: str = "") -> dict[str, str]:
        """A model's sharing text."""
        entry = presets.entry(Target.model_construct(kind=kind, name=name))
        return {"text": records.sharing_text(presets.records.read(presets.sha256(entry)))}

    add_changes(router, presets)


def add_changes(router: APIRouter, presets: Presets) -> None:
    """Those that write. Each answers with the model as it is then."""

    @router.post("/details")
    def details(body: Details) -> dict[str, Any]:
        def act(record: Record) -> None:
            record.url = checked_url(body.url)
            record.trigger_words = list(dict.fromkeys(word.strip() for word in body.trigger_words if word.strip()))

        return presets.change(body, act)

    @router.post("/preset")
    def keep(body: Preset) -> dict[str, Any]:
        def act(record: Record) -> None:
            if not body.replace and body.preset.strip() in record.presets:
                raise BadRequest(f"There is a preset named '{body.preset.strip()}' already.", "Choose another name, or replace it.")
            records.save(record, body.preset, body.text)

        return presets.change(body, act)

    @router.post("/delete")
    def remove(body: Named) -> dict[str, Any]:
        return presets.change(body, lambda record: records.delete(record, body.preset))

    @router.post("/rename")
    def call(body: Named) -> dict[str, Any]:
        return presets.change(body, lambda record: records.rename(record, body.preset, body.to))

    @router.post("/default")
    def prefer(body: Named) -> dict[str, Any]:
        def act(record: Record) -> None:
            record.default_preset = existing(record, body.preset)

        return presets.change(body, act)

    @router.post("/import")
    def take(body: Shared) -> dict[str, Any]:
        other = records.shared(body.text)
        return presets.change(body, lambda record: records.merge(record, other))
