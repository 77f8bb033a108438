"""What each kind of job does, and how one of each kind is put into the queue."""

import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.contract.batch import batch_from
from modules.contract.errors import NotFound
from modules.contract.extras import ExtrasRequest, NamedPicture, extras_from
from modules.contract.merge import MergeRequest, merge_request_from
from modules.contract.progress import Reporter
from modules.contract.request import picture_bytes, request_from
from modules.imaging.opening import open_image
from modules.jobs.job import UNFINISHED, Job, Outcome
from modules.jobs.queue import JobQueue, Work

if TYPE_CHECKING:
    from modules.frontend.services import Picture
    from modules.pipeline.extras import Extras
    from modules.pipeline.manager import PipelineManager

TXT2IMG, IMG2IMG, BATCH, EXTRAS, CAPTION, MERGE = "txt2img", "img2img", "batch", "extras", "caption", "merge"
HASHES, EXTENSION, CREATE = "hashes", "extension", "embedding"
DRAWING = (TXT2IMG, IMG2IMG, BATCH, EXTRAS, CAPTION)  # the kinds that take the device
UPLOADS = "uploads"  # where an extras job names its pictures


class Tasks:
    """Work that extensions put into the queue. It is a function and no request, so it is gone when the program ends."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[Reporter], Any]] = {}

    def submit(self, queue: JobQueue, title: str, work: Callable[[Reporter], Any], *, owner: str) -> str:
        """Put work into the queue; the job's id. Raises TooBusy, Unavailable."""
        unfinished = {job.id for job in queue.jobs(states=UNFINISHED, limit=10_000)}
        for gone in [id for id in [*self.waiting] if id not in unfinished]:  # cancelled before they began
            self.waiting.pop(gone, None)
        id = secrets.token_hex(8)
        self.waiting[id] = work
        try:
            return queue.submit(EXTENSION, {}, owner=owner, title=title[:120], durable=False, identifier=id).id
        except BaseException:
            self.waiting.pop(id, None)
            raise

    def do(self, job: Job, report: Reporter) -> Outcome:
        """Do it; a dictionary of JSON values becomes the job's summary. Raises NotFound for work that another process was given."""
        work = self.waiting.pop(job.id, None)
        if work is None:
            raise NotFound("What this job was to do is not known any more.", "Start it again.")
        value = work(report)
        return Outcome("done", value if is_plain(value) else {}, value)


def is_plain(value: Any) -> bool:
    """Whether it is a dictionary that JSON can hold."""
    try:
        return isinstance(value, dict) and json.loads(json.dumps(value)) == value
    except (TypeError, ValueError, RecursionError):
        return False


def kinds_of_work(
    pipeline: "PipelineManager", noted: Callable[[Sequence[str | None]], None], tasks: Tasks | None = None
) -> dict[str, Work]:
    """What each kind of job does. `noted` gets the paths of the pictures that a job has saved, None for one that it has not."""
    from modules.pipeline.batch import run_batch
    from modules.server.uploads import Uploads
    from modules.weights.merge import merge

    finished = extras_of(pipeline)
    uploads = Uploads(pipeline.tools.root / "cache" / "uploads")

    def generation(job: Job, report: Reporter) -> Outcome:
        result = pipeline.generate(request_from(job.request), report)
        noted([image.path for image in result.images])
        return Outcome("interrupted" if result.interrupted else "done", result.summary(), result)

    def batch(job: Job, report: Reporter) -> Outcome:
        result = run_batch(pipeline, batch_from(job.request), report)
        noted([image.path for image in result.images])
        return Outcome("interrupted" if result.interrupted else "done", result.summary(), result)

    def extras(job: Job, report: Reporter) -> Outcome:
        result = finished.run(extras_from(with_pictures(job.request, uploads.read)), report)
        noted([image.path for image in result.images])
        return Outcome("interrupted" if result.interrupted else "done", result.summary(), result)

    def caption(job: Job, report: Reporter) -> Outcome:
        kind = "BLIP" if job.request["model"] == "clip" else "Deepbooru"
        text = pipeline.tools.captions.caption(open_image(picture_bytes(job.request["picture"])), kind, report=report)
        return Outcome("done", {"caption": text}, text)

    def merging(job: Job, report: Reporter) -> Outcome:
        library = pipeline.library
        folder = library.checkpoints.folders[0]
        request = merge_request_from(job.request)
        path = merge(request, checkpoints=library.checkpoints, vaes=library.vaes, folder=folder, report=report)
        return Outcome("done", {"name": path.name}, path)

    def hashing(job: Job, report: Reporter) -> Outcome:
        checkpoints = pipeline.library.checkpoints
        entries = [entry for entry in checkpoints.entries() if entry.sha256 is None]
        report.start(len(entries))
        for entry in entries:
            checkpoints.hashed(entry, report.check)
            report.step(entry.name)
        return Outcome("done", {"count": len(entries)}, len(entries))

    def creating(job: Job, report: Reporter) -> Outcome:
        path = new_embedding(pipeline, **job.request)
        return Outcome("done", {"name": path.name}, path)

    return {TXT2IMG: generation, IMG2IMG: generation, BATCH: batch, EXTRAS: extras, CAPTION: caption, MERGE: merging, HASHES: hashing,
            CREATE: creating, EXTENSION: (tasks or Tasks()).do}  # fmt: skip


def new_embedding(pipeline: "PipelineManager", *, name: str, vectors: int, text: str) -> Path:
    """Write an embedding that is as some words are, for the chosen checkpoint; its file. Raises NotFound, BadRequest."""
    import torch

    from modules.training.files.embedding_file import write_embedding
    from modules.training.methods.embedding_method import GOALS, beginning

    entry = pipeline.chosen()
    if entry is None:
        raise NotFound("There is no checkpoint that the embedding could be for.", "Put one into the folder of checkpoints.")
    components = pipeline.load(entry, pipeline.settings.current).components
    path = pipeline.library.embeddings.folders[0] / f"{name}.safetensors"
    write_embedding(path, beginning(components, text or GOALS["subject"], vectors), {"ss_output_name": name}, torch.float32)
    pipeline.refresh()
    return path


def extras_of(pipeline: "PipelineManager") -> "Extras":
    """The operations on finished pictures. They read any folder of this machine: only the page names one, and only to a person here."""
    from modules.pipeline.extras import Extras

    tools = pipeline.tools
    everywhere = [Path(tools.root.absolute().anchor)]
    return Extras(pipeline.settings, tools.root, tools.upscalers, tools.faces, tools.captions, tools.screen, readable=lambda: everywhere)


def with_pictures(request: dict[str, Any], read: Callable[[str], bytes]) -> dict[str, Any]:
    """An extras request with the uploads that it names as its pictures. Raises NotFound for one that is not kept any more."""
    values = dict(request)
    named = values.pop(UPLOADS, [])
    return {**values, "pictures": [{"data": read(one["id"]), "name": one["name"]} for one in named]} if named else values


def submit_finishing(
    pipeline: "PipelineManager", queue: JobQueue, request: ExtrasRequest, pictures: Sequence["Picture"], owner: str
) -> str:
    """Put operations on pictures that were sent up into the queue; the job's id. Raises NotFound, NotSupported, BadRequest.

    The job keeps the uploads' ids and not their bytes: a batch may be hundreds of megabytes.
    """
    uploaded = request.model_copy(update={"pictures": tuple(NamedPicture(data=b"", name=one.name) for one in pictures)})
    values = extras_of(pipeline).check(uploaded).model_copy(update={"pictures": ()}).model_dump(mode="json")
    what = request.folder or (f"{len(pictures)} pictures" if len(pictures) > 1 else pictures[0].name)
    named = [one._asdict() for one in pictures]
    return queue.submit(EXTRAS, {**values, UPLOADS: named}, owner=owner, title=f"Extras: {what}"[:120]).id


def submit_merge(pipeline: "PipelineManager", queue: JobQueue, request: MergeRequest, owner: str) -> str:
    """Put a merge into the queue; answers with the job's id. Raises NotFound for checkpoints that are not there."""
    for name in (request.primary, request.secondary, request.tertiary):
        if name:
            pipeline.find(name)
    title = request.custom_name or f"Merge of {request.primary}"
    return queue.submit(MERGE, request.model_dump(mode="json"), owner=owner, title=title[:120]).id
