"""A model in diffusers' layout: a folder with a model_index.json and one folder for each network, read by our own loader."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers import UNet2DConditionModel
from torch import Tensor

from modules.contract.errors import NotSupported
from modules.families import assembly
from modules.families.assembly import Schedule
from modules.families.base import Components
from modules.families.family import TextPart
from modules.families.sd import SD1, SD2
from modules.families.sdxl import REFINER, SDXL
from modules.families.text_encoder import TextEncoder
from modules.families.vae import load_vae
from modules.families.variant import Inputs, Kind, Variant
from modules.runtime.placement import Placing
from modules.weights.files import read_tensors
from modules.weights.header import BadModel

INDEX = "model_index.json"
LARGEST_JSON = 4 * 2**20
STEMS = ("diffusion_pytorch_model", "model")
FLAVOURS = ("", ".fp16", ".bf16", ".non_ema", ".ema")  # the plain file first: it has the most precision
OTHERS = ("transformer", "prior", "image_unet", "decoder", "image_encoder", "depth_estimator", "text_encoder_3")


def is_folder(path: Path) -> bool:
    """Whether a folder holds a model in diffusers' layout."""
    return (path / INDEX).is_file()


def identify_folder(path: Path) -> Variant:
    """The model of a folder, from its small files alone. Raises NotSupported or BadModel."""
    index = read_json(path / INDEX)
    for part in OTHERS:
        if isinstance(index.get(part), list) and index[part][0]:
            raise NotSupported(f"{path.name} is a {index.get('_class_name', 'pipeline')} with a part '{part}', which cannot be used.")
    for part in ("unet", "vae"):
        weight_files(path / part)
    unet = read_json(path / "unet" / "config.json")
    kind = family_in(path, index, unet)
    for name, _ in encoders_in(path, kind):
        weight_files(path / name)
    kinds: dict[int, Inputs] = {4: "plain", 9: "inpaint", 8: "edit"}
    channels = unet.get("in_channels", 4)
    if channels not in kinds:
        raise NotSupported(f"{path.name} has {channels} input channels; models with 4, 8 or 9 can be used.")
    scheduler = scheduler_in(path)
    predicts = scheduler.get("prediction_type", "epsilon")
    if predicts not in ("epsilon", "v_prediction"):
        raise NotSupported(f"{path.name} predicts '{predicts}', which cannot be used; 'epsilon' and 'v_prediction' can.")
    velocity = predicts == "v_prediction"
    return Variant(kind, kinds[channels], "v" if velocity else "eps", velocity and bool(scheduler.get("rescale_betas_zero_snr")))


def load_folder(path: Path, place: Placing) -> Components:
    """A folder's model. Raises NotSupported or BadModel."""
    variant = identify_folder(path)
    config, _, _ = UNet2DConditionModel.extract_init_dict(read_json(path / "unet" / "config.json"))
    config.pop("sample_size", None)
    unet = assembly.make_unet(config, read_parts(path / "unet"), path, place)
    encoders = [load_encoder(path / name, part, place) for name, part in encoders_in(path, variant.family)]
    scheduler = scheduler_in(path)
    schedule = Schedule(
        scheduler.get("beta_start", Schedule.start),
        scheduler.get("beta_end", Schedule.end),
        scheduler.get("num_train_timesteps", Schedule.count),
    )
    family = next(family for family in (SD1, SD2, SDXL, REFINER) if family.name == variant.family)
    scale = read_json(path / "vae" / "config.json").get("scaling_factor", family.scale)
    vae = load_vae(read_parts(path / "vae"), path, place)
    return assembly.assemble(variant, unet, encoders, vae, schedule=schedule, scale=scale, place=place)


def family_in(path: Path, index: Mapping[str, Any], unet: Mapping[str, Any]) -> Kind:
    """The family, by its text encoders: SDXL has two, its refiner the second alone; SD 2's has no 'quick_gelu'."""
    has = {name for name in ("text_encoder", "text_encoder_2") if isinstance(index.get(name), list) and index[name][0]}
    if unet.get("addition_embed_type") == "text_time":
        return "sdxl" if "text_encoder" in has else "sdxl-refiner"
    if "text_encoder" not in has or unet.get("addition_embed_type") or unet.get("class_embed_type"):
        raise NotSupported(f"{path.name} is a {index.get('_class_name', 'pipeline')}, which cannot be used.")
    quick = read_json(path / "text_encoder" / "config.json").get("hidden_act", "quick_gelu") == "quick_gelu"
    return "sd1" if quick else "sd2"


def encoders_in(path: Path, kind: Kind) -> list[tuple[str, TextPart]]:
    """The folders of the text encoders, and how each is read."""
    family = next(family for family in (SD1, SD2, SDXL, REFINER) if family.name == kind)
    names = ["text_encoder_2"] if kind == "sdxl-refiner" else ["text_encoder", "text_encoder_2"][: len(family.texts)]
    return list(zip(names, family.texts, strict=True))


def load_encoder(folder: Path, part: TextPart, place: Placing) -> TextEncoder:
    """A text encoder. That of SD 2 lacks the last layer here, which is never read, so its last one is the one before."""
    config = read_json(folder / "config.json")
    tensors = {name.removeprefix("text_model."): value for name, value in read_parts(folder).items()}
    reading = part.reading
    if part.key == "clip_h":
        reading = type(reading)(layer=1, padding=reading.padding)
    if not reading.pooled:
        tensors.pop("text_projection.weight", None)
    return assembly.make_encoder(part.key, reading, tensors, folder, place, activation=config.get("hidden_act", "quick_gelu"))


def scheduler_in(path: Path) -> dict[str, Any]:
    """The scheduler's configuration; empty where the folder has none."""
    file = path / "scheduler" / "scheduler_config.json"
    return read_json(file) if file.is_file() else {}


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of one network, all shards of it. Raises BadModel where there are none."""
    for stem in STEMS:
        for flavour in FLAVOURS:
            file = folder / f"{stem}{flavour}.safetensors"
            if file.is_file():
                return [file]
            for index in (folder / f"{stem}.safetensors.index{flavour}.json", folder / f"{stem}{flavour}.safetensors.index.json"):
                if index.is_file():
                    return shards(folder, read_json(index).get("weight_map"))
    raise BadModel(folder, "it holds no .safetensors file", "Files of other kinds are not read from such folders.")


def shards(folder: Path, places: Any) -> list[Path]:
    """The files that an index names. Raises BadModel where one is not there, or lies elsewhere."""
    names = sorted({str(name) for name in places.values()}) if isinstance(places, dict) else []
    missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
    if missing or not names:
        raise BadModel(folder, f"its file {missing[0]} is not there" if missing else "its index names no files", "Download it again.")
    return [folder / name for name in names]


def read_parts(folder: Path) -> dict[str, Tensor]:
    """The tensors of one network, from all its files."""
    tensors: dict[str, Tensor] = {}
    for file in weight_files(folder):
        tensors |= read_tensors(file)
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON file's table. Raises BadModel."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise BadModel(path, "it is too large for a configuration")
        value = json.loads(path.read_text("utf8"))
    except FileNotFoundError:
        raise BadModel(path.parent, f"it has no {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadModel(path, f"it is damaged ({error})", "Download it again.") from None
    if not isinstance(value, dict):
        raise BadModel(path, "it holds no table")
    return value
