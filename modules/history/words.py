"""Prompts as words to be found: what is indexed, and how a person's words ask for it."""

import re

# Scripts that are written without blanks between words: each character is indexed as a word of its own, so that any part is found.
UNSPACED = re.compile("([\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fa1f])")
TAG = re.compile(r"<[^<>]*>")  # <lora:name:1>
WEIGHT = re.compile(r":\s*[0-9.]+\s*(?=[)\]])")  # (word:1.2)
LORA = re.compile(r"<(?:lora|lyco):([^:<>]+)[:>]", re.IGNORECASE)


def spaced(text: str) -> str:
    """A text with blanks around each character of a script that has none."""
    return UNSPACED.sub(r" \1 ", text)


def indexed(prompt: str) -> str:
    """A prompt as it is indexed: its words without tags and weights."""
    return spaced(WEIGHT.sub("", TAG.sub(" ", prompt)))


def lora_names(prompt: str) -> list[str]:
    """The LoRAs that a prompt names, each once."""
    return list(dict.fromkeys(name.strip() for name in LORA.findall(prompt)))


def asked(words: str, *, exact: bool) -> str:
    """An FTS5 phrase for a person's words: in this order, the last one a beginning unless `exact`. Empty where nothing can be found."""
    text = indexed(words)
    if not any(character.isalnum() for character in text):
        return ""
    return '"' + text.replace('"', " ").replace("\0", " ") + '"' + ("" if exact else "*")
