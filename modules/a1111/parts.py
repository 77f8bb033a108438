"""What A1111's API stands on: the parts of the program that it is handed, as protocols."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from starlette.requests import Request

from modules.a1111.pasted import ReadNotes
from modules.a1111.scripts import Scripts
from modules.contract.errors import NotSupported
from modules.contract.services import Folders, Generation, ModelEntry, Models, Results, Submit
from modules.contract.training import TrainingRequest
from modules.jobs.queue import JobQueue
from modules.settings.store import SettingsStore

T = TypeVar("T")
Kind = Literal["checkpoint", "vae", "lora", "embedding", "hypernetwork"]


class Upscaler(Protocol):
    """An upscaler as a list shows it; `path` and `url` are None for what needs no file."""

    @property
    def name(self) -> str: ...

    @property
    def model_name(self) -> str | None: ...

    @property
    def path(self) -> Path | str | None: ...

    @property
    def url(self) -> str | None: ...

    @property
    def scale(self) -> float: ...


@dataclass(frozen=True)
class EmbeddingEntry:
    """An embedding as a list shows it. `width` is the length of its vectors, `usable` whether the loaded model takes them."""

    name: str
    vectors: int
    width: int
    usable: bool = True
    step: int | None = None
    checkpoint: str | None = None
    checkpoint_name: str | None = None


class Style(Protocol):
    """A saved style."""

    @property
    def name(self) -> str: ...

    @property
    def prompt(self) -> str: ...

    @property
    def negative_prompt(self) -> str: ...


@dataclass(frozen=True)
class ExtensionEntry:
    """An extension as a list shows it."""

    name: str
    version: str = ""
    remote: str = ""
    branch: str = ""
    commit_hash: str = ""
    commit_date: int = 0
    enabled: bool = True


class Lists(Protocol):
    """What a person can choose from, beside checkpoints, samplers and schedules."""

    def upscalers(self) -> Sequence[Upscaler]:
        """All, `None`, `Lanczos` and `Nearest` first."""
        ...

    def latent_upscale_modes(self) -> Sequence[str]: ...

    def face_restorers(self) -> Sequence[str]: ...

    def networks(self, kind: Kind) -> Sequence[ModelEntry]:
        """The files of a kind: `name` as prompts and settings have it, `alias` and `metadata` for LoRAs."""
        ...

    def embeddings(self) -> Sequence[EmbeddingEntry]: ...

    def styles(self) -> Sequence[Style]: ...

    def refresh(self, kind: Kind) -> None:
        """Look at the folders of a kind again."""
        ...


class SubmitExtras(Protocol):
    """Puts an ExtrasRequest (modules.contract.extras) into the queue; answers with the job's id. The job's value is an ExtrasResult."""

    def __call__(self, request: Any, *, owner: str, identifier: str | None = None) -> str: ...


class SubmitCaption(Protocol):
    """Puts a picture to be described into the queue; answers with the job's id. The job's value is the text."""

    def __call__(self, picture: bytes, *, model: Literal["clip", "deepdanbooru"], owner: str) -> str: ...


class Residence(Protocol):
    """Where the loaded checkpoint is."""

    def unload(self) -> None:
        """Give back its memory; the next job loads it again. Waits for the running job's batch."""
        ...

    def reload(self) -> None:
        """Load the chosen checkpoint again."""
        ...


@dataclass(frozen=True)
class Ended:
    """How a training ended: the name that its file has among the models, or what is wrong."""

    published: str = ""
    error: str = ""
    hint: str = ""


class Trainer(Protocol):
    """Makes embeddings and trains them."""

    def create(self, name: str, values: Mapping[str, Any], asked: Request) -> str:
        """Have an embedding made of "vectors" vectors that are those of some "text"; the job's id. Raises BadRequest for a name that
        is taken, unless it is to "overwrite"; NotAllowed for whoever may not."""
        ...

    def vectors(self, name: str) -> int:
        """How many vectors an embedding has. Raises NotFound."""
        ...

    def train(self, request: TrainingRequest, asked: Request) -> str:
        """Put a training into the queue; its id. Raises BadRequest with what stands in its way, NotAllowed."""
        ...

    def ended(self, id: str) -> Ended | None:
        """How it ended; None while it has not. Raises NotFound."""
        ...


@dataclass(frozen=True)
class Stopping:
    """Ways to end the program; `restart` is None where nothing would start it again."""

    stop: Callable[[], None]
    restart: Callable[[], None] | None = None


@dataclass(frozen=True)
class Parts:
    """All of them. What is None this program does not have, and the routes that need it say so."""

    queue: JobQueue
    generation: Generation
    models: Models
    settings: SettingsStore
    submit: Submit
    results: Results
    folders: Folders | None = None
    lists: Lists | None = None
    scripts: Scripts | None = None
    read_notes: ReadNotes = lambda notes, tab: ({}, set())  # of the extensions, from an infotext
    submit_extras: SubmitExtras | None = None
    submit_caption: SubmitCaption | None = None
    residence: Residence | None = None
    device_memory: Callable[[], Mapping[str, Any] | None] = lambda: None  # A1111's `cuda` of /sdapi/v1/memory
    extensions: Callable[[], Sequence[ExtensionEntry]] = tuple
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])  # the command line's flags by name; secrets may be among them
    start_seconds: Callable[[], float] = lambda: 0.0
    trainer: Trainer | None = None
    stopping: Stopping | None = None  # only with --api-server-stop


def needed(part: T | None, what: str) -> T:
    """The part. Raises NotSupported if this program has none."""
    if part is None:
        raise NotSupported(f"This program has no {what}.")
    return part
