"""Seeds that an extension draws where a person chose none: random, and the same ones when an interrupted job is done again."""

import random
from typing import Any

from modules.contract import declare
from modules.contract.request import GenerationRequest
from modules.pipeline.hooks import hook
from modules.plugins.extension import Extension

ABOVE_ALL_DRAWN = 4294967294


class RandomSeeds(Extension):
    """Base of an extension that must know whether the seed was chosen: when its job runs, one is drawn already."""

    class Options(declare.Options):
        """Base of its options."""

        seed_was_random: bool = declare.declared(False, "No seed was chosen", control="hidden")

    @hook.request
    def remember(self, request: GenerationRequest) -> GenerationRequest | None:
        """Note a seed of -1 in the options, which are kept with the job."""
        if request.seed != -1 or self.options.seed_was_random:
            return None
        self.options = self.options.model_copy(update={"seed_was_random": True})
        noted: dict[str, Any] = self.options.model_dump(mode="json")
        return request.replace(extensions={**request.extensions, self.name: noted})


def drawn(seed: int, *key: int | str) -> int:
    """A further random seed for the place `key`, decided by the request's own."""
    return random.Random(f"{seed} {key}").randrange(ABOVE_ALL_DRAWN)
