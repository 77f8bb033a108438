"""The smallest training: a tiny network, a few drawings of noise as latents, a handful of trained matrices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modules.contract.training import TrainingRequest, training_request_from
from modules.families.base import Components
from modules.training.parts import Batch
from modules.training.runs.run_folder import RunFolder
from modules.training.steps.loop import End, train
from modules.training.steps.processes import Ranks
from modules.weights.writing import write_tensors
from tests import tiny

PICTURES = 6


@dataclass
class Group:
    parameters: Sequence[nn.Parameter]
    factor: float = 1.0
    until: int = 0


class Matrices:
    """Trains the matrices of the attention to texts, whole."""

    def __init__(self, components: Components) -> None:
        unet: Any = components.unet
        unet.requires_grad_(False)
        self.named = {name: value.requires_grad_(True) for name, value in unet.named_parameters() if "attn2.to_" in name}
        self.groups = [Group(list(self.named.values()))]
        self.text = False
        self.steps = 0

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.named)

    def network_calls(self) -> float:
        return 2.0

    def switch(self, training: bool) -> None: ...

    def after_step(self) -> None:
        self.steps += 1

    def export(self, path: Path, values: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        write_tensors(path, {name: value.detach() for name, value in values.items()}, metadata)


class Drawer:
    """An album of noise. A step shows `per_step` pictures, shared out over the processes, in batches of `batch`."""

    def __init__(self, *, per_step: int = 2, batch: int = 2, held_out: int = 0, seed: int = 0, side: int = 8, tokens: int = 77) -> None:
        self.per_step, self.batch, self.seed = per_step, batch, seed
        chance = torch.Generator().manual_seed(seed)
        self.latents = torch.randn(PICTURES + held_out, 4, side, side, generator=chance)
        self.context = torch.randn(PICTURES + held_out, tokens, 64, generator=chance)
        self.pictures, self.epoch_steps = PICTURES, PICTURES // per_step
        self.fingerprint = {f"{number}.png": str(seed) for number in range(PICTURES)}
        self.broken: set[int] = set()  # steps whose pictures are no numbers
        self.mask: Tensor | None = None

    def page(self, files: Sequence[int], slots: Sequence[int]) -> Batch:
        count, chosen = len(files), list(files)
        size = [(64, 64)] * count
        mask = None if self.mask is None else self.mask.expand(count, -1, -1, -1)
        return Batch(
            latents=self.latents[chosen],
            captions=("",) * count,
            context=self.context[chosen],
            pooled=None,
            sizes=size,
            crops=[(0, 0)] * count,
            targets=size,
            mask=mask,
            weight=torch.ones(count),
            slots=slots,
            files=files,
        )

    def batches(self, step: int, rank: int, world: int) -> list[Batch]:
        slots = list(range(self.per_step))[rank::world]
        found = [slots[at : at + self.batch] for at in range(0, len(slots), self.batch)]
        pages = [self.page([(step * self.per_step + slot) % PICTURES for slot in some], some) for some in found]
        if step in self.broken:
            for page in pages:
                page.latents.fill_(float("nan"))
        return pages

    def with_and_without_captions(self, rank: int, world: int) -> Iterator[tuple[Batch, Batch]]:
        for number in range(PICTURES)[rank::world]:
            page = replace(self.page([number], [0]), captions=(f"picture {number}",))
            yield page, replace(page, captions=("",), context=torch.zeros_like(self.context[[number]]))

    def probe(self, held_out: bool) -> list[Batch]:
        files = list(range(PICTURES, len(self.latents))) if held_out else list(range(2))
        return [self.page(files, files)] if files else []


@dataclass
class Camera:
    """Makes no pictures, and remembers when it was asked for some."""

    asked: list[tuple[int, Path | None]] = field(default_factory=list[tuple[int, Path | None]])

    def sample(self, step: int, file: Path | None) -> None:
        self.asked.append((step, file))


@dataclass
class Run:
    """A training in a folder, from its beginning or on from where it stopped."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    album: Drawer = field(default_factory=Drawer)
    ranks: Ranks = field(default_factory=lambda: Ranks(0, 1, torch.device("cpu")))
    camera: Camera = field(default_factory=Camera)
    components: Components | None = None  # of this process's own, that nobody trained yet

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.folder = RunFolder(self.path)
        self.trained: Matrices | None = None

    @property
    def request(self) -> TrainingRequest:
        return request(**self.values)

    def go(self, **more: Any) -> End:
        """Train, with a freshly loaded model."""
        torch.set_num_threads(1)
        components = self.components or tiny.loaded(tiny.tensors())
        self.trained = Matrices(components)
        return train(self.request, self.folder, components, self.trained, self.album, self.camera, self.ranks, **more)

    def losses(self) -> list[float | None]:
        """Each step's loss, as the folder has it."""
        return [loss for event in self.events("step") for loss in event["losses"]]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.folder.events()[0] if event["kind"] == kind]

    def values_now(self) -> dict[str, Tensor]:
        assert self.trained is not None
        return {name: value.detach().clone() for name, value in self.trained.tensors().items()}


def request(**values: Any) -> TrainingRequest:
    """A training of 12 steps, groups changed as `group_field=value`."""
    groups: dict[str, dict[str, Any]] = {
        "steps": {"steps": 12, "batch": 2, "seed": 7},
        "optimizer": {"rate": 1e-3},
        "samples": {"on": False},
        "saving": {"state_every": 4},
        "watch": {"probe_every": 12},
    }
    for name, value in values.items():
        group, _, field_name = name.partition("_")
        groups.setdefault(group, {})[field_name] = value
    return training_request_from({"name": "thing", "method": "LoRA", **groups})


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether tensors are the same, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
