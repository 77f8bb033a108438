"""The steps of a training from nothing, on the parts of `modules.training`: what all of the demo's trainers have in common."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn
from torch.optim import Optimizer

from ..training.steps.average import Average
from ..training.steps.optimizers import Update
from ..training.steps.processes import Ranks
from .checkpoints import read_state, write_state
from .progress import Progress

SMOOTH = 0.97  # of the loss that is told


class Course:
    """A network on its way through its steps. It begins where an earlier process stopped: at step `first`, by the file at `path`.

    `rate`: the learning rate of a step (0-based). `clip`: the longest gradient. `decay`: of the average that is kept beside the network;
    None keeps none. `ranks`: the processes that take each step together.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        steps: int,
        rate: Callable[[int], float],
        every: int,
        clip: float = 1.0,
        decay: float | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        device = next(model.parameters()).device
        self.path, self.model, self.steps, self.rate, self.every = path, model, steps, rate, every
        self.ranks = ranks or Ranks(0, 1, device)
        self.update = Update(optimizer, clip=clip, half=False, device=device)
        self.average = Average(model.state_dict(), decay) if decay else None
        self.first = 0
        state = read_state(path)
        if state is not None:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            if self.average:
                self.average.restore(state["average"])
            self.first = state["step"]
        self.progress = Progress(name, first=self.first, total=steps)
        self.smooth = 0.0

    def learn(self, step: int, loss: Tensor, **figures: float) -> None:
        """Take a step by a loss, (); tell of it, and keep the state when it is time. `figures` are told beside."""
        rate = self.rate(step)
        self.update.set_rates([rate] * len(self.update.optimizer.param_groups))
        (loss / self.ranks.world).backward()
        self.ranks.add_gradients(self.update.trained, loss.detach().clone())
        self.update.step()
        if not self.ranks.first:
            return
        if self.average:
            self.average.follow(self.model.state_dict(), step)
        self.smooth = loss.item() if step == self.first else SMOOTH * self.smooth + (1 - SMOOTH) * loss.item()
        self.progress.tell(step + 1, loss=self.smooth, rate=rate, **figures)
        if (step + 1) % self.every == 0 or step + 1 == self.steps:
            self.keep(step + 1)

    def keep(self, step: int) -> None:
        """Write the state after so many steps."""
        state = {"model": self.model.state_dict(), "optimizer": self.update.optimizer.state_dict(), "step": step}
        write_state(self.path, state | ({"average": self.average.values} if self.average else {}))
