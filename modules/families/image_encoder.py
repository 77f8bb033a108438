"""CLIP's picture encoder: what IP-Adapters see a picture through. Radford et al. 2021, arXiv:2103.00020."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# (what transformers annotates is narrower than what it takes and gives)

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import init_empty_weights
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from modules.families.loading import cast, lay_out, load_weights
from modules.weights.files import describe, read_tensors
from modules.weights.header import BadModel

MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
SIXTEEN_HEADS = 1024  # from this width on, ViT-L, H and G have sixteen heads each


@dataclass(frozen=True)
class EncoderShape:
    """A picture encoder's width, that of the vector it ends with, and what its file is made of otherwise."""

    width: int
    vector: int
    config: Mapping[str, Any]


def encoder_shape(path: Path) -> EncoderShape:
    """The shape of a picture encoder's file in transformers' layout, read from its table of contents. Raises BadModel."""
    shapes = {name: info.shape for name, info in describe(path).tensors.items()}
    try:
        vector, width = shapes["visual_projection.weight"]
        patch = shapes["vision_model.embeddings.patch_embedding.weight"][-1]
        patches = shapes["vision_model.embeddings.position_embedding.weight"][0] - 1
        inner = shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0]
    except KeyError as error:
        raise BadModel(path, f"it is no CLIP picture encoder in transformers' layout; it lacks {error.args[0]}") from None
    layers = {name.split(".")[3] for name in shapes if name.startswith("vision_model.encoder.layers.")}
    config = {
        "hidden_size": width,
        "intermediate_size": inner,
        "projection_dim": vector,
        "num_hidden_layers": len(layers),
        "num_attention_heads": 16 if width >= SIXTEEN_HEADS else max(width // 64, 1),
        "image_size": round(patches**0.5) * patch,
        "patch_size": patch,
        "hidden_act": "quick_gelu" if width <= SIXTEEN_HEADS else "gelu",  # OpenAI's L has the one, OpenCLIP's H and G the other
    }
    return EncoderShape(width, vector, config)


def load_image_encoder(path: Path, dtype: torch.dtype) -> CLIPVisionModelWithProjection:
    """The encoder of a file, on the processor. Raises BadModel."""
    config = CLIPVisionConfig(**encoder_shape(path).config)
    with init_empty_weights(include_buffers=False):
        model = CLIPVisionModelWithProjection(config)
    own = {name: value for name, value in read_tensors(path).items() if not name.endswith("position_ids")}
    load_weights(model, cast(own, dtype), path, "picture encoder")
    return lay_out(model)


@torch.inference_mode()
def seen_by(model: CLIPVisionModelWithProjection, pictures: Tensor, *, patches: bool) -> Tensor:
    """What an encoder sees in pictures (B, 3, S, S): one vector each (B, E), or their patches from its last layer but one (B, P, W)."""
    output = model(pictures, output_hidden_states=patches)
    return output.hidden_states[-2] if patches else output.image_embeds


def as_seen(image: Image.Image, side: int) -> Tensor:
    """A picture as CLIP takes it: its middle square at `side` pixels, (1, 3, side, side), in CLIP's mean and spread."""
    image = image.convert("RGB")
    short = min(image.size)
    scaled = image.resize((round(image.width * side / short), round(image.height * side / short)), Image.Resampling.BICUBIC)
    left, top = (scaled.width - side) // 2, (scaled.height - side) // 2
    values = np.asarray(scaled.crop((left, top, left + side, top + side)), np.float32) / 255
    normal = (values - np.array(MEAN, np.float32)) / np.array(SPREAD, np.float32)
    return torch.from_numpy(normal).permute(2, 0, 1)[None]
