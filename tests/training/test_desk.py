"""What the form asks before a training starts: advice with reasons, and everything that stands in its way, over a tiny checkpoint."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.services import Folders
from modules.contract.training import training_request_from
from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from modules.training.runs.launch import Launch
from modules.training.runs.queue import Around, Runs
from modules.training_desk import TrainingDesk
from tests import tiny


@pytest.fixture
def desk(tmp_path: Path) -> TrainingDesk:
    tiny.checkpoint(tmp_path / "models" / "Stable-diffusion" / "one.safetensors", seed=0)
    pipeline = PipelineManager(
        library=Library.at(tmp_path / "models", tmp_path, check_checkpoint),
        settings=SettingsStore(tmp_path / "settings.json"),
        root=tmp_path,
        device=lambda: tiny.CPU,
    )
    runs = Runs(tmp_path / "trainings", Around(lambda run: Launch(("true",))))
    return TrainingDesk(runs, pipeline, Folders(data=tmp_path, models=tmp_path / "models", outputs=tmp_path / "outputs"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "drawings"
    folder.mkdir()
    for number in range(6):
        Image.effect_noise((160, 128 + 8 * number), 80).convert("RGB").save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"a drawing of the number {number}")
    return folder


def request(pictures: Path, **changes: Any) -> dict[str, Any]:
    values = {"name": "numbers", "checkpoint": "one", "trigger": "zkw", "data": {"folders": [{"folder": str(pictures)}]}}
    return values | changes


def findings(desk: TrainingDesk, values: dict[str, Any], level: str = "red") -> list[str]:
    answer = desk.check(training_request_from(values), here=True)
    return [one["text"] for one in answer["findings"] if one["level"] == level]


def test_nothing_stands_in_the_way_of_good_pictures_and_all_is_decided(desk: TrainingDesk, pictures: Path) -> None:
    assert findings(desk, request(pictures)) == []
    answer = desk.advise(training_request_from(request(pictures)), here=True)
    decided = answer["request"]
    assert min(decided["steps"]["steps"], decided["steps"]["batch"], decided["network"]["rank"], decided["optimizer"]["rate"]) > 0
    assert {"steps.steps", "steps.batch", "network.rank", "optimizer.rate"} <= answer["reasons"].keys()
    assert all(reason.endswith(".") for reason in answer["reasons"].values())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"checkpoint": "none"}, "named 'none'"),
        ({"method": "Textual Inversion", "name": "cat"}, "'cat' is a word that the model knows"),
        ({"samples": {"sampler": "Eular"}}, "sampler named 'Eular'"),
        ({"network": {"continue_from": "nothing"}}, "nothing"),
        ({"devices": {"machines": 2}}, "address is ''"),
    ],
)
def test_what_cannot_be_is_said_before_the_start(desk: TrainingDesk, pictures: Path, changes: dict[str, Any], sentence: str) -> None:
    said = findings(desk, request(pictures, **changes))
    assert any(sentence in text for text in said), said
    with pytest.raises(BadRequest):
        desk.add(training_request_from(request(pictures, **changes)), here=True)


def test_a_broken_picture_stops_the_start_and_names_itself(desk: TrainingDesk, pictures: Path) -> None:
    (pictures / "3.png").write_bytes((pictures / "3.png").read_bytes()[:200])
    with pytest.raises(BadRequest, match=r"3\.png"):
        desk.add(training_request_from(request(pictures)), here=True)


def test_a_stranger_names_no_folder_of_this_machine(desk: TrainingDesk, pictures: Path) -> None:
    answer = desk.check(training_request_from(request(pictures)), here=False)
    assert answer["level"] == "red"


def test_what_was_added_waits_with_its_reasons(desk: TrainingDesk, pictures: Path) -> None:
    run = desk.runs.get(desk.add(training_request_from(request(pictures)), here=True))
    assert run.status().state == "queued" and (run.path / "reasons.json").is_file()
    assert run.request().checkpoint.startswith("one.safetensors")


def test_a_trial_that_did_not_fit_says_what_would_need_less_memory(desk: TrainingDesk, pictures: Path) -> None:
    asked = training_request_from({**request(pictures), "network": {"rank": 32}})
    id = desk.try_out(asked, here=True)
    (desk.trials.folder / id / "tried.json").write_text('{"error": "There was not enough memory.", "hint": "", "short": true}')
    answer = desk.trial(id)
    assert (answer["state"], answer["short"]) == ("failed", "yes")
    assert [(one["kind"], one["saves"]) for one in answer["rungs"]] == [("precision", None), ("checkpointing", None), ("batch", None),
        ("rank", None)]  # fmt: skip
    result = '{"result": {"memory": 95, "memory_all": 100}}'
    (desk.trials.folder / id / "tried.json").write_text(result)
    assert "batch" in [one["kind"] for one in desk.trial(id)["rungs"]]
    (desk.trials.folder / id / "tried.json").write_text(result.replace("95", "80"))
    assert desk.trial(id)["rungs"] == []
