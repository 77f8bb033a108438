"""The table of controls in modules/frontend/README.md is whole.

`tests/golden_data/api/controls.json` has every control of A1111's page that is not layout: its `elem_id`, the labels of the tabs that it
stands in, its type, its label or the words on it. It was made of `gradio-config.json`, what A1111 1.10.1 answers at /config, by walking its
`layout`; left out were rows, columns, groups, boxes, forms, tabs, and accordions without a switch.
"""

import pytest

from modules.settings.store import ENTRIES
from tests.frontend.controls import controls, idle_patterns, missing, rows_of, table


def test_every_control_of_a1111s_stands_in_the_table_once() -> None:
    counts = {control.name: len(rows_of(control)) for control in controls()}
    assert {name: count for name, count in counts.items() if count != 1} == {}
    assert len(counts) > 800


def test_the_table_names_nothing_that_a1111_has_not() -> None:
    assert idle_patterns() == []


def test_what_is_missing_has_a_reason() -> None:
    assert [row.patterns for row in table() if not row.selectors and not row.words] == []


def test_no_setting_that_we_have_is_called_missing() -> None:
    gone = {control.id.removeprefix("setting_") for control in missing() if control.id.startswith("setting_")}
    assert gone & ENTRIES.keys() == set()
    assert len(gone) > 100


@pytest.mark.parametrize("pattern", ["setting_samples_save", "txt2img_prompt"])
def test_a_control_is_where_it_was(pattern: str) -> None:
    [control] = [each for each in controls() if each.name == pattern]
    [row] = rows_of(control)
    assert row.ours(control) == [f"#{pattern}"]
