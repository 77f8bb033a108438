"""Whether an extension's answer is what its hook gives: any other thing would fail later, far from whoever made it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from PIL.Image import Image

from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult

Values = tuple[Any, ...]  # what the hook was given, in its order
Check = Callable[[object, Values], None]


class Garbage(TypeError):
    """An answer that is none."""


def of_kind(answer: object, kind: type) -> None:
    """Raise Garbage unless an answer is of a kind."""
    if not isinstance(answer, kind):
        raise Garbage(f"it answered with {type(answer).__name__}, and {kind.__name__} is wanted")


def request(answer: object, values: Values) -> None:
    """A request."""
    of_kind(answer, GenerationRequest)


def result(answer: object, values: Values) -> None:
    """A result."""
    of_kind(answer, GenerationResult)


def picture(answer: object, values: Values) -> None:
    """A picture, of any size."""
    of_kind(answer, Image)


def alike(answer: object, values: Values) -> None:
    """Of the kind of what it stands for, which came last."""
    value: object = values[-1]
    of_kind(answer, type(value))


def around(answer: object, values: Values) -> None:
    """What can be entered and left."""
    if not (hasattr(answer, "__enter__") and hasattr(answer, "__exit__")):
        raise Garbage(f"it answered with {type(answer).__name__}, and a context manager is wanted")


def tensor(answer: object, shape: tuple[int, ...] | None) -> None:
    """Raise Garbage unless an answer is a tensor of a shape; None is any."""
    of_kind(answer, torch.Tensor)
    assert isinstance(answer, torch.Tensor)
    if shape is not None and answer.shape != shape:
        raise Garbage(f"it answered with a tensor of {tuple(answer.shape)}, and {tuple(shape)} is wanted")


def shape_of(value: object) -> tuple[int, ...] | None:
    """A tensor's shape; None of what is none."""
    return value.shape if isinstance(value, torch.Tensor) else None


def latents(answer: object, values: Values) -> None:
    """Of the shape of what they stand for, which came last."""
    tensor(answer, shape_of(values[-1]))


def blended(answer: object, values: Values) -> None:
    """Of the shape of the latents, which came before their level."""
    tensor(answer, shape_of(values[2]))


def guided(answer: object, values: Values) -> None:
    """Of the shape of the result so far."""
    tensor(answer, shape_of(values[1].result))


def output(answer: object, values: Values) -> None:
    """One output for each of a call's inputs, of their height and width; the network may see more channels than it gives."""
    tensor(answer, None)
    given, wanted = shape_of(answer), shape_of(values[2].x)
    if given and wanted and (len(given), given[0], given[2:]) != (len(wanted), wanted[0], wanted[2:]):
        raise Garbage(f"it answered with a tensor of {tuple(given)} for an input of {tuple(wanted)}")


# By hook; the answers of the others count for nothing.
CHECKS: Mapping[str, Check] = {
    "request": request,
    "drive": result,
    "conditioning": alike,
    "denoising": around,
    "start": latents,
    "evaluate": alike,
    "network": output,
    "guide": guided,
    "denoised": latents,
    "blend": blended,
    "latents": latents,
    "picture": picture,
    "overlay": alike,
    "finished": picture,
    "result": result,
}
