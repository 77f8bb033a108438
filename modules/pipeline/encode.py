"""Stage: prompts to conditions."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable

from torch import Tensor

from modules.families.base import Components
from modules.families.clip_text import tokenize
from modules.pipeline.run import Run
from modules.prompts.grammar import without_comments
from modules.sampling.guidance import Condition, Conditions
from modules.settings.groups import Model

KEPT = 32


class EncodingCache:
    """Encoded prompts of the loaded model: people change the seed more often than the prompt."""

    def __init__(self) -> None:
        self.encoded: OrderedDict[Hashable, Tensor] = OrderedDict()
        self.owner: Callable[[], Components | None] = lambda: None  # weak: the cache must not keep a model in memory

    def encode(self, components: Components, prompt: str, settings: Model) -> Tensor:
        """A prompt's encoding: (tokens, width)."""
        if self.owner() is not components:
            self.encoded.clear()
            self.owner = weakref.ref(components)
        key = (prompt, settings.clip_skip, settings.emphasis, settings.comma_backtrack)
        if key not in self.encoded:
            tokens = tokenize(prompt, comma_backtrack=settings.comma_backtrack, emphasis=settings.emphasis)
            self.encoded[key] = components.text.encode([tokens], clip_skip=settings.clip_skip, emphasis=settings.emphasis)[0]
            if len(self.encoded) > KEPT:
                self.encoded.popitem(last=False)
        self.encoded.move_to_end(key)
        return self.encoded[key]


def encode(run: Run, cache: EncodingCache) -> Conditions:
    """The conditions of a batch: one positive and one negative for each picture."""

    def of(prompt: str) -> list[Condition]:
        text = without_comments(prompt) if run.settings.model.prompt_comments else prompt
        context = cache.encode(run.components, text, run.settings.model)
        return [Condition(context, picture) for picture in range(len(run.seeds))]

    return Conditions(of(run.request.prompt), of(run.request.negative_prompt))
