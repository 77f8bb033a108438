"""What a network file does to one module of a model: the LoRA and LyCORIS kinds, each as the change of a weight.

The arithmetic follows A1111's number types, for they show in the picture: a LoRA is multiplied in float32, the other kinds in
the type that their file is stored in, and a change keeps that type until it is added.
"""

from collections.abc import Mapping
from math import prod
from typing import ClassVar

import torch
from torch import Tensor

Parts = Mapping[str, Tensor]


class Layer:
    """The tensors of a network file for one module. `rank` is what alpha is divided by; None: alpha has no effect."""

    NEEDS: ClassVar[tuple[str, ...]] = ()
    rank: int | None = None

    def __init__(self, parts: Parts) -> None:
        self.alpha = number(parts, "alpha")
        self.fixed_scale = number(parts, "scale")
        self.magnitude = parts.get("dora_scale")
        self.addition = parts.get("bias")

    @classmethod
    def made_of(cls, parts: Parts) -> bool:
        """Whether the parts are those of this kind."""
        return all(name in parts for name in cls.NEEDS)

    @property
    def scale(self) -> float:
        """alpha / rank, unless the file gives the scale itself."""
        if self.fixed_scale is not None:
            return self.fixed_scale
        return self.alpha / self.rank if self.alpha is not None and self.rank else 1.0

    def covers(self, shape: tuple[int, ...]) -> bool:
        """Whether the change has as many numbers as a weight of that shape."""
        raise NotImplementedError

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        """The change before scale and multiplier, as a tensor of its own that may be written into."""
        raise NotImplementedError

    def delta(self, weight: Tensor, *, multiplier: float, dyn: int | None = None) -> Tensor:
        """What is to be added to `weight` (out, in, ...), in the type to add it in; its shape is the weight's. A tensor of its own.

        `dyn` cuts a LoRA down to its first so many ranks. Raises RuntimeError where the shapes do not fit.
        """
        change = self.product(weight, dyn)
        if self.addition is not None:
            change = change.reshape(self.addition.shape) + self.addition.to(change)
        if change.numel() == weight.numel():
            change = change.reshape(weight.shape)
        change = change.mul_(self.scale)  # in place: new memory takes longer than the arithmetic
        if self.magnitude is not None:
            change = decomposed(change, weight, self.magnitude)
        return change.mul_(multiplier)

    def bias_delta(self, multiplier: float) -> Tensor | None:
        """What is to be added to the module's bias; None: nothing."""
        return None


def number(parts: Parts, name: str) -> float | None:
    """A part that is a single number; None where it is missing."""
    return float(parts[name].item()) if name in parts and parts[name].numel() == 1 else None


def decomposed(change: Tensor, weight: Tensor, magnitude: Tensor) -> Tensor:
    """The change that leads to DoRA's weight: direction W + change, length `magnitude`. Liu et al. 2024, arXiv:2402.09353, eq. 5.

    Lengths are of the columns, (1, in, ...), as in the paper and A1111, or of the rows, (out, 1, ...) or (out,), as in PEFT.
    """
    weight = weight.to(change.dtype)
    length = magnitude.to(change)
    merged = weight + change
    by_columns = length.numel() == weight.shape[1] and (length.shape[0] == 1 or length.numel() != weight.shape[0])
    axis, count = (1, weight.shape[1]) if by_columns else (0, weight.shape[0])
    shape = [count if dimension == axis else 1 for dimension in range(weight.dim())]
    norm = merged.transpose(0, axis).reshape(count, -1).norm(dim=1).reshape(shape)
    return merged * (length.reshape(shape) / norm) - weight


def tucker(core: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """A convolution (out, in, h, w) from its core (r, r, h, w) and its factors (r, out) and (r, in)."""
    return torch.einsum("ijkl,ir->rjkl", torch.einsum("ijkl,jr->irkl", core, right), left)


def flat(tensor: Tensor) -> Tensor:
    """A matrix: all but the first dimension in one."""
    return tensor.reshape(tensor.shape[0], -1)


class Lora(Layer):
    """up @ down, or a Tucker product with a middle. Hu et al. 2021, arXiv:2106.09685; for convolutions LoCon, by KohakuBlueleaf."""

    NEEDS = ("lora_up.weight", "lora_down.weight")

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.up, self.down, self.middle = parts[self.NEEDS[0]], parts[self.NEEDS[1]], parts.get("lora_mid.weight")
        self.rank = self.down.shape[0]

    def covers(self, shape: tuple[int, ...]) -> bool:
        kernel = self.middle.shape[2:] if self.middle is not None else self.down.shape[2:]
        return prod(shape) == self.up.shape[0] * self.down.shape[1] * prod(kernel)

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        up, down = (flat(part.to(weight.device, torch.float32)) for part in (self.up, self.down))
        if self.middle is not None:
            middle = self.middle.to(weight.device, torch.float32)
            return torch.einsum("nmkl,in,mj->ijkl", middle, up, down)
        shape = (self.up.shape[0], *self.down.shape[1:])
        return (up[:, :dyn] @ down[:dyn]).reshape(shape)


class LoHa(Layer):
    """The elementwise product of two low-rank products. Hyeon-Woo et al. 2021, arXiv:2108.06098, eq. 2 and, with cores, proposition 3."""

    NEEDS = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.factors = [parts[name] for name in self.NEEDS]
        self.cores = (parts.get("hada_t1"), parts.get("hada_t2"))
        self.rank = self.factors[1].shape[0]

    def covers(self, shape: tuple[int, ...]) -> bool:
        left, right = self.factors[0], self.factors[1]
        core = self.cores[0]
        if core is not None:
            return prod(shape) == left.shape[1] * right.shape[1] * prod(core.shape[2:])
        return prod(shape) == left.shape[0] * prod(right.shape[1:])

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        first, second = (self.half(2 * i, core, weight) for i, core in enumerate(self.cores))
        return first * second.reshape(first.shape)

    def half(self, index: int, core: Tensor | None, weight: Tensor) -> Tensor:
        """One of the two products."""
        left, right = (part.to(weight.device) for part in self.factors[index : index + 2])
        if core is not None:
            return tucker(core.to(weight.device), left, right)
        return (flat(left) @ flat(right)).reshape(left.shape[0], *right.shape[1:])


class LoKr(Layer):
    """A Kronecker product whose factors may be low-rank products themselves. Yeh et al. 2023, arXiv:2309.14859, eq. 5."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.parts = parts
        for name in ("lokr_w1_b", "lokr_w2_b"):
            self.rank = parts[name].shape[0] if name in parts else self.rank

    @classmethod
    def made_of(cls, parts: Parts) -> bool:
        """Whether both factors are there, each whole or as a product."""
        return all(f"lokr_w{i}" in parts or {f"lokr_w{i}_a", f"lokr_w{i}_b"} <= parts.keys() for i in (1, 2))

    def covers(self, shape: tuple[int, ...]) -> bool:
        return prod(shape) == self.numbers(1) * self.numbers(2)

    def numbers(self, index: int) -> int:
        """How many numbers a factor has."""
        if f"lokr_w{index}" in self.parts:
            return self.parts[f"lokr_w{index}"].numel()
        left, right = (self.parts[f"lokr_w{index}_{side}"] for side in "ab")
        core = self.parts.get(f"lokr_t{index}")
        return left.shape[0] * prod(right.shape[1:]) if core is None else left.shape[1] * right.shape[1] * prod(core.shape[2:])

    def factor(self, index: int, weight: Tensor) -> Tensor:
        """One of the two factors."""
        here = {name: part.to(weight.device) for name, part in self.parts.items() if name.startswith(("lokr_w", "lokr_t"))}
        if f"lokr_w{index}" in here:
            return here[f"lokr_w{index}"]
        left, right = here[f"lokr_w{index}_a"], here[f"lokr_w{index}_b"]
        core = here.get(f"lokr_t{index}")
        return left @ right if core is None else tucker(core, left, right)

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        first, second = self.factor(1, weight), self.factor(2, weight)
        if second.dim() == 4 and first.dim() == 2:
            first = first[:, :, None, None]
        return torch.kron(first, second.contiguous())


class Ia3(Layer):
    """The weight itself, times one number for each input or output. Liu et al. 2022, arXiv:2205.05638."""

    NEEDS = ("weight", "on_input")

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.factor = parts["weight"]
        self.on_input = bool(parts["on_input"].item())

    def covers(self, shape: tuple[int, ...]) -> bool:
        return len(shape) > 1 and self.factor.numel() == shape[1 if self.on_input else 0]

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        factor = self.factor.to(weight.device)
        return weight * (
            factor.reshape(1, -1, *[1] * (weight.dim() - 2)) if self.on_input else factor.reshape(-1, *[1] * (weight.dim() - 1))
        )


class Full(Layer):
    """The change as it is, of weight and bias."""

    NEEDS = ("diff",)
    WEIGHT, BIAS = "diff", "diff_b"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.change = parts[self.WEIGHT]
        self.bias_change = parts.get(self.BIAS)

    def covers(self, shape: tuple[int, ...]) -> bool:
        bias_fits = self.bias_change is None or self.bias_change.numel() == shape[0]
        return prod(shape) == self.change.numel() and bias_fits

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        return self.change.to(weight.device, copy=True)

    def bias_delta(self, multiplier: float) -> Tensor | None:
        return None if self.bias_change is None else self.bias_change * multiplier


class Norm(Full):
    """The change of a normalization's weight and bias."""

    NEEDS = ("w_norm",)
    WEIGHT, BIAS = "w_norm", "b_norm"


class Glora(Layer):
    """W A + B with low-rank A and B. Chavan et al. 2023, arXiv:2306.07967, eq. 10. Its alpha has no effect, as in A1111."""

    NEEDS = ("a1.weight", "a2.weight", "alpha", "b1.weight", "b2.weight")

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.a1, self.a2, self.b1, self.b2 = (flat(parts[f"{name}.weight"]) for name in ("a1", "a2", "b1", "b2"))

    def covers(self, shape: tuple[int, ...]) -> bool:
        outputs, inputs = shape[0], prod(shape[1:])
        fits = self.a1.shape[1] == self.a2.shape[0] == self.b1.shape[1] == inputs and self.b2.shape[0] == outputs
        return len(shape) > 1 and prod(shape[2:]) == 1 and fits

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        a1, a2, b1, b2 = (part.to(weight.device) for part in (self.a1, self.a2, self.b1, self.b2))
        return b2 @ b1 + (flat(weight).to(a1.dtype) @ a2) @ a1
