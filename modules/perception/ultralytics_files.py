"""Detectors in `.pt` files, for those who have installed ultralytics: such a file is a program, so its list of calls is read first."""

import importlib
import importlib.util
import pickletools
import re
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from modules.contract.errors import NotSupported
from modules.perception.found import Found, Mask, Pixels

LARGEST = 64 * 2**20  # bytes of the pickle itself; the weights lie beside it
# What the file of a detector calls when it is opened: layers, tensors, plain containers. Everything else is refused.
HARMLESS = re.compile(
    r"(ultralytics\.(nn|utils|yolo)\.[\w.]*\.?[A-Z]\w*|ultralytics\.utils\.IterableSimpleNamespace|torch\.nn\.modules\.[\w.]+\.[A-Z]\w*"
    r"|torch\.nn\.parameter\.(Parameter|Buffer)|torch\._utils\._rebuild_(tensor_v2|parameter|parameter_with_state)"
    r"|torch\.(\w+Storage|Size|device|float16|float32|float64|int64|bfloat16)|torch\.storage\.\w+Storage"
    r"|collections\.(OrderedDict|defaultdict)|(builtins|__builtin__)\.(set|dict|list|slice|tuple|int|float|range)"
    r"|pathlib\.(Posix|Windows|Pure\w*)?Path|numpy\.(core|_core)\.multiarray\.(scalar|_reconstruct)|numpy\.(dtype|ndarray)|_codecs\.encode)"
)
SAFER = "Export it as .onnx (yolo export format=onnx), which is data and no program."


def problem() -> str:
    """Why `.pt` files cannot be used, in a sentence; empty if they can."""
    if importlib.util.find_spec("ultralytics") is None:
        return "A .pt detector needs the package ultralytics, which is not installed; export it as .onnx, which needs nothing."
    return ""


def called(path: Path) -> set[str]:
    """The functions and classes that a file of torch's calls for when it is opened. Nothing of it is run. Raises NotSupported."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [one for one in archive.infolist() if one.filename.endswith("data.pkl")]
            if len(inside) != 1 or inside[0].file_size > LARGEST:
                raise NotSupported(f"{path.name} is no detector of ultralytics'.", SAFER)
            return called_in(archive.read(inside[0]))
    except (zipfile.BadZipFile, OSError, ValueError, IndexError) as error:
        raise NotSupported(f"{path.name} cannot be read ({error}).", SAFER) from None


def called_in(content: bytes) -> set[str]:
    """The names in a pickle, `module.name`; "?" where it makes one up as it goes. Raises ValueError for what is no pickle."""
    found: set[str] = set()
    recent: list[str] = []
    memo: dict[int, str] = {}
    for code, argument, _ in pickletools.genops(content):
        if code.name in ("GLOBAL", "INST"):
            found.add(str(argument).replace(" ", "."))
        elif code.name == "STACK_GLOBAL":
            found.add(".".join(recent[-2:]) if len(recent) >= 2 else "?")
        elif code.name.startswith("EXT"):
            found.add("?")
        elif "UNICODE" in code.name or "STRING" in code.name:
            recent.append(str(argument))
        elif code.name == "MEMOIZE":
            memo[len(memo)] = recent[-1] if recent else "?"
        elif code.name.endswith("GET"):
            recent.append(memo.get(int(argument or 0), "?"))
    return found


def checked(path: Path) -> Path:
    """The file, if all that it calls for is harmless. Raises NotSupported with what is not."""
    foreign = sorted(name for name in called(path) if not HARMLESS.fullmatch(name))
    if foreign:
        raise NotSupported(f"{path.name} is not opened: it would call {foreign[0]}, which no detector needs.", SAFER)
    return path


class UltralyticsFile:
    """A detector in a `.pt` file."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.model = kept(path, path.stat().st_mtime_ns)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.model.names.values())

    def find(self, image: Pixels, threshold: float = 0.5) -> list[Found]:
        """What a picture (H, W, 3) shows, the surest first."""
        answer: Any = self.model(np.ascontiguousarray(image[..., ::-1]), conf=threshold, verbose=False, device="cpu", retina_masks=True)[0]
        masks: list[Mask | None] = [None] * len(answer.boxes)
        if answer.masks is not None:
            masks = [np.where(one > 0.5, 255, 0).astype(np.uint8) for one in answer.masks.data.cpu().numpy()]
        rows = zip(answer.boxes.xyxy.tolist(), answer.boxes.conf.tolist(), answer.boxes.cls.tolist(), masks, strict=True)
        found = [Found(str(answer.names[int(kind)]), (*box,), float(score), mask=mask) for box, score, kind, mask in rows]
        return sorted(found, key=lambda one: -one.score)


@lru_cache(maxsize=2)
def kept(path: Path, modified: int) -> Any:
    """A file's detector, as it was at a time. Raises NotSupported."""
    if why := problem():
        raise NotSupported(why)
    return importlib.import_module("ultralytics").YOLO(str(checked(path)))
