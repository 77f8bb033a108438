"""The device to compute on and the number types to compute in: chosen by what the machine has and by a short measurement."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wishes:
    """What the command line says: `precision` is A1111's flag; `on_cpu` and `no_half` overrule the measurement."""

    precision: str = "autocast"
    no_half: bool = False
    no_half_vae: bool = False
    on_cpu: bool = False
    device_id: str | None = None


@dataclass(frozen=True)
class Device:
    """Where and in which types networks run. `reason` says in a sentence why."""

    place: torch.device
    dtype: torch.dtype
    vae_dtype: torch.dtype
    channels_last: bool
    reason: str

    def __str__(self) -> str:
        layout = "channels-last" if self.channels_last else "contiguous"
        return f"{self.place}, {short(self.dtype)} (VAE {short(self.vae_dtype)}, {layout}): {self.reason}"


def short(dtype: torch.dtype) -> str:
    """A type's name without its package."""
    return str(dtype).removeprefix("torch.")


def choose(wishes: Wishes) -> Device:
    """The device for this run."""
    full = wishes.no_half or wishes.precision == "full"
    if not wishes.on_cpu and torch.cuda.is_available():
        device = torch.device("cuda", int(wishes.device_id or 0))
        name = torch.cuda.get_device_name(device)
        if full:
            return Device(device, torch.float32, torch.float32, True, f"{name}, full precision as asked")
        vae = torch.float32 if wishes.no_half_vae else torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
        return Device(device, torch.float16, vae, True, name)
    if not wishes.on_cpu and torch.backends.mps.is_available():
        dtype = torch.float32 if full else torch.float16
        return Device(torch.device("mps"), dtype, torch.float32, False, "Apple's GPU")
    return on_processor(full=full)


def on_processor(*, full: bool) -> Device:
    """The processor, in the fastest of the types and layouts that it has. bfloat16 must win clearly: it costs some exactness."""
    device = torch.device("cpu")
    if full:
        return Device(device, torch.float32, torch.float32, faster_layout(torch.float32), "processor, full precision as asked")
    exact, layout = min((convolution_seconds(torch.float32, last), last) for last in (False, True))
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return Device(device, torch.float32, torch.float32, layout, "processor without bfloat16 arithmetic")
    rounded, rounded_layout = min((convolution_seconds(torch.bfloat16, last), last) for last in (False, True))
    if rounded < 0.8 * exact:
        return Device(
            device, torch.bfloat16, torch.float32, rounded_layout, f"processor, bfloat16 measured {exact / rounded:.1f} times as fast"
        )
    return Device(device, torch.float32, torch.float32, layout, f"processor, bfloat16 measured only {exact / rounded:.1f} times as fast")


def faster_layout(dtype: torch.dtype) -> bool:
    """Whether channels-last convolutions are the faster ones in a type."""
    return convolution_seconds(dtype, True) < convolution_seconds(dtype, False)


def convolution_seconds(dtype: torch.dtype, channels_last: bool) -> float:
    """The time of one convolution and one matrix product like a U-Net's middle ones; the best of a few, after one to warm up."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    convolution = torch.nn.Conv2d(320, 320, 3, padding=1, dtype=dtype).requires_grad_(False)
    convolution.weight.data = convolution.weight.data.contiguous(memory_format=layout)
    linear = torch.nn.Linear(320, 1280, dtype=dtype).requires_grad_(False)
    x = torch.randn(2, 320, 32, 32, dtype=dtype).contiguous(memory_format=layout)

    def work() -> Tensor:
        return linear(convolution(x).flatten(2).transpose(1, 2))

    return best(work)


def best(work: Callable[[], Tensor], tries: int = 3) -> float:
    """The shortest of some runs, in seconds, after one that does not count."""
    with torch.inference_mode():
        work()
        times: list[float] = []
        for _ in range(tries):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    return min(times)
