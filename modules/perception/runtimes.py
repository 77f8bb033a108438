"""What runs an `.onnx` file: onnxruntime where a person has installed it, else OpenCV."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import NotSupported
from modules.perception.networks import open_network
from modules.perception.onnx_facts import onnx_facts

Values = NDArray[np.float32]


class Runs(Protocol):
    """All outputs of a network for its inputs, in the file's order. May be called from any thread."""

    def __call__(self, *inputs: Values) -> list[Values]: ...


class ByOpenCv:
    """A file that OpenCV runs."""

    def __init__(self, path: Path) -> None:
        self.network = open_network(path)
        names = list(onnx_facts(path).inputs)
        self.names = names if len(names) > 1 else []

    def __call__(self, *inputs: Values) -> list[Values]:
        return self.network.many(inputs, self.names)


class ByOnnxRuntime:
    """A file that onnxruntime runs."""

    def __init__(self, path: Path) -> None:
        runtime: Any = importlib.import_module("onnxruntime")
        self.session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.names = [one.name for one in self.session.get_inputs()]

    def __call__(self, *inputs: Values) -> list[Values]:
        return [np.asarray(one, np.float32) for one in self.session.run(None, dict(zip(self.names, inputs, strict=True)))]


def opened(path: Path) -> Runs:
    """The network in an `.onnx` file. Raises NotSupported if nothing here can run it."""
    if importlib.util.find_spec("onnxruntime") is None:
        return ByOpenCv(path)
    try:
        return ByOnnxRuntime(path)
    except Exception as error:  # its own kinds, which cannot be named where it is not installed
        lines = str(error).splitlines()
        raise NotSupported(f"onnxruntime cannot run {path.name}: {lines[0][:160] if lines else type(error).__name__}.") from None
