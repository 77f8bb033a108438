"""The Checkpoint Merger tab without a browser: what its form asks for, and what is said before the start."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.contract.merge import MergeRequest
from modules.contract.services import ModelEntry
from modules.frontend.notices import Notices
from modules.frontend.services import Merging
from modules.frontend.tabs.modelmerger import MergeFields, MergerTab, request_of
from modules.frontend.toolkit import gr

START: dict[str, Any] = MergeFields().model_dump()


class Desk:
    """Two checkpoints and a folder, and a queue that only takes."""

    def __init__(self, folder: Path) -> None:
        (folder / "diffusers").mkdir()
        self.entries = [ModelEntry(name, name, folder / name) for name in ("a", "b", "diffusers")]
        self.taken: list[tuple[MergeRequest, str]] = []
        self.asked: list[MergeRequest] = []

    def checkpoints(self) -> list[ModelEntry]:
        return self.entries

    def refresh(self) -> None:
        self.entries.append(ModelEntry("new", "new", Path("new")))

    def find(self, name: str) -> ModelEntry:
        if entry := next((entry for entry in self.entries if name in (entry.name, entry.title)), None):
            return entry
        raise NotFound(f"There is no {name}.")

    choose = find

    def outlook(self, request: MergeRequest) -> dict[str, Any]:
        self.asked.append(request)
        return {"name": "made.safetensors", "problem": ""}

    def submit(self, request: MergeRequest, owner: str) -> str:
        self.taken.append((request, owner))
        return "job-1"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def tab(desk: Desk) -> MergerTab:
    merging = Merging(desk.outlook, lambda request: {"title": request.primary}, lambda: ["small.vae.pt"], desk.submit)
    with gr.Blocks() as page:
        notices = Notices()
        with gr.Tabs():
            tab = MergerTab(cast(Any, SimpleNamespace(models=desk)), merging, notices)
        tab.connect(page)
    return tab


def values(tab: MergerTab, **changes: Any) -> list[Any]:
    return list({**{name: getattr(control, "value", None) for name, control in tab.form.controls.items()}, **changes}.values())


def test_the_form_as_it_starts_is_a1111s_weighted_sum() -> None:
    assert request_of({**START, "primary": "a", "secondary": "b"}) == MergeRequest(primary="a", secondary="b")


def test_every_field_reaches_the_request() -> None:
    made = request_of(
        {
            **START, "primary": "a", "secondary": "b", "tertiary": "c", "custom_name": " mine ", "multiplier": 0.45,
            "method": "Add difference", "format": "ckpt", "half": True, "config_from": "B", "vae": "small.vae.pt", "discard": "ema",
            "save_metadata": False, "recipe": False, "copy_metadata": False, "metadata": '{"title": "x", "tags": ["y"]}',
        }
    )  # fmt: skip
    assert made == MergeRequest(
        primary="a", secondary="b", tertiary="c", method="Add difference", multiplier=0.45, numbers="fp16", format="ckpt",
        custom_name="mine", config_from="B", vae="small.vae.pt", discard="ema", save_metadata=False, recipe=False, copy_metadata=False,
        metadata={"title": "x", "tags": '["y"]'},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"primary": ""}, "no primary model"),
        ({"secondary": None}, "needs a secondary model"),
        ({"method": "Add difference"}, "needs a tertiary model"),
        ({"multiplier": 1.5}, r"Multiplier \(M\) - set to 0 to get model A is 1.5; it must be at most 1"),
        ({"metadata": "{"}, "not valid JSON"),
        ({"metadata": "[1]"}, "no JSON table"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        request_of({**START, "primary": "a", "secondary": "b", **changes})


def test_folders_are_not_offered(tab: MergerTab) -> None:
    primary = tab.form["primary"]
    assert isinstance(primary, gr.Dropdown)
    assert [value for _, value in primary.choices or []] == ["", "a", "b"]


def test_the_outlook_is_told_with_the_formula(tab: MergerTab, desk: Desk) -> None:
    told = json.loads(tab.looked(*values(tab, primary="a", secondary="b"))[tab.outlook])
    assert told == {"formula": "A · (1 - M) + B · M", "multiplier": 0.3, "name": "made.safetensors", "problem": ""}
    assert desk.asked == [MergeRequest(primary="a", secondary="b")]


def test_without_a_primary_model_nothing_is_looked_at(tab: MergerTab, desk: Desk) -> None:
    assert json.loads(tab.looked(*values(tab))[tab.outlook])["waiting"] is True
    assert not desk.asked


def test_what_is_missing_is_part_of_the_outlook(tab: MergerTab) -> None:
    told = json.loads(tab.looked(*values(tab, primary="a"))[tab.outlook])
    assert "needs a secondary model" in told["problem"]


def test_merge_submits_for_the_page(tab: MergerTab, desk: Desk) -> None:
    assert tab.submit(*values(tab, primary="a", secondary="b"), "me") == {tab.ticket: "job-1"}
    assert desk.taken == [(MergeRequest(primary="a", secondary="b"), "me")]


def test_metadata_is_read_though_the_merge_is_not_complete(tab: MergerTab) -> None:
    assert json.loads(tab.told(*values(tab, primary="a", metadata="{"))[tab.form["metadata"]]) == {"title": "a"}


def test_a_new_checkpoint_is_in_the_lists_after_a_refresh(tab: MergerTab) -> None:
    assert ("new", "new") in tab.refreshed("a", None, None)[tab.form["secondary"]]["choices"]


def test_a_chosen_checkpoint_stays_chosen_when_its_title_gets_a_hash_and_not_when_it_is_gone(tab: MergerTab, desk: Desk) -> None:
    desk.entries[0] = replace(desk.entries[0], title="a [0123456789]")
    shown = tab.refreshed("a", "gone", "")
    assert [shown[tab.form[name]]["value"] for name in ("primary", "secondary", "tertiary")] == ["a [0123456789]", "", ""]


def test_the_new_checkpoint_is_chosen_by_name(tab: MergerTab) -> None:
    assert tab.used("b") == {tab.loaded: "b"}
    assert tab.used("") == {}


def test_the_controls_have_a1111s_ids(tab: MergerTab) -> None:
    ids = {control.elem_id for control in tab.form.components()} | {button.elem_id for button in tab.refreshes}
    names = (
        "primary_model_name secondary_model_name tertiary_model_name custom_name interp_amount interp_method checkpoint_format "
        "save_as_half config_method bake_in_vae refresh_bake_in_vae discard_weights save_metadata add_recipe copy_metadata"
    ).split()
    assert ids >= {f"modelmerger_{name}" for name in names} | {f"refresh_checkpoint_{letter}" for letter in "ABC"}
