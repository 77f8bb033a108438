"""IP-Adapter: a picture as further words, looked at by keys and values of its own in every cross-attention.

Ye et al. 2023, arXiv:2308.06721. The "plus" files read the whole picture through a resampler (Alayrac et al. 2022, arXiv:2204.14198).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.families.attention_changes import Attended, AttentionLayer, attention_layers
from modules.families.loading import cast, lay_out, load_weights, part_of
from modules.weights.header import BadModel

HEAD = 64  # channels of a head of the resampler


class Projection(nn.Module):
    """A picture's one vector (B, E) as some tokens (B, T, width)."""

    def __init__(self, seen: int, width: int, tokens: int) -> None:
        super().__init__()
        self.proj = nn.Linear(seen, tokens * width)
        self.norm = nn.LayerNorm(width)
        self.tokens = tokens

    def forward(self, picture: Tensor) -> Tensor:
        return self.norm(self.proj(picture).view(len(picture), self.tokens, -1))


class Look(nn.Module):
    """One look of the resampler's tokens at a picture and at themselves."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)
        self.heads = max(inner // HEAD, 1)

    def forward(self, picture: Tensor, tokens: Tensor) -> Tensor:
        picture, tokens = self.norm1(picture), self.norm2(tokens)
        key, value = self.to_kv(torch.cat([picture, tokens], dim=1)).chunk(2, dim=-1)
        return self.to_out(attention(self.to_q(tokens), key, value, self.heads))


class Resampler(nn.Module):
    """A picture's patches (B, P, E) as some tokens (B, T, width)."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        _, tokens, inner = shapes["latents"]
        self.latents = nn.Parameter(torch.empty(1, tokens, inner))
        self.proj_in = nn.Linear(shapes["proj_in.weight"][1], inner)
        self.proj_out = nn.Linear(inner, shapes["proj_out.weight"][0])
        self.norm_out = nn.LayerNorm(shapes["proj_out.weight"][0])
        wide = shapes["layers.0.1.1.weight"][0]
        attended = shapes["layers.0.0.to_q.weight"][0]
        self.layers = nn.ModuleList(
            nn.ModuleList([
                Look(inner, attended),
                nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, wide, bias=False), nn.GELU(), nn.Linear(wide, inner, bias=False)),
            ])
            for _ in range(len({name.split(".")[1] for name in shapes if name.startswith("layers.")}))
        )  # fmt: skip

    def forward(self, picture: Tensor) -> Tensor:
        tokens, picture = self.latents.expand(len(picture), -1, -1), self.proj_in(picture)
        layers: Any = self.layers
        for look, think in layers:
            tokens = tokens + look(picture, tokens)
            tokens = tokens + think(tokens)
        return self.norm_out(self.proj_out(tokens))


class IPAdapter(nn.Module):
    """An adapter's networks. `places` are the numbers that its files count cross-attentions by: down, up, then the middle."""

    def __init__(self, image_proj: nn.Module, places: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.image_proj = image_proj
        self.ip_adapter = nn.ModuleDict({
            place: nn.ModuleDict({
                part: nn.Linear(*reversed(shapes[f"ip_adapter.{place}.{part}.weight"]), bias=False) for part in ("to_k_ip", "to_v_ip")
            })
            for place in places
        })  # fmt: skip
        self.places = sorted(places, key=int)

    @property
    def wants_patches(self) -> bool:
        """Whether it reads all patches of a picture, not its one vector."""
        return isinstance(self.image_proj, Resampler)

    @property
    def seen(self) -> int:
        """The width of what it reads of a picture."""
        projection: Any = self.image_proj.proj_in if self.wants_patches else self.image_proj.proj
        return projection.in_features

    def tokens(self, picture: Tensor) -> Tensor:
        """A picture's vector (B, E), or its patches (B, P, E), as tokens (B, T, width)."""
        return self.image_proj(picture.to(next(self.parameters()).dtype))

    def by_layer(self, unet: nn.Module) -> dict[str, Any]:
        """The keys and values that belong to each cross-attention of a U-Net, by its name. Raises ValueError if they do not fit."""
        layers = [layer for layer in attention_layers(unet) if layer.cross]
        ordered = [layer for side in ("down", "up", "mid") for layer in layers if layer.side == side]
        widths = [layer.module.to_k.out_features for layer in ordered]
        own = [self.ip_adapter[place]["to_k_ip"].out_features for place in self.places]  # pyright: ignore[reportIndexIssue]
        if widths != own:
            raise ValueError(f"it has {len(own)} attention layers, and the checkpoint's network has {len(widths)}, or others")
        return {layer.name: self.ip_adapter[place] for layer, place in zip(ordered, self.places, strict=True)}


def looked_at(attended: Attended, parts: Any, tokens: Tensor) -> Tensor:
    """What a cross-attention layer adds for a picture's tokens (N, T, width): (N, height * width, channels)."""
    module = attended.layer.module
    tokens = tokens.to(attended.hidden.dtype)
    seen = attention(module.to_q(attended.hidden), parts["to_k_ip"](tokens), parts["to_v_ip"](tokens), module.heads)
    output = module.to_out[0](seen)
    return output if module.to_out[0].bias is None else output - module.to_out[0].bias.to(output.dtype)


def attention(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Attention of (N, tokens, heads * width) in several heads."""
    q, k, v = (one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in (query, key, value))
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def load_ip_adapter(tensors: Mapping[str, Tensor], path: Path, dtype: torch.dtype) -> IPAdapter:
    """An adapter from a file's tensors, every one used. Raises BadModel."""
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    own = part_of(shapes, "image_proj.")
    places = sorted({name.split(".")[1] for name in shapes if name.startswith("ip_adapter.")})
    try:
        with torch.device("meta"):
            projection = Resampler(own) if "latents" in own else projection_of(own)
            network = IPAdapter(projection, places, shapes)
    except (KeyError, ValueError) as error:
        raise BadModel(path, f"its IP-Adapter lacks {error.args[0]}") from None
    unknown = load_weights(network, cast(tensors, dtype), path, "IP-Adapter")
    if unknown:
        raise BadModel(path, f"its IP-Adapter has {len(unknown)} tensors that belong nowhere, first '{unknown[0]}'")
    return lay_out(network)


def projection_of(shapes: Mapping[str, tuple[int, ...]]) -> Projection:
    """The network that a base file has in place of a resampler."""
    out, seen = shapes["proj.weight"]
    width = shapes["norm.weight"][0]
    return Projection(seen, width, out // width)


def layer_weight(layer: AttentionLayer, kind: str) -> float:
    """How much an attention layer heeds the picture, for SDXL: only its style, only its composition, or all of it.

    Which layers do which: Wang et al. 2024, "InstantStyle", arXiv:2404.02733.
    """
    style, composition = layer.name.startswith("up_blocks.0.attentions.1."), layer.name.startswith("down_blocks.2.attentions.1.")
    wanted = {"style": style, "composition": composition, "style and composition": style or composition}
    return float(wanted.get(kind, True))
