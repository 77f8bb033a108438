"""Networks that OpenCV runs on the processor: read once for the whole program, one caller at a time each."""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import NotSupported

Values = NDArray[np.float32]


class Network:
    """A network in memory. May be called from any thread."""

    def __init__(self, net: Any) -> None:
        self.net = net
        self.outputs: list[str] = list(net.getUnconnectedOutLayersNames())
        self.lock = threading.Lock()

    def __call__(self, blob: Values) -> dict[str, Values]:
        """All outputs by name for an input (1, C, h, w)."""
        with self.lock:
            self.net.setInput(np.ascontiguousarray(blob, np.float32))
            answers = self.net.forward(self.outputs)
            return {name: np.array(answer, np.float32) for name, answer in zip(self.outputs, answers, strict=True)}


    def many(self, inputs: Sequence[Values], names: Sequence[str] = ()) -> list[Values]:
        """All outputs in order, for several inputs in the order of the file, or by these names."""
        with self.lock:
            for number, one in enumerate(inputs):
                self.net.setInput(np.ascontiguousarray(one, np.float32), *([names[number]] if names else ()))
            return [np.array(answer, np.float32) for answer in self.net.forward(self.outputs)]


def open_network(path: Path) -> Network:
    """The network in a `.tflite` or `.onnx` file; the same one as long as the file is. Raises NotSupported if OpenCV cannot run it."""
    return kept(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)  # networks of a few MB each; one that is forgotten lives on with whoever uses it
def kept(path: Path, modified: int) -> Network:
    """A file's network, as it was at a time."""
    read: Callable[..., Any] = cv2.dnn.readNetFromTFLite if path.suffix.lower() == ".tflite" else cv2.dnn.readNetFromONNX
    try:
        # The newer engine knows one output only, and is taken, whatever is asked for, where bytes are given in place of a path.
        return Network(read(readable(path), cv2.dnn.ENGINE_CLASSIC))
    except cv2.error as error:
        raise NotSupported(f"OpenCV cannot run {path.name}: {reason(error)}.", "Export it again with opset 12, without NMS.") from None


def readable(path: Path) -> str:
    """A path as OpenCV can open it: on Windows not with every letter, and then it often can from where the program runs."""
    if os.name == "nt" and not str(path).isascii():
        with contextlib.suppress(ValueError):  # of another drive
            return os.path.relpath(path)
    return str(path)


def reason(error: cv2.error) -> str:
    """What OpenCV says, without where in its sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0].rpartition("error: ")[2] if lines else "it does not say why"
    return text.partition(" in function")[0].rstrip(".")[:160]
