"""Values to A1111's infotext: the prompt, the negative prompt, and one line of `Key: value` pairs."""

import json
from collections.abc import Mapping


def quoted(value: object) -> str:
    """A value as it stands behind its key: quoted as JSON if it holds a comma, a colon or a line break."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(character in text for character in ",\n:") else text


def write(prompt: str, negative_prompt: str, parameters: Mapping[str, object]) -> str:
    """The infotext. A parameter that is None is left out; one whose value is its key stands alone."""
    pairs = ", ".join(key if key == value else f"{key}: {quoted(value)}" for key, value in parameters.items() if value is not None)
    negative = f"\nNegative prompt: {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{pairs}".strip()
