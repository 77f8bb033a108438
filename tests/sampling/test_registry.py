"""Names of samplers and schedules, and what A1111's API tells of them."""

from typing import Any

import pytest

from modules.contract.errors import NotFound
from modules.sampling.registry import SAMPLERS, SCHEDULES, resolve, scheduled_steps, total_evaluations
from tests.golden import golden_json

PAIRS = golden_json("pure/sampler_scheduler_names.json")


def test_the_samplers_are_a1111s_in_its_order() -> None:
    ours = [{"name": sampler.name, "aliases": list(sampler.aliases), "options": sampler.options} for sampler in SAMPLERS.values()]
    assert ours == golden_json("pure/sampler_list.json")


def test_the_schedules_are_a1111s_in_its_order() -> None:
    ours = [
        {
            "name": entry.name,
            "label": entry.label,
            "aliases": list(entry.aliases) or None,
            "default_rho": entry.default_rho,
            "need_inner_model": entry.needs_model,
        }
        for entry in SCHEDULES.values()
    ]
    assert ours == golden_json("pure/scheduler_list.json")


def taken_for_another(case: dict[str, Any]) -> bool:
    """Whether A1111 did not know a name, and took its first sampler or schedule instead."""
    first = case["result"][0] == "DPM++ 2M" and not (case["sampler"] or "").startswith("DPM++ 2M")
    return first or case["sampler"] == "DPM++ 2M AYS" or case["scheduler"] == "bogus"


def test_names_mean_what_they_mean_in_a1111_where_it_knows_them() -> None:
    known = [case for case in PAIRS if not case["convert_automatic"] and not taken_for_another(case)]
    assert len(known) > 50
    for case in known:
        choice = resolve(case["sampler"], case["scheduler"] or "Automatic")
        assert [choice.sampler.name, choice.schedule.label] == case["result"], case


@pytest.mark.parametrize(
    ("name", "schedule", "wanted"),
    [
        ("DPM++ 2M Karras", "Automatic", ("DPM++ 2M", "karras")),
        ("euler a", "karras", ("Euler a", "karras")),
        ("k_euler", "Automatic", ("Euler", "uniform")),
        ("DPM++ 2M", "Automatic", ("DPM++ 2M", "karras")),
        ("DDIM", "Automatic", ("DDIM", "uniform")),
        ("Euler SGM Uniform", "Automatic", ("Euler", "sgm_uniform")),
        ("Euler a SGMUniform", "Automatic", ("Euler a", "sgm_uniform")),
        ("dpm++ 2m sde heun exponential", "Automatic", ("DPM++ 2M SDE Heun", "exponential")),
        ("DDIM CFG++", "Automatic", ("DDIM CFG++", "uniform")),
    ],
)
def test_names_aliases_and_old_combined_names_are_understood(name: str, schedule: str, wanted: tuple[str, str]) -> None:
    choice = resolve(name, schedule)
    assert (choice.sampler.name, choice.effective) == wanted


@pytest.mark.parametrize(
    ("name", "schedule", "label"),
    [
        ("DPM++ 2M", "Automatic", "Karras"),
        ("DPM++ 2M SDE", "Automatic", "Exponential"),
        ("Euler", "Automatic", "Automatic"),
        ("LCM", "Automatic", "Automatic"),
        ("DDIM", "Automatic", "Automatic"),
        ("DDIM", "Karras", "Karras"),
        ("Euler", "Uniform", "Uniform"),
    ],
)
def test_the_infotext_names_the_schedule_as_a1111_does(name: str, schedule: str, label: str) -> None:
    assert resolve(name, schedule).label == label


def test_an_unknown_sampler_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound, match="Euler"):
        resolve("Eulr")


def test_an_unknown_schedule_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound, match="Karras"):
        resolve("Euler", "Karas")


@pytest.mark.parametrize(
    ("name", "schedule", "calls", "scheduled"),
    [
        ("Euler a", "Automatic", 8, 8),
        ("Heun", "Automatic", 15, 16),
        ("Heun", "KL Optimal", 16, 16),
        ("DPM++ SDE", "Automatic", 15, 16),
        ("DPM2 a", "Automatic", 15, 16),
        ("Restart", "Automatic", 15, 16),
        ("DPM fast", "Automatic", 8, 8),
        ("DDIM", "Automatic", 7, 8),
        ("PLMS", "Automatic", 8, 8),
        ("UniPC", "Automatic", 8, 8),
        ("LCM", "Automatic", 8, 8),
    ],
)
def test_the_calls_of_eight_steps_are_those_that_a1111_makes(name: str, schedule: str, calls: int, scheduled: int) -> None:
    choice = resolve(name, schedule)
    assert (total_evaluations(choice, 8), scheduled_steps(choice, 8)) == (calls, scheduled)


def test_samplers_are_named_once() -> None:
    names = [name.lower() for sampler in SAMPLERS.values() for name in (sampler.name, *sampler.aliases)]
    assert len(set(names)) >= len(names) - 5  # LCM, DDIM, PLMS, UniPC and Restart are aliases of themselves
