"""What a pass does to its model's networks for its time, all of it undone at the end."""

from collections.abc import Generator
from contextlib import contextmanager

from modules.families.token_merging import merged_tokens
from modules.pipeline.parameters import merging_ratio
from modules.pipeline.run import Pass, Run


@contextmanager
def modes(run: Run, passing: Pass) -> Generator[None]:
    """The network of a pass with its tokens merged, where that is asked for."""
    ratio = merging_ratio(run, second=passing.second)
    if not ratio:
        yield
        return
    with merged_tokens(passing.loaded.components.unet, ratio):
        yield
