"""Control networks of every method on the smallest SD 2 and SDXL: they act, each in its way, and leave no trace."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import T2IAdapter

from extensions.controlnet.tests.test_engine import OTHER, Program, made, write_encoder
from modules.contract.errors import BadRequest, NotSupported
from modules.families import control_kind
from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from modules.weights.files import write_tensors
from tests import tiny
from tests.extensions.drawing import bundled
from tests.families import controls


def program(root: Path, family: str, files: dict[str, dict[str, Any]]) -> Program:
    """A program with a tiny checkpoint of a family, an image encoder and these control networks."""
    models = root / "models"
    for folder in ("Stable-diffusion", "clip_vision", "ControlNet"):
        (models / folder).mkdir(parents=True)
    write_tensors(models / "Stable-diffusion" / "one.safetensors", tiny.TENSORS[family]())
    for name, tensors in files.items():
        write_tensors(models / "ControlNet" / f"{name}.safetensors", tensors)
    write_encoder(models / "clip_vision" / "seer.safetensors")
    library = Library.at(models, root, check_checkpoint)
    settings = SettingsStore(root / "settings.json")
    return Program(PipelineManager(library=library, settings=settings, root=root, device=lambda: tiny.CPU, relays=bundled().instances))


@pytest.fixture(scope="module")
def xl(tmp_path_factory: pytest.TempPathFactory) -> Program:
    unet = tiny.model("sdxl").unet
    torch.manual_seed(0)
    adapter: Any = T2IAdapter
    files = {
        "lines": controls.in_own_layout(controls.controlnet("sdxl")),
        "union": controls.union().state_dict(),
        "adapter": adapter(channels=[32, 64], num_res_blocks=2, downscale_factor=16, adapter_type="full_adapter_xl").state_dict(),
        "words": controls.ip_adapter(unet, 128),
        "plus": controls.ip_adapter(unet, 128, plus=True, seen=64),
        "small": controls.in_own_layout(controls.controlnet("sd1")),
    }
    return program(tmp_path_factory.mktemp("xl"), "sdxl", files)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Program:
    unet = tiny.model("sd2").unet
    files = {"lines": controls.in_own_layout(controls.controlnet("sd2")), "words": controls.ip_adapter(unet, 64)}
    return program(tmp_path_factory.mktemp("two"), "sd2", files)


UNION = {"model": "union", "module": "canny"}


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says which family IP-Adapters are for: they are told by the text's true width, which no tiny checkpoint has."""
    return lambda name: monkeypatch.setattr(control_kind, "adapter_family", lambda width: name)


@pytest.mark.parametrize("unit", [{"model": "lines"}, UNION, {"model": "adapter"}, {"model": "words"}, {"model": "plus"}],
                         ids=lambda unit: unit["model"])  # fmt: skip
def test_each_method_acts_on_sdxl_and_leaves_no_trace(xl: Program, unit: dict[str, Any], family: Callable[[str], None]) -> None:
    family("sdxl")
    plain = made(xl)[0]
    first = made(xl, unit)[0]
    assert not np.array_equal(first, plain)
    assert not np.array_equal(made(xl, {**unit, "image": OTHER})[0], first)
    assert np.array_equal(made(xl, {**unit, "weight": 0.0})[0], plain)
    assert np.array_equal(made(xl, fresh=True)[0], plain)


def test_a_union_is_told_what_it_sees(xl: Program) -> None:
    by_name = made(xl, {**UNION, "union_control_type": "Depth"})[0]
    assert not np.array_equal(by_name, made(xl, UNION)[0])
    assert np.array_equal(made(xl, {**UNION, "union_control_type": "Lineart"})[0], made(xl, UNION)[0])
    with pytest.raises(BadRequest, match="choose a Union control type"):
        made(xl, {"model": "union", "module": "none"})
    with pytest.raises(NotSupported, match="has no control type Tile"):
        made(xl, {**UNION, "union_control_type": "Tile"})


def test_a_batch_with_a_union_is_its_pictures(xl: Program) -> None:
    batch = made(xl, UNION, batch_size=2)
    for one, seed in zip(batch, (5, 6), strict=True):
        assert np.abs(one - made(xl, UNION, seed=seed)[0]).max() <= 1  # batches add in another order


def test_a_network_for_another_family_is_refused(xl: Program) -> None:
    with pytest.raises(NotSupported, match="SDXL"):
        made(xl, {"model": "small"})


@pytest.mark.parametrize("unit", [{"model": "lines"}, {"model": "words"}], ids=lambda unit: unit["model"])
def test_each_method_acts_on_sd_2(two: Program, unit: dict[str, Any], family: Callable[[str], None]) -> None:
    family("sd2")
    plain = made(two)[0]
    assert not np.array_equal(made(two, unit)[0], plain)
    assert np.array_equal(made(two, {**unit, "weight": 0.0})[0], plain)
