"""What the page is given: the rest of the program as one value, so that a test can hand it something small."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from modules.contract.batch import BatchRequest
from modules.contract.extras import ExtrasRequest
from modules.contract.merge import MergeRequest
from modules.contract.request import GenerationRequest
from modules.contract.services import Folders, Generation, Models, Results, Submit
from modules.infotext import Paste
from modules.settings.store import SettingsStore


class PageJob(Protocol):
    """What the page reads of a job. `summary` is that of GenerationResult once the job has ended well."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def summary(self) -> dict[str, Any] | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def hint(self) -> str | None: ...


class PageQueue(Protocol):
    """What the page asks of the queue; all else about jobs goes over the server's routes."""

    def get(self, identifier: str, /) -> PageJob:
        """Raises NotFound."""
        ...

    def jobs(self, owner: str | None = None) -> Sequence[PageJob]: ...


class SubmitBatch(Protocol):
    """Puts img2img over many pictures into the queue; answers with the job's id. Raises what is wrong with the request."""

    def __call__(self, batch: BatchRequest, *, owner: str) -> str: ...


class Picture(NamedTuple):
    """A picture that the browser has sent up: its upload's id, and the name of its file."""

    id: str
    name: str


@dataclass(frozen=True)
class Finishing:
    """What the Extras tab works with.

    `submit` checks a request, puts it into the queue with the pictures that it is about, and answers with the job's id; it raises
    what is wrong. `folder` is where a result lies, or, of None, where results go.
    """

    upscalers: Callable[[], Sequence[str]]
    submit: Callable[[ExtrasRequest, Sequence[Picture], str], str]
    folder: Callable[[str | None], Path]


@dataclass(frozen=True)
class Merging:
    """What the Checkpoint Merger works with; `outlook` and `metadata` as in `pipeline.merge_outlook`. `submit` takes an owner, too."""

    outlook: Callable[[MergeRequest], dict[str, Any]]
    metadata: Callable[[MergeRequest], dict[str, str]]
    vaes: Callable[[], Sequence[str]]
    submit: Callable[[MergeRequest, str], str]


# What an infotext's pairs say of a tab's extensions, as JSON values by extension, and the labels that were used up.
ReadExtensions = Callable[[Mapping[str, str], str], tuple[dict[str, dict[str, Any]], set[str]]]


def nothing_read(pairs: Mapping[str, str], tab: str) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Where there are no extensions."""
    return {}, set()


@dataclass(frozen=True)
class PageServices:
    """The rest of the program. `defaults` is what the fields start with under the chosen checkpoint, its native size above all.

    `paste` reads an infotext, `apply_styles` writes styles into (prompt, negative prompt), `uploads` gives the bytes of an upload's id;
    it raises NotFound. `page_settings` are the settings that the page goes by, by A1111's keys. `read_extensions` is asked about the
    pairs of an infotext that no field takes.
    """

    generation: Generation
    models: Models
    submit: Submit
    submit_batch: SubmitBatch
    results: Results
    queue: PageQueue
    settings: SettingsStore
    folders: Folders
    defaults: Callable[[], GenerationRequest]
    paste: Callable[[str], Paste]
    styles: Callable[[], Sequence[str]]
    apply_styles: Callable[[str, str, Sequence[str]], tuple[str, str]]
    hires_upscalers: Callable[[], Sequence[str]]
    uploads: Callable[[str], bytes]
    page_settings: Callable[[], Mapping[str, Any]]
    finishing: Finishing | None = None
    merging: Merging | None = None
    read_extensions: ReadExtensions = nothing_read

    def checkpoint_titles(self) -> list[str]:
        """The checkpoints that can be used, by title."""
        return [entry.title for entry in self.models.checkpoints() if not entry.problem]
