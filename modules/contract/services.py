"""What the faces may ask of the rest, as protocols; `app.py` fills them in, a test can too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult


@dataclass(frozen=True)
class ModelEntry:
    """A model as a list shows it. `title` is `folder/name.ext [hash]` once hashed; `problem` says why it cannot be used.

    `alias` is the name that the file gives itself; `metadata` is what its header says.
    """

    title: str
    name: str
    path: Path
    short_hash: str | None = None
    sha256: str | None = None
    config: Path | None = None
    problem: str | None = None
    alias: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class SamplerEntry:
    """A sampler as a list shows it."""

    name: str
    aliases: tuple[str, ...]
    options: dict[str, str]


@dataclass(frozen=True)
class ScheduleEntry:
    """A noise schedule as a list shows it: `name` in files and requests, `label` on the page."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()
    default_rho: float = -1
    needs_model: bool = False


@dataclass(frozen=True)
class TokenCount:
    """How many tokens the longest variant of a prompt takes, and how many fit into the chunks it needs."""

    used: int
    limit: int
    problem: str | None = None


class Models(Protocol):
    """The models on disk and the one that is chosen."""

    def checkpoints(self) -> Sequence[ModelEntry]: ...

    def refresh(self) -> None:
        """Look at the folders again."""
        ...

    def chosen(self) -> ModelEntry | None:
        """The checkpoint of the settings, as the list has it."""
        ...

    def choose(self, name: str) -> ModelEntry:
        """Make a checkpoint the chosen one, by title, name or hash, and load it. Raises NotFound, BadRequest; then the old one stays."""
        ...

    def find(self, name: str) -> ModelEntry:
        """Raises NotFound."""
        ...


class Generation(Protocol):
    """What can be asked of the pipeline."""

    def samplers(self) -> Sequence[SamplerEntry]: ...

    def schedules(self) -> Sequence[ScheduleEntry]: ...

    def count_tokens(self, prompt: str, steps: int) -> TokenCount: ...

    def check(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its names resolved. Raises BadRequest, NotFound, NotSupported for what cannot be done."""
        ...


class Submit(Protocol):
    """Puts a checked request into the queue; answers with the job's id."""

    def __call__(self, request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str: ...


class Results(Protocol):
    """The result of a job that ended in this process; None for older ones, of which only the summary is left."""

    def __call__(self, job: str) -> GenerationResult | None: ...


@dataclass(frozen=True)
class Folders:
    """Where things lie. `outputs` is the only folder that is served."""

    data: Path
    models: Path
    outputs: Path


@dataclass(frozen=True)
class ModelFile:
    """A file on disk as the Models tab shows it. `folder` and `kind`: where it lies; `belongs`: the kind that it is of in truth.

    `known`: its header has been read. `problem` says why it cannot be used, `hint` what to do. `same_as`: files with the same
    content; `maybe_same`: files of the same size, whose hashes are not known yet. Times are seconds since 1970, sizes bytes.
    """

    id: str
    name: str
    folder: str
    kind: str
    path: Path
    size: int
    modified: float
    created: float
    title: str = ""
    sha256: str | None = None
    family: str | None = None
    details: tuple[str, ...] = ()
    known: bool = True
    problem: str | None = None
    hint: str = ""
    belongs: str | None = None
    used: bool = True
    same_as: tuple[str, ...] = ()
    maybe_same: tuple[str, ...] = ()
