"""A training step against diffusers' own, for the same LoRA of the same U-Net and the same batch, in turns.

    python -m tests.benchmarks.training [--side 16] [--batch 1] [--rank 16] [--steps 4] [--rounds 3] [--width 320]

Diffusers' step is the one of its example for LoRA (DDPMScheduler.add_noise, the U-Net, mean squared error, clipping, AdamW, the loss
read at every step), in plain torch; ours is `training.loop.learn` with all that belongs to it. Both begin at latents and encoded
captions. The U-Net is Stable Diffusion 1's with random weights; `--width 320` is its own. Prints the median seconds of a step, on the
clock and of the processor.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from torch import Tensor
from torch.nn import functional

from modules.families.base import Components, LatentFormat  # first of all: it makes torchvision fit for what diffusers imports
from modules.families.unet import build_unet
from modules.families.variant import Variant
from modules.runtime.placement import Placement
from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.training.methods.lora_method import LoraTraining
from modules.training.runs.run_folder import RunFolder
from modules.training.steps.loop import learn, says_nothing
from modules.training.steps.processes import Ranks
from modules.training.steps.session import Session
from tests import tiny
from tests.training.small import Camera, Drawer, request

CONTEXT = 768
Step = Callable[[int], None]


def model(width: int, device: torch.device) -> Components:
    """A model whose U-Net has SD 1's layout, `width` channels at its widest level, and no other part that takes part."""
    torch.manual_seed(0)
    widths = (width, width * 2, width * 4, width * 4)
    unet: Any = build_unet({"cross_attention_dim": CONTEXT, "attention_head_dim": 8, "block_out_channels": widths})
    unet.to(device)  # Any: what diffusers annotates it with takes no device
    unet.requires_grad_(False)
    placement = Placement(device)
    placement.add("unet", unet)
    grey = torch.zeros(3)
    return Components(
        variant=Variant("sd1"),
        unet=unet,
        vae=tiny.autoencoder(),
        encoders=[],
        prediction=Epsilon(scaled_linear_alphas()).to(device),
        latents=LatentFormat(4, 8, 0.18215, torch.zeros(4, 3), grey),
        dtype=torch.float32,
        vae_dtype=torch.float32,
        device=device,
        placement=placement,
    )


class Pages(Drawer):
    """Latents and captions' encodings of the sizes that are asked for."""

    def __init__(self, batch: int, side: int) -> None:
        super().__init__(per_step=batch, batch=batch, side=side)
        self.context = torch.randn(len(self.latents), 77, CONTEXT)

    def probe(self, held_out: bool) -> list[Any]:
        return []


def our_step(session: Session) -> Step:
    """The step of this program."""
    return lambda step: learn(session, step)


def their_step(components: Components, trained: LoraTraining, pages: Pages) -> Step:
    """The step of diffusers' example."""
    from diffusers import DDPMScheduler

    unet: Any = components.unet
    noises: Any = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
    parameters = [parameter for group in trained.groups for parameter in group.parameters]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    rates = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    def work(step: int) -> None:
        page = pages.batches(step, 0, 1)[0]
        latents, context = page.latents.to(components.device), page.context
        assert context is not None
        noise = torch.randn_like(latents)
        times = torch.randint(0, 1000, (len(latents),), device=latents.device)
        output: Tensor = unet(noises.add_noise(latents, noise, times), times, context.to(latents), return_dict=False)[0]
        loss = functional.mse_loss(output.float(), noise.float(), reduction="mean")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        loss.detach().item()

    return work


def measured(steps: dict[str, Step], *, count: int, rounds: int, device: torch.device) -> dict[str, list[tuple[float, float]]]:
    """The seconds of each step, on the clock and of the processor, in turns, after one round to warm up."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for lap in range(rounds + 1):
        for name, step in steps.items():
            for number in range(count):
                if device.type == "cuda":
                    torch.cuda.synchronize()
                clock, own = time.perf_counter(), time.process_time()
                step(lap * count + number)
                if device.type == "cuda":
                    torch.cuda.synchronize()
                if lap:
                    times[name].append((time.perf_counter() - clock, time.process_time() - own))
    return times


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, value in (("side", 16), ("batch", 1), ("rank", 16), ("steps", 4), ("rounds", 3), ("width", 320)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    wanted = request(steps_steps=100_000, steps_batch=asked.batch, network_rank=asked.rank, network_alpha=float(asked.rank))
    components, pages = model(asked.width, device), Pages(asked.batch, asked.side)
    trained = LoraTraining(wanted, components, None)
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Any] = {"sampler": Camera(), "ranks": Ranks(0, 1, device), "metadata": says_nothing}
        session = Session(wanted, RunFolder(Path(folder)), components, trained, pages, **parts)
        with session.running():
            session.meter.start()
            steps = {"diffusers' step": their_step(components, trained, pages), "this program's": our_step(session)}
            times = measured(steps, count=asked.steps, rounds=asked.rounds, device=device)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {device}, float32")
    print(f"rank {asked.rank}, {trained.count / 1e6:.2f} M trained, batch {asked.batch}, latents {asked.side} x {asked.side}\n")
    print("| step | median s | median s of the processor |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {statistics.median(a for a, _ in seconds):.3f} | {statistics.median(b for _, b in seconds):.3f} |")


if __name__ == "__main__":
    sys.exit(main())
