"""What the page asks for. Models are named as the lists name them, never by a path."""

import re
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from modules.contract.errors import BadRequest, NotFound
from modules.contract.services import ModelEntry
from modules.plugins import Host
from modules.weights.hashes import HashCache

from . import records
from .pictures import PresetPictures, made_small
from .records import Record, Records, checked_url, existing
from .training import training_words

Kind = Literal["checkpoint", "lora"]
PICTURE = "An upload's id, or base64."
YEAR = 365 * 86_400  # seconds: a picture's address changes with it


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
    """A preset, the text that it gets, and its picture if it gets another. Without `replace`, one of that name stays."""

    preset: str
    text: str = Field(max_length=records.LONGEST_PRESET)
    replace: bool = False
    picture: str = Field("", description=PICTURE)


class Named(Target):
    """A preset that there is, and for a change of its name the new one."""

    preset: str
    to: str = ""


class Pictured(Target):
    """A preset that there is, and its picture; none takes it away."""

    preset: str
    picture: str = Field("", description=PICTURE)


class Shown(Target):
    """What to show in the file manager: the model's own file, or the one that its presets are kept in."""

    what: Literal["model", "presets"] = "model"


class Shared(Target):
    """A sharing text."""

    text: str = Field(max_length=records.LARGEST_FILE)


class Presets:
    """The models of the program with what is kept of each."""

    def __init__(self, host: Host) -> None:
        self.host = host
        own = host.program.folders.data / "model presets"
        self.records = Records([own, host.data / "model presets", host.data])
        self.pictures = PresetPictures(own / "pictures")
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
            "card": names_of(entry)[2],
            "hash": digits,
            "url": record.url if safe(record.url) else "",
            "default_preset": record.default_preset,
            "trigger_words": record.trigger_words,
            "presets": record.presets,
            "pictures": self.pictures.versions(digits, record.presets),
            "suggested": training_words(entry.metadata),
            "template": template(record.trigger_words, f"<lora:{entry.name}:1>" if target.kind == "lora" else "", digits),
        }

    def change(self, target: Target, act: Callable[[Record], None], picture: Callable[[str], None] = lambda digits: None) -> dict[str, Any]:
        """Change a model's record, and then a preset's picture by the model's digits; the model as the page shows it then."""
        entry = self.entry(target)
        sha256 = self.sha256(entry)
        record = self.records.change(sha256, act)
        picture(sha256[: records.SHORT])
        return self.shown(target, entry, record)

    def small(self, reference: str) -> bytes:
        """The picture that the page names, made small; empty for none. Raises NotFound, BadRequest."""
        return made_small(self.host.program.picture(reference)) if reference else b""

    def named(self, digits: str) -> str:
        """The checkpoint whose hash begins with some digits; empty if none is known to. Hashes that nobody knows are not made."""
        known = self.host.program.models("checkpoint")
        return next((one.name for one in known if (one.sha256 or one.short_hash or "").startswith(digits)), "")


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
    def models(request: Request) -> dict[str, Any]:
        """The names of each kind, and the chosen checkpoint's. `here`: the page is on the program's machine."""
        chosen = host.program.chosen_checkpoint()
        kinds: tuple[Kind, ...] = ("checkpoint", "lora")
        names = {kind: [one.name for one in host.program.models(kind)] for kind in kinds}
        here = host.program.from_this_machine(request)
        return {"chosen": chosen.name if chosen else "", "models": names, "here": here}

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

    @router.get("/named")
    def named(digits: str = Query(pattern="^[0-9a-f]{8,64}$")) -> dict[str, str]:
        """The checkpoint that an infotext names by its hash; an empty name if there is none."""
        return {"name": presets.named(digits)}

    add_changes(router, presets)
    add_pictures(router, presets)


def add_pictures(router: APIRouter, presets: Presets) -> None:
    """What shows a preset in small, and where files lie. The picture of a model is its card's: `webui/cards/<kind>/preview`."""

    @router.get("/picture")
    def picture(preset: str, kind: Kind = "checkpoint", name: str = "") -> FileResponse:
        """A preset's picture. Its address carries a version that changes with it."""
        entry = presets.entry(Target.model_construct(kind=kind, name=name))
        path = presets.pictures.find(presets.sha256(entry)[: records.SHORT], preset)
        return FileResponse(path, media_type="image/webp", headers={"Cache-Control": f"private, max-age={YEAR}, immutable"})

    @router.post("/picture")
    def show_by(body: Pictured) -> dict[str, Any]:
        small, entry = presets.small(body.picture), presets.entry(body)
        sha256 = presets.sha256(entry)
        record = presets.records.read(sha256)
        presets.pictures.put(sha256[: records.SHORT], existing(record, body.preset), small)
        return presets.shown(body, entry, record)

    @router.post("/show")
    def show(body: Shown, request: Request) -> dict[str, Any]:
        """Show a file in the file manager, for the page on this machine. Where there is none, the answer says the path alone."""
        entry = presets.entry(body)
        path = presets.records.place(presets.sha256(entry)) if body.what == "presets" else entry.path
        if not path.exists():
            raise NotFound(f"There is no file {path.name} yet.", "It is written when something of this model is saved.")
        return {"shown": presets.host.program.show_file(path, request), "path": str(path)}


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

        small = presets.small(body.picture)
        return presets.change(body, act, lambda digits: presets.pictures.put(digits, body.preset.strip(), small) if small else None)

    @router.post("/delete")
    def remove(body: Named) -> dict[str, Any]:
        def act(record: Record) -> None:
            records.delete(record, body.preset)

        return presets.change(body, act, lambda digits: presets.pictures.put(digits, body.preset, b""))

    @router.post("/rename")
    def call(body: Named) -> dict[str, Any]:
        def act(record: Record) -> None:
            records.rename(record, body.preset, body.to)

        return presets.change(body, act, lambda digits: presets.pictures.move(digits, body.preset, body.to.strip()))

    @router.post("/default")
    def prefer(body: Named) -> dict[str, Any]:
        def act(record: Record) -> None:
            record.default_preset = existing(record, body.preset)

        return presets.change(body, act)

    @router.post("/import")
    def take(body: Shared) -> dict[str, Any]:
        other = records.shared(body.text)
        return presets.change(body, lambda record: records.merge(record, other))
