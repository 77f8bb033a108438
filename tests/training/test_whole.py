"""A whole training of a tiny checkpoint in its own process: from the queue to the file among the models, and its pictures."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.assembly import build_pipeline, folders_of, handed_on
from modules.command_line import LaunchOptions
from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.contract.request import GenerationRequest, Size
from modules.contract.training import (
    DataOptions,
    DatasetFolder,
    EmbeddingOptions,
    NetworkOptions,
    OptimizerOptions,
    SampleOptions,
    StepOptions,
    TrainingRequest,
)
from modules.infotext import infotext_of
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from modules.training.planning.trials import TRIED
from modules.training.runs import launch
from modules.training.runs.publish import publish
from modules.training.runs.queue import LIVE, Around, Runs
from modules.training.runs.run_folder import RunFolder, free_folder
from modules.training_process import homes_of, main, try_out
from modules.weights.model_metadata import preview, user_metadata
from tests import tiny

DEVICE = {"place": "cpu", "dtype": "float32", "vae_dtype": "float32", "channels_last": False}
pytestmark = pytest.mark.slow


def request(folder: Path, **changes: Any) -> TrainingRequest:
    """A training with all values decided."""
    return TrainingRequest(
        name="red thing",
        trigger="zorblax",
        checkpoint="tiny.safetensors",
        data=DataOptions(folders=(DatasetFolder(folder=str(folder)),), resolution=64, bucket_step=8),
        network=NetworkOptions(rank=4, alpha=4),
        optimizer=OptimizerOptions(rate=1e-3),
        steps=StepOptions(steps=2, batch=2),
        samples=SampleOptions(prompts="zorblax\na dog", steps=1, every=1, width=64, height=64, sampler="Euler"),
    ).model_copy(update=changes)


@dataclass
class Place:
    """A data folder with a checkpoint and four pictures, and the trainings in it."""

    folder: Path
    options: LaunchOptions
    runs: Runs

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    def pipeline(self) -> PipelineManager:
        """What txt2img is made by."""
        folders = folders_of(self.options)
        return build_pipeline(self.options, SettingsStore(folders.data / "settings.json"), folders, device=tiny.CPU)

    def here(self, asked: TrainingRequest) -> RunFolder:
        """A training that was run in this process, which has all that it needs in memory; it has ended."""
        run = free_folder(self.folder / "others", asked.name)
        run.write_request(asked)
        self.runs.around.launch(run)
        kept = signal.getsignal(signal.SIGTERM)
        main(run.path)
        signal.signal(signal.SIGTERM, kept)
        return run

    def ended(self, asked: TrainingRequest, seconds: float = 250.0) -> RunFolder:
        """A training that has ended as it should."""
        run = self.runs.add(asked)
        end = time.monotonic() + seconds
        while run.status().state in (*LIVE, "queued") or launch.process_of(run) is not None:
            assert time.monotonic() < end, run.log.read_text()
            time.sleep(0.1)
        assert run.status().state == "done", f"{run.status().error}\n{run.log.read_text()}"
        return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("data")
    options = LaunchOptions(data_dir=folder, models_dir=folder / "models")
    tiny.checkpoint(folder / "models" / "Stable-diffusion" / "tiny.safetensors")
    (folder / "pictures").mkdir()
    noise = np.random.default_rng(0)
    for number in range(4):
        Image.fromarray(noise.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(folder / "pictures" / f"{number}.png")
        (folder / "pictures" / f"{number}.txt").write_text("zorblax, a red thing")

    def command(run: RunFolder) -> launch.Launch:
        write_whole(run.path / "program.json", json.dumps({"flags": handed_on(options), "device": DEVICE}).encode())
        return launch.launch_of(run, run.request().devices, on_cards=False)

    runs = Runs(folder / "trainings", Around(command), every=0.1)
    runs.start()
    yield Place(folder, options, runs)
    runs.stop()
    for run in runs.all():
        launch.end(run, at_once=True)


@pytest.fixture(scope="module")
def trained(place: Place) -> RunFolder:
    return place.ended(request(place.pictures))


def test_what_was_trained_lies_among_the_models_with_its_cover_and_its_word(place: Place, trained: RunFolder) -> None:
    file = place.folder / "models" / "Lora" / "red thing.safetensors"
    [entry] = [one for one in place.pipeline().library.loras.entries() if one.path == file]
    assert (entry.alias, "ssmd_cover_images" in entry.metadata, entry.metadata["ss_steps"]) == ("red thing", True, "2")
    assert user_metadata(file)["activation text"] == "zorblax"
    assert preview(file) == file.with_suffix(".preview.png")
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask()
    assert trained.status().published == "red thing"


def test_it_tells_what_happens_in_order(trained: RunFolder) -> None:
    events = trained.events()[0]
    kinds = [event["kind"] for event in events]
    assert [(event["step"], event["prompt"]) for event in events if event["kind"] == "sample"] == [
        (step, prompt) for step in (0, 1, 2) for prompt in (0, 1)
    ]
    assert [event["step"] for event in events if event["kind"] == "exported"] == [1, 2]
    assert kinds.count("ended") == 1
    assert [*trained.written()] == [1, 2]


def test_a_picture_of_a_step_comes_again_in_txt2img_bit_for_bit(place: Place, trained: RunFolder) -> None:
    pipeline = place.pipeline()
    publish(trained, 2, homes_of(pipeline), "red thing-000002")
    pipeline.refresh()
    for number, prompt in enumerate(("zorblax <lora:red thing-000002:1>", "a dog <lora:red thing-000002:1>")):
        asked = GenerationRequest(
            prompt=prompt, size=Size(64, 64), steps=1, sampler="Euler", seed=1, checkpoint="tiny.safetensors", save=False
        )
        [image] = pipeline.generate(asked, tiny.Listener()).images
        with Image.open(trained.samples / f"00000002-{number}.png") as sample:
            assert np.array_equal(np.asarray(sample), np.asarray(image.image))
            assert infotext_of(sample.info["parameters"], {}, sample.size) == image.infotext


def test_the_pictures_of_step_0_are_the_checkpoint_s_own(place: Place, trained: RunFolder) -> None:
    asked = GenerationRequest(
        prompt="a dog", size=Size(64, 64), steps=1, sampler="Euler", seed=1, checkpoint="tiny.safetensors", save=False
    )
    [image] = place.pipeline().generate(asked, tiny.Listener()).images
    with Image.open(trained.samples / "00000000-1.png") as sample:
        assert np.array_equal(np.asarray(sample), np.asarray(image.image))


def test_a_name_that_another_file_has_gets_a_number(place: Place, trained: RunFolder) -> None:
    homes = homes_of(place.pipeline())
    other = homes["lora"] / "taken.safetensors"
    other.write_bytes(b"somebody's")
    assert publish(trained, 1, homes, "taken").name == "taken-2.safetensors"
    assert publish(trained, 2, homes, "taken-2").name == "taken-2.safetensors"  # its own is written anew
    assert other.read_bytes() == b"somebody's"


def test_what_cannot_be_published_is_refused(place: Place, trained: RunFolder) -> None:
    homes = homes_of(place.pipeline())
    with pytest.raises(NotFound, match=r"no file of step 3.*those of 1, 2"):
        publish(trained, 3, homes)
    for name in ("../up", "a:b", "<b>", ".hidden"):
        with pytest.raises(BadRequest, match="The name is"):
            publish(trained, 2, homes, name)


def test_an_embedding_is_called_by_its_step_in_its_pictures(place: Place) -> None:
    samples = SampleOptions(prompts="a photo of zorb", steps=1, every=2, width=64, height=64, sampler="Euler")
    run = place.here(
        request(place.pictures, name="zorb", method="Textual Inversion", embedding=EmbeddingOptions(vectors=1), samples=samples)
    )
    assert run.status().state == "done", run.status().error
    last = [event for event in run.events()[0] if event["kind"] == "sample"][-1]
    assert last["infotext"].startswith("a photo of zorb-000002\n")
    assert "TI hashes" in last["infotext"]
    assert "zorb" in [one.name for one in place.pipeline().library.embeddings.embeddings()]


def test_a_checkpoint_is_trained_and_found_by_its_name(place: Place) -> None:
    samples = SampleOptions(prompts="a dog", steps=1, every=2, width=64, height=64, sampler="Euler")
    run = place.here(request(place.pictures, name="whole", method="Fine-tuning", samples=samples))
    assert run.status().state == "done", run.status().error
    last = [event for event in run.events()[0] if event["kind"] == "sample"][-1]
    assert "Model: whole-000002" in last["infotext"]
    assert place.pipeline().find("whole.safetensors").problem is None


def test_what_was_asked_before_it_began_ends_it(place: Place) -> None:
    run = free_folder(place.folder / "others", "early")
    run.write_request(request(place.pictures))
    place.runs.around.launch(run)
    run.ask("pause")
    assert main(run.path) == 0
    assert run.status().state == "paused"
    assert not run.asked("pause")


def test_a_trial_tells_what_a_training_takes(place: Place) -> None:
    run = free_folder(place.folder / "others", "trial")
    run.write_request(request(place.pictures))
    place.runs.around.launch(run)
    try_out(run.path)
    found = json.loads((run.path / TRIED).read_text())
    assert found["result"]["seconds_per_step"] > 0
    assert found["result"]["memory"] > 0


def test_a_training_whose_data_are_gone_says_so(place: Place) -> None:
    run = place.here(request(place.folder / "nowhere"))
    assert (run.status().state, "nowhere" in run.status().error) == ("failed", True)
    assert [event["kind"] for event in run.events()[0]].count("ended") == 1


def umask() -> int:
    """The bits that new files of this process do not have."""
    bits = os.umask(0)
    os.umask(bits)
    return bits
