"""Pictures of the smallest real model with extensions, and what may be left of them in it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from modules.contract.request import GenerationRequest, Size
from modules.pipeline.manager import PipelineManager
from tests.tiny import Listener

REQUEST = GenerationRequest(
    prompt="a red star",
    negative_prompt="grey",
    size=Size(64, 64),
    steps=3,
    sampler="Euler",
    seed=7,
    checkpoint="one",
    save=False,
    save_grid=False,
    settings={"randn_source": "CPU"},
)


def pictures(pipeline: PipelineManager, request: GenerationRequest = REQUEST, **extensions: Any) -> list[NDArray[np.int_]]:
    """The pictures (H, W, 3) of a request with extensions, checked at the door as the queue does."""
    return [np.asarray(image).astype(int) for image in images(pipeline, request, **extensions)]


def images(pipeline: PipelineManager, request: GenerationRequest = REQUEST, **extensions: Any) -> list[Any]:
    """The same as Pillow has them."""
    return [one.image for one in pipeline.generate(pipeline.check(request.replace(extensions=extensions)), Listener()).images]


def infotext(pipeline: PipelineManager, request: GenerationRequest = REQUEST, **extensions: Any) -> str:
    """The first picture's."""
    return pipeline.generate(pipeline.check(request.replace(extensions=extensions)), Listener()).images[0].infotext


def equal(one: list[NDArray[np.int_]], other: list[NDArray[np.int_]]) -> bool:
    """Whether pictures are the same to the last bit."""
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def traces(pipeline: PipelineManager) -> dict[str, Any]:
    """All of the loaded model that an extension could change: weights' sums of bits, hooks, methods set on modules, paddings."""
    loaded = pipeline.models.current()
    assert loaded is not None
    components = loaded.components
    networks: dict[str, nn.Module] = {"unet": components.unet, "vae": components.vae}
    networks |= {f"text{number}": encoder.model for number, encoder in enumerate(components.encoders)}
    return {name: dict(marks(network)) for name, network in networks.items()}


def marks(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """What stands in each module of a network."""
    for name, parameter in network.named_parameters():
        yield name, int(parameter.detach().float().view(torch.int32).long().sum())
    for name, module in network.named_modules():
        hooks = [len(getattr(module, kind)) for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")]
        yield f"{name} hooks", (*hooks, "forward" in vars(module), getattr(module, "padding_mode", None))


def leaves_no_trace(pipeline: PipelineManager, request: GenerationRequest = REQUEST, **extensions: Any) -> bool:
    """Whether a picture without extensions, and the model itself, are the same before and after one with them."""
    before = pictures(pipeline, request)
    marked = traces(pipeline)
    during = pictures(pipeline, request, **extensions)
    assert traces(pipeline) == marked
    return not equal(before, during) and equal(before, pictures(pipeline, request))
