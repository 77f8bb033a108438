"""CodeFormer: a face as a sequence of codes from a codebook of good faces. Zhou et al. 2022, arXiv:2206.11253.

Names of modules and parameters are those of the published weights.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = (1, 2, 2, 4, 4, 8)  # widths of the autoencoder's levels, in units of the first; each is half the size of the one before
BLOCKS = 2  # residual blocks a level
SIDE = 512  # pixels of the pictures that the published weights are for; the fusing blocks are named for the sizes in them


class Residual(nn.Module):
    """Two convolutions added to their input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, inputs, eps=1e-6)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, outputs, eps=1e-6)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_out = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        return y + self.conv_out(x)


class Attention(nn.Module):
    """Every place looks at every other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q, k, v = (part(y).flatten(2).transpose(1, 2) for part in (self.q, self.k, self.v))  # (B, hw, C)
        seen = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(seen.transpose(1, 2).reshape(x.shape))


class Halve(nn.Module):
    """Half the size; the missing row and column are at the right and the bottom."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Double(nn.Module):
    """Twice the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Encoder(nn.Module):
    """Picture to features (B, codes, h / 32, w / 32); `taps` are the blocks whose output is fused in, by level."""

    def __init__(self, width: int, codes: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1)]
        channels = width
        self.taps: dict[int, int] = {}
        for level, factor in enumerate(LEVELS):
            for _ in range(BLOCKS):
                blocks.append(Residual(channels, width * factor))
                channels = width * factor
                if level == len(LEVELS) - 1:
                    blocks.append(Attention(channels))
            if level < len(LEVELS) - 1:
                self.taps[level] = len(blocks) - 1
                blocks.append(Halve(channels))
        blocks += [Residual(channels, channels), Attention(channels), Residual(channels, channels)]
        blocks += [nn.GroupNorm(32, channels, eps=1e-6), nn.Conv2d(channels, codes, 3, padding=1)]
        self.blocks = nn.ModuleList(blocks)


class Generator(nn.Module):
    """Features to picture; `taps` are the blocks behind which the encoder's features are fused in, by level."""

    def __init__(self, width: int, codes: int) -> None:
        super().__init__()
        channels = width * LEVELS[-1]
        blocks: list[nn.Module] = [nn.Conv2d(codes, channels, 3, padding=1)]
        blocks += [Residual(channels, channels), Attention(channels), Residual(channels, channels)]
        self.taps: dict[int, int] = {}
        for level in reversed(range(len(LEVELS))):
            self.taps[level] = len(blocks)
            for _ in range(BLOCKS):
                blocks.append(Residual(channels, width * LEVELS[level]))
                channels = width * LEVELS[level]
                if level == len(LEVELS) - 1:
                    blocks.append(Attention(channels))
            if level > 0:
                blocks.append(Double(channels))
        blocks += [nn.GroupNorm(32, channels, eps=1e-6), nn.Conv2d(channels, 3, 3, padding=1)]
        self.blocks = nn.ModuleList(blocks)


class Layer(nn.Module):
    """One layer of the transformer over the codes (n, B, D)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.self_attn(y + places, y + places, y, need_weights=False)[0]
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Fuse(nn.Module):
    """How the encoder's features scale and shift the generator's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encode_enc = Residual(2 * channels, channels)
        self.scale = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.shift = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, encoded: Tensor, made: Tensor, weight: float) -> Tensor:
        encoded = self.encode_enc(torch.cat([encoded, made], dim=1))
        return made + weight * (made * self.scale(encoded) + self.shift(encoded))


class Quantizer(nn.Module):
    """The codebook."""

    def __init__(self, size: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, codes)


class CodeFormer(nn.Module):
    """The network. `width` is the autoencoder's first level's, `codes` and `book` the codebook's, `inner` the transformer's."""

    def __init__(
        self, *, width: int = 64, codes: int = 256, book: int = 1024, inner: int = 512, layers: int = 9, places: int = 256
    ) -> None:
        super().__init__()
        self.encoder = Encoder(width, codes)
        self.generator = Generator(width, codes)
        self.quantize = Quantizer(book, codes)
        self.position_emb = nn.Parameter(torch.zeros(places, inner))
        self.feat_emb = nn.Linear(codes, inner)
        self.ft_layers = nn.ModuleList(Layer(inner, 8, 2 * inner) for _ in range(layers))
        self.idx_pred_layer = nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, book, bias=False))
        self.fused = (4, 3, 2, 1)  # levels
        self.fuse_convs_dict = nn.ModuleDict({str(SIDE >> level): Fuse(width * LEVELS[level]) for level in self.fused})

    @property
    def side(self) -> int:
        """Pixels a side of the pictures it is for."""
        return int(len(self.position_emb) ** 0.5) << (len(LEVELS) - 1)

    def forward(self, pictures: Tensor, weight: float) -> Tensor:
        """Faces (B, 3, side, side) in -1..1, restored. `weight` 0..1: how much of the picture is kept beside the codes."""
        kept: dict[int, Tensor] = {}
        levels = {self.encoder.taps[level]: level for level in self.fused}
        x = pictures
        for number, block in enumerate(self.encoder.blocks):
            x = block(x)
            if number in levels:
                kept[levels[number]] = x
        good = like(self.code_features(x), x)
        levels = {self.generator.taps[level]: level for level in self.fused}
        for number, block in enumerate(self.generator.blocks):
            good = block(good)
            if weight > 0 and number in levels:
                level = levels[number]
                good = self.fuse_convs_dict[str(SIDE >> level)](kept[level], good, weight)
        return good

    def code_features(self, features: Tensor) -> Tensor:
        """Features (B, codes, h, w) with each place's replaced by the code that the transformer takes it for."""
        batch, _, height, width = features.shape
        x = self.feat_emb(features.flatten(2).permute(2, 0, 1))
        places = self.position_emb[:, None]
        for layer in self.ft_layers:
            x = layer(x, places)
        chosen = self.idx_pred_layer(x).argmax(-1)  # (hw, B)
        return self.quantize.embedding(chosen).permute(1, 2, 0).reshape(batch, -1, height, width)


def like(features: Tensor, wanted: Tensor) -> Tensor:
    """Features (B, C, h, w) with the mean and spread of `wanted`, channel by channel. Huang and Belongie 2017, arXiv:1703.06868."""
    mean, spread = features.mean((2, 3), keepdim=True), (features.var((2, 3), keepdim=True) + 1e-5).sqrt()
    wanted_mean, wanted_spread = wanted.mean((2, 3), keepdim=True), (wanted.var((2, 3), keepdim=True) + 1e-5).sqrt()
    return (features - mean) / spread * wanted_spread + wanted_mean


def codeformer_of(tensors: Mapping[str, Tensor]) -> CodeFormer:
    """The network of some weights, its widths read off them. Raises KeyError, RuntimeError for other weights."""
    book, codes = tensors["quantize.embedding.weight"].shape
    places, inner = tensors["position_emb"].shape
    layers = len({name.split(".")[1] for name in tensors if name.startswith("ft_layers.")})
    width = tensors["encoder.blocks.0.weight"].shape[0]
    network = CodeFormer(width=width, codes=codes, book=book, inner=inner, layers=layers, places=places)
    network.load_state_dict(dict(tensors))
    return network.eval()
