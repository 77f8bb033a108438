"""Stage: prompts to conditioning."""

import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from modules.contract.request import Size
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.families.text_encoder import Encoded
from modules.pipeline.conditioning import Conditioning, Encoding, Weighted
from modules.pipeline.run import Loaded, Prompts, Run
from modules.prompts.schedule import parts, schedule
from modules.settings.groups import Settings

KEPT = 64


@dataclass(frozen=True)
class Timeline:
    """How many calls the schedules of prompts are laid over: those of the first pass, and of the second when it is that one's."""

    steps: int
    hires_steps: int | None = None


class EncodingCache:
    """Encoded texts of the loaded models: people change the seed more often than the prompt."""

    def __init__(self) -> None:
        # by model, weakly: the cache must not keep one in memory
        self.encoded: weakref.WeakKeyDictionary[Loaded, OrderedDict[Hashable, Encoded]] = weakref.WeakKeyDictionary()

    def encode(self, loaded: Loaded, texts: tuple[str, ...], options: TextOptions) -> Encoded:
        """The encodings of texts that belong together."""
        known = self.encoded.setdefault(loaded, OrderedDict())
        key = (loaded.text_state, texts, options)
        if key not in known:
            known[key] = loaded.components.encode_prompts(texts, options)
            if len(known) > KEPT:
                known.popitem(last=False)
        known.move_to_end(key)
        return known[key]

    def clear(self) -> None:
        """Forget all."""
        self.encoded.clear()


def text_options(settings: Settings, *, negative: bool = False) -> TextOptions:
    """What the settings say of text encoders. SDXL takes an empty negative prompt as no text at all."""
    return TextOptions(
        clip_skip=settings.model.clip_skip,
        clip_skip_sdxl=settings.model.clip_skip_sdxl,
        emphasis=settings.model.emphasis,
        comma_backtrack=settings.model.comma_backtrack,
        old_emphasis=settings.compatibility.old_emphasis,
        zero_if_empty=negative,
    )


def encode(run: Run, loaded: Loaded, prompts: Prompts, timeline: Timeline, size: Size) -> Conditioning:
    """The conditioning of a batch under a model."""
    kept = run.tools.encodings
    settings = run.settings

    @cache
    def encoding(text: str, negative: bool) -> Encoding:
        until = schedule(text, timeline.steps, hires_steps=timeline.hires_steps, old=settings.compatibility.old_scheduling)
        texts = tuple(variant.text for variant in until)
        encoded = kept.encode(loaded, texts, text_options(settings, negative=negative))
        if timeline.hires_steps is None and loaded is run.loaded:
            run.use_embeddings(loaded, encoded.embeddings)
        return Encoding(tuple(until), encoded.context, vector_of(run, loaded.components, encoded, size, negative=negative))

    def empty() -> Tensor:
        return kept.encode(loaded, ("",), text_options(settings)).context[0]

    negative = [encoding(prompt, True) for prompt in prompts.negative]  # first, as A1111: the order shows in the infotext
    positive = [[Weighted(encoding(part.text, False), part.weight) for part in parts(prompt)] for prompt in prompts.positive]
    return Conditioning(positive, negative, empty)


def vector_of(run: Run, components: Components, encoded: Encoded, size: Size, *, negative: bool) -> Tensor | None:
    """SDXL's second condition: (variants, V); None for models without."""
    if encoded.pooled is None:
        return None
    settings = run.settings.model
    return components.vector(
        encoded.pooled,
        size=(size.height, size.width),
        crop=(settings.crop_top, settings.crop_left),
        target=(size.height, size.width),
        aesthetic=settings.low_aesthetic if negative else settings.high_aesthetic,
    )
