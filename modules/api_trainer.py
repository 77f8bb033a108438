"""What A1111's API trains with: the queue of trainings and the embeddings that there are."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from modules.a1111.parts import Ended
from modules.contract.errors import BadRequest, NotFound
from modules.contract.training import TrainingRequest
from modules.jobs.queue import JobQueue
from modules.server.here import from_this_machine
from modules.server.training import Desk, leave
from modules.training.runs.queue import Runs
from modules.training.runs.run_folder import ENDED
from modules.work import CREATE

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager


class ApiTrainer:
    """Implements `a1111.parts.Trainer`. `may` says whose requests may train at all."""

    def __init__(self, runs: Runs, desk: Desk, pipeline: "PipelineManager", queue: JobQueue, may: Callable[[Request], bool]) -> None:
        self.runs, self.desk, self.pipeline, self.queue, self.may = runs, desk, pipeline, queue, may

    def create(self, name: str, values: Mapping[str, Any], asked: Request) -> str:
        """Have an embedding made; the job's id. Raises NotAllowed, BadRequest for a name that cannot be or is taken."""
        from modules.training.runs.publish import checked_name

        leave(asked, self.may)
        name = checked_name(name)
        if not values["overwrite"] and any(one.name.lower() == name.lower() for one in self.pipeline.library.embeddings.embeddings()):
            raise BadRequest(f"There is an embedding named '{name}' already.", "Say overwrite_old to replace it.")
        wanted = {"name": name, "vectors": values["vectors"], "text": values["text"]}
        return self.queue.submit(CREATE, wanted, owner="", title=f"Embedding {name}").id

    def vectors(self, name: str) -> int:
        """How many vectors an embedding has. Raises NotFound."""
        known = {one.name: one.count for one in self.pipeline.library.embeddings.embeddings()}
        if name not in known:
            raise NotFound.among("embedding", name, known)
        return known[name]

    def train(self, request: TrainingRequest, asked: Request) -> str:
        """Put a training into the queue; its id. Raises NotAllowed, BadRequest, NotFound."""
        leave(asked, self.may)
        return self.desk.add(request, here=from_this_machine(asked), first=False)

    def ended(self, id: str) -> Ended | None:
        """How it ended; None while it has not. One that is paused has not. Raises NotFound."""
        status = self.runs.get(id).status()
        if status.state not in ENDED:
            return None
        if status.error:
            return Ended(error=status.error, hint=status.hint)
        return Ended(published=status.published)
