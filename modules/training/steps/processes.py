"""The processes that train together: each sees its share of a step's pictures, and all make the same change."""

import datetime
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from modules.contract.errors import WebuiError

PATIENCE = datetime.timedelta(hours=24)  # the first process writes files and makes pictures while the others wait
AT_ONCE = 1 << 26  # numbers in one message


@dataclass(frozen=True)
class Ranks:
    """This process among `world` of them; `device` is its own. `control`: a group that talks through the processor.

    A message to a process that is no more raises WebuiError.
    """

    rank: int
    world: int
    device: torch.device
    control: Any = None

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def agree(self, number: int) -> int:
        """The first process's number, on all."""
        if self.world == 1:
            return number
        told = torch.tensor([number], dtype=torch.int64)
        with reaching():
            distributed.broadcast(told, 0, group=self.control)
        return int(told.item())

    def wait(self) -> None:
        """Until all have come here."""
        self.agree(0)
        self.total(torch.zeros(1))

    def total(self, numbers: Tensor) -> Tensor:
        """The sum over all processes of numbers on the processor."""
        if self.world > 1:
            with reaching():
                distributed.all_reduce(numbers, group=self.control)
        return numbers

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Give all processes the first one's tensors, in place; any device, any dtype."""
        if self.world == 1:
            return
        for tensor in tensors:
            there = tensor.detach().cpu().contiguous()
            with reaching():
                distributed.broadcast(there.reshape(-1).view(torch.uint8) if there.numel() else there, 0, group=self.control)
            with torch.no_grad():
                tensor.copy_(there)

    def share_bytes(self, data: bytes) -> bytes:
        """The first process's bytes, on all."""
        if self.world == 1:
            return data
        told = torch.empty(self.agree(len(data)), dtype=torch.uint8)
        if self.first:
            told = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        with reaching():
            distributed.broadcast(told, 0, group=self.control)
        return told.numpy().tobytes()

    def add_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Give every parameter the sum of all processes' gradients; returns the sum of their losses.

        A process without pictures in this step comes without gradients; what has none on any process keeps none. All go in few long
        messages: a LoRA's hundreds of small ones would each wait for the wire.
        """
        if self.world == 1:
            return loss
        there = self.total(torch.tensor([float(parameter.grad is not None) for parameter in parameters]))
        for parameter, count in zip(parameters, there.tolist(), strict=True):
            if count and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        with reaching():
            distributed.all_reduce(loss)
            for some in in_messages([parameter.grad for parameter in parameters if parameter.grad is not None]):
                flat = torch.cat([gradient.reshape(-1) for gradient in some])
                distributed.all_reduce(flat)
                for gradient, whole in zip(some, flat.split([gradient.numel() for gradient in some]), strict=True):
                    gradient.copy_(whole.view(gradient.shape))
        return loss

    def leave(self) -> None:
        """End the group; no message goes to it any more."""
        if self.world > 1:
            distributed.destroy_process_group()


def joined() -> Ranks:
    """This process among those that were started with it, by torchrun's variables; alone without them.

    The device is accelerate's choice: the card of this process's number, or the processor.
    """
    from accelerate import PartialState  # it starts the group, so it is imported by who wants one

    on_processor = os.environ.get("ACCELERATE_USE_CPU") == "true"  # PartialState itself heeds no variable, and would see one process
    state = PartialState(cpu=on_processor, timeout=PATIENCE)
    device = state.device or torch.device("cpu")
    if state.num_processes == 1:
        return Ranks(0, 1, device)
    return Ranks(state.process_index, state.num_processes, device, control_group())


def control_group() -> Any:
    """A group over the processor, for what must not wait for a card's work."""
    return distributed.new_group(backend="gloo", timeout=PATIENCE)


def in_messages(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors in order, in groups of one dtype with at most `AT_ONCE` numbers, or of one tensor that has more."""
    some: list[Tensor] = []
    for tensor in tensors:
        full = some and sum(one.numel() for one in some) + tensor.numel() > AT_ONCE
        if full or (some and some[0].dtype != tensor.dtype):
            yield some
            some = []
        some.append(tensor)
    if some:
        yield some


@contextmanager
def reaching() -> Iterator[None]:
    """What a message to a process that is no more raises, as a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise WebuiError("Another process of this training has ended.", f"Its log says why. What was seen of it: {error}") from error
