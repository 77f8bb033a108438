"""Settings as texts, and back."""

from typing import Any

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.infotext.overrides import as_texts, from_texts

SETTINGS: dict[str, Any] = {
    "CLIP_stop_at_last_layers": 2, "randn_source": "NV", "eta_noise_seed_delta": 31337, "tiling": True, "s_churn": 0.5,
}  # fmt: skip


def test_settings_come_back_from_their_texts_as_they_were() -> None:
    assert from_texts(as_texts(SETTINGS)) == SETTINGS


@pytest.mark.parametrize(("text", "error"), [("Clip skip", BadRequest), ("Clip skip: two", BadRequest), ("Nothing: 2", NotFound)])
def test_what_cannot_be_read_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        from_texts([text])
