"""Declared options as JSON: every control with what it needs, and nothing that JSON cannot hold."""

import json
from pathlib import Path
from typing import Literal

import pytest

from modules.contract.declare import Choice, Color, ModelChoice, Number, Options, Slider, Text, Toggle, declared
from modules.contract.schema import CONTROLS, schema
from modules.plugins.registry import Registry
from modules.settings.groups import Settings

Side = Literal["left", "right"]


class Everything(Options):
    """One field of each kind."""

    steps: int = Slider(20, 1, 150, "Steps", key="step_count", help="How many.")
    strength: float = Slider(0.5, 0, 1, "Strength", step=0.05)
    score: float = Number(6.0, "Score")
    margin: int = Number(0, "Margin")
    on: bool = Toggle(True, "On", local=True)
    name: str = Text("", "Name")
    lines: str = declared("a\nb", "Lines", control="lines")
    mode: Literal["one", "two"] = Choice("one", "Mode")
    sides: tuple[Side, ...] = declared(("left",), "Sides", control="choices")
    listed: str = declared("Seed", "Listed", control="choice", choices=["Seed", "Steps"])
    by_tab: str = declared("x", "By tab", control="choice", choices=lambda tab: [tab, "x"])
    chosen: tuple[str, ...] = declared((), "Chosen", control="names", depends={"on": "listed", "choices": {"Seed": "sampler"}})
    color: str = Color("#102030", "Colour")
    model: str = ModelChoice("upscaler", "Upscaler", default="None")
    plain: int = 3


@pytest.fixture
def fields() -> dict[str, dict[str, object]]:
    return {field["name"]: field for field in schema(Everything, choices={"chosen": ["a"]}, tab="img2img")}


def test_fields_keep_their_order(fields: dict[str, dict[str, object]]) -> None:
    assert list(fields) == list(Everything.model_fields)


def test_a_slider_has_its_bounds_and_step(fields: dict[str, dict[str, object]]) -> None:
    assert fields["steps"] == {
        "name": "steps", "key": "step_count", "label": "Steps", "help": "How many.", "control": "slider", "value": 20, "local": False,
        "least": 1, "most": 150, "step": 1, "whole": True,
    }  # fmt: skip
    assert (fields["strength"]["step"], fields["strength"]["whole"]) == (0.05, False)


def test_a_number_without_bounds_says_so(fields: dict[str, dict[str, object]]) -> None:
    assert [fields["score"][name] for name in ("least", "most", "step", "whole")] == [None, None, None, False]
    assert [fields["margin"][name] for name in ("step", "whole")] == [1, True]


def test_choices_come_from_the_type_the_declaration_or_the_caller(fields: dict[str, dict[str, object]]) -> None:
    choices = {name: field["choices"] for name, field in fields.items() if "choices" in field}
    assert choices == {
        "mode": ["one", "two"], "sides": ["left", "right"], "listed": ["Seed", "Steps"], "by_tab": ["img2img", "x"], "chosen": ["a"],
    }  # fmt: skip


def test_what_a_field_depends_on_is_handed_on(fields: dict[str, dict[str, object]]) -> None:
    assert fields["chosen"]["depends"] == {"on": "listed", "choices": {"Seed": "sampler"}}
    assert "depends" not in fields["steps"]


def test_a_model_has_its_kind_and_a_local_field_says_so(fields: dict[str, dict[str, object]]) -> None:
    assert fields["model"]["kind"] == "upscaler"
    assert (fields["on"]["local"], fields["name"]["local"]) == (True, False)


def test_a_field_without_a_declaration_is_hidden(fields: dict[str, dict[str, object]]) -> None:
    assert (fields["plain"]["control"], fields["plain"]["value"]) == ("hidden", 3)


def test_a_control_that_does_not_exist_is_named() -> None:
    class Odd(Options):
        """A mistake."""

        value: str = declared("", "Value", control="dial")

    with pytest.raises(ValueError, match="'value' wants a control of the kind 'dial'"):
        schema(Odd)


def test_all_settings_and_bundled_extensions_can_be_drawn() -> None:
    kinds = [field.annotation for name, field in Settings.model_fields.items() if name != "extensions"]
    bundled = Registry.of(Path(__file__).parents[2] / "extensions").extensions()
    kinds += [kind for row in bundled if row.extension for kind in (row.extension.Options, row.extension.Settings)]
    assert len(kinds) > 20
    for kind in kinds:
        assert isinstance(kind, type) and issubclass(kind, Options)
        described = schema(kind)
        assert json.loads(json.dumps(described)) == described
        assert all(field["control"] in CONTROLS for field in described)
        assert all(field["value"] == kind.model_validate({field["name"]: field["value"]}).model_dump(mode="json")[field["name"]]
                   for field in described)  # fmt: skip
