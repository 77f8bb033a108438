"""Which family a file belongs to, from its names and shapes."""

from pathlib import Path

from modules.contract.errors import NotSupported
from modules.families import sd
from modules.weights.config import config_beside, read_config
from modules.weights.files import describe
from modules.weights.header import BadModel, Header

# What the other kinds of file are known by, so that a refusal can say what the file is.
STRANGERS = {
    "model.diffusion_model.x_embedder.proj.weight": "a Stable Diffusion 3 checkpoint, which cannot be used",
    "conditioner.embedders.1.model.ln_final.weight": "an SDXL checkpoint, which cannot be used yet",
    "conditioner.embedders.0.model.ln_final.weight": "an SDXL refiner, which cannot be used yet",
    "cond_stage_model.model.ln_final.weight": "a Stable Diffusion 2 checkpoint, which cannot be used yet",
    "double_blocks.0.img_attn.norm.key_norm.scale": "a Flux model, which cannot be used",
    "first_stage_model.encoder.conv_in.weight": "a part of a checkpoint",
    "encoder.conv_in.weight": "a VAE, not a checkpoint; it belongs into models/VAE",
    "control_model.input_blocks.0.0.weight": "a ControlNet, not a checkpoint; it belongs into models/ControlNet",
}


def identify(header: Header) -> str:
    """The family of a checkpoint. Raises NotSupported or BadModel with what the file is instead."""
    if sd.matches(header):
        return "sd1"
    for name, kind in STRANGERS.items():
        if name in header.tensors:
            raise NotSupported(f"{header.path.name} is {kind}.")
    if any("lora_" in name or ".lora" in name for name in header.tensors):
        raise NotSupported(f"{header.path.name} is a LoRA, not a checkpoint; it belongs into models/Lora.")
    raise BadModel(header.path, "it is not a Stable Diffusion checkpoint")


def check_checkpoint(path: Path) -> None:
    """Raise a WebuiError unless the file is a checkpoint that can be loaded. Of a pickle only the size is judged here."""
    if path.suffix.lower() == ".safetensors":
        header = describe(path)
        identify(header)
        sd.check(header, read_config(config_beside(path)))
