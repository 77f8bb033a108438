"""A small request, and the pictures that it gives."""

import numpy as np

from modules.contract.request import GenerationRequest, Size
from modules.pipeline.manager import PipelineManager
from tests.tiny import Listener

REQUEST = GenerationRequest(
    prompt="a red star",
    negative_prompt="blurry",
    size=Size(64, 64),
    steps=3,
    sampler="Euler a",
    seed=7,
    checkpoint="one",
    settings={"randn_source": "CPU"},
)


def pictures_of(pipeline: PipelineManager, request: GenerationRequest) -> list[np.ndarray]:
    """The pictures of a request as arrays, without grids and masks."""
    return [np.asarray(image.image) for image in pipeline.generate(request, Listener()).images if image.kind == "picture"]
