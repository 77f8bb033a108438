"""What the page is given: the rest of the program as one value, so that a test can hand it something small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from modules.contract.request import GenerationRequest
from modules.contract.services import Folders, Generation, Models, Results, Submit
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


class Keep(Protocol):
    """Writes a picture that was not saved into the output folder; answers with its path."""

    def __call__(self, job: str, number: int) -> str: ...


@dataclass(frozen=True)
class PageServices:
    """The rest of the program. `defaults` is what the fields start with under the chosen checkpoint, its native size above all."""

    generation: Generation
    models: Models
    submit: Submit
    results: Results
    queue: PageQueue
    settings: SettingsStore
    folders: Folders
    defaults: Callable[[], GenerationRequest]
    keep: Keep | None = None
