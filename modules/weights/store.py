"""What is in memory: loaded models by key, the ones not used for longest given up first. One owner, so that nothing leaks."""

import gc
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch

log = logging.getLogger(__name__)
Model = TypeVar("Model")


class ModelStore(Generic[Model]):
    """Loaded models. Only the worker thread loads; others may look."""

    def __init__(self) -> None:
        self.models: OrderedDict[Hashable, Model] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], Model], *, kept: int) -> Model:
        """The model of a key, loaded if it is not there; then at most `kept` stay. If `load` raises, nothing has changed.

        With `kept` 1 the old one is let go only after the new one is there: a file that fails to load leaves the running model.
        """
        with self.lock:
            if key in self.models:
                self.models.move_to_end(key)
                return self.models[key]
        started = time.perf_counter()
        model = load()
        with self.lock:
            self.models[key] = model
            dropped = len(self.models) - kept
            for _ in range(max(dropped, 0)):
                self.models.popitem(last=False)
        if dropped > 0:
            release()
        log.info("Loaded in %.1f s.", time.perf_counter() - started)
        return model


def release() -> None:
    """Give memory back: cycles first, then the device's cache."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
