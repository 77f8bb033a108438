"""A trained model as one file: the base's own names, shapes and layout with the trained numbers in them.

What was not trained comes from the base's file as it is, so that what we know nothing of (markers of v-prediction, buffers) stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.families import ldm_keys, open_clip, sd
from modules.families.base import Components
from modules.families.family import Family, TextPart, canonical_names
from modules.families.identify import FAMILIES, family_of
from modules.families.loading import part_of
from modules.training.files.verify import NotTheSame, rounded, same
from modules.weights.files import TensorFile, open_tensors
from modules.weights.header import TensorInfo
from modules.weights.writing import DTYPES, NAMES, write_safetensors

AVERAGE = "model_ema."  # what an earlier training left: the average of other weights, which some programs would take for this model's
Get = Callable[[], Tensor]


@dataclass(frozen=True)
class Slot:
    """A tensor of the file to be written: its type and shape, and what gives it."""

    info: TensorInfo
    get: Get


def slots_from_file(base: TensorFile, trained: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Slot]:
    """The file's tensors by the base's own names; `trained` as `Trainable.tensors` has them. Raises BadRequest where one has no place."""
    family = family_of(base.header)
    used: set[str] = set()
    slots: dict[str, Slot] = {}
    sources = trained_sources(family, base, trained, used)
    for name in base:
        if name.startswith(AVERAGE):
            continue
        info = base.header.tensors[name]
        if name in sources:
            slots[name] = trained_slot(name, sources[name], info.shape, dtype)
        else:
            slots[name] = Slot(TensorInfo(info.dtype, info.shape), kept(base, name))
    missing = sorted(trained.keys() - used)
    if missing:
        raise BadRequest(f"{base.header.path.name} has no place for {len(missing)} of the trained tensors, first '{missing[0]}'.")
    return slots


def kept(base: TensorFile, name: str) -> Get:
    """What reads a tensor of the base."""
    return lambda: base[name]


def trained_slot(name: str, get: Get, shape: tuple[int, ...], dtype: torch.dtype) -> Slot:
    """A trained tensor in the file's type and the base's shape."""
    return Slot(TensorInfo(NAMES[dtype], shape), lambda: rounded(name, get().reshape(shape), dtype))


def trained_sources(family: Family, base: TensorFile, trained: Mapping[str, Tensor], used: set[str]) -> dict[str, Get]:
    """What gives each of the base's tensors that was trained, by its name there. The names of what was used are put into `used`."""
    names = canonical_names(base)
    found: dict[str, Get] = {}

    def take(name: str, keys: tuple[str, ...], build: Callable[[list[Tensor]], Tensor]) -> None:
        if keys and all(key in trained for key in keys):
            used.update(keys)
            found[names[name]] = lambda: build([trained[key] for key in keys])

    own = part_of(names, ldm_keys.UNET)
    for old, new in ldm_keys.unet_names(own).items():
        take(ldm_keys.UNET + old, (f"unet.{new}",), first)
    for number, part in enumerate(family.texts):
        for old in part_of(names, part.prefix):
            for_encoder = text_names(part, old)
            take(part.prefix + old, tuple(f"text.{number}.{new}" for new in for_encoder), text_builder(part, old))
    return found


def first(values: list[Tensor]) -> Tensor:
    """The only one."""
    return values[0]


def text_names(part: TextPart, name: str) -> tuple[str, ...]:
    """What a text encoder's tensor is made of, by transformers' names."""
    if part.layout == "clip":
        return (name,)
    return ("text_projection.weight",) if name == "text_projection" else open_clip.transformers_names(name)


def text_builder(part: TextPart, name: str) -> Callable[[list[Tensor]], Tensor]:
    """How such a tensor is put together: projections joined, that of the pooled vector transposed."""
    if part.layout == "open_clip" and name == "text_projection":
        return lambda values: values[0].T
    return torch.cat if part.layout == "open_clip" and ".attn.in_proj_" in name else first


def slots_from_folder(components: Components, trained: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Slot]:
    """The file's tensors for a base that is a folder of diffusers': in the original layout, all in one number type."""
    family = next(family for family in FAMILIES if family.name == components.variant.family)
    unet = {name.removeprefix("unet."): value for name, value in trained.items() if name.startswith("unet.")}
    tensors = sd.unet_file(unet or dict(components.unet.state_dict())) | sd.vae_file(components.own_vae[0].state_dict())
    for number, (part, encoder) in enumerate(zip(family.texts, components.encoders, strict=True)):
        prefix = f"text.{number}."
        own = part_of(trained, prefix) or {name.removeprefix("text_model."): value for name, value in encoder.model.state_dict().items()}
        own = {name: value for name, value in own.items() if not name.endswith("position_ids")}
        tensors |= {part.prefix + name: value for name, value in (own if part.layout == "clip" else tower(own, part)).items()}
    return {name: trained_slot(name, lambda value=value: value, tuple(value.shape), dtype) for name, value in tensors.items()}


def tower(own: Mapping[str, Tensor], part: TextPart) -> dict[str, Tensor]:
    """An OpenCLIP tower under its own names, of tensors under transformers'.

    Folders of Stable Diffusion 2 lack the last layer, which is never read; single files have one, so the layer before stands there too.
    """
    layers = 1 + max(int(name.split(".")[2]) for name in own if name.startswith("encoder.layers."))
    found: dict[str, Tensor] = {old: own[new] for old, new in open_clip.ENDS.items()}
    for number in range(layers + (part.key == "clip_h")):
        new, old = f"encoder.layers.{min(number, layers - 1)}.", f"{open_clip.BLOCKS}{number}."
        for kind in ("weight", "bias"):
            found |= {f"{old}{there}.{kind}": own[f"{new}{here}.{kind}"] for there, here in open_clip.LAYER.items()}
            found[f"{old}attn.in_proj_{kind}"] = torch.cat([own[f"{new}self_attn.{name}.{kind}"] for name in open_clip.JOINED])
    if "text_projection.weight" in own:
        found["text_projection"] = own["text_projection.weight"].T
    return found


def markers(slots: Mapping[str, Slot], *, velocity: bool, zero_snr: bool) -> dict[str, Slot]:
    """Empty tensors by which programs know what the network predicts, those that are not there yet."""
    wanted = {"v_pred": velocity, "ztsnr": velocity and zero_snr}
    return {name: Slot(TensorInfo("F32", (0,)), lambda: torch.zeros(0)) for name, on in wanted.items() if on and name not in slots}


def write_slots(path: Path, slots: Mapping[str, Slot], metadata: Mapping[str, str]) -> None:
    """Write the file, a tensor at a time, and compare it. Raises WebuiError where it does not give back the same."""
    infos = {name: slot.info for name, slot in slots.items()}
    write_safetensors(path, infos, lambda name: slots[name].get(), {"format": "pt", **metadata})
    with open_tensors(path) as file:
        if file.keys() != slots.keys():
            raise NotTheSame(path, f"it holds {len(file)} tensors in place of {len(slots)}")
        for name, slot in slots.items():
            if not same(file[name], slot.get()) or file[name].dtype != DTYPES[slot.info.dtype]:
                raise NotTheSame(path, f"'{name}' is another")
