"""A1111's settings by their keys: those that act, those that are kept, those that the API may not touch."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from modules.a1111.options import ApiOptions
from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.settings.store import ENTRIES, SettingsStore
from tests.a1111.pretended import PretendedModels
from tests.golden import golden_json, needs_golden

# Of other programs that share A1111's code, and texts of its page that stand among its settings.
NOT_A1111S = re.compile(r"(onnx|olive|diffusers|directml)_|.*_explanation$|olive_sep$|settings_in_ui$")


@pytest.fixture
def options(tmp_path: Path) -> ApiOptions:
    store = SettingsStore(tmp_path / "settings.json")
    return ApiOptions(store, PretendedModels(tmp_path, store))


def again(options: ApiOptions) -> ApiOptions:
    """The options of a program that was started again."""
    return ApiOptions(SettingsStore(options.store.path), options.models)


@needs_golden
def test_all_of_a1111s_settings_are_there() -> None:
    recorded = {key for key in golden_json("api/options.json") if not NOT_A1111S.match(key)}
    table = json.loads((Path(__file__).parents[2] / "modules" / "a1111" / "options.json").read_text("utf8"))
    ours = {*table["settable"], *table["refused"], "sd_model_checkpoint", "sd_checkpoint_hash"}
    assert recorded - ours == set()


@needs_golden
def test_kept_settings_have_a1111s_defaults(options: ApiOptions) -> None:
    recorded = golden_json("pure/default_options.json")
    different = {key for key, value in options.defaults.items() if key in recorded and value != recorded[key]}
    # Nothing is fetched unless a person wants it; VAE and clip skip stand in the row on top from the start.
    assert different <= {"api_enable_requests", "quicksettings_list"}


def test_what_was_written_is_found_after_a_restart(options: ApiOptions) -> None:
    options.change({"send_seed": False, "CLIP_stop_at_last_layers": 2, "quicksettings_list": ["sd_vae"]})
    values = again(options).all()
    assert (values["send_seed"], values["CLIP_stop_at_last_layers"], values["quicksettings_list"]) == (False, 2, ["sd_vae"])


def test_a_setting_back_at_its_default_leaves_the_file(options: ApiOptions) -> None:
    options.change({"lora_functional": True})
    options.change({"lora_functional": False})
    assert json.loads(options.path.read_text("utf8")) == {}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"nope": 1}, NotFound),
        ({"send_seed": "yes"}, BadRequest),
        ({"send_seed": 1}, BadRequest),
        ({"gallery_height": 5}, BadRequest),
        ({"quicksettings_list": ["a", 1]}, BadRequest),
        ({"notification_volume": float("inf")}, BadRequest),
        ({"notification_volume": True}, BadRequest),
        ({"gallery_height": "\ud800"}, BadRequest),
        ({"\ud800": 1}, NotFound),
        ({"CLIP_stop_at_last_layers": 99}, BadRequest),
        ({"randn_source": "TPU"}, BadRequest),
        ({"outdir_samples": "elsewhere"}, NotSupported),
        ({"api_enable_requests": True}, NotSupported),
        ({"sd_model_checkpoint": "nope"}, NotFound),
    ],
)
def test_one_wrong_value_changes_nothing(options: ApiOptions, values: dict[str, Any], error: type[Exception]) -> None:
    before = options.all()
    with pytest.raises(error):
        options.change({"send_size": False, "CLIP_stop_at_last_layers": 3} | values)
    assert options.all() == before
    assert again(options).all() == before


def test_an_unknown_setting_is_answered_with_the_nearest(options: ApiOptions) -> None:
    with pytest.raises(NotFound, match="CLIP_stop_at_last_layers"):
        options.change({"clip_stop_at_last_layer": 2})


def test_whole_numbers_may_come_as_fractions(options: ApiOptions) -> None:
    options.change({"notification_volume": 50.0, "CLIP_stop_at_last_layers": 2.0})
    assert (options.value("notification_volume"), options.value("CLIP_stop_at_last_layers")) == (50, 2)


def test_all_settings_can_be_sent_back_as_they_came(options: ApiOptions) -> None:
    before = options.all()
    options.change(before | {"send_seed": False})
    assert options.all() == before | {"send_seed": False}


def test_a_checkpoint_is_loaded_when_it_changes_and_only_then(options: ApiOptions) -> None:
    assert isinstance(options.models, PretendedModels)
    options.change({"sd_model_checkpoint": "two"})
    options.change({"sd_model_checkpoint": options.all()["sd_model_checkpoint"]})
    assert options.models.chosen_names == ["two.safetensors"]


def test_a_request_may_override_what_acts_and_what_is_kept(options: ApiOptions) -> None:
    overrides = options.overrides({"CLIP_stop_at_last_layers": 2, "lora_functional": True, "sd_model_checkpoint": "two"})
    assert (overrides.settings, overrides.checkpoint) == ({"CLIP_stop_at_last_layers": 2}, "two")


@pytest.mark.parametrize("values", [{"nope": 1}, {"outdir_samples": "x"}, {"CLIP_stop_at_last_layers": 0}, {"send_seed": 3}])
def test_a_request_may_not_override_what_cannot_be_set(options: ApiOptions, values: dict[str, Any]) -> None:
    with pytest.raises((NotFound, NotSupported, BadRequest)):
        options.overrides(values)


def test_no_setting_that_names_a_place_or_a_secret_can_be_set(options: ApiOptions) -> None:
    """R-23, R-41: an allow-list. A new setting whose name says folder, file, address or password has to be looked at here."""
    looks_local = re.compile(
        r"outdir|_dir$|dir_|folder|_path|filename|font|url|request|agent|auth|password|secret|token_|_file|disabled_ext"
    )
    known_harmless = {
        "grid_extended_filename", "use_original_name_batch", "dataset_filename_word_regex", "dataset_filename_join_string", "save_to_dirs",
        "extra_networks_dir_button_function", "open_dir_button_choice", "token_merging_ratio", "token_merging_ratio_img2img",
        "token_merging_ratio_hr", "disable_token_counters", "include_styles_into_token_counters", "list_hidden_files",
    }  # fmt: skip
    settable = ({*ENTRIES} | {*options.defaults}) - options.refused
    assert {key for key in settable if looks_local.search(key)} <= known_harmless


def test_a_damaged_file_counts_as_not_there(options: ApiOptions) -> None:
    options.path.write_text('{"send_seed": 7}', "utf8")
    assert again(options).value("send_seed") is True
    options.path.write_text("[", "utf8")
    assert again(options).value("send_seed") is True
