"""Where in a prompt its chunks of tokens begin, found by counting: whatever makes the chunks, styles and all, is not known here."""

import re
from collections.abc import Callable

CHUNK = 75
WORD = re.compile(r"<[^<>]*>|[^\s,<]+|,|<")


def chunk_borders(prompt: str, used: Callable[[str], int]) -> list[int]:
    """The places in `prompt` where its second and each further chunk begins, to a word.

    `used` counts the tokens of a text, each full chunk as 75, whatever it holds. A chunk may begin behind the comma before
    the word that did not fit: that is told by how many tokens the new chunk has at once.
    """
    words = [(match.start(), match.end()) for match in WORD.finditer(prompt)]
    counted: dict[int, int] = {}

    def tokens(word: int) -> int:
        """How many tokens the prompt takes up to and with a word."""
        if word not in counted:
            counted[word] = used(prompt[: words[word][1]])
        return counted[word]

    borders: list[int] = []
    total = used(prompt)
    first = 0
    for full in range(CHUNK, total, CHUNK):
        low, high = first, len(words) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if tokens(middle) > full else (middle + 1, high)
        if not words or tokens(low) <= full:
            break  # counted in a style's text, which is not in this prompt
        borders.append(words[begin(prompt, words, low, tokens(low) - full, used)][0])
        first = low
    return borders


def begin(prompt: str, words: list[tuple[int, int]], word: int, moved: int, used: Callable[[str], int]) -> int:
    """The first word of the chunk that `word` opened, which then held `moved` tokens: with more than its own, those behind a comma."""
    start, end = words[word]
    if moved <= used(prompt[start:end]):
        return word
    comma = prompt.rfind(",", 0, start)
    behind = (number for number, (place, _) in enumerate(words) if place > comma)
    return min(next(behind, word), word) if comma >= 0 else word
