"""What an extension is given: in a run, in routes, in the queue."""

import asyncio
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, Unavailable, WebuiError
from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest, Size, picture_text
from modules.contract.services import Folders
from modules.extension_program import Offer, host_of, pages_of
from modules.families.identify import check_checkpoint
from modules.infotext import pasted
from modules.jobs.order import Order
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.plugins.host import Host
from modules.plugins.registry import Registry
from modules.settings.store import SettingsStore
from modules.work import Tasks, kinds_of_work
from tests import tiny
from tests.plugins.writing import extension
from tests.tiny import Listener

CODE = """
from modules.plugins import Extension, Options, Slider, hook

class Mine(Extension):
    class Settings(Options):
        factor: int = Slider(3, 1, 9, "Factor")

    class Options(Options):
        strength: float = Slider(0.5, 0, 1, "Strength", step=0.1)

    @hook.batch
    def say(self, run):
        run.notes["Factor"] = self.settings.factor
        run.notes["Name"] = self.host.program.chosen_checkpoint().name
"""
UNREADABLE = CODE + """
    @classmethod
    def notes(cls, options, title):
        raise RuntimeError("on purpose")
"""
WATCHING = CODE.replace("class Settings", "observer = True\n    class Settings")
REQUEST = GenerationRequest(prompt="x", size=Size(64, 64), steps=1, sampler="Euler a", seed=7, save=False, settings={"randn_source": "CPU"})


class World:
    """The program without its faces."""

    def __init__(self, root: Path) -> None:
        (root / "models" / "Stable-diffusion").mkdir(parents=True)
        tiny.checkpoint(root / "models" / "Stable-diffusion" / "one.safetensors", seed=0)
        extension(root / "extensions", "given_mine", CODE)
        extension(root / "extensions", "given_unreadable", UNREADABLE)
        extension(root / "extensions", "given_xl", CODE, more='families = ["sdxl", "sd2"]')
        extension(root / "extensions", "given_watching_xl", WATCHING, more='families = ["sdxl"]')
        self.settings = SettingsStore(root / "settings.json")
        self.registry = Registry.of(root / "extensions")
        library = Library.at(root / "models", root, check_checkpoint)
        self.pipeline = PipelineManager(
            library=library, settings=self.settings, root=root, device=lambda: tiny.CPU, relays=self.registry.instances
        )
        tasks = Tasks()
        self.queue = JobQueue(JobStore(root / "jobs.sqlite3"), kinds_of_work(self.pipeline, lambda paths: None, tasks), lambda: 8)
        folders = Folders(root, root / "models", root / "outputs")
        offer = Offer(
            "", "", folders, self.pipeline, self.settings, self.queue, tasks, self.upload, self.submit, self.registry.ledger.note
        )
        self.registry.hosts = partial(host_of, offer)
        self.registry.watch(lambda: self.settings.extend(pages_of(self.registry)))
        self.queue.start()

    def upload(self, id: str) -> bytes:
        return b"upload " + id.encode()

    def submit(self, request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        return self.queue.submit("txt2img", request.model_dump(mode="json"), owner=owner, durable=durable, identifier=identifier).id

    def host(self, name: str = "given_mine") -> Host:
        host = self.registry.hosts(next(row for row in self.registry.extensions() if row.name == name), {})
        assert host is not None
        return host

    def infotext(self, **extensions: Any) -> str:
        asked = REQUEST.replace(extensions=extensions)
        self.listener = Listener()
        return self.pipeline.generate(self.pipeline.check(asked), self.listener).images[0].infotext


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.queue.stop(5)


def test_a_picture_tells_of_the_extensions_that_made_it(world: World) -> None:
    text = world.infotext(given_mine={"strength": 0.2})
    assert world.registry.read_notes(pasted(text).unknown)[0] == {"given_mine": {"strength": 0.2}}
    assert "Given Mine" not in world.infotext()


def test_one_that_cannot_say_what_it_did_costs_no_picture(world: World) -> None:
    assert "Given Unreadable" not in world.infotext(given_unreadable={})
    assert any("could not say what it did" in text for text in world.listener.warnings)


def test_its_settings_hold_in_a_run_and_a_request_s_own_go_on_top(world: World) -> None:
    world.settings.update({"given_mine_factor": 4})
    assert "Factor: 4, Name: one" in world.infotext(given_mine={}) and world.host().settings.factor == 4
    asked = REQUEST.replace(extensions={"given_mine": {}}, settings={**REQUEST.settings, "given_mine_factor": 8})
    assert "Factor: 8" in world.pipeline.generate(asked, Listener()).images[0].infotext


def test_one_for_another_family_of_models_is_refused_and_an_observer_left_out(world: World) -> None:
    with pytest.raises(BadRequest, match=r"Given Xl works with SDXL and Stable Diffusion 2 only; one is Stable Diffusion 1."):
        world.infotext(given_xl={})
    assert "Factor" not in world.infotext()


def test_lists_models_and_folders(world: World, tmp_path: Path) -> None:
    program = world.host().program
    assert program.choices("checkpoint")[0].startswith("one") and "Euler a" in program.choices("sampler")
    kinds = ("checkpoint", "vae", "lora", "embedding", "hypernetwork", "upscaler", "sampler", "schedule", "style", "controlnet")
    assert all(program.choices(kind) is not None for kind in kinds)
    assert [entry.name for entry in program.models("checkpoint")] == ["one"] and program.models("controlnet") == []
    with pytest.raises(NotFound, match=r"no kind of names named 'chekpoint'.*checkpoint"):
        program.choices("chekpoint")
    with pytest.raises(NotFound, match="no kind of model named 'sampler'"):
        program.models("sampler")
    assert world.host().data.is_dir() and world.host().data.parent.parent == program.folders.data


def test_pictures_by_upload_or_base64(world: World) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    program, text = world.host().program, picture_text(buffer.getvalue())
    assert program.picture(text) == program.picture(f"data:image/png;base64,{text}") == buffer.getvalue()
    assert program.picture("a" * 64) == b"upload " + b"a" * 64
    for wrong in ("", "!!", "data:image/png;base64,???"):
        with pytest.raises(BadRequest):
            program.picture(wrong)


def test_a_generation_is_submitted_and_waited_for(world: World) -> None:
    program = world.host().program
    result = program.result(program.submit(REQUEST, owner="me"), seconds=60)
    assert result.images[0].image.size == (64, 64)
    with pytest.raises(NotFound):
        program.submit(REQUEST.replace(sampler="Eular"), owner="me")


def test_other_work_runs_in_the_queue_and_gives_what_it_gives(world: World) -> None:
    program = world.host().program

    def count(report: Reporter) -> dict[str, int]:
        report.start(3)
        for _ in range(3):
            report.step()
        return {"three": 3}

    job = program.submit_work("Counting", count, owner="me")
    assert program.result(job, seconds=60) == {"three": 3}
    ended = world.queue.get(job)
    assert (ended.kind, ended.title, ended.summary, ended.state) == ("extension", "Counting", {"three": 3}, "done")
    other = object()
    assert program.result(program.submit_work("Anything", lambda report: other, owner="me"), seconds=60) is other


@pytest.mark.parametrize("error", [RuntimeError("on purpose"), SystemExit(3), KeyboardInterrupt(), RecursionError("deep")])
def test_work_that_fails_is_named_and_the_queue_goes_on(world: World, error: BaseException) -> None:
    def fail(report: Reporter) -> None:
        raise error

    program = world.host().program
    with pytest.raises(WebuiError, match=f"Given Mine failed in its work: {type(error).__name__}"):
        program.result(program.submit_work("Failing", fail, owner="me"), seconds=60)
    assert world.registry.ledger.of("given_mine").failures[-1].hook == "work"
    assert program.result(program.submit_work("Fine", lambda report: 1, owner="me"), seconds=60) == 1


def test_waiting_in_the_queue_s_own_thread_is_refused_and_a_slow_job_is_not_waited_for(world: World) -> None:
    program = world.host().program
    inner = program.submit_work("Outer", lambda report: program.result("any"), owner="me")
    with pytest.raises(WebuiError, match="cannot wait for another"):
        program.result(inner, seconds=60)
    Order(world.queue).pause()
    job = program.submit_work("Waiting", lambda report: 1, owner="me")
    with pytest.raises(Unavailable, match=r"takes longer than 0.1 seconds"):
        program.result(job, seconds=0.1)
    world.queue.cancel(job)
    Order(world.queue).resume()
    assert asyncio.run(world.queue.wait(job)).state == "cancelled"
    with pytest.raises(Unavailable, match="cancelled"):
        program.result(job)
