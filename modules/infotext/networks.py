"""The networks an infotext names: by the names they have here, found by their hashes, and from the AddNet extension's pairs."""

import re
from collections.abc import Callable, Mapping

LORA = re.compile(r"<lora:([^:<>]+)(?=[:>])")
MODEL_HASH = re.compile(r"\s*\(([0-9a-f]{1,64})\)\Z")
Local = Callable[[str], str | None]
MODEL, MODULE, WEIGHT = "AddNet Model ", "AddNet Module ", "AddNet Weight A "


def with_local_names(values: Mapping[str, str], local: Local) -> dict[str, str]:
    """The values of `read` with each `<lora:name>` renamed to the file of its hash. `local`: a hash's name here; None: not here."""
    hashes = lora_hashes(values.get("Lora hashes", ""))

    def renamed(match: re.Match[str]) -> str:
        hash = hashes.get(match.group(1))
        name = local(hash) if hash else None
        return f"<lora:{name}" if name else match.group(0)

    return {**values, "Prompt": LORA.sub(renamed, values.get("Prompt", "")) if hashes else values.get("Prompt", "")}


def unnamed(hash: str) -> None:
    """Knows no network."""


def lora_hashes(text: str) -> dict[str, str]:
    """The hashes by name of a 'Lora hashes' value: `name: hash, name: hash`."""
    named = (entry.rpartition(":") for entry in text.split(","))
    return {name.strip(): hash.strip() for name, colon, hash in named if colon and name.strip() and hash.strip()}


def with_added_networks(values: Mapping[str, str]) -> dict[str, str]:
    """The values of `read` with what the AddNet extension wrote as pairs put into the prompt, as `<lora:name:weight>` in a new line."""
    tags = ""
    for label, value in values.items():
        number = label.removeprefix(MODEL)
        if number != label and values.get(MODULE + number) == "LoRA":
            tags += f"<lora:{MODEL_HASH.sub('', value)}:{values.get(WEIGHT + number, '1.0')}>"
    return {**values, "Prompt": f"{values.get('Prompt', '')}\n{tags}" if tags else values.get("Prompt", "")}
