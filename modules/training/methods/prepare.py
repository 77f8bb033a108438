"""What a request trains, made ready: adapters on a model, the vectors of a word, or the model itself."""

from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.training import TrainingRequest
from modules.families.base import Components
from modules.training.methods.checkpoint_method import CheckpointTraining
from modules.training.methods.embedding_method import EmbeddingTraining
from modules.training.methods.lora_method import LoraTraining

Prepared = LoraTraining | EmbeddingTraining | CheckpointTraining
WITH_NUMBER = {"inpaint": "an inpainting checkpoint", "edit": "an instruct-pix2pix checkpoint"}


@dataclass(frozen=True)
class Files:
    """Where a training's beginnings lie: the checkpoint's file or folder, and the LoRA that it begins with; None without one."""

    checkpoint: Path
    network: Path | None = None


def prepare(request: TrainingRequest, components: Components, files: Files) -> Prepared:
    """What is trained, ready for the first step. Changes the model in place: adapters are put on, or its numbers become float32.

    Raises NotSupported for a model that cannot be trained, BadRequest for values that do not go together. The model must be as
    it was loaded: no networks in its weights.
    """
    variant = components.variant
    if variant.family == "sdxl-refiner":
        raise NotSupported("The checkpoint is an SDXL refiner, which cannot be trained.", "Choose the base model.")
    if variant.inputs != "plain":
        raise NotSupported(f"The checkpoint is {WITH_NUMBER[variant.inputs]}, which cannot be trained.", "Choose a plain one.")
    if components.placement.streamed:
        raise NotSupported(
            "The U-Net does not fit into the device's memory as a whole, and it must to be trained.",
            "Train on another device, or a LoRA in bf16.",
        )
    if components.text_state != 0:
        raise BadRequest("There are networks in the checkpoint's weights; a training must begin with it as it was loaded.")
    if request.network.continue_from and files.network is None and request.makes == "lora":
        raise BadRequest(f"The LoRA '{request.network.continue_from}' to begin with was not found.")
    if request.makes == "embedding":
        return EmbeddingTraining(request, components)
    if request.makes == "checkpoint":
        return CheckpointTraining(request, components, files.checkpoint)
    return LoraTraining(request, components, files.network)
