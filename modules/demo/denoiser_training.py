"""Trains the denoiser on the kept latents, reading their captions with the finished text encoder."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, distributed
from transformers import CLIPTextModel

from ..families.clip_tokens import encode
from ..training.steps.processes import Ranks
from . import latents as album
from . import networks, reading
from .attention import use_plain_attention
from .beginnings import quiet_branches
from .checkpoints import read_state, write_state
from .course import Course
from .normalization import quick_group_norm
from .pictures import caption_of
from .progress import Progress

SEED = 4
STEPS = 3300
BATCH = 48
PEAK_RATE = 7e-4
WARM_UP = 150
DECAY_SHARE = 0.3  # of the steps, at the end
EMPTY_SHARE = 0.12
AVERAGE_DECAY = 0.999
SAVE_EVERY = 200
READ_AT_ONCE = 128


def train(work: Path, device: torch.device, steps: int = STEPS, workers: int = 1) -> None:
    """Writes `denoiser.pt` in the work folder, going on where an earlier process stopped.

    On a processor that others use too, `workers` processes of one thread each are quicker than one of several threads:
    a thread that has to wait for its turn keeps all the others spinning.
    """
    _keep_contexts(work, device)
    if workers == 1:
        _train(0, work, device, steps, workers)
    else:
        meeting = work / "meeting"
        meeting.unlink(missing_ok=True)
        torch.multiprocessing.spawn(_worker, (work, device, steps, workers, meeting), nprocs=workers)


def _worker(rank: int, work: Path, device: torch.device, steps: int, workers: int, meeting: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=workers)
    with quick_group_norm():
        _train(rank, work, device, steps, workers)


def _train(rank: int, work: Path, device: torch.device, steps: int, workers: int) -> None:
    path = work / "denoiser.pt"
    torch.manual_seed(SEED)
    model = networks.denoiser()
    quiet_branches(model)
    if device.type == "cpu":
        use_plain_attention(model)
    model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.01)
    course = Course(
        "denoiser", path, model, optimizer, steps=steps, rate=lambda step: _rate(step, steps), every=SAVE_EVERY, decay=AVERAGE_DECAY,
        ranks=Ranks(rank, workers, device),
    )  # fmt: skip
    for step, latents, context in _batches(work, device, range(course.first, steps), rank, workers):
        course.learn(step, _loss(model, latents.to(device), context, step * workers + rank))


def finished_reader(work: Path) -> CLIPTextModel:
    """The text encoder that `reading` trained."""
    state = read_state(work / "text_encoder.pt")
    assert state is not None, f"Train the text encoder first: {work / 'text_encoder.pt'} is not there."
    model = networks.text_encoder()
    model.load_state_dict({name.removeprefix("reader."): tensor for name, tensor in state["model"].items() if name.startswith("reader.")})
    return model.eval()


def _loss(model: UNet2DConditionModel, latents: Tensor, context: Tensor, step: int) -> Tensor:
    """The squared error of the noise, weighed by its level.

    Little noise counts little (Hang et al. 2023, arXiv:2303.09556); much noise counts up to six times, because there
    a small error of the noise is a large one of the colour and the thing.
    """
    random = torch.Generator("cpu").manual_seed(SEED * 1_000_003 + step)
    count = len(latents)
    shares = (torch.randperm(count, generator=random) + torch.rand(count, generator=random)) / count
    times = (shares * 1000).long().clamp(max=999)
    noise = torch.randn(latents.shape, generator=random).to(latents)
    kept = networks.noise_levels().alphas_cumprod[times][:, None, None, None].to(latents)
    noisy = (kept.sqrt() * latents + (1 - kept).sqrt() * noise).contiguous(memory_format=torch.channels_last)
    with torch.autocast(latents.device.type, torch.bfloat16):
        guess = model(noisy, times.to(latents.device), context).sample
    ratio = kept / (1 - kept)
    weight = torch.minimum(5 / ratio, (1 + 1 / ratio).sqrt().clamp(max=6))
    return (weight * (guess.float() - noise) ** 2).mean()


def _rate(step: int, steps: int) -> float:
    """A warm-up, a long level stretch, and half a cosine down to a fiftieth at the end."""
    left = (steps - step) / (DECAY_SHARE * steps)
    level = 0.02 + 0.98 * 0.5 * (1 - np.cos(np.pi * min(left, 1)))
    return float(PEAK_RATE * min(1, (step + 1) / WARM_UP) * level)


def _batches(work: Path, device: torch.device, steps: range, rank: int, workers: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Steps with one worker's latents (B, 4, 16, 16) and contexts (B, 77, 128), drawn from the album by lot."""
    kept, contexts = _kept(work, "latents"), _kept(work, "contexts")
    for step in steps:
        rng = np.random.default_rng((SEED, step, rank))
        chosen = torch.from_numpy(rng.integers(len(kept), size=BATCH // workers))
        told = torch.where(torch.from_numpy(rng.random(len(chosen)) < EMPTY_SHARE), len(kept), chosen)
        yield step, kept[chosen].float(), contexts[told].float().to(device)


@torch.no_grad()
def _keep_contexts(work: Path, device: torch.device) -> None:
    """Writes `contexts.pt`: one caption's context of each picture and, last, the empty caption's, (n + 1, 77, 128)."""
    path = work / "contexts.pt"
    pictures = len(_kept(work, "latents"))
    if path.exists() and len(_kept(work, "contexts")) == pictures + 1:
        return
    reader = finished_reader(work).to(device)
    rng = np.random.default_rng(SEED)
    rows = [reading.strange(encode(caption_of(album.SEED, index)), rng) for index in range(pictures)]
    tokens = reading.padded([*rows, []])
    progress = Progress("contexts", first=0, total=len(tokens))
    contexts: list[Tensor] = []
    for at in range(0, len(tokens), READ_AT_ONCE):
        with torch.autocast(device.type, torch.bfloat16):
            contexts.append(reader(tokens[at : at + READ_AT_ONCE].to(device)).last_hidden_state.half().cpu())
        progress.tell(min(at + READ_AT_ONCE, len(tokens)))
    write_state(path, {"contexts": torch.cat(contexts)})


def _kept(work: Path, name: str) -> Tensor:
    """The `latents` or `contexts` of the work folder."""
    state = read_state(work / f"{name}.pt")
    assert state is not None, f"There is no {work / name}.pt; the step before this one writes it."
    return state[name]
