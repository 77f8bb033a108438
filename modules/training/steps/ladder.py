"""What makes a training need less memory, in the order in which to try it: what costs least comes first. Needs no torch."""

from dataclasses import dataclass
from typing import Any

from modules.contract.training import TrainingRequest


@dataclass(frozen=True)
class Rung:
    """One thing to change: a sentence's part for people, and the values by group, as {'steps': {'batch': 2}}; the root's under ''."""

    text: str
    changes: dict[str, dict[str, Any]]


def rungs(request: TrainingRequest) -> list[Rung]:
    """What is left to try for this training."""
    steps, data, parts, optimizer = request.steps, request.data, request.parts, request.optimizer
    found: list[Rung] = []
    if steps.precision == "fp32":
        found.append(Rung("compute in bf16", {"steps": {"precision": "bf16"}}))
    if data.cache_latents == "off":
        found.append(Rung("keep the latents on the disk, so that the VAE need not stay", {"data": {"cache_latents": "disk"}}))
    if not steps.checkpointing:
        found.append(Rung("switch gradient checkpointing on", {"steps": {"checkpointing": True}}))
    if steps.batch > 1:
        less = steps.batch // 2
        more = -(-steps.batch * steps.accumulation // less)
        text = f"take {less} at once in place of {steps.batch}, and accumulate {more}"
        found.append(Rung(text, {"steps": {"batch": less, "accumulation": more}}))
    if parts.text_encoder and parts.unet:
        found.append(Rung("leave the text encoders as they are", {"parts": {"text_encoder": False}}))
    if data.resolution > 512:
        lower = data.resolution - 256 if data.resolution >= 1024 else 512
        found.append(Rung(f"lower the resolution to {lower}", {"data": {"resolution": lower}}))
    if request.makes == "checkpoint" and optimizer.name == "AdamW":
        found.append(Rung("use Adafactor, which keeps hardly anything beside the weights", {"optimizer": {"name": "Adafactor"}}))
    if request.makes == "checkpoint":
        change = {"dreambooth_as": "LoRA"} if request.method == "DreamBooth" else {"method": "LoRA"}
        found.append(Rung("train a LoRA instead", {"": change}))
    if request.makes == "lora" and request.network.rank > 8:
        found.append(Rung(f"lower the rank to {request.network.rank // 2}", {"network": {"rank": request.network.rank // 2}}))
    return found or [Rung("use a device with more memory", {})]


def climbed(request: TrainingRequest, rung: Rung) -> TrainingRequest:
    """The training with that change."""
    values = request.model_dump()
    for group, changed in rung.changes.items():
        values = {**values, **changed} if not group else {**values, group: {**values[group], **changed}}
    return TrainingRequest(**values)
