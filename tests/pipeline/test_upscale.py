"""Pictures enlarged by upscalers of a name, and latents by interpolation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from modules.contract.errors import BadRequest, NotFound
from modules.contract.progress import Cancel
from modules.contract.request import Size
from modules.demo.upscaler_training import export
from modules.pipeline import upscale
from modules.pipeline.upscale import LATENT_MODES, Upscalers, latent_upscale, scale_in, target_size
from modules.settings.groups import Upscaling
from modules.weights.header import BadModel
from modules.weights.spandrel import PictureNetwork, import_spandrel
from tests.golden import golden_json, needs_golden
from tests.pipeline.pictures import Counting, noise

WHOLE = Upscaling(tile=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one upscaler: twice the size, three convolutions that look three pixels far."""
    folder = tmp_path_factory.mktemp("models")
    import_spandrel()
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    export(Compact(num_feat=8, num_conv=1, upscale=2), folder / "ESRGAN" / "tiny-2x.safetensors")
    (folder / "RealESRGAN").mkdir()
    (folder / "RealESRGAN" / "RealESRGAN_x4plus.pth").write_bytes(b"no network")
    (folder / "ESRGAN" / ".hidden.pth").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def upscalers(models: Path) -> Upscalers:
    return Upscalers(models, lambda: torch.device("cpu"))


def test_the_list_has_the_plain_ones_first_and_a1111s_names_for_known_files(upscalers: Upscalers) -> None:
    assert [entry.name for entry in upscalers.entries()] == ["None", "Lanczos", "Nearest", "R-ESRGAN 4x+", "tiny-2x"]
    assert [entry.scale for entry in upscalers.entries()] == [4, 4, 4, 4, 2]


@needs_golden
def test_the_plain_ones_are_listed_as_a1111_lists_them(upscalers: Upscalers) -> None:
    for mine, theirs in zip(upscalers.entries()[:3], golden_json("api/upscalers.json")[:3], strict=True):
        assert (mine.name, mine.path, mine.url, mine.scale) == tuple(theirs[key] for key in ("name", "model_path", "model_url", "scale"))


def test_a_file_is_found_by_its_own_name_too(upscalers: Upscalers) -> None:
    assert upscalers.check("RealESRGAN_x4plus") == "R-ESRGAN 4x+"


def test_a_name_is_found_in_any_case(upscalers: Upscalers) -> None:
    assert [upscalers.check(name) for name in ("lanczos", "none", "TINY-2X")] == ["Lanczos", "None", "tiny-2x"]


def test_an_unknown_upscaler_is_refused_with_names_like_it(upscalers: Upscalers) -> None:
    with pytest.raises(NotFound, match="tiny-2x"):
        upscalers.check("tiny 2x")


def test_a_file_that_holds_no_network_says_so_when_it_is_used(upscalers: Upscalers) -> None:
    with pytest.raises(BadModel, match="RealESRGAN_x4plus"):
        upscalers.upscale(noise(), "R-ESRGAN 4x+", 2, settings=WHOLE)


@pytest.mark.parametrize(("scale", "size"), [(2, (96, 64)), (1.5, (72, 48)), (1.3, (56, 40)), (4, (192, 128)), (1, (48, 32))])
def test_sides_are_cut_down_to_multiples_of_eight(upscalers: Upscalers, scale: float, size: tuple[int, int]) -> None:
    for name in ("None", "Lanczos", "Nearest", "tiny-2x"):
        assert upscalers.upscale(noise(), name, scale, settings=WHOLE).size == size


def test_lanczos_is_pillows(upscalers: Upscalers) -> None:
    wanted = noise().resize((96, 64), Image.Resampling.LANCZOS)
    assert upscalers.upscale(noise(), "Lanczos", 2, settings=WHOLE).tobytes() == wanted.tobytes()


def test_a_network_gets_and_gives_the_colours_in_order(models: Path) -> None:
    """Whatever the order inside: a red picture comes back red."""
    upscalers = Upscalers(models, lambda: torch.device("cpu"))
    with upscalers.network(models / "ESRGAN" / "tiny-2x.safetensors") as found:
        for parameter in found.described.model.parameters():
            parameter.data.zero_()  # what is left doubles every pixel
    made = upscalers.upscale(Image.new("RGB", (16, 16), (200, 100, 50)), "tiny-2x", 2, settings=WHOLE)
    assert made.getpixel((5, 5)) == (200, 100, 50)


def test_four_times_is_two_passes_of_two(upscalers: Upscalers) -> None:
    twice = upscalers.upscale(upscalers.upscale(noise(), "tiny-2x", 2, settings=WHOLE), "tiny-2x", 2, settings=WHOLE)
    assert upscalers.upscale(noise(), "tiny-2x", 4, settings=WHOLE).tobytes() == twice.tobytes()


def test_tiles_with_overlap_give_nearly_the_same_picture_as_the_whole(upscalers: Upscalers) -> None:
    whole = np.asarray(upscalers.upscale(noise(96, 96), "tiny-2x", 2, settings=WHOLE), np.int16)
    tiled = np.asarray(upscalers.upscale(noise(96, 96), "tiny-2x", 2, settings=Upscaling(tile=48, tile_overlap=24)), np.int16)
    # The network looks three pixels far: only there is a tile's answer another, and there it counts for at most 3 parts of 24.
    assert np.abs(whole - tiled).mean() < 0.1


def test_every_tile_is_a_step(upscalers: Upscalers) -> None:
    report, settings = Counting(), Upscaling(tile=32, tile_overlap=8)
    upscalers.upscale(noise(96, 64), "tiny-2x", 2, settings=settings, report=report, counted=True)
    assert report.done == upscalers.steps(Size(96, 64), "tiny-2x", 2, settings) == 12


def test_a_person_can_stop_it_between_tiles(upscalers: Upscalers) -> None:
    report = Counting(stop=Cancel, after=2)
    with pytest.raises(Cancel):
        upscalers.upscale(noise(96, 64), "tiny-2x", 2, settings=Upscaling(tile=32), report=report, counted=True)
    assert report.done == 2


def test_where_memory_runs_out_tiles_are_halved(monkeypatch: pytest.MonkeyPatch, upscalers: Upscalers) -> None:
    sizes: list[int] = []
    real = upscale.enlarged

    def scarce(found: PictureNetwork, image: Image.Image) -> Image.Image:
        sizes.append(image.width)
        if image.width > 100:
            raise torch.OutOfMemoryError
        return real(found, image)

    monkeypatch.setattr(upscale, "enlarged", scarce)
    assert upscalers.upscale(noise(160, 160), "tiny-2x", 2, settings=WHOLE).size == (320, 320)
    assert sizes == [160, 80, 80, 80, 80, 80, 80, 80, 80, 80]


@pytest.mark.parametrize("scale", [0.1, 1000])
def test_a_size_that_cannot_be_is_refused(scale: float) -> None:
    with pytest.raises(BadRequest, match="sides must be between"):
        target_size(Size(48, 32), scale)


@pytest.mark.parametrize(
    ("name", "scale"), [("4x-UltraSharp", 4), ("DAT_x2", 2), ("1x_DeJPG", 1), ("realesr-general-x4v3", 4), ("noname", 4)]
)
def test_a_scale_is_read_off_a_name(name: str, scale: float) -> None:
    assert scale_in(name) == scale


@needs_golden
def test_latent_modes_are_a1111s() -> None:
    assert list(LATENT_MODES) == [mode["name"] for mode in golden_json("api/latent-upscale-modes.json")]


@pytest.mark.parametrize("mode", LATENT_MODES)
def test_latents_are_interpolated_to_the_size(mode: str) -> None:
    torch.manual_seed(0)
    latents = torch.randn(2, 4, 6, 8)
    made = latent_upscale(latents, (9, 16), mode)
    assert made.shape == (2, 4, 9, 16)
    assert made.isfinite().all()


def test_nearest_latents_are_repeated() -> None:
    latents = torch.arange(4.0).reshape(1, 1, 2, 2)
    wanted: Tensor = latents.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(latent_upscale(latents, (4, 4), "Latent (nearest)"), wanted)


def test_an_unknown_latent_mode_is_refused() -> None:
    with pytest.raises(NotFound, match="Latent"):
        latent_upscale(torch.zeros(1, 4, 2, 2), (4, 4), "Latent (lanczos)")
