"""Where a training step stands: its rate, its time left, its learning rate."""

import math
import time


class Progress:
    """Prints a line now and then; `total` steps in all, of which `first` were done by an earlier process."""

    def __init__(self, name: str, *, first: int, total: int, every_seconds: float = 15.0) -> None:
        self.name, self.first, self.total, self.every_seconds = name, first, total, every_seconds
        self.began = self.told = time.monotonic()

    def tell(self, step: int, **figures: float) -> None:
        now = time.monotonic()
        if now - self.told < self.every_seconds and step < self.total:
            return
        self.told = now
        rate = (step - self.first) / (now - self.began)
        minutes_left = (self.total - step) / rate / 60
        measured = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
        line = f"{self.name} {step}/{self.total}, {rate:.2f} steps/s, {minutes_left:.1f} min left"
        print(f"{line}, {measured}" if measured else line, flush=True)


def learning_rate(share: float, peak: float, warm_up: float = 0.02) -> float:
    """A linear warm-up, then half a cosine down to a hundredth; `share` is the share of training done, 0..1."""
    if share < warm_up:
        return peak * share / warm_up
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up))))
