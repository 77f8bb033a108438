"""How fast a training is: pictures a second, the share of what the device could do, memory, and the time that is left."""

# pyright: reportUnknownMemberType=false
# (torch's counter is not annotated)

import contextlib
import statistics
import time
from collections import deque
from collections.abc import Iterator, Sequence

import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

from modules.families.base import Components

TERA = 1e12
# dense 16-bit operations a second on tensor cores with 32-bit sums, from the makers' data sheets
PEAKS = {
    "H200": 989, "H100": 989, "A100": 312, "A10": 125, "L40S": 362, "L40": 181, "L4": 121, "T4": 65, "V100": 125, "B200": 2250,
    "RTX 5090": 210, "RTX 4090": 165, "RTX 4080": 97, "RTX 4070": 58, "RTX 3090": 71, "RTX 3080": 60, "RTX 3070": 41, "RTX 3060": 25.5,
}  # fmt: skip
WINDOW = 50  # steps
SPILL = 5.0  # times the first steps' median


def peak(device: torch.device, dtype: torch.dtype) -> float:
    """The operations a second that a device can do at most in a type: from the table, or else as one large matrix product is measured."""
    if device.type == "cuda" and dtype in (torch.float16, torch.bfloat16):
        name = torch.cuda.get_device_name(device)
        for known in sorted(PEAKS, key=len, reverse=True):
            if known in name:
                return PEAKS[known] * TERA
    return measured_peak(device, dtype)


def measured_peak(device: torch.device, dtype: torch.dtype) -> float:
    """The operations a second of a matrix product, the best of some."""
    side = 8192 if device.type == "cuda" else 512
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    times: list[float] = []
    for _ in range(5):
        finish(device)
        started = time.perf_counter()
        torch.mm(left, right)
        finish(device)
        times.append(time.perf_counter() - started)
    return 2 * side**3 / min(times)


def finish(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.no_grad()
def forward_flops(components: Components, latent_size: Sequence[int]) -> float:
    """The operations of one pass of the network over one picture's latents of (h, w), a multiplication and an addition counting two."""
    device = components.device
    latents = torch.zeros(1, components.latents.channels, *latent_size, device=device)
    context = torch.zeros(1, 77, components.unet.config["cross_attention_dim"], device=device)
    vector = None
    if components.takes_vector:
        vector = torch.zeros(1, components.unet.config["projection_class_embeddings_input_dim"], device=device)
    training = components.unet.training
    components.unet.eval()  # as checkpointed blocks would be counted twice
    try:
        with FlopCounterMode(display=False) as counter:
            components.predict(latents, torch.zeros(1, dtype=torch.long, device=device), context, vector)
    finally:
        components.unet.train(training)
    return float(counter.get_total_flops())


def memory(device: torch.device) -> int | None:
    """Bytes: the most that were in use on a card, or what this process has now; None where that cannot be asked."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type != "cpu":
        return None
    return psutil.Process().memory_info().rss


class Meter:
    """Counts pictures over the last steps; what is done between steps (pictures, files) is left out of the speed, not of the time left."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.marks: deque[tuple[float, int, float]] = deque(maxlen=WINDOW)  # seconds, pictures, operations of each step
        self.first: list[float] = []
        self.aside = 0.0  # seconds spent between steps
        self.began = self.last = time.monotonic()
        self.done = 0

    def start(self) -> None:
        """The first step begins now."""
        self.began = self.last = time.monotonic()

    def step(self, pictures: int, operations: float) -> None:
        """A step has ended, with so many pictures over all devices and so many operations on this one."""
        now = time.monotonic()
        self.marks.append((now - self.last, pictures, operations))
        if len(self.first) < 20:
            self.first.append(now - self.last)
        self.last = now
        self.done += 1

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """While it lasts, no step is under way."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.last = time.monotonic()
            self.aside += self.last - started

    @property
    def seconds_a_step(self) -> float | None:
        """Of the last steps."""
        return sum(mark[0] for mark in self.marks) / len(self.marks) if self.marks else None

    @property
    def pictures_a_second(self) -> float | None:
        """Over all devices."""
        seconds = sum(mark[0] for mark in self.marks)
        return sum(mark[1] for mark in self.marks) / seconds if seconds else None

    @property
    def operations_a_second(self) -> float | None:
        """On this device."""
        seconds = sum(mark[0] for mark in self.marks)
        return sum(mark[2] for mark in self.marks) / seconds if seconds else None

    def seconds_left(self, step: int) -> float | None:
        """Until the last step, with as much aside for each as until now."""
        if self.seconds_a_step is None or not self.done:
            return None
        return (self.steps - step) * (self.seconds_a_step + self.aside / self.done)

    @property
    def spilling(self) -> bool:
        """Whether steps have become so slow that memory is being moved about: Windows lets a card's memory run over into the machine's."""
        if len(self.first) < 20 or len(self.marks) < 10:
            return False
        return statistics.median([mark[0] for mark in list(self.marks)[-10:]]) > SPILL * statistics.median(self.first)
