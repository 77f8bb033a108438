"""Control networks as A1111's extension names them: `control_v11p_sd15_canny [d14c016b]`."""

import re
from collections.abc import Sequence

from modules.contract.errors import NotFound
from modules.contract.services import ModelEntry
from modules.weights.hashes import legacy_hash

BRACKETS = re.compile(r"\s*\[([0-9a-fA-F]+)\]\s*$")
NONE = ("", "none")


def title_of(entry: ModelEntry) -> str:
    """A model's name with the 8 digits that A1111's extension shows, which are the old kind of hash."""
    try:
        return f"{entry.name} [{legacy_hash(entry.path)}]"
    except OSError:
        return entry.name


def titles(entries: Sequence[ModelEntry]) -> list[str]:
    """The titles of all that can be used."""
    return [title_of(entry) for entry in entries if entry.problem is None]


def find(entries: Sequence[ModelEntry], text: str) -> ModelEntry | None:
    """The model of a title, a name, a file name or a hash in brackets; None for "None".

    Names as written come first, then in another case, then the hash, then the first name that has the text in it, as A1111 looks.
    Raises NotFound, and for a file that cannot be used with why it cannot.
    """
    bare = BRACKETS.sub("", text.strip())
    if bare.lower() in NONE:
        return None
    found = next((one for one in entries if bare in (one.name, one.path.name)), None)
    found = found or next((one for one in entries if bare.lower() in (one.name.lower(), one.path.name.lower())), None)
    brackets = BRACKETS.search(text)
    if found is None and brackets:
        found = next((one for one in entries if title_of(one).endswith(f"[{brackets[1].lower()}]")), None)
    found = found or next((one for one in entries if bare.lower() in one.name.lower()), None)
    if found is None:
        raise NotFound.among("ControlNet model", bare[:80], [one.name for one in entries])
    if found.problem:
        raise NotFound(f"The ControlNet model {found.name} cannot be used.", found.problem)
    return found
