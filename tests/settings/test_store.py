"""Settings survive everything that happens to their file."""

import json
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.settings.groups import HEADINGS, Settings
from modules.settings.store import ENTRIES, EXTENSIONS, SettingsStore, entries, flat
from tests.golden import golden_json


def test_settings_are_kept(tmp_path: Path) -> None:
    SettingsStore(tmp_path / "settings.json").update({"randn_source": "NV", "CLIP_stop_at_last_layers": 2})
    kept = SettingsStore(tmp_path / "settings.json").current
    assert (kept.model.random_source, kept.model.clip_skip) == ("NV", 2)


def test_an_override_changes_a_copy_only(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    assert store.snapshot({"randn_source": "CPU"}).model.random_source == "CPU"
    assert store.current == Settings()
    assert not store.path.exists()


def test_all_or_nothing_is_changed(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    with pytest.raises(BadRequest, match="'Clip skip' is 99"):
        store.update({"randn_source": "NV", "CLIP_stop_at_last_layers": 99})
    with pytest.raises(NotFound, match="randn_source"):
        store.update({"randn_sorce": "NV"})
    assert store.current == Settings()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null", b'{"model": 5}', b'{"model": {"clip_skip": "many"}}', b"{}" * 2]
)
def test_any_damaged_file_starts_with_defaults_and_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert SettingsStore(path).current == Settings()
    assert any(file.read_bytes() == content for file in tmp_path.iterdir())


def test_settings_of_another_version_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"future": {"a": 1}, "model": {"novel": 2, "clip_skip": 3}}))
    store = SettingsStore(path)
    assert store.current.model.clip_skip == 3
    store.update({"randn_source": "CPU"})
    written = json.loads(path.read_text())
    assert (written["future"], written["model"]["novel"], written["model"]["random_source"]) == ({"a": 1}, 2, "CPU")


def test_every_setting_has_a_label_and_a_key_of_its_own() -> None:
    listed = list(entries())
    assert len(ENTRIES) == len(listed)
    assert all(entry.field.title for entry in listed)


def test_defaults_are_a1111s_where_it_has_the_setting() -> None:
    recorded = golden_json("pure/default_options.json") or {}
    differing = {key: (value, recorded[key]) for key, value in flat(Settings()).items() if key in recorded and value != recorded[key]}
    unset = {"sd_model_checkpoint", "upscaler_for_img2img"}  # A1111 says null where a text says none
    ours = {"show_progress_type", "api_enable_requests", "gradio_theme", "quicksettings_list"}
    # no network for previews comes along; nothing is fetched unasked; our own themes; VAE and clip skip stand on top
    assert set(differing) <= unset | ours, differing


def test_every_wrong_value_has_a_sentence(tmp_path: Path) -> None:
    wrong: dict[str, tuple[object, str]] = {
        "jpeg_quality": (0, "is 0; it must be between 1 and 100."),
        "randn_source": ("TPU", "is 'TPU'; it must be 'GPU', 'CPU' or 'NV'."),
        "accent_color": ("red", "is 'red'; a colour is written as #rrggbb."),
        "eta_ddim": ("much", "is 'much'; it must be a number."),
        "downloads_largest": (-1, "is -1; it must be at least 0."),
        "tiling": ("perhaps", "is 'perhaps'; it must be true or false."),
        "n_rows": (1.5, "is 1.5; it must be a whole number."),
        "keyedit_delimiters": (5, "is 5; it must be a text."),
        "hide_samplers": (3, "is 3; it must be a list."),
    }
    with pytest.raises(BadRequest) as raised:
        SettingsStore(tmp_path / "settings.json").update({key: value for key, (value, _) in wrong.items()})
    for _, words in wrong.values():
        assert words in raised.value.message


def test_all_values_are_what_json_holds() -> None:
    values = flat(Settings())
    assert json.loads(json.dumps(values)) == values


def test_every_page_stands_under_one_heading() -> None:
    listed = [name for names in HEADINGS.values() for name in names]
    assert sorted(listed) == sorted(Settings.model_fields.keys() - {EXTENSIONS})  # theirs come and go


# Whose label says all that there is to say. A new setting has help, or is put here by somebody who has read its label.
PLAIN = """
samples_save jpeg_quality outdir_img2img_samples outdir_extras_samples save_to_dirs enable_pnginfo save_images_before_highres_fix
save_images_before_face_restoration save_images_before_color_correction webp_lossless save_txt grid_save grid_format grid_only_if_multiple
grid_prevent_empty_spots grid_text_active_color grid_text_inactive_color grid_background_color outdir_txt2img_grids outdir_img2img_grids
sd_model_checkpoint sd_vae_overrides_per_model_preferences sdxl_clip_l_skip enable_prompt_comments hires_fix_refiner_pass
sdxl_refiner_high_aesthetic_score sdxl_refiner_low_aesthetic_score sd_lora sd_hypernetwork lora_preferred_name lora_add_hashes_to_infotext
lora_bundled_ti_to_infotext textual_inversion_add_hashes_to_infotext extra_networks_default_multiplier always_discard_next_to_last_sigma
enable_quantization img2img_extra_noise img2img_color_correction img2img_fix_steps img2img_background_color overlay_inpaint return_mask
return_mask_composite s_min_uncond_all pad_cond_uncond pad_cond_uncond_v0 batch_cond_uncond persistent_cond_cache
use_old_karras_scheduler_sigmas no_dpmpp_sde_batch_determinism use_old_hires_fix_width_height hires_fix_use_firstpass_conds
use_downcasted_alpha_bar refiner_switch_by_sample_steps ESRGAN_tile_overlap upscaling_max_images_in_cache live_previews_enable seconds
add_model_hash_to_info add_model_name_to_info add_vae_name_to_info add_vae_hash_to_info add_version_to_infotext hidden_tabs
show_progress_in_title prevent_screen_sleep_during_generation hires_fix_show_sampler hires_fix_show_prompts
hide_footer
keyedit_precision_attention keyedit_precision_extra keyedit_delimiters_whitespace keyedit_move disable_token_counters
canvas_hotkey_zoom canvas_hotkey_adjust canvas_hotkey_shrink_brush canvas_hotkey_grow_brush canvas_hotkey_move canvas_hotkey_fullscreen
canvas_hotkey_reset canvas_hotkey_overlap disable_weights_auto_swap downloads_mature downloads_companions downloads_largest
api_forbid_local_requests api_useragent training_patience
""".split()


def test_every_setting_has_help_unless_its_label_says_it_all() -> None:
    without = {entry.key for entry in entries() if not entry.field.description}
    assert without <= set(PLAIN), without - set(PLAIN)
    assert set(PLAIN) <= set(ENTRIES)
