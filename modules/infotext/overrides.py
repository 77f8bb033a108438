"""Settings for one request as texts such as "Clip skip: 2", which is how A1111's page shows and takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.infotext.fields import SETTINGS, setting

LABELS = {one.label: one for one in SETTINGS}
KEYS = {one.key: one for one in SETTINGS}


def as_texts(settings: Mapping[str, Any]) -> list[str]:
    """Settings by A1111's keys as "Label: value"; those that no infotext names keep their key for a label."""
    return [f"{KEYS[key].label if key in KEYS else key}: {value}" for key, value in settings.items()]


def from_texts(texts: Sequence[str]) -> dict[str, Any]:
    """The settings by A1111's keys that such texts name. Raises BadRequest and NotFound with the text that cannot be read."""
    found: dict[str, Any] = {}
    for text in texts:
        label, colon, value = text.partition(": ")
        if not colon:
            raise BadRequest(f"The override {text!r} has no value; it must be of the form 'Clip skip: 2'.")
        if label not in LABELS:
            raise NotFound.among("setting in an infotext", label, LABELS)
        try:
            found[LABELS[label].key] = setting(LABELS[label], value)
        except (ValueError, OverflowError):
            raise BadRequest(f"The override '{label}' is {value!r}, which is no value of that setting.") from None
    return found
