"""What makes a training need less memory, in the order in which to try it: what costs least comes first. Needs no torch."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modules.contract.training import TrainingRequest

Kind = Literal["precision", "latents", "checkpointing", "batch", "text", "resolution", "optimizer", "lora", "rank"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Rung:
    """One thing to change: a sentence's part for people, and the values by group, as {'steps': {'batch': 2}}; the root's under ''.

    `resumes`: whether a state from before the change can be gone on from with it. `opens`: what depends on the change, by path, and is
    decided anew where it was decided and not chosen. `kind` "": there is nothing left to change.
    """

    kind: Kind | Literal[""]
    text: str
    changes: dict[str, dict[str, Any]]
    resumes: bool = True
    opens: tuple[str, ...] = ()


def rungs(request: TrainingRequest, *, step: int = 0, half: Literal["bf16", "fp16"] = "bf16", eight_bit: bool = False) -> list[Rung]:
    """What is left to try for this training; at least one. `step`: of its newest state.

    `half`: the 16 bits that the device computes in. `eight_bit`: whether the optimizer that keeps its numbers in 8 bits is installed.
    """
    found = [*same_training(request, step, half), *another_training(request, step, eight_bit=eight_bit)]
    found.sort(key=lambda rung: KINDS.index(rung.kind) if rung.kind else len(KINDS))
    return found or [Rung("", "use a device with more memory", {})]


def same_training(request: TrainingRequest, step: int, half: Literal["bf16", "fp16"]) -> list[Rung]:
    """The rungs that leave what is trained as it is, so that it can be gone on with from its last state."""
    steps, parts = request.steps, request.parts
    found: list[Rung] = []
    if steps.precision == "fp32":  # fp16 wants a scale of the loss that a state of fp32 does not have
        found.append(Rung("precision", f"compute in {half}", {"steps": {"precision": half}}, resumes=half == "bf16"))
    if request.data.cache_latents == "off":
        text = "keep the latents on the disk, so that the VAE need not stay"
        found.append(Rung("latents", text, {"data": {"cache_latents": "disk"}}))
    if not steps.checkpointing:
        found.append(Rung("checkpointing", "switch gradient checkpointing on", {"steps": {"checkpointing": True}}))
    if steps.batch > 1:
        less = next(part for part in range(steps.batch // 2, 0, -1) if steps.batch % part == 0)
        more = steps.accumulation * (steps.batch // less)
        text = f"take {less} at once in place of {steps.batch}, and accumulate {more}"
        found.append(Rung("batch", text, {"steps": {"batch": less, "accumulation": more}}))
    if step and parts.text_encoder and parts.unet and request.makes != "embedding" and not 0 < parts.text_until <= step:
        found.append(Rung("text", "train the text encoders no further", {"parts": {"text_until": step}}))
    return found


def another_training(request: TrainingRequest, step: int, *, eight_bit: bool) -> list[Rung]:
    """The rungs after which it begins anew: what it has learned so far does not fit what would be trained."""
    data, parts, network = request.data, request.parts, request.network
    found: list[Rung] = []
    if not step and parts.text_encoder and parts.unet and request.makes != "embedding":
        found.append(Rung("text", "leave the text encoders as they are", {"parts": {"text_encoder": False}}, False))
    if data.resolution > 512:
        lower = data.resolution - 256 if data.resolution >= 1024 else 512
        sizes = ("data.bucket_least", "data.bucket_most", "samples.width", "samples.height")
        found.append(Rung("resolution", f"lower the resolution to {lower}", {"data": {"resolution": lower}}, False, sizes))
    if request.makes == "checkpoint" and request.optimizer.name == "AdamW":
        name = "AdamW 8-bit" if eight_bit else "Adafactor"
        text = f"use {name}, which keeps {'a quarter' if eight_bit else 'hardly anything'} beside the weights"
        found.append(Rung("optimizer", text, {"optimizer": {"name": name}}, False))
    elif request.makes == "checkpoint" and request.optimizer.name == "AdamW 8-bit":
        text = "use Adafactor, which keeps hardly anything beside the weights"
        found.append(Rung("optimizer", text, {"optimizer": {"name": "Adafactor"}}, False))
    if request.makes == "checkpoint":
        change = {"dreambooth_as": "LoRA"} if request.method == "DreamBooth" else {"method": "LoRA"}
        changes = {"": change, "optimizer": {"rate": 0.0}}  # a rate for all weights is far too low for an adapter's
        found.append(Rung("lora", "train a LoRA instead", changes, False, ("steps.steps",)))
    if request.makes == "lora" and network.rank > 8:
        found.append(
            Rung("rank", f"lower the rank to {network.rank // 2}", {"network": {"rank": network.rank // 2}}, False, ("network.alpha",))
        )
    return found


def climbed(request: TrainingRequest, rung: Rung, decided: Container[str] = ()) -> TrainingRequest:
    """The training with that change. `decided`: the paths of values that nobody chose."""
    values, usual = request.model_dump(), TrainingRequest().model_dump()
    for group, changed in rung.changes.items():
        values = {**values, **changed} if not group else {**values, group: {**values[group], **changed}}
    for path in rung.opens:
        if path in decided:
            group, name = path.split(".")
            values[group] = {**values[group], name: usual[group][name]}
    return TrainingRequest(**values)
