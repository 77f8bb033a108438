"""inpaint_only+lama over LaMa's own shapes with numbers made by name: what is to be painted is filled, and painting begins there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from extensions.controlnet.preprocessors import available, filled, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.tests.network_numbers import numbers_for
from modules.contract.errors import NotSupported
from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from modules.weights.spandrel import import_spandrel

NAME = "inpaint_only+lama"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with such a file, as training left it: its judge is in it, too."""
    import_spandrel()
    from spandrel.architectures.LaMa import LaMa

    root = tmp_path_factory.mktemp("models")
    with torch.device("meta"):
        network = LaMa(in_nc=4, out_nc=3)
    tensors = {
        f"generator.{name[6:]}": numbers_for(name, tuple(one.shape)) if one.is_floating_point() else torch.zeros(one.shape, dtype=one.dtype)
        for name, one in network.state_dict().items()  # each begins with "model."
    }
    (root / FOLDER).mkdir()
    write_tensors(root / FOLDER / "ControlNetLama.safetensors", {**tensors, "discriminator.weight": torch.zeros(3)})
    return root


def picture(width: int, height: int) -> Image.Image:
    across = np.linspace(0, 255, width)[None].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.dstack([across, down, 255 - across]).astype(np.uint8))


def hole(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height))
    mask.paste(255, (width // 3, height // 3, width // 2, height // 2))
    return mask


def array(image: Image.Image) -> NDArray[np.int16]:
    return np.asarray(image, np.int16)


@pytest.mark.parametrize("size", [(90, 70), (301, 320)])
def test_what_is_to_be_painted_is_filled_and_the_rest_stays(models: Path, size: tuple[int, int]) -> None:
    image, mask = picture(*size), hole(*size)
    hint = run_preprocessor(NAME, image, mask=mask, models=models)
    assert (hint.mode, hint.size) == ("RGBA", size)
    inside = np.asarray(mask) > 0
    assert (np.asarray(hint.getchannel("A")) > 127).tolist() == inside.tolist()
    colours = array(hint.convert("RGB"))
    assert (colours[~inside] == array(image)[~inside]).all()
    assert np.abs(colours[inside] - array(image)[inside]).mean() > 3


def test_nothing_of_what_is_to_go_is_seen(models: Path) -> None:
    image, mask = picture(96, 64), hole(96, 64)
    other = Image.composite(Image.new("RGB", image.size, "red"), image, mask)
    first, second = (array(run_preprocessor(NAME, one, mask=mask, models=models)) for one in (image, other))
    assert (first == second).all()


def test_without_anything_to_paint_the_network_is_not_asked(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(filled, "loaded", never)
    assert (array(run_preprocessor(NAME, picture(64, 64), models=models).convert("RGB")) == array(picture(64, 64))).all()


def test_only_where_the_file_is_it_is_listed(models: Path, tmp_path: Path) -> None:
    assert NAME in {one.name for one in available(models)}
    assert NAME not in {one.name for one in available(tmp_path)}
    with pytest.raises(NotSupported, match="needs a network that is not here") as raised:
        run_preprocessor(NAME, picture(64, 64), mask=hole(64, 64), models=tmp_path)
    assert "ControlNetLama.pth" in raised.value.hint
    (tmp_path / FOLDER).mkdir()
    write_tensors(tmp_path / FOLDER / "ControlNetLama.safetensors", {"body.0.weight": torch.zeros(4, 4)})
    with pytest.raises(BadModel, match="not the network that its name says"):
        run_preprocessor(NAME, picture(64, 64), mask=hole(64, 64), models=tmp_path)
