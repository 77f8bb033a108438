"""What pictures on the way are asked for; that they are txt2img's own is tested with a whole training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.contract.progress import Interrupt
from modules.contract.request import GenerationRequest, Size
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.training import SampleOptions, TrainingRequest
from modules.training.runs.run_folder import RunFolder
from modules.training.runs.samples import Samples, prompts_of, shelf, step_name, with_file


class Painter:
    """Makes grey pictures, and remembers what it was asked for and which files were lent meanwhile."""

    def __init__(self, run: RunFolder, stops: int = 100) -> None:
        self.run, self.stops = run, stops
        self.asked: list[GenerationRequest] = []
        self.lent: list[list[str]] = []

    def generate(self, request: GenerationRequest) -> GenerationResult:
        if len(self.asked) == self.stops:
            raise Interrupt
        self.asked.append(request)
        self.lent.append([path.name for path in shelf(self.run).iterdir()] if shelf(self.run).exists() else [])
        image = GeneratedImage(
            Image.new("RGB", (request.size.width, request.size.height)), request.seed, 0, request.prompt, "", f"{request.prompt}\nSteps: 1"
        )
        return GenerationResult((image,), ("a warning",))


def nothing() -> None:
    """Nobody looks."""


def samples(folder: Path, painter: Painter, **values: Any) -> Samples:
    request = TrainingRequest(name="cat", samples=SampleOptions(width=64, height=32, steps=3), **values)
    return Samples(painter.run, request, ["a cat", "a dog"], Size(512, 512), "base.safetensors", painter.generate, nothing)


@pytest.fixture
def painter(tmp_path: Path) -> Painter:
    return Painter(RunFolder(tmp_path / "run"))


def test_a_step_s_lora_is_lent_under_its_own_name_and_taken_back(tmp_path: Path, painter: Painter) -> None:
    file = tmp_path / "step-00000100.safetensors"
    file.write_bytes(b"tensors")
    samples(tmp_path, painter).sample(100, file)
    assert [one.prompt for one in painter.asked] == ["a cat <lora:cat-000100:1>", "a dog <lora:cat-000100:1>"]
    assert painter.lent == [["cat-000100.safetensors"]] * 2
    assert [*shelf(painter.run).iterdir()] == []
    assert file.read_bytes() == b"tensors"
    assert {(one.size, one.checkpoint, one.save) for one in painter.asked} == {(Size(64, 32), "base.safetensors", False)}


def test_each_picture_is_kept_with_its_infotext_and_told(tmp_path: Path, painter: Painter) -> None:
    samples(tmp_path, painter).sample(0, None)
    assert sorted(path.name for path in painter.run.samples.iterdir()) == ["00000000-0.png", "00000000-1.png"]
    with Image.open(painter.run.samples / "00000000-1.png") as opened:
        assert opened.info["parameters"] == "a dog\nSteps: 1"
    told = [event for event in painter.run.events()[0] if event["kind"] == "sample"]
    assert [(event["step"], event["prompt"], event["text"]) for event in told] == [(0, 0, "a cat"), (0, 1, "a dog")]
    assert [event["text"] for event in painter.run.events()[0] if event["kind"] == "warning"] == ["a warning"] * 2


def test_a_trained_checkpoint_is_the_checkpoint(tmp_path: Path, painter: Painter) -> None:
    file = tmp_path / "step-00000100.safetensors"
    file.write_bytes(b"tensors")
    samples(tmp_path, painter, method="Fine-tuning").sample(100, file)
    assert [(one.prompt, one.checkpoint) for one in painter.asked] == [("a cat", "cat-000100"), ("a dog", "cat-000100")]


def test_a_wish_to_stop_ends_them(tmp_path: Path) -> None:
    painter = Painter(RunFolder(tmp_path / "run"), stops=1)
    samples(tmp_path, painter).sample(0, None)
    assert [path.name for path in painter.run.samples.iterdir()] == ["00000000-0.png"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a photo of zorb", "a photo of zorb-000020"),
        ("Zorb, zorbs and zorb", "zorb-000020, zorbs and zorb-000020"),
        ("a dog", "zorb-000020, a dog"),
    ],
)
def test_an_embedding_s_word_becomes_that_of_the_step(prompt: str, expected: str) -> None:
    request = TrainingRequest(name="zorb", method="Textual Inversion")
    assert with_file(prompt, request.name, step_name(request, 20), request.makes) == expected


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({"trigger": "zorb"}, ["zorb", "one", "two"]),
    ({"trigger": "one"}, ["one", "two"]),
    ({"samples": SampleOptions(prompts=" first \n\nsecond")}, ["first", "second"]),
    ({"method": "Textual Inversion"}, ["cat", "one", "two"]),
]


@pytest.mark.parametrize(("values", "expected"), CASES)
def test_prompts_that_nobody_gave_come_from_the_data(tmp_path: Path, values: dict[str, Any], expected: list[str]) -> None:
    run = RunFolder(tmp_path)
    read: Callable[[list[str]], list[str]] = lambda captions: prompts_of(run, TrainingRequest(name="cat", **values), captions)  # noqa: E731
    assert read(["one", "two", "three"]) == expected
    assert read(["other"]) == expected  # they stay with the training
