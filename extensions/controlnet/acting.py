"""What a unit does in a run, by the kind of its model: it adds inside the U-Net, or looks along in its attention layers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from torch import Tensor
from torch.nn import functional

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.services import ModelEntry
from modules.families.control_kind import FAMILIES, METHODS, ControlKind
from modules.plugins import Pass, Run, Step
from modules.sampling.guidance import Call, Residuals

from .hints import Hints, hint_tensor, region_tensor
from .units import UNION_TYPES, Unit
from .weighting import added, is_soft, layer_weights, network_view, on_now, row_tensor, row_weights, rows_of, scaled, shared

POOLED = "shuffle"  # in a file's name: such a ControlNet is asked for the mean of what it adds, and for positive rows only
# Which kind of hint a preprocessor makes, by the beginning of its name, for union networks that were not told.
UNION_BY_MODULE = (
    ("openpose", "OpenPose"), ("mediapipe", "OpenPose"), ("dw_openpose", "OpenPose"), ("depth", "Depth"), ("softedge", "Soft Edge"),
    ("scribble", "Soft Edge"), ("canny", "Lineart"), ("lineart", "Lineart"), ("mlsd", "Lineart"), ("normal", "Normal Map"),
    ("seg", "Segmentation"), ("tile", "Tile"), ("blur", "Tile"), ("inpaint", "Inpaint"),
)  # fmt: skip


class Acting(Protocol):
    """A unit at work."""

    unit: Unit
    title: str

    def during(self, run: Run, passing: Pass) -> AbstractContextManager[object]:
        """The time of a pass."""
        ...

    def evaluate(self, run: Run, step: Step, call: Call) -> Call:
        """A call of the network with what the unit adds to it."""
        ...


class NetworkUnit:
    """A unit with a ControlNet, a union of them, or a T2I-Adapter."""

    def __init__(self, unit: Unit, number: int, hints: Hints, entry: ModelEntry, kind: ControlKind, network: Any) -> None:
        self.unit, self.hints, self.entry, self.kind, self.network = unit, hints, entry, kind, network
        self.title = f"ControlNet unit {number}"
        self.part = f"control {number}"
        self.pooled = POOLED in entry.name.lower()
        self.prepared: dict[tuple[int, int], Any] = {}
        self.regions: dict[tuple[int, int], Tensor | None] = {}

    @contextmanager
    def during(self, run: Run, passing: Pass) -> Iterator[None]:
        """The network where it computes; with "Low VRAM" only while it does."""
        placement = passing.loaded.components.placement
        self.prepared.clear()
        placement.add(self.part, self.network)
        try:
            with nullcontext() if self.unit.low_vram else placement.on_device(self.part):
                yield
        finally:
            placement.remove(self.part)

    def evaluate(self, run: Run, step: Step, call: Call) -> Call:
        rows = row_weights(self.unit, call, positive_only=self.pooled)
        if not on_now(self.unit, step) or not any(rows):
            return call
        components = step.passing.loaded.components
        size = call.x.shape[3] * components.latents.downscale, call.x.shape[2] * components.latents.downscale
        with components.placement.on_device(self.part):
            mine = self.adapted(run, step, call, size) if self.kind.method == "t2i" else self.controlled(run, step, call, size)
        soft = is_soft(self.unit, second=step.passing.second)
        count = len(mine.down) + (mine.mid is not None) + len(mine.levels)
        weights = layer_weights(self.unit, count, soft=soft, levels=bool(mine.levels), title=self.title)
        region = self.region(run, size, call.x.device)
        return added(call, scaled(mine, weights, row_tensor(rows, call.x.device), region, pooled=self.pooled))

    def controlled(self, run: Run, step: Step, call: Call, size: tuple[int, int]) -> Residuals:
        """What a ControlNet says to a call."""
        components = step.passing.loaded.components
        dtype = components.dtype
        if size not in self.prepared:
            hints = [hint_tensor(images).to(components.device, dtype) for images in self.hints.each_at(run, size)]
            self.prepared[size] = [self.network.prepared(hint) for hint in hints]
        x, t = network_view(step, call)
        vector = None if call.vector is None or not self.wants_vector else call.vector.to(dtype)
        more = {"kind": self.union_kind} if self.kind.method == "union" else {}
        x, context = x.to(dtype), call.context.to(dtype)
        return shared([self.network.residuals(x, t, context, vector, rows_of(call, one), **more) for one in self.prepared[size]])

    def adapted(self, run: Run, step: Step, call: Call, size: tuple[int, int]) -> Residuals:
        """What a T2I-Adapter says: the same in every step."""
        components = step.passing.loaded.components
        if size not in self.prepared:
            hints = [hint_tensor(images).clamp(min=0) for images in self.hints.each_at(run, size)]
            self.prepared[size] = [self.levels(components, hint, (call.x.shape[2], call.x.shape[3])) for hint in hints]
        return shared([Residuals(levels=[rows_of(call, one) for one in levels]) for levels in self.prepared[size]])

    def levels(self, components: Any, hint: Tensor, latent_size: tuple[int, int]) -> list[Tensor]:
        """A T2I-Adapter's features of a hint (B, 3, H, W), for latents of height and width, at the sizes at which the U-Net takes them."""
        if self.network.config["in_channels"] == 1:
            hint = hint.mean(1, keepdim=True)
        factor = self.network.config["downscale_factor"]
        hint = functional.pad(hint, (0, -hint.shape[3] % factor, 0, -hint.shape[2] % factor), mode="replicate")
        features = self.network(hint.to(components.device, components.dtype))
        sizes = level_sizes(components.unet, *latent_size, len(features))
        return [
            one if one.shape[2:] == size else functional.interpolate(one, size=size, mode="bilinear")
            for one, size in zip(features, sizes, strict=True)
        ]

    def region(self, run: Run, size: tuple[int, int], device: Any) -> Tensor | None:
        """The unit's effective region (1, 1, H, W); None without one."""
        if self.unit.effective_region_mask is None:
            return None
        if size not in self.regions:
            made = region_tensor(self.unit.effective_region_mask, size, self.unit.resize_mode, self.title)
            self.regions[size] = made.to(device)
        return self.regions[size]

    @property
    def wants_vector(self) -> bool:
        """Whether the network takes SDXL's vector."""
        return getattr(self.network, "add_embedding", None) is not None

    @property
    def union_kind(self) -> int:
        """The number of the kind of hint that a union network is shown. Raises BadRequest if nothing says it."""
        name = self.unit.union_control_type
        if name == "Unknown":
            name = next((kind for begin, kind in UNION_BY_MODULE if self.hints.module.startswith(begin)), "")
        if not name:
            module = self.hints.module
            raise BadRequest(f"{self.title}: choose a Union control type; '{module}' does not say which kind of picture it gives.")
        place = UNION_TYPES.index(name) - 1
        if place >= self.network.config["num_control_type"]:
            raise NotSupported(f"{self.title}: {self.entry.name} has no control type {name}.")
        return place


def level_sizes(unet: Any, height: int, width: int, count: int) -> list[tuple[int, int]]:
    """The sizes at which a U-Net takes up what an adapter gives, for latents of height x width: one a level, then the middle's."""
    sizes: list[tuple[int, int]] = []
    for block in unet.down_blocks:
        before = height, width
        if block.downsamplers is not None:
            height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append(before if getattr(block, "has_cross_attention", False) else (height, width))
    return [*sizes, *[(height, width)] * count][:count]


def check_fit(entry: ModelEntry, kind: ControlKind, network: Any, run: Run, number: int) -> None:
    """Raise NotSupported, in one sentence, for a model that is made for other checkpoints than the run's."""
    variant, config = run.components.variant, run.components.unet.config
    title = f"ControlNet unit {number}"
    if kind.family != variant.family:
        raise NotSupported(
            f"{title}: {entry.name} is {kind.title}, and the checkpoint {run.loaded.entry.name} is one for {FAMILIES[variant.family]}.",
            "Choose a model of the checkpoint's family.",
        )
    channels = list(config["block_out_channels"])
    if kind.method in ("controlnet", "union"):
        own = network.config
        fits = list(own["block_out_channels"]) == channels and own["cross_attention_dim"] == config["cross_attention_dim"]
    elif kind.method == "t2i":
        fits = all(one == other for one, other in zip(network.config["channels"], channels, strict=False))
    else:
        fits = kind.width == config["cross_attention_dim"]
    if not fits:
        method = METHODS[kind.method]
        raise NotSupported(f"{title}: {entry.name} ({method}) is made for a network of other widths than {run.loaded.entry.name}.")
