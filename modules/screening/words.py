"""The prompt list: words that no prompt may have. Whole words, in any case and form of their letters, never parts of words."""

import re
import unicodedata
from collections.abc import Sequence

from modules.contract.errors import BadRequest


def refuse(prompts: Sequence[str], listed: str) -> None:
    """Raise BadRequest if a prompt has a listed word. One entry a line; `a + b` is refused only where both stand in one prompt."""
    entries = [[plain(part) for part in line.split("+")] for line in listed.splitlines() if line.strip()]
    for prompt in prompts:
        text = plain(prompt)
        for entry in entries:
            if all(part and stands_in(part, text) for part in entry):
                words = " with ".join(f"'{part.strip()}'" for part in entry)
                raise BadRequest(f"The prompt has {words}, which the list of screened words refuses.", "Say it in other words.")


def plain(text: str) -> str:
    """A text as it is compared: compatible forms of letters unified (NFKC), lower case, underscores and spaces alike."""
    return re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def stands_in(words: str, text: str) -> bool:
    """Whether words stand in a text as whole words; scripts that write no spaces have none to go by, so there any place counts."""
    edge = r"(?<!\w){}(?!\w)" if words.isascii() else "{}"
    return re.search(edge.format(re.escape(words)), text) is not None
