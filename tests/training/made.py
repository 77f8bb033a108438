"""Tiny models made ready to be trained, a step of training, and diffusers' own pipelines of the same weights."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTokenizer

from modules.contract.training import TrainingRequest, training_request_from
from modules.families import clip_tokens
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.families.load import load_checkpoint
from modules.training.methods.lora_method import LoraTraining
from modules.training.methods.prepare import Files, Prepared, prepare
from modules.weights.files import write_tensors
from tests import tiny

FAMILIES = ("sd1", "sd2", "sdxl")


def request(**values: Any) -> TrainingRequest:
    """A request whose every zero is decided."""
    usual = {"name": "zorg-x", "network": {"rank": 4, "alpha": 2.0}, "embedding": {"vectors": 3}, "saving": {"numbers": "fp32"}}
    return training_request_from({**usual, **values})


def base_file(folder: Path, family: str) -> Path:
    """A family's checkpoint as a file, float32."""
    path = folder / f"{family}.safetensors"
    if not path.exists():
        write_tensors(path, tiny.TENSORS[family]())
    return path


def ready(folder: Path, family: str, asked: TrainingRequest, network: Path | None = None) -> tuple[Components, Prepared]:
    """A model of its own and what is trained on it."""
    base = base_file(folder, family)
    components = load_checkpoint(base, None, tiny.PLACING)
    return components, prepare(asked, components, Files(base, network))


def answer(components: Components, prompt: str = "a zorg-x on a red tree") -> Tensor:
    """What the network makes of fixed numbers and a prompt, with gradients."""
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    text = components.encode_prompts([prompt], TextOptions())
    vector = None
    if components.takes_vector:
        assert text.pooled is not None
        vector = components.vector(text.pooled, size=(64, 64), crop=(0, 0), target=(64, 64))
    return components.predict(x, torch.tensor([300]), text.context, vector)


def change(prepared: Prepared, by: float = 0.02, seed: int = 1) -> None:
    """Change all that is trained a little, as a training would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in prepared.tensors().values():
            value.add_(torch.randn(value.shape, generator=generator) * by)


def trained(folder: Path, family: str, kind: str, **values: Any) -> tuple[Components, LoraTraining, Path]:
    """A model with an adapter that has learned something, and the adapter's file."""
    network = {"rank": 4, "alpha": 2.0, "conv_rank": 3, "type": kind}
    components, prepared = ready(folder, family, request(**{"network": network, "parts": {"text_encoder": True}, **values}))
    assert isinstance(prepared, LoraTraining)
    change(prepared)
    path = folder / f"{family}-{kind}.safetensors"
    prepared.export(path, prepared.tensors(), {})
    return components, prepared, path


def tokenizer_in(folder: Path) -> CLIPTokenizer:
    """transformers' tokenizer of CLIP's vocabulary."""
    folder.mkdir()
    ours = json.loads(clip_tokens.tokenizer().to_str())
    (folder / "vocab.json").write_text(json.dumps(ours["model"]["vocab"]), encoding="utf8")
    merges = "\n".join(" ".join(pair) if isinstance(pair, list) else pair for pair in ours["model"]["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf8")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))


def pipeline(components: Components) -> Any:
    """diffusers' pipeline over a model's weights."""
    config: dict[str, Any] = {key: value for key, value in components.unet.config.items() if not key.startswith("_")}
    unet = UNet2DConditionModel(**{**config, "layers_per_block": 1})
    unet.load_state_dict(components.unet.state_dict())
    models = [encoder.model for encoder in components.encoders]
    parts: Any = {
        "vae": components.vae,
        "unet": unet,
        "scheduler": DDIMScheduler(clip_sample=False, steps_offset=1),
        "text_encoder": models[0],
    }
    if components.variant.family == "sdxl":
        return StableDiffusionXLPipeline(**parts, text_encoder_2=models[1], tokenizer=None, tokenizer_2=None)  # pyright: ignore
    more: Any = {"tokenizer": None, "safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return StableDiffusionPipeline(**parts, **more)


@cache
def sizes() -> dict[str, Any]:
    """The shapes of the large U-Nets."""
    from modules.families.sd_shape import UNetShape

    down, up = ((1, 1), (1, 1), (1, 1), (0, 0)), ((0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1))
    return {
        "sd1": UNetShape(4, 4, (320, 640, 1280, 1280), down, up, 1, 768, linear=False),
        "sd2": UNetShape(4, 4, (320, 640, 1280, 1280), down, up, 1, 1024, linear=True),
        "sdxl": UNetShape(4, 4, (320, 640, 1280), ((0, 0), (2, 2), (10, 10)), ((10,) * 3, (2,) * 3, (0,) * 3), 10, 2048, True, 2816),
    }
