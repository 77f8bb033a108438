"""File names from patterns, with A1111's placeholders."""

import hashlib
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modules.imaging.naming import FORBIDDEN, LONGEST_NAME, asks_for, image_hash, name_from, values_of

NOW = datetime(2026, 1, 31, 23, 5, 9, tzinfo=timezone.utc)
FACTS: dict[str, Any] = {
    "steps": 20, "cfg": 7.5, "width": 512, "height": 768, "sampler": "DPM++ 2M", "scheduler": "Karras", "model_name": "sd15",
    "model_hash": "abcdef1234", "negative_prompt": "bad", "clip_skip": 2, "user": "ann", "vae_filename": "some.vae.pt",
    "styles": ("photo", "None", "art"), "style_texts": ("masterpiece, {prompt}, highly detailed", "art"), "image_hash": "0123456789abcdef",
    "denoising": 0.7, "job_timestamp": "20260131", "basename": "grid",
}  # fmt: skip
PROMPT = "masterpiece, a red cat, highly detailed"
BATCH = {"batch_size": 2, "batch_count": 3, "batch_index": 1, "iteration": 2, "seeds": (5, 6)}


def name(pattern: str, prompt: str = PROMPT, **facts: Any) -> str:
    return name_from(pattern, values_of(prompt=prompt, seed=6, facts={**FACTS, **facts}, now=NOW), NOW)


def sha(text: str, size: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:size]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[basename]-[seed]", "grid-6"),
        ("[steps] [cfg] [width]x[height]", "20 7.5 512x768"),
        ("[styles]", "photo, art"),
        ("[sampler]|[scheduler]|[sampler_scheduler]", "DPM++ 2M_Karras_DPM++ 2M Karras"),
        ("[model_hash] [model_name] [vae_filename] [clip_skip] [user] [denoising]", "abcdef1234 sd15 some 2 ann 0.7"),
        ("[date]", "2026-01-31"),
        ("[datetime] [datetime<%Y>] [datetime<%H><Asia/Tokyo>] [datetime<><UTC>]", "20260131230509 2026 08 20260131230509"),
        ("[datetime<%H><Nowhere/Land>]", "23"),
        ("[datetime<%H><../../etc/passwd>]", "23"),
        ("[job_timestamp]", "20260131"),
        ("[prompt]", "masterpiece,_a_red_cat,_highly_detailed"),
        ("[prompt_spaces]", PROMPT),
        ("[prompt_no_styles]", "a red cat"),
        ("[prompt_words]", "masterpiece a red cat highly detailed"),
        ("[prompt_hash]-[prompt_hash<4>]", f"{sha(PROMPT, 8)}-{sha(PROMPT, 4)}"),
        ("[negative_prompt_hash<6>]", sha("bad", 6)),
        ("[full_prompt_hash]", sha(PROMPT + " bad", 8)),
        ("[image_hash] [image_hash<4>]", "0123456789abcdef 0123"),
        ("[hasprompt<CAT><dog|no dog><bird>]", "catno_dog"),
        ("[SEED] [Prompt_Hash<4>]", f"6 {sha(PROMPT, 4)}"),
        ("a[none]b", "ab"),
        ("[nope] [nope<x>] [prompt_hash<x>]", "[nope] [nope_x_] [prompt_hash_x_]"),
    ],
)
def test_a_placeholder_says_what_a1111s_says(pattern: str, expected: str) -> None:
    assert name(pattern) == expected


def test_in_a_batch_the_place_of_the_picture_is_named() -> None:
    pattern = "[seed_first]-[seed_last]-[batch_size]-[batch_number]-[generation_number]"
    assert name(pattern, **BATCH) == "5-6-2-2-6"


def test_a_placeholder_with_nothing_to_say_takes_the_text_before_it_away() -> None:
    assert name("[seed_first]-[seed_last]b[batch_number] n[generation_number] d[denoising]!", denoising=None) == "6!"


def test_a_prompt_without_words_is_empty() -> None:
    assert name("[prompt_words]", prompt="(:, )") == "empty"


def test_prompt_words_stop_at_the_number_of_the_setting() -> None:
    assert name("[prompt_words]", prompt="one_two three", max_words=2) == "one two"


def test_what_stands_behind_a_long_prompt_still_shows() -> None:
    filled = name("[prompt_spaces]-[seed]", prompt="word " * 100)
    assert filled == "word " * 25 + "wor-6"  # A1111 cuts at 128 characters, too


def test_facts_that_are_missing_leave_their_placeholder() -> None:
    assert name_from("[steps] [sampler_scheduler] [image_hash]", values_of(prompt="x", seed=1, facts={}, now=NOW), NOW) == (
        "[steps] [sampler_scheduler] [image_hash]"
    )


def test_a_placeholder_that_is_dear_can_be_asked_for() -> None:
    assert asks_for("x [Image_Hash<4>]", "image_hash")
    assert not asks_for("image_hash", "image_hash")


def test_the_hash_of_a_picture_is_that_of_its_pixels() -> None:
    assert image_hash(Image.new("RGB", (2, 2))) == hashlib.sha256(bytes(12)).hexdigest()


@given(st.text(alphabet="[]<>abcdeimnoprst_-%/\\. \0é猫", max_size=80), st.text(max_size=300))
@settings(max_examples=300)
def test_every_pattern_and_prompt_gives_a_name_that_every_system_takes(pattern: str, prompt: str) -> None:
    made = name(f"{pattern}[prompt][datetime<{pattern}>]", prompt=prompt)
    assert made
    assert len(made.encode()) <= LONGEST_NAME + 1
    assert not FORBIDDEN.search(made)
    assert made == made.strip(" .")
