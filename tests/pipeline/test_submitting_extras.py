"""How the page's operations on pictures get into the queue and out of it again: by uploads and folders, not by bytes."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.extras import Enlarging, ExtrasRequest, FaceRestoring, extras_from
from modules.frontend.services import Picture
from modules.pipeline.caption import Captions
from modules.pipeline.faces import Faces
from modules.pipeline.upscale import Upscalers
from modules.screening import Screen
from modules.server.uploads import Uploads
from modules.settings.store import SettingsStore
from modules.work import EXTRAS, extras_of, submit_finishing, with_pictures
from tests.pipeline.pictures import Counting

LANCZOS = Enlarging(upscaler="Lanczos", scale=2)


class Queue:
    """Takes jobs."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, dict[str, Any], str, str]] = []

    def submit(self, kind: str, request: dict[str, Any], *, owner: str, title: str) -> Any:
        self.jobs.append((kind, json.loads(json.dumps(request)), owner, title))
        return SimpleNamespace(id="job-1")


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    models = tmp_path / "models"

    def place() -> torch.device:
        return torch.device("cpu")

    tools = SimpleNamespace(
        root=tmp_path / "data",
        upscalers=Upscalers(models, place),
        faces=Faces(models, place),
        captions=Captions(models, place),
        screen=Screen(),
    )
    return SimpleNamespace(tools=tools, settings=SettingsStore(tmp_path / "settings.json"))


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 24), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_job_holds_ids_and_its_work_finds_the_pictures(pipeline: Any, tmp_path: Path) -> None:
    uploads, queue = Uploads(tmp_path / "uploads"), Queue()
    pictures = [Picture(uploads.keep(png()).id, "cat.png")]
    assert submit_finishing(pipeline, cast(Any, queue), ExtrasRequest(enlarging=LANCZOS, save=False), pictures, "me") == "job-1"
    [(kind, request, owner, title)] = queue.jobs
    assert (kind, owner, title) == (EXTRAS, "me", "Extras: cat.png")
    assert len(json.dumps(request)) < 2000
    [made] = extras_of(pipeline).run(extras_from(with_pictures(request, uploads.read)), Counting()).images
    assert (made.image.size, made.name) == ((32, 48), "cat")


def test_any_folder_of_the_machine_is_read(pipeline: Any, tmp_path: Path) -> None:
    elsewhere, queue = tmp_path / "elsewhere", Queue()
    elsewhere.mkdir()
    (elsewhere / "a.png").write_bytes(png())
    submit_finishing(pipeline, cast(Any, queue), ExtrasRequest(enlarging=LANCZOS, folder=str(elsewhere), save=False), [], "me")
    request = extras_from(with_pictures(queue.jobs[0][1], Uploads(tmp_path / "uploads").read))
    assert [one.image.size for one in extras_of(pipeline).run(request, Counting()).images] == [(32, 48)]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (ExtrasRequest(enlarging=LANCZOS), BadRequest),
        (ExtrasRequest(folder="nowhere at all"), NotFound),
        (ExtrasRequest(folder=".", output_folder="../../outside"), BadRequest),
        (ExtrasRequest(folder=".", enlarging=Enlarging(upscaler="no such")), NotFound),
        (ExtrasRequest(folder=".", gfpgan=FaceRestoring()), NotSupported),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_is_queued(request_: ExtrasRequest, error: type[Exception], pipeline: Any) -> None:
    queue = Queue()
    pipeline.tools.root.mkdir()
    with pytest.raises(error):
        submit_finishing(pipeline, cast(Any, queue), request_, [], "me")
    assert not queue.jobs


def test_an_upload_that_is_gone_fails_the_job_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not kept any more"):
        with_pictures({"uploads": [{"id": "0" * 64, "name": "cat.png"}]}, Uploads(tmp_path).read)
