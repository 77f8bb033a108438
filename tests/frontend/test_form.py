"""Named controls to a request and back."""

from typing import Any

import pytest

from modules.contract.errors import BadRequest
from modules.contract.request import Size, request_from
from modules.frontend.form import TextToImage, request, values_from_infotext, values_of
from modules.infotext.read import read

FIELDS = tuple(TextToImage.model_fields)


def typed(**changes: Any) -> dict[str, Any]:
    """What the browser sends for an untouched form, with changes."""
    return {**values_of(request_from({}), FIELDS), **changes}


def test_the_form_of_a_request_makes_the_same_request() -> None:
    wanted = request_from({
        "prompt": "a", "negative_prompt": "b", "size": Size(192, 128), "steps": 9, "guidance": 5.5, "sampler": "Euler a",
        "schedule": "Karras", "seed": 2**64 - 1, "batch_size": 3, "batch_count": 4,
    })
    assert request(values_of(wanted, FIELDS)) == wanted


def test_every_field_of_the_tab_reaches_the_request() -> None:
    assert set(values_of(request_from({}), FIELDS)) == set(FIELDS)


def test_a_large_seed_keeps_every_digit() -> None:
    assert request(typed(seed=" 9007199254740993 ")).seed == 2**53 + 1


def test_an_empty_seed_draws_one() -> None:
    assert request(typed(seed="")).seed == -1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": "abc"}, "Seed is 'abc'; it must be a whole number; -1 draws one."),
        ({"width": None}, "Width is ''; it must be a whole number."),
        ({"width": "wide"}, "Width is 'wide'; it must be a whole number."),
        ({"steps": 9999}, "Sampling steps is 9999; it must be at most 150."),
        ({"height": 5000}, "Height is 5000; it must be between 8 and 4096."),
    ],
)
def test_a_wrong_value_is_refused_by_its_label(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest) as refused:
        request(typed(**changes))
    assert refused.value.message == sentence


def test_an_infotext_fills_the_fields_it_speaks_of() -> None:
    labels = read("a fish\nNegative prompt: boat\nSteps: 9, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 77, "
                  "Size: 192x128, Model: demo, Version: 1")
    assert values_from_infotext(labels) == {
        "prompt": "a fish", "negative_prompt": "boat", "sampler": "Euler a", "schedule": "Karras", "seed": "77",
        "steps": 9, "guidance": 5.5, "width": 192, "height": 128,
    }


def test_a_number_that_is_none_is_left_out() -> None:
    assert "steps" not in values_from_infotext({"Prompt": "a", "Steps": "many"})
