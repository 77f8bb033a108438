"""What the program offers an extension outside of a run: its folders, its settings, and what there is to choose from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fastapi import Request
from PIL.Image import Image

from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest
from modules.contract.services import Folders, ModelEntry
from modules.settings.groups import Settings


class Program(Protocol):
    """The rest of the program, as extensions may use it. All of it may be called from any thread."""

    @property
    def folders(self) -> Folders:
        """Where things lie."""
        ...

    def choices(self, kind: str) -> Sequence[str]:
        """The names of a kind: checkpoint, vae, lora, embedding, hypernetwork, upscaler, sampler, schedule, style, controlnet."""
        ...

    def models(self, kind: str) -> Sequence[ModelEntry]:
        """The model files of a kind: checkpoint, vae, lora, hypernetwork, controlnet. Embeddings have names only; see `choices`."""
        ...

    def refresh(self) -> None:
        """Look at the folders of models again, as the page's buttons do."""
        ...

    def chosen_checkpoint(self) -> ModelEntry | None:
        """The checkpoint that pictures are made with unless they say otherwise."""
        ...

    def settings(self) -> Settings:
        """The program's settings as they are now: a frozen copy."""
        ...

    def picture(self, reference: str) -> bytes:
        """The bytes of a picture that the page names: an upload's id, or base64, a `data:` head before it or not.

        Raises NotFound, BadRequest.
        """
        ...

    def from_this_machine(self, request: Request) -> bool:
        """Whether a call of a route comes from the machine that the program runs on: folders may be named by its people only."""
        ...

    def show_file(self, path: Path, request: Request) -> bool:
        """Show a file in the file manager, for a route's call from this machine. False where there is no file manager or file.

        Raises NotSupported for calls from elsewhere.
        """
        ...

    def screened(self, image: Image) -> Image:
        """A picture as it may go out, for routes that answer with one that they made. Raises what the content screen raises."""
        ...

    def submit(self, request: GenerationRequest, *, owner: str) -> str:
        """Put a generation into the queue; the job's id. Raises BadRequest, NotFound."""
        ...

    def submit_work(self, title: str, work: Callable[[Reporter], Any], *, owner: str) -> str:
        """Put other long work into the queue, which is not kept over a restart; the job's id, whose result is what `work` returns.

        A dictionary of JSON values is the job's summary, too. Raises TooBusy, Unavailable.
        """
        ...

    def result(self, job: str, *, seconds: float = 600) -> Any:
        """Wait for a job, and have what it gave: a GenerationResult, or what its work returned. Not to be called by a job or a hook.

        Raises what the job failed with, Unavailable if it was cancelled or takes longer.
        """
        ...


@dataclass(frozen=True)
class Host:
    """What one extension has. `folder` is its own, `data` is where it may keep files (made when first asked for)."""

    name: str
    folder: Path
    program: Program
    own_settings: Callable[[], Any]

    @property
    def settings(self) -> Any:
        """Its settings as they are now: an instance of its `Settings`."""
        return self.own_settings()

    @property
    def data(self) -> Path:
        """The folder for its files, in the data folder."""
        folder = self.program.folders.data / "extension-data" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
