"""Which of torch's attention kernels may be taken, by the names that A1111 has for its optimizations."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn.attention import SDPBackend, sdpa_kernel

from modules.contract.errors import NotFound

FUSED = (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION)
ALL = (*FUSED, SDPBackend.MATH)
# The older ones split the work to save memory, which the fused kernels do better; 'None' is the plain formula. Without the
# memory-efficient kernel a picture is the same in every run.
KERNELS: dict[str, tuple[SDPBackend, ...]] = {
    "Automatic": ALL,
    "xformers": ALL,
    "sdp": ALL,
    "sdp-no-mem": (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH),
    "sub-quadratic": ALL,
    "Doggettx": ALL,
    "V1": ALL,
    "InvokeAI": ALL,
    "None": (SDPBackend.MATH,),
}


@contextmanager
def attention(name: str = "Automatic") -> Iterator[None]:
    """While it lasts, attention is computed by the kernels that a name stands for; torch takes the fastest that fits.

    Raises NotFound for a name that A1111 does not have.
    """
    with sdpa_kernel(list(kernels_of(name))):
        yield


def kernels_of(name: str) -> tuple[SDPBackend, ...]:
    """The kernels that a name stands for; of A1111's longer names, as in `sdp - scaled dot product`, the first word counts."""
    short = name.split(" - ", maxsplit=1)[0]
    if short not in KERNELS:
        raise NotFound.among("attention", name, KERNELS)
    return KERNELS[short]
