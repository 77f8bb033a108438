"""What translates: the vocabulary, a model of a person's own, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modules.plugins import Host

from . import cedict, marian
from .dictionary import Translation, is_in, language_of, translate
from .protected import narrowed, pieces
from .tokens import OTHERWISE, composed


@dataclass(frozen=True)
class Provider:
    """Translates prompts, always alike. `language` "" finds out by itself."""

    language: str = ""
    names: Sequence[str] = ()
    otherwise: OTHERWISE | None = None
    model: marian.Translator | None = None
    off: bool = False

    def translate(self, prompt: str) -> Translation:
        """A prompt in English; one that is English already as it is."""
        if self.off or not prompt.strip():
            return Translation(prompt)
        if self.model is not None:
            return by_model(prompt, self.model, self.language, self.names)
        return translate(prompt, self.language, names=self.names, otherwise=self.otherwise)

    def once(self, prompt: str, original: str) -> tuple[str, str]:
        """A prompt in English, and what it was translated from, "" if it was English.

        If `original` is what it was translated from before, it stays as it is.
        """
        if original and self.translate(original).text == prompt:
            return prompt, original
        text = self.translate(prompt).text
        return text, prompt if text != prompt else ""


def by_model(prompt: str, model: marian.Translator, language: str, names: Sequence[str]) -> Translation:
    """A prompt whose parts a model translates; what is fixed in it, and what is English, stays."""
    language = language or language_of(prompt)
    if not language:
        return Translation(prompt)
    kept = {name.lower() for name in names}
    found: list[str] = []
    words: list[tuple[str, str]] = []
    for piece in pieces(narrowed(composed(prompt))):
        bare = piece.text.strip()
        if piece.fixed or not bare or bare.lower() in kept or not is_in(piece.text, language):
            found.append(piece.text)
            continue
        [english] = model([bare])
        english = english.rstrip(".")
        words.append((bare, english))
        before, after = piece.text[: len(piece.text) - len(piece.text.lstrip())], piece.text[len(piece.text.rstrip()) :]
        found.append(before + english + after)
    return Translation("".join(found), language, tuple(words)) if words else Translation(prompt)


def provided(settings: Any, host: Host | None, language: str) -> Provider:
    """What translates by the settings. Raises NotFound, BadModel, NotSupported for a model folder that cannot be used."""
    names = host.program.choices("embedding") if host else ()
    if settings.provider == "off":
        return Provider(off=True)
    if settings.provider == "model folder" and host:
        return Provider(language, names, model=marian.translator(host.program.folders.models, settings.model))
    return Provider(language, names, otherwise=cedict.lookup() if settings.cedict else None)
