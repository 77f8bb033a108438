"""Networks of the published models' sizes, told from their files' names and shapes alone."""

import pytest
import torch

from modules.families.ldm_keys import original_unet_names, unet_names
from modules.families.sd_shape import UNetShape, unet_shape
from modules.families.unet import build_unet

WIDE = (320, 640, 1280, 1280)
ONES = ((1, 1), (1, 1), (1, 1), (0, 0))
UPWARDS = ((0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1))
VECTOR = 1280 + 6 * 256
SD1 = UNetShape(4, 4, WIDE, ONES, UPWARDS, 1, 768, linear=False)
SD2 = UNetShape(4, 4, WIDE, ONES, UPWARDS, 1, 1024, linear=True)
SDXL = UNetShape(4, 4, WIDE[:3], ((0, 0), (2, 2), (10, 10)), ((10,) * 3, (2,) * 3, (0,) * 3), 10, 2048, linear=True, vector=VECTOR)
SSD = UNetShape(4, 4, WIDE[:3], ((0, 0), (2, 2), (4, 4)), ((4, 4, 10), (2, 1, 1), (0,) * 3), None, 2048, linear=True, vector=VECTOR)
REFINER = UNetShape(
    4,
    4,
    (384, 768, 1536, 1536),
    ((0, 0), (4, 4), (4, 4), (0, 0)),
    ((0,) * 3, (4,) * 3, (4,) * 3, (0,) * 3),
    4,
    1280,
    linear=True,
    vector=1280 + 5 * 256,
)


@pytest.mark.parametrize(
    ("shape", "heads", "parameters"),
    [
        (SD1, 8, 859_520_964),
        (SD2, [5, 10, 20, 20], 865_910_724),
        (SDXL, [5, 10, 20], 2_567_463_684),
        (SSD, [5, 10, 20], None),
        (REFINER, [6, 12, 24, 24], None),
    ],
    ids=["SD 1", "SD 2", "SDXL", "SSD-1B", "refiner"],
)
def test_a_published_network_is_told_from_its_files_names(shape: UNetShape, heads: int | list[int], parameters: int | None) -> None:
    with torch.device("meta"):
        unet = build_unet(shape.config())
    tensors = unet.state_dict()
    names = original_unet_names(tensors)
    told = unet_shape({names[name]: tuple(value.shape) for name, value in tensors.items()})
    assert told == shape
    assert told.head_counts() == heads
    assert parameters in (None, sum(value.numel() for value in tensors.values()))
    assert {new: old for old, new in unet_names(names.values()).items()} == names


def test_a_name_with_an_absurd_number_costs_nothing() -> None:
    with pytest.raises(KeyError):
        unet_shape({"input_blocks.999999999999.0.weight": (1,), "middle_block.0.x": (1,)})
