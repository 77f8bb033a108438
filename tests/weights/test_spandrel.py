"""Networks that take a picture and give a picture, read from files."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.demo.upscaler_training import export, network
from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from modules.weights.spandrel import import_spandrel, read_network, read_upscaler


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_an_upscaler_is_read_from_every_kind_of_file(suffix: str, tmp_path: Path) -> None:
    path, made = tmp_path / f"small{suffix}", network()
    if suffix == ".safetensors":
        export(made, path)
    else:
        torch.save({"params_ema": made.state_dict()}, path)
    found = read_upscaler(path)
    assert (found.scale, found.architecture, found.purpose) == (2, "Compact", "SR")


def test_an_old_file_without_an_archive_is_read(tmp_path: Path) -> None:
    made = network()
    torch.save(made.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    x = torch.rand(1, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(read_upscaler(tmp_path / "old.pth")(x), made(x).clamp(0, 1))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "trap.pth").write_bytes(pickle.dumps({"body.0.weight": Trap(tmp_path / "sprung")}))
    with pytest.raises(BadModel):
        read_upscaler(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


def test_tensors_of_no_known_architecture_are_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "what.safetensors", {"a.weight": torch.zeros(3)})
    with pytest.raises(BadModel, match="architecture"):
        read_network(tmp_path / "what.safetensors")


def test_an_architecture_with_a_tensor_missing_is_refused(tmp_path: Path) -> None:
    tensors = {name: tensor for name, tensor in network().state_dict().items() if name != "body.4.weight"}
    write_tensors(tmp_path / "torn.safetensors", tensors)
    with pytest.raises(BadModel, match="does not fit"):
        read_upscaler(tmp_path / "torn.safetensors")


def test_spandrel_can_be_imported() -> None:
    assert import_spandrel().MAIN_REGISTRY.architectures()
