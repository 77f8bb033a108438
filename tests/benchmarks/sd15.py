"""This program against diffusers' own pipeline, on a checkpoint of Stable Diffusion 1.5's size with random weights.

    python -m tests.benchmarks.sd15 [--size 512] [--steps 4] [--rounds 3] [--precision auto|full] [--data FOLDER]

Both run in one process, on the same weights, in the same number type and memory layout, in turns. Prints a table, with the
machine's name above it. Needs 6 GB of memory (twice that with `--precision full`) and 2 GB of disk while it runs.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import psutil
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.contract.request import GenerationRequest, Size
from modules.families import sd
from modules.families.base import Components
from modules.families.clip_text import tokenize
from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library, Places
from modules.pipeline.manager import PipelineManager
from modules.runtime.device import Device, Wishes, choose
from modules.settings.store import SettingsStore
from modules.weights.files import write_tensors
from tests.tiny import Listener

ROOT = Path(__file__).parents[2]
PROMPT = "a photo of an astronaut riding a horse on mars"


def make_checkpoint(path: Path) -> None:
    """A file of SD 1.5's shape; its weights are small random numbers, so that nothing overflows."""
    torch.manual_seed(0)
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        autoencoder: Any = AutoencoderKL  # its annotations allow one level only
        vae = autoencoder(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
        text = CLIPTextModel(
            CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, vocab_size=49408)
        )

    def filled(module: nn.Module) -> dict[str, Tensor]:
        return {
            name: torch.ones(shape.shape, dtype=torch.float16)
            if "norm" in name and name.endswith("weight")
            else (torch.randn(shape.shape) * 0.02).half()
            for name, shape in module.state_dict().items()
            if shape.is_floating_point()
        }

    write_tensors(path, sd.single_file(filled(unet), filled(vae), filled(text)))


class NetworkClock:
    """The seconds of each call of a network."""

    def __init__(self, module: nn.Module) -> None:
        self.calls: list[float] = []
        self.began = 0.0
        module.register_forward_pre_hook(self.enter)
        module.register_forward_hook(self.leave)

    def enter(self, *_: Any) -> None:
        self.began = time.perf_counter()

    def leave(self, *_: Any) -> None:
        self.calls.append(time.perf_counter() - self.began)


class Steps(Listener):
    """Notes when each step ended."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def step(self, text: str = "") -> None:
        self.times.append(time.perf_counter())
        super().step(text)


class OurSide:
    """One picture by this program."""

    def __init__(self, manager: PipelineManager, request: GenerationRequest) -> None:
        self.manager, self.request = manager, request

    def picture(self) -> tuple[list[float], float]:
        """The end of each step and the whole time."""
        steps, started = Steps(), time.perf_counter()
        self.manager.generate(self.request, steps)
        return steps.times, time.perf_counter() - started


class TheirSide:
    """One picture by diffusers' StableDiffusionPipeline, on the same modules.

    The prompts are encoded beside it: our text encoder stays in float32, which the pipeline does not expect.
    """

    def __init__(self, components: Components, request: GenerationRequest) -> None:
        scheduler = DPMSolverMultistepScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", use_karras_sigmas=True, steps_offset=1
        )
        pipeline: Any = StableDiffusionPipeline  # its annotations do not allow what it documents: parts that are None
        self.pipe = pipeline(
            vae=components.vae, text_encoder=None, tokenizer=None, unet=components.unet, scheduler=scheduler,
            safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        )  # fmt: skip
        self.pipe.set_progress_bar_config(disable=True)
        self.components, self.request = components, request

    def encoded(self, prompt: str) -> Tensor:
        tokens = torch.tensor([tokenize(prompt).chunks[0].tokens], device=self.components.device)
        return self.components.encoders[0].model(input_ids=tokens).last_hidden_state.to(self.components.dtype)

    def picture(self) -> tuple[list[float], float]:
        times: list[float] = []

        def ended(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            times.append(time.perf_counter())
            return values

        width, height = self.request.size
        started = time.perf_counter()
        vae, dtype = self.components.vae, self.components.vae_dtype
        with torch.inference_mode():
            latents = self.pipe(
                prompt_embeds=self.encoded(self.request.prompt), negative_prompt_embeds=self.encoded(""), width=width, height=height,
                num_inference_steps=self.request.steps, guidance_scale=float(self.request.guidance), output_type="latent",
                generator=torch.Generator().manual_seed(self.request.seed), callback_on_step_end=ended,
            ).images  # fmt: skip
            picture = vae.decode((latents / sd.SCALE).to(dtype), return_dict=False)[0]  # type: ignore[operator]
            self.pipe.image_processor.postprocess(picture.float(), output_type="pil")
        return times, time.perf_counter() - started


def measure(args: argparse.Namespace, folder: Path) -> list[tuple[str, ...]]:
    """The rows of the table: what, ours, diffusers'."""
    checkpoint = folder / "sd15-random.safetensors"
    if not checkpoint.exists():
        make_checkpoint(checkpoint)
    device = choose(Wishes(no_half=args.precision == "full"))
    print(f"Computing on {device}\n")
    manager = manager_over(folder, device)
    request = GenerationRequest(
        prompt=PROMPT, size=Size(args.size, args.size), steps=args.steps, sampler="DPM++ 2M", schedule="Karras", seed=1, save=False
    )
    began = time.perf_counter()
    components = manager.load(manager.find("sd15-random"), manager.settings.current).components
    load_seconds = time.perf_counter() - began
    clock = NetworkClock(components.unet)
    sides = {"ours": OurSide(manager, request), "diffusers": TheirSide(components, request)}
    steps: dict[str, list[float]] = {name: [] for name in sides}
    wholes: dict[str, list[float]] = {name: [] for name in sides}
    around: dict[str, list[float]] = {name: [] for name in sides}
    for round in range(args.rounds + 1):
        for name, side in sides.items():
            clock.calls.clear()
            times, whole = side.picture()
            if round == 0:
                continue  # warms both up
            gaps = [after - before for before, after in pairwise(times)]
            steps[name] += gaps
            wholes[name].append(whole)
            around[name] += [gap - call for gap, call in zip(gaps, clock.calls[1:], strict=True)]  # one call a step
    return [
        ("seconds a step, median", *(f"{statistics.median(steps[name]):.3f}" for name in sides)),
        ("seconds a picture, median", *(f"{statistics.median(wholes[name]):.2f}" for name in sides)),
        ("around the network, ms a step", *(f"{1000 * statistics.median(around[name]):.1f}" for name in sides)),
        (
            "around the network, % of a step",
            *(f"{100 * statistics.median(around[name]) / statistics.median(steps[name]):.2f}" for name in sides),
        ),
        ("loading the checkpoint, s", f"{load_seconds:.1f}", "-"),
        ("peak memory of the process, GB", f"{peak_memory():.2f}", "(the same process)"),
    ]


def manager_over(folder: Path, device: Device) -> PipelineManager:
    library = Library.at(folder, folder, check_checkpoint, Places(checkpoints=[folder]))
    return PipelineManager(library=library, settings=SettingsStore(folder / "settings.json"), root=folder, device=lambda: device)


def peak_memory() -> float:
    """The most memory that this process has held, in GB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def start_up(folder: Path) -> list[tuple[str, str]]:
    """The program's own times with the demo checkpoint: to the page, to the first step, and its memory at rest."""
    port, began = 7993, time.perf_counter()
    command = [
        sys.executable,
        "webui.py",
        "--no-venv",
        "--no-browser",
        "--port",
        str(port),
        "--data-dir",
        str(folder),
        "--models-dir",
        str(ROOT / "models"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        page = answered(address + "/", began)
        body = b'{"prompt": "a red star", "steps": 1, "width": 128, "height": 128}'
        asked = urllib.request.Request(address + "/sdapi/v1/txt2img", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(asked, timeout=300).read()
        loaded = time.perf_counter() - began
        times: list[float] = []
        for _ in range(5):
            started = time.perf_counter()
            urllib.request.urlopen(asked, timeout=300).read()
            times.append(time.perf_counter() - started)
        time.sleep(2)
        memory = psutil.Process(process.pid).memory_info().rss / 1e9
    finally:
        process.terminate()
        process.wait(20)
    return [
        ("start to a page that answers, s", f"{page:.1f}"),
        ("start to the first picture over the API, s", f"{loaded:.1f}"),
        ("request to answer, one step of the demo checkpoint, s", f"{min(times):.3f}"),
        ("memory at rest with the demo checkpoint, GB", f"{memory:.2f}"),
    ]


def answered(address: str, began: float) -> float:
    """Seconds from `began` until an address answers."""
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return time.perf_counter() - began
        except OSError:
            if time.perf_counter() - began > 120:
                raise
            time.sleep(0.05)


def machine() -> str:
    """What this ran on, in a line."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":")[1].strip() if lines else name
    memory = psutil.virtual_memory().total / 1e9
    versions = f"torch {torch.__version__}, {torch.get_num_threads()} threads, Python {platform.python_version()}"
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GB; {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=("auto", "full"), default="auto")
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print("\n| the program | |\n|---|---|")
        for what, value in start_up(folder / "program"):
            print(f"| {what} | {value} |", flush=True)
        print()
        rows = measure(args, folder)
        print(f"| {args.size}x{args.size}, {args.steps} steps, DPM++ 2M Karras, CFG 7 | this program | diffusers |\n|---|---|---|")
        for row in rows:
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
