"""The tensors of depth networks' files as their makers publish them: names and shapes."""

from collections.abc import Sequence

Shapes = dict[str, tuple[int, ...]]
STAGES = ((3, 256), (4, 512), (9, 1024))  # blocks and channels of the hybrid's convolutions


def both(name: str, *shape: int) -> Shapes:
    """A weight of a shape and the bias that belongs to it."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def transformer(width: int, layers: int, places: int, *, scaled: bool) -> Shapes:
    """A vision transformer's tensors but its patches'; `scaled`: DINOv2, which weighs what each layer adds."""
    shapes: Shapes = {"cls_token": (1, 1, width), "pos_embed": (1, places, width)} | both("norm", width)
    for number in range(layers):
        block = f"blocks.{number}"
        shapes |= both(f"{block}.norm1", width) | both(f"{block}.norm2", width)
        shapes |= both(f"{block}.attn.qkv", 3 * width, width) | both(f"{block}.attn.proj", width, width)
        shapes |= both(f"{block}.mlp.fc1", 4 * width, width) | both(f"{block}.mlp.fc2", width, 4 * width)
        if scaled:
            shapes |= {f"{block}.ls1.gamma": (width,), f"{block}.ls2.gamma": (width,)}
    return shapes


def fusion(neck: Sequence[int], width: int) -> Shapes:
    """What joins four resolutions."""
    shapes: Shapes = {}
    for number, channels in enumerate(neck, 1):
        shapes[f"scratch.layer{number}_rn.weight"] = (width, channels, 3, 3)
        shapes |= both(f"scratch.refinenet{number}.out_conv", width, width, 1, 1)
        for unit in (1, 2):
            for conv in (1, 2):
                shapes |= both(f"scratch.refinenet{number}.resConfUnit{unit}.conv{conv}", width, width, 3, 3)
    return shapes


def anything(width: int = 384, layers: int = 12, neck: Sequence[int] = (48, 96, 192, 384), joined: int = 64) -> Shapes:
    """Depth Anything's, of either version; small, unless other sizes are named."""
    trunk = transformer(width, layers, 37 * 37 + 1, scaled=True) | {"mask_token": (1, width)} | both("patch_embed.proj", width, 3, 14, 14)
    head = fusion(neck, joined)
    for number, channels in enumerate(neck):
        head |= both(f"projects.{number}", channels, width, 1, 1)
    for number, side in ((0, 4), (1, 2), (3, 3)):
        head |= both(f"resize_layers.{number}", neck[number], neck[number], side, side)
    head |= both("scratch.output_conv1", joined // 2, joined, 3, 3)
    head |= both("scratch.output_conv2.0", 32, joined // 2, 3, 3) | both("scratch.output_conv2.2", 1, 32, 1, 1)
    return {f"pretrained.{name}": shape for name, shape in trunk.items()} | {f"depth_head.{name}": shape for name, shape in head.items()}


def midas(*, hybrid: bool, width: int, layers: int, neck: Sequence[int], joined: int = 256) -> Shapes:
    """MiDaS' DPT's."""
    trunk = transformer(width, layers, 24 * 24 + 1, scaled=False) | both("head", 1000, width)
    trunk |= convolutions() | both("patch_embed.proj", width, 1024, 1, 1) if hybrid else both("patch_embed.proj", width, 3, 16, 16)
    shapes = {f"pretrained.model.{name}": shape for name, shape in trunk.items()} | fusion(neck, joined)
    for number, (channels, side) in enumerate(zip(neck, (4, 2, 0, 3), strict=True), 1):
        if hybrid and number < 3:
            continue
        shapes |= both(f"pretrained.act_postprocess{number}.0.project.0", width, 2 * width)
        shapes |= both(f"pretrained.act_postprocess{number}.3", channels, width, 1, 1)
        if side:
            shapes |= both(f"pretrained.act_postprocess{number}.4", channels, channels, side, side)
    shapes |= both("scratch.output_conv.0", joined // 2, joined, 3, 3)
    return shapes | both("scratch.output_conv.2", 32, joined // 2, 3, 3) | both("scratch.output_conv.4", 1, 32, 1, 1)


def convolutions() -> Shapes:
    """The hybrid's ResNet, without biases: three stages, each block narrowing to a quarter of its channels."""
    stem = "patch_embed.backbone.stem"
    shapes: Shapes = {f"{stem}.conv.weight": (64, 3, 7, 7)} | both(f"{stem}.norm", 64)
    before = 64
    for stage, (blocks, channels) in enumerate(STAGES):
        for number in range(blocks):
            block, narrow = f"patch_embed.backbone.stages.{stage}.blocks.{number}", channels // 4
            if number == 0:
                shapes |= {f"{block}.downsample.conv.weight": (channels, before, 1, 1)} | both(f"{block}.downsample.norm", channels)
            kernels = ((narrow, before, 1, 1), (narrow, narrow, 3, 3), (channels, narrow, 1, 1))
            for place, kernel in enumerate(kernels, 1):
                shapes |= {f"{block}.conv{place}.weight": kernel} | both(f"{block}.norm{place}", kernel[0])
            before = channels
    return shapes
