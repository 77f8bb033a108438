"""How gradients become changes: the optimizers, and the one step that clips, scales and leaves a broken gradient out."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# (torch's optimizers and prodigyopt are not annotated)

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.training import OptimizerOptions
from modules.training.parts import ParameterGroup

FIRST_SCALE = 65536.0  # of the loss in fp16
GROW_AFTER = 2000  # good steps


class Lion(Optimizer):
    """The sign of a moving mean as the change. Chen et al. 2023, arXiv:2302.06675, algorithm 2."""

    def __init__(self, parameters: Iterable[Any], lr: float, *, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change the parameters that have a gradient."""
        for group in self.param_groups:
            near, far = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                mean = self.state[parameter].setdefault("exp_avg", torch.zeros_like(parameter))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(mean.lerp(parameter.grad, 1 - near).sign_(), alpha=-group["lr"])
                mean.lerp_(parameter.grad, 1 - far)


def optimizer_for(options: OptimizerOptions, groups: Sequence[ParameterGroup]) -> Optimizer:
    """The optimizer of that name over these groups. Raises NotSupported without bitsandbytes, BadRequest for Prodigy with two rates."""
    given: list[dict[str, Any]] = [{"params": list(group.parameters)} for group in groups]
    common: dict[str, Any] = {"lr": options.rate, "weight_decay": options.weight_decay}
    if options.name == "Adafactor":
        return torch.optim.Adafactor(given, **common)
    if options.name == "Lion":
        return Lion(given, **common)
    if options.name == "Prodigy":
        if len({group.factor for group in groups}) > 1:
            raise BadRequest(
                "Prodigy finds one rate for everything, and the text encoders have one of their own.", "Give both the same rate."
            )
        from prodigyopt import Prodigy

        return Prodigy(given, **common, safeguard_warmup=True, use_bias_correction=True)
    if options.name == "AdamW 8-bit":
        try:
            bitsandbytes: Any = import_module("bitsandbytes.optim")  # who has a card for it installs it
        except ImportError:
            raise NotSupported("AdamW 8-bit needs the package bitsandbytes, which is not installed.", "Choose AdamW.") from None
        return bitsandbytes.AdamW8bit(given, **common)
    place = next(parameter.device.type for group in groups for parameter in group.parameters)
    return torch.optim.AdamW(given, **common, fused=place in ("cpu", "cuda"))


class Update:
    """An optimizer's step with all that belongs around it.

    In fp16 the loss is multiplied by a scale that halves where gradients overflow and doubles after `GROW_AFTER` good steps:
    Micikevicius et al. 2018, arXiv:1710.03740, section 3.2. Nothing is read from the device, where the optimizer lets it be: AdamW
    looks itself whether it is to leave a step out.
    """

    def __init__(self, optimizer: Optimizer, *, clip: float, half: bool, device: torch.device) -> None:
        self.optimizer: Any = optimizer
        self.clip, self.half = clip, half
        self.scale = torch.tensor(FIRST_SCALE if half else 1.0, device=device)
        self.good = torch.zeros((), device=device)  # steps since the scale changed
        self.looks_itself = isinstance(optimizer, torch.optim.AdamW) and optimizer.defaults["fused"]

    @property
    def trained(self) -> list[nn.Parameter]:
        """All parameters, always in the same order."""
        return [one for group in self.optimizer.param_groups for one in group["params"]]

    def set_rates(self, rates: Sequence[float]) -> None:
        """The rate of each group from now on."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def forget_gradients(self) -> None:
        """Begin anew."""
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self) -> Tensor:
        """Change the parameters by their gradients; returns whether the gradient was broken, and so left out: (), bool, on the device.

        An overflow that only shows that fp16's scale was too large is left out too, and is not called broken.
        """
        gradients = [parameter.grad for parameter in self.trained if parameter.grad is not None]
        if not gradients:
            raise BadRequest("Nothing has a gradient: no trained part takes part in the network's answer.")
        length = nn.utils.get_total_norm(gradients) / self.scale
        broken = ~length.isfinite()
        change = 1 / self.scale
        if self.clip:
            change = change * (self.clip / (length + 1e-6)).clamp(max=1)
        torch._foreach_mul_(gradients, change)
        if self.looks_itself:
            self.optimizer.found_inf = broken.float()
            self.optimizer.step()
        elif not bool(broken):
            self.optimizer.step()
        self.forget_gradients()
        blamed = broken & (self.scale <= 1)
        if self.half:
            self.good = torch.where(broken, 0.0, self.good + 1)
            self.scale = torch.where(broken, self.scale / 2, torch.where(self.good >= GROW_AFTER, self.scale * 2, self.scale))
            self.good = torch.where(self.good >= GROW_AFTER, 0.0, self.good)
        return blamed

    def state(self) -> dict[str, Any]:
        """All that the next step depends on; goes into a checkpoint."""
        return {"optimizer": self.optimizer.state_dict(), "scale": self.scale.item(), "good": self.good.item()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there. A state's tensors are laid out in memory as their parameters are: fused kernels want it."""
        kept = state["optimizer"]
        order = self.trained
        for place, values in kept["state"].items():
            for name, value in values.items():
                if isinstance(value, Tensor) and value.shape == order[place].shape and value.dtype == order[place].dtype:
                    values[name] = torch.empty_like(order[place], requires_grad=False).copy_(value)
        self.optimizer.load_state_dict(kept)
        self.scale.fill_(state["scale"])
        self.good.fill_(state["good"])
