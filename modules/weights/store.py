"""What is in memory: loaded models by key, the ones not used for longest given up first. One owner, so that nothing leaks."""

import ctypes
import gc
import logging
import sys
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

    def get(self, key: Hashable, load: Callable[[], Model], *, kept: int, fits: bool = True) -> Model:
        """The model of a key, loaded if it is not there; then at most `kept` stay. If `load` raises, nothing has changed.

        The old ones are let go only after the new one is there: a file that fails to load leaves the running model. With `fits`
        false, memory cannot hold them beside the new one, and those over `kept` - 1 are let go before.
        """
        with self.lock:
            if key in self.models:
                self.models.move_to_end(key)
                return self.models[key]
        if not fits:
            self.shrink(max(kept - 1, 0))
        started = time.perf_counter()
        model = load()
        with self.lock:
            self.models[key] = model
        self.shrink(max(kept, 1))
        log.info("Loaded in %.1f s.", time.perf_counter() - started)
        return model

    def shrink(self, kept: int) -> None:
        """Let all but the `kept` models go that were used last, and their memory with them."""
        with self.lock:
            dropped = [self.models.popitem(last=False) for _ in range(len(self.models) - kept)]
        if dropped:
            dropped.clear()
            release()

    def clear(self) -> None:
        """Let all models go."""
        self.shrink(0)

    def newest(self) -> Model | None:
        """The model that was used last; None where there is none in memory."""
        with self.lock:
            return next(reversed(self.models.values()), None)

    def loaded(self) -> list[Hashable]:
        """The keys of the models in memory, the one used last at the end."""
        with self.lock:
            return list(self.models)


def release() -> None:
    """Give memory back: cycles first, then what the device keeps for the next tensors, then what the C library keeps."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
    trim_heap()


def trim_heap() -> bool:
    """Return freed memory to the system, where the C library is glibc: by itself it keeps what lies below its highest block.

    Says whether there was anything to return.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries for Linux have none
    return bool(trim(0)) if trim else False
