"""What a training that ran out of memory may change: offered in order, taken in its folder, and gone on with."""

from pathlib import Path
from typing import Any

import pytest
import torch

from modules.contract.errors import BadRequest, OutOfMemory
from modules.contract.training import TrainingRequest, training_request_from
from modules.datasets.scan import scan
from modules.training.data.album import Pages
from modules.training.planning.memory import saved
from modules.training.runs.climbing import Machine, climb, offered
from modules.training.runs.launch import Launch
from modules.training.runs.queue import Around, Runs
from modules.training.runs.run_folder import RunFolder, Status
from modules.training.runs.tried import newest_step, planned_batch, tried
from modules.training.steps import loop
from modules.training.steps.ladder import KINDS, climbed, rungs
from tests import tiny
from tests.training.pictures import SIZES, folder_of, request_for
from tests.training.small import Run, same

FULL = {
    "method": "Fine-tuning",
    "data": {"resolution": 1024, "cache_latents": "off"},
    "parts": {"text_encoder": True},
    "steps": {"batch": 4, "precision": "fp32", "steps": 900},
    "optimizer": {"rate": 1e-5},
}


def kinds(request: TrainingRequest, **more: Any) -> list[str]:
    return [rung.kind for rung in rungs(request, **more)]


def taken(request: TrainingRequest, kind: str, **more: Any) -> TrainingRequest:
    """The training with the rung of that kind."""
    return climbed(request, next(rung for rung in rungs(request, **more) if rung.kind == kind), more.get("decided", ()))


def test_they_stand_in_the_order_of_what_they_cost_before_and_after_a_state() -> None:
    request = training_request_from(FULL)
    assert kinds(request) == kinds(request, step=40) == [kind for kind in KINDS if kind != "rank"]
    first, later = ({rung.kind: rung.resumes for rung in rungs(request, step=step)} for step in (0, 40))
    assert [kind for kind, resumes in later.items() if resumes] == ["precision", "latents", "checkpointing", "batch", "text"]
    assert [kind for kind in first if first[kind] != later[kind]] == ["text"]
    assert taken(request, "text").parts.text_encoder is False


def test_text_encoders_are_left_alone_from_the_state_on() -> None:
    changed = climbed(training_request_from(FULL), next(r for r in rungs(training_request_from(FULL), step=40) if r.kind == "text"))
    assert (changed.parts.text_encoder, changed.parts.text_until) == (True, 40)
    assert "text" not in kinds(changed, step=40)


def test_a_card_without_bf16_is_offered_fp16_for_a_new_training() -> None:
    [rung] = [one for one in rungs(training_request_from(FULL), half="fp16") if one.kind == "precision"]
    assert (rung.changes, rung.resumes) == ({"steps": {"precision": "fp16"}}, False)


BATCHES = {(4, 1): (2, 2), (6, 2): (3, 4), (5, 1): (1, 5), (9, 2): (3, 6), (2, 3): (1, 6)}  # with their accumulation


@pytest.mark.parametrize(("before", "after"), BATCHES.items())
def test_a_smaller_batch_keeps_the_pictures_of_a_step(before: tuple[int, int], after: tuple[int, int]) -> None:
    changed = taken(training_request_from({"steps": {"batch": before[0], "accumulation": before[1]}}), "batch")
    assert (changed.steps.batch, changed.steps.accumulation) == after


def test_a_lora_instead_has_a_rate_of_its_own_and_decided_values_are_decided_anew() -> None:
    request = training_request_from(FULL)
    rung = next(one for one in rungs(request) if one.kind == "lora")
    assert climbed(request, rung, {"steps.steps": "Because."}).steps.steps == 0
    chosen = climbed(request, rung)
    assert (chosen.steps.steps, chosen.optimizer.rate, chosen.makes) == (900, 0, "lora")


def test_what_is_saved_is_said_for_networks_of_the_usual_size() -> None:
    request = training_request_from({**FULL, "steps": {"batch": 4, "precision": "bf16"}})
    figures = {one["kind"]: one["saves"] for one in offered(request, Machine("sdxl"))}
    assert figures["text"] is None
    assert figures["optimizer"] == pytest.approx(2_567_000_000 * 7.9, rel=1e-6)  # AdamW's 8 bytes less Adafactor's 0.1
    assert figures["checkpointing"] == 4 * 1024**2 * (6830 - 560 - 1200)
    assert saved(request, taken(request, "lora"), "sdxl") == figures["lora"] > figures["optimizer"]
    assert {one["saves"] for one in offered(request, Machine())} == {None}


def short(run: Run, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Train until memory runs out at a step, as a card says it."""
    whole = loop.gradients

    def gradients(session: Any, batches: Any, at: int) -> Any:
        if at >= step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(session, batches, at)

    with monkeypatch.context() as patch, pytest.raises(OutOfMemory):
        patch.setattr(loop, "gradients", gradients)
        run.go()


def test_gradient_checkpointing_in_the_middle_changes_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, run = Run(tmp_path / "plain"), Run(tmp_path / "short")
    plain.go()
    short(run, monkeypatch, 6)
    run.values = {"steps_checkpointing": True}
    assert run.go().state == "done"
    assert run.losses() == plain.losses() and same(run.values_now(), plain.values_now())


def test_latents_kept_on_the_disk_are_those_that_were_encoded_each_time(tmp_path: Path) -> None:
    components = tiny.loaded(tiny.tensors())
    found = []
    for where in ("off", "disk"):
        request = request_for(folder_of(tmp_path / "data"), data={"cache_latents": where}, name="thing")
        pages = Pages(request, components, RunFolder(tmp_path), scan(request.data.folders), text_trained=False, shared=False)
        pages.latents.get(0)  # kept now, where it is kept
        found.append(torch.stack([pages.latents.get(index).values for index in range(6)]))
    assert torch.equal(*found)


def failed(folder: Path, request: TrainingRequest) -> tuple[Runs, RunFolder]:
    """A training that failed for want of memory, among others' company; nobody looks after the queue."""
    runs = Runs(folder / "trainings", Around(lambda run: Launch(("true",))))
    run = runs.add(request)
    run.write_status(Status(state="failed", short_of_memory="yes", step=9))
    return runs, run


def test_a_rung_is_taken_remembered_and_the_training_waits_to_go_on(tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data"), steps={"steps": 10, "batch": 4}, name="thing")
    runs, run = failed(tmp_path, request)
    state = run.checkpoints / "step-00000008"
    state.mkdir(parents=True)
    assert newest_step(run) is None  # it is not whole
    (state / "manifest.json").write_text("{}")
    assert climb(runs, run.id, "batch", Machine()) is None
    assert (run.request().steps.batch, run.request().steps.accumulation, run.status().state) == (2, 2, "queued")
    [one] = tried(run)
    assert (one["kind"], one["step"], one["resumed"]) == ("batch", 8, True)
    assert [(event["step"], event["rung"]) for event in run.events()[0]] == [(8, "batch")]
    with pytest.raises(BadRequest, match="queued, so that nobody can resume it"):
        climb(runs, run.id, "checkpointing", Machine())


def test_what_does_not_fit_its_state_is_a_new_training_and_this_one_stays(tmp_path: Path) -> None:
    request = request_for(folder_of(tmp_path / "data"), network={"rank": 32}, name="thing")
    runs, run = failed(tmp_path, request)
    asked = climb(runs, run.id, "rank", Machine())
    assert asked is not None and asked.network.rank == 16
    assert (run.request(), run.status().state, [one["kind"] for one in tried(run)]) == (request, "failed", ["rank"])
    with pytest.raises(BadRequest, match="nothing left to change called 'resolution'"):
        climb(runs, run.id, "resolution", Machine())
    run.write_status(Status(state="failed"))
    with pytest.raises(BadRequest, match="did not fail for want of memory"):
        climb(runs, run.id, "rank", Machine())


def test_with_a_smaller_batch_each_step_shows_the_pictures_that_it_would_have_shown(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", 11, sizes=SIZES[:2])
    request = request_for(folder, steps={"steps": 30, "batch": 4, "accumulation": 2}, name="thing")
    runs, run = failed(tmp_path, request)
    components = tiny.loaded(tiny.tensors())

    def shown() -> list[list[tuple[int, int]]]:
        asked = run.request()
        pages = Pages(asked, components, run, scan(asked.data.folders), text_trained=False, shared=False)
        found = [pages.batches(step, 0, 1) for step in range(12)]
        assert {len(batch.files) for batches in found for batch in batches} == {asked.steps.batch}
        assert pages.per_step == 8
        return [[pair for batch in batches for pair in zip(batch.slots, batch.files, strict=True)] for batches in found]

    before = shown()
    assert climb(runs, run.id, "batch", Machine()) is None
    assert (planned_batch(run, run.request()), shown()) == (4, before)
    run.write_status(Status(state="failed", short_of_memory="yes"))
    climb(runs, run.id, "batch", Machine())
    assert (run.request().steps.batch, shown()) == (1, before)
