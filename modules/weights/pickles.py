"""Reads what torch's pickles say, as data: a small machine of its own that knows tensors and plain values, and calls nothing.

Python's own reader runs whatever a pickle names. Here a name is only compared with a list: what rebuilds a tensor becomes a
note of where the tensor lies, what is known to be harmless becomes an empty mark, and anything else ends the reading.
The opcodes are those of https://github.com/python/cpython/blob/main/Lib/pickletools.py, protocols 2 to 4.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

MOST_STEPS = 1_000_000  # opcodes; a checkpoint with its optimizer takes 200,000
MOST_COPIED = 4_000_000  # entries and characters that calls copy: each is one step, whatever its size
LONGEST_KEY = 200
LARGEST_KEY = 2**61 - 2  # larger numbers, and tuples, can be chosen so that all of them collide, and a table takes hours to fill
DTYPES = {
    "Float": torch.float32, "Double": torch.float64, "Half": torch.float16, "BFloat16": torch.bfloat16, "Long": torch.int64,
    "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8, "Bool": torch.bool, "Untyped": torch.uint8,
}  # fmt: skip
STORAGE = re.compile(r"torch(?:\.storage)?\.(?:cuda\.)?(\w+?)Storage")
DTYPE = re.compile(r"torch\.((?:b?float|u?int|complex|bool)\w*)")
ORDERED = {"collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict"}
PARAMETERS = {"torch.nn.modules.container.ParameterDict", "torch.nn.modules.container.ParameterList"}
REBUILDS = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_parameter_with_state"}
KNOWN = {f"torch._utils.{name}" for name in REBUILDS} | ORDERED | PARAMETERS
KNOWN |= {"torch.nn.parameter.Parameter", "torch._tensor._rebuild_from_type_v2", "torch.Size", "torch.Tensor", "_codecs.encode"}
# What training programs leave beside the tensors. None of it is needed, and none of it is made.
HARMLESS = re.compile(
    r"numpy\.(_?core\.multiarray\.(scalar|_reconstruct)|dtype|ndarray|float64|float32|int64)"
    r"|(pytorch_lightning|lightning|lightning\.pytorch)\.callbacks\.\w+\.\w+"
    r"|omegaconf\.\w+\.\w+|(builtins|__builtin__)\.(set|frozenset|complex|bytearray|list|tuple|int|float|str|bytes|bool)"
    r"|argparse\.Namespace|pathlib\.(Pure)?(Posix|Windows)?Path|collections\.(Counter|deque)|typing\.Any|torch\.device"
)


class Refused(ValueError):
    """What is wrong with a pickle, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of numbers that a file holds: its key there, and how many numbers from which one on."""

    dtype: torch.dtype
    key: str
    count: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that has not been read: its numbers begin at byte `begin` of storage `key`. `stride` counts numbers."""

    dtype: torch.dtype
    key: str
    begin: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A thing of some program that a pickle names."""

    full: str


@dataclass(frozen=True, slots=True)
class Unread:
    """An object that was not made."""

    name: str


class Parameters(dict[Any, Any]):
    """A torch.nn.ParameterDict, whose entries come with its state."""


Key = str | int | bytes | bool | None | Name | Unread


@dataclass(frozen=True, slots=True)
class Plain:
    """What a pickle says: its value, the byte behind it, and the bytes that a number takes in each storage it refers to."""

    value: Any
    end: int
    widths: dict[str, int]


def read_plain(data: bytes, at: int = 0, *, largest: int = 0) -> Plain:
    """The pickle that begins at a byte of `data`. `largest`: how many bytes all its tensors may take. Raises Refused."""
    machine = Machine(data, at, largest)
    try:
        return Plain(machine.run(), machine.at, machine.widths)
    except Refused:
        raise
    except (IndexError, KeyError, ValueError, TypeError, AttributeError, OverflowError, struct.error, MemoryError) as error:
        raise Refused(f"its table of contents is damaged ({type(error).__name__})") from None


class Machine:
    """One pickle being read: a stack, the stacks below it, and what was put aside."""

    def __init__(self, data: bytes, at: int, largest: int) -> None:
        self.data = data
        self.at = at
        self.left = largest
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.widths: dict[str, int] = {}
        self.copied = 0

    def run(self) -> Any:
        for _ in range(MOST_STEPS):
            code = self.data[self.at]
            self.at += 1
            if code == STOP:
                return self.stack.pop()
            step = STEPS.get(code)
            if step is None:
                raise Refused(f"it uses a part of the pickle format that no tensor needs (opcode {code})")
            step(self)
        raise Refused(f"its table of contents takes more than {MOST_STEPS:,} steps")

    # Reading on

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise IndexError
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def text(self, layout: str, encoding: str = "utf8") -> str:
        return self.take(self.number(layout)).decode(encoding, "surrogatepass" if encoding == "utf8" else "strict")

    def line(self) -> str:
        end = self.data.index(b"\n", self.at, self.at + 1000)
        return self.take(end + 1 - self.at)[:-1].decode()

    # The stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.below.pop()
        return items

    def keep(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def tuple_of(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) < count:
            raise IndexError
        self.stack[-count:] = [items]

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Unread):
            raise TypeError

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, Key) or (isinstance(key, int) and abs(key) > LARGEST_KEY):
                raise TypeError
            if isinstance(target, dict):
                target[key] = value
            elif not isinstance(target, Unread):
                raise TypeError

    def append_one(self) -> None:
        self.append([self.stack.pop()])

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    # Names and what they make

    def copy(self, count: int) -> None:
        """Take note that entries are about to be copied, and refuse to once there have been too many."""
        self.copied += count
        if self.copied > MOST_COPIED:
            raise Refused("its table of contents unpacks to far more than it is")

    def name(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if full not in KNOWN and not any(pattern.fullmatch(full) for pattern in (STORAGE, DTYPE, HARMLESS)):
            raise Refused(f"it names '{full[:80]}', which is no tensor and will not be run")
        self.push(Name(full))

    def name_of_stack(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str) or len(module) + len(name) > LONGEST_KEY:
            raise TypeError
        self.name(module, name)

    def make(self) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        if isinstance(named, Unread):
            self.push(named)
        elif isinstance(named, Name) and isinstance(arguments, tuple):
            self.push(self.made(named.full, arguments))
        else:
            raise TypeError

    def made(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """What a call would give, for the calls that make tensors and tables."""
        function = name.rpartition(".")[2]
        if function == "_rebuild_from_type_v2":  # a subclass of Tensor: the tensor in it is enough
            name, arguments = arguments[0].full, arguments[2]
            function = name.rpartition(".")[2]
        if function in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return self.tensor(*arguments[:4])
        if function == "_rebuild_tensor_v3":
            return self.tensor(*arguments[:4], dtype=dtype_of(arguments[6]))
        if function in ("_rebuild_parameter", "_rebuild_parameter_with_state", "Parameter"):
            return arguments[0] if arguments else Unread(name)
        if name == "torch.Size":
            self.copy(len(arguments[0]))
            return tuple(arguments[0])
        if name in ORDERED:
            pairs = arguments[0] if arguments and isinstance(arguments[0], list) else []
            self.copy(len(pairs))
            return {key: value for key, value in pairs if isinstance(key, Key)}
        if name in PARAMETERS:
            return Parameters()
        if name == "_codecs.encode":
            self.copy(len(arguments[0]))
            return arguments[0].encode("latin1")
        return Unread(name)

    def tensor(
        self, storage: Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype | None = None
    ) -> StoredTensor:
        """A tensor's place, after it was compared with its storage: it must lie within, and not be larger."""
        dtype = dtype or storage.dtype
        size = dtype.itemsize
        room = storage.count * storage.dtype.itemsize
        if len(shape) != len(stride) or len(shape) > 16 or any(not isinstance(one, int) or one < 0 for one in (*shape, *stride, offset)):
            raise TypeError
        count = prod(shape)
        last = offset + sum((side - 1) * step for side, step in zip(shape, stride, strict=True)) + 1 if count else offset
        self.left -= count * size
        if last * size > room or count * size > room or self.left < 0:
            raise Refused("its tensors claim more than it holds")
        return StoredTensor(dtype, storage.key, storage.offset * storage.dtype.itemsize + offset * size, tuple(shape), tuple(stride))

    def storage(self) -> None:
        """A storage by its note: ("storage", type, key, device, count), and in old files a window into it (key, offset, count)."""
        note = self.stack.pop()
        if not isinstance(note, tuple) or len(note) not in (5, 6) or note[0] not in ("storage", b"storage"):
            raise Refused("it refers to something that is no storage of a tensor")
        dtype, key, count = dtype_of(note[1]), note[2], note[4]
        window = note[5] if len(note) == 6 else None
        offset = 0
        if window:
            _, offset, length = window
            if not 0 <= offset <= offset + length <= count:
                raise Refused("its tensors claim more than it holds")
            count = length
        if not isinstance(count, int) or count < 0 or not isinstance(offset, int):
            raise TypeError
        if not isinstance(key, str | bytes | int) or (not isinstance(key, int) and len(key) > LONGEST_KEY):
            raise TypeError
        key = key.decode() if isinstance(key, bytes) else str(key)
        self.widths[key] = dtype.itemsize
        self.push(Storage(dtype, key, count, offset))

    def build(self) -> None:
        """An object's state. Only a ParameterDict's is of use."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Parameters) and isinstance(state, dict):
            found = state.get("_parameters")
            if isinstance(found, dict):
                self.copy(len(found))
                target.update(found)


def dtype_of(named: Any) -> torch.dtype:
    """The number type that a name stands for: torch.float16, or a storage class such as torch.HalfStorage."""
    if not isinstance(named, Name):
        raise TypeError
    storage = STORAGE.fullmatch(named.full)
    found = DTYPES.get(storage.group(1)) if storage else getattr(torch, named.full.removeprefix("torch."), None)
    if not isinstance(found, torch.dtype):
        raise Refused(f"its tensors are of a type that cannot be used ({named.full[:60]})")
    return found


STOP = ord(".")
BYTE, TWO, FOUR, EIGHT = "<B", "<H", "<I", "<Q"
STEPS: dict[int, Callable[[Machine], object]] = {
    code[0]: step
    for code, step in {
        b"\x80": lambda m: m.take(1),  # protocol
        b"\x95": lambda m: m.take(8),  # frame
        b"(": Machine.mark,
        b"0": lambda m: m.stack.pop(),
        b"2": lambda m: m.push(m.stack[-1]),
        b"N": lambda m: m.push(None),
        b"\x88": lambda m: m.push(True),
        b"\x89": lambda m: m.push(False),
        b"K": lambda m: m.push(m.number(BYTE)),
        b"M": lambda m: m.push(m.number(TWO)),
        b"J": lambda m: m.push(m.number("<i")),
        b"\x8a": lambda m: m.push(int.from_bytes(m.take(m.number(BYTE)), "little", signed=True)),
        b"G": lambda m: m.push(m.number(">d")),
        b"X": lambda m: m.push(m.text(FOUR)),
        b"\x8c": lambda m: m.push(m.text(BYTE)),
        b"\x8d": lambda m: m.push(m.text(EIGHT)),
        b"U": lambda m: m.push(m.text(BYTE, "latin1")),
        b"T": lambda m: m.push(m.text(FOUR, "latin1")),
        b"C": lambda m: m.push(m.take(m.number(BYTE))),
        b"B": lambda m: m.push(m.take(m.number(FOUR))),
        b"]": lambda m: m.push([]),
        b"}": lambda m: m.push({}),
        b")": lambda m: m.push(()),
        b"\x8f": lambda m: m.push(Unread("set")),
        b"\x90": lambda m: m.since_mark(),  # into a set
        b"t": lambda m: m.push(tuple(m.since_mark())),
        b"\x85": lambda m: m.tuple_of(1),
        b"\x86": lambda m: m.tuple_of(2),
        b"\x87": lambda m: m.tuple_of(3),
        b"a": Machine.append_one,
        b"e": lambda m: m.append(m.since_mark()),
        b"s": Machine.set_item,
        b"u": lambda m: m.set_items(m.since_mark()),
        b"h": lambda m: m.push(m.memo[m.number(BYTE)]),
        b"j": lambda m: m.push(m.memo[m.number(FOUR)]),
        b"q": lambda m: m.keep(m.number(BYTE)),
        b"r": lambda m: m.keep(m.number(FOUR)),
        b"\x94": lambda m: m.keep(len(m.memo)),
        b"c": lambda m: m.name(m.line(), m.line()),
        b"\x93": Machine.name_of_stack,
        b"R": Machine.make,
        b"\x81": Machine.make,
        b"Q": Machine.storage,
        b"b": Machine.build,
    }.items()
}
