"""What is decided for a person: everything left open, nothing that was chosen, each with a reason."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modules.contract.training import TrainingRequest, training_request_from
from modules.datasets.scan import scan
from modules.training.planning.advice import Facts, advise, picture_facts
from modules.training.planning.memory import GIB, disk_forecast, most_at_once, needed
from tests.training.pictures import folder_of

SUBJECT = Facts(
    "sd1", 860_000_000, 512, device="cuda", memory=24 * GIB, bf16=True, sizes=((800, 600),) * 12, repeats=(1,) * 12, captioned=12
)
OPEN = ("data.resolution", "data.bucket_least", "data.bucket_most", "steps.steps", "steps.batch", "optimizer.rate", "samples.width")


def value(request: TrainingRequest, path: str) -> Any:
    group, name = path.split(".")
    return getattr(getattr(request, group), name)


def facts_with(**changes: Any) -> Facts:
    return Facts(**{**SUBJECT.__dict__, **changes})


@pytest.mark.parametrize("method", ["LoRA", "Textual Inversion", "DreamBooth", "Fine-tuning"])
@pytest.mark.parametrize("goal", ["subject", "style", "concept"])
@pytest.mark.parametrize("count", [1, 12, 500])
@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_nothing_is_left_open_and_all_that_is_decided_has_a_reason(method: str, goal: str, count: int, device: str) -> None:
    request = training_request_from({"method": method, "goal": goal, "name": "cat", "trigger": "sks"})
    advice = advise(request, facts_with(sizes=((800, 600),) * count, repeats=(1,) * count, device=device))
    assert all(value(advice.request, path) for path in OPEN)
    assert all(value(advice.request, path) != value(request, path) for path in advice.reasons)
    assert all(reason.endswith(".") and len(reason) > 10 and "  " not in reason for reason in advice.reasons.values())
    assert training_request_from(advice.request.model_dump()) == advice.request, "what is advised is allowed"
    assert not set(advise(advice.request, SUBJECT).reasons), "nothing is decided twice"


def test_what_a_person_chose_is_kept() -> None:
    chosen = {
        "steps": {"steps": 17, "batch": 3, "precision": "fp32"}, "optimizer": {"rate": 0.5}, "network": {"rank": 5, "alpha": 1},
        "data": {"resolution": 320},
    }  # fmt: skip
    advice = advise(training_request_from(chosen), SUBJECT)
    for group, values in chosen.items():
        assert all(value(advice.request, f"{group}.{name}") == kept for name, kept in values.items())
        assert not any(f"{group}.{name}" in advice.reasons for name in values)


@pytest.mark.parametrize(("count", "shown"), [(3, 800), (12, 1200), (25, 2500), (80, 3000)])
def test_a_lora_shows_each_picture_about_a_hundred_times(count: int, shown: int) -> None:
    request = training_request_from({"steps": {"batch": 2}})
    steps = advise(request, facts_with(sizes=((800, 600),) * count)).request.steps.steps
    assert steps == shown // 2


def test_a_tiny_network_learns_faster_and_a_processor_does_less() -> None:
    plain, tiny = (
        advise(TrainingRequest(), SUBJECT).request,
        advise(TrainingRequest(), facts_with(parameters=9_000_000, device="cpu")).request,
    )
    assert tiny.optimizer.rate > 5 * plain.optimizer.rate and tiny.network.rank < plain.network.rank
    slow = advise(TrainingRequest(), facts_with(device="cpu")).request
    assert slow.steps.steps * slow.steps.batch < plain.steps.steps * plain.steps.batch


@pytest.mark.parametrize(("family", "resolution", "memory"), [("sd1", 512, 8), ("sd1", 512, 24), ("sdxl", 1024, 12), ("sdxl", 1024, 24)])
def test_the_batch_is_what_the_memory_holds(family: Any, resolution: int, memory: int) -> None:
    found = advise(TrainingRequest(), facts_with(family=family, resolution=resolution, memory=memory * GIB)).request
    took = needed(found, family, found.steps.batch, checkpointing=found.steps.checkpointing)
    assert took <= memory * GIB
    assert found.steps.batch == min(4, most_at_once(found, family, memory * GIB)), "a third of the 12 pictures at most"
    assert found.steps.checkpointing == (family == "sdxl" and memory == 12)


def test_small_pictures_are_not_blown_up() -> None:
    advice = advise(TrainingRequest(), facts_with(sizes=((330, 340),) * 9))
    assert advice.request.data.resolution == 256 + 64 and "blurred" in advice.reasons["data.resolution"]


def test_prodigy_wants_one_and_lion_less() -> None:
    prodigy = advise(training_request_from({"optimizer": {"name": "Prodigy"}}), SUBJECT).request.optimizer.rate
    lion = advise(training_request_from({"optimizer": {"name": "Lion"}}), SUBJECT).request.optimizer.rate
    plain = advise(TrainingRequest(), SUBJECT).request.optimizer.rate
    assert prodigy == 1 and lion == pytest.approx(plain / 5, rel=0.02)


def test_a_lora_that_goes_on_keeps_its_rank() -> None:
    assert advise(TrainingRequest(), facts_with(network_rank=24)).request.network.rank == 24


def test_samples_are_of_the_trigger_and_of_captions(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 3, captions={0: "a red car", 1: "sks at sea", 2: ""})
    request = training_request_from({"trigger": "sks", "data": {"folders": [{"folder": str(folder)}]}})
    found = picture_facts(scan(request.data.folders))
    assert found["captioned"] == 3 and found["sizes"] == ((64, 64),) * 3
    assert advise(request, facts_with(**found)).request.samples.prompts == "sks\nsks, a red car\nsks at sea"


def test_the_disk_is_reckoned_with_all_that_is_kept() -> None:
    lora = advise(TrainingRequest(), SUBJECT).request
    disk = disk_forecast(lora, "sd1", 12)
    assert disk.files == pytest.approx(10 * 13.6e6, rel=0.05), "ten files of rank 16, as the format's table says"
    full = advise(training_request_from({"method": "Fine-tuning", "saving": {"states": 1}}), SUBJECT).request
    assert disk_forecast(full, "sd1", 12).states == pytest.approx(2 * 10.3e9, rel=0.05)
    assert disk.wanted > disk.total > disk.cache > 0


def test_advice_needs_no_torch() -> None:
    code = "import sys, modules.training.planning.advice, modules.training.planning.presets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
