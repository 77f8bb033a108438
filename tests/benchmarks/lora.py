"""How long networks take to come and go: a LoRA for all that kohya trains, on networks of Stable Diffusion 1.5's size.

    python -m tests.benchmarks.lora [--rank 16] [--rounds 5] [--dtype float32] [--device cpu]

Weights are random. Prints the median seconds of each step. Needs 3 GB of memory in float32, half of it in float16.
"""

import argparse
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from torch import Tensor, nn

from modules.families.networks import Patches, Wanted  # first of all: it makes torchvision fit for what transformers imports
from modules.families.unet import build_unet
from modules.weights.files import write_tensors
from modules.weights.lora import read_network

UNET = re.compile(r".*(to_[qkv]|to_out\.0|ff\.net\.0\.proj|ff\.net\.2|proj_in|proj_out)")
TEXT = re.compile(r".*(q_proj|k_proj|v_proj|out_proj|fc1|fc2)")


def networks(dtype: torch.dtype, device: str) -> tuple[nn.Module, nn.Module]:
    """SD 1.5's U-Net and text encoder with small random weights."""
    from transformers import CLIPTextConfig, CLIPTextModel  # modules.families comes first: it prepares what this imports

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    with torch.device("meta"):
        unet = build_unet({"cross_attention_dim": 768, "attention_head_dim": 8})
        text = CLIPTextModel(CLIPTextConfig(vocab_size=49408, **sizes))
    for network in (unet, text):
        nn.Module.to(network, dtype).to_empty(device=device).eval().requires_grad_(False)
        for parameter in network.parameters():
            parameter.normal_(std=0.02)
    return unet, text


def lora(unet: nn.Module, text: nn.Module, rank: int) -> dict[str, Tensor]:
    """A LoRA for every module that kohya trains, float16."""
    tensors: dict[str, Tensor] = {}
    for prefix, network, trained in (("lora_unet_", unet, UNET), ("lora_te_text_model_", text, TEXT)):
        for path, module in network.named_modules():
            weight = getattr(module, "weight", None)
            if trained.fullmatch(path) and isinstance(weight, Tensor):
                name = prefix + path.removeprefix("text_model.").replace(".", "_")
                outputs, inputs, *kernel = weight.shape
                tensors[f"{name}.lora_down.weight"] = torch.randn(rank, inputs, *kernel).half()
                tensors[f"{name}.lora_up.weight"] = torch.randn(outputs, rank, *kernel).half()
                tensors[f"{name}.alpha"] = torch.tensor(float(rank))
    return tensors


def seconds(device: str, work: Callable[[], object]) -> float:
    """How long some work takes, the device's share included."""
    started = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started


def measure(patches: Patches, path: Path, rounds: int, device: str) -> dict[str, list[float]]:
    """The seconds of each step, once for each round."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        network = read_network(path)
        steps: dict[str, Callable[[], object]] = {
            "read the file": partial(read_network, path),
            "put it into the weights": partial(patches.applied, [Wanted(network, 0.8, 0.8)]),
            "the same again": partial(patches.applied, [Wanted(network, 0.8, 0.8)]),
            "change its strength": partial(patches.applied, [Wanted(network, 0.5, 0.5)]),
            "take it out": partial(patches.applied, []),
        }
        for name, work in steps.items():
            times.setdefault(name, []).append(seconds(device, work))
    return times


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    unet, text = networks(getattr(torch, asked.dtype), asked.device)
    patches = Patches(unet, [text])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lora.safetensors"
        tensors = lora(unet, text, asked.rank)
        write_tensors(path, tensors)
        print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {asked.device}, {asked.dtype}")
        print(f"rank {asked.rank}, {len(tensors) // 3} modules, {path.stat().st_size / 1e6:.1f} MB\n\n| step | median s |\n|---|---|")
        for name, times in measure(patches, path, asked.rounds, asked.device).items():
            print(f"| {name} | {statistics.median(times):.3f} |")


if __name__ == "__main__":
    sys.exit(main())
