"""Latents of pictures: SDXL's numbers, mirrored pictures, what a VAE in half precision does, what is refused."""

from pathlib import Path

import pytest
import torch
from PIL import ImageOps

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.request import Size
from modules.contract.training import DataOptions, DatasetFolder
from modules.datasets.scan import scan
from modules.families.base import Components
from modules.training.data.album import make_album
from modules.training.data.latent_cache import Fit, LatentCache
from modules.training.runs.run_folder import RunFolder
from tests import tiny
from tests.training.pictures import Told, folder_of, picture, request_for


@pytest.fixture(scope="module")
def sd1() -> Components:
    return tiny.loaded(tiny.tensors())


def cache_of(components: Components, folder: Path, size: Size, kept: Path | None = None, **data: object) -> LatentCache:
    items = scan([DatasetFolder(folder=str(folder))]).usable
    return LatentCache(components, DataOptions.model_validate(data), [Fit(item, size) for item in items], kept)


def test_sdxl_gets_the_pictures_own_size_its_cut_and_its_pooled_text(tmp_path: Path) -> None:
    components = tiny.loaded(tiny.sdxl_tensors())
    request = request_for(folder_of(tmp_path / "data", 2, sizes=((200, 100),)), data={"buckets": False})
    album = make_album(request, components, RunFolder(tmp_path / "run"), scan(request.data.folders), Told())
    [batch] = album.batches(0, 0, 1)
    assert batch.sizes == [(100, 200)] * 2 and batch.targets == [(64, 64)] * 2
    assert batch.crops == [(0, 32)] * 2, "128x64 once it covers the square, 32 cut on each side"
    assert batch.pooled is not None and batch.pooled.shape == (2, 64)
    assert batch.context is not None and batch.context.shape == (2, 77, 128)


def test_an_empty_caption_is_nothing_to_sdxl(tmp_path: Path) -> None:
    components = tiny.loaded(tiny.sdxl_tensors())
    request = request_for(folder_of(tmp_path / "data", 2), data={"drop_captions": 1.0})
    album = make_album(request, components, RunFolder(tmp_path / "run"), scan(request.data.folders), Told())
    [batch] = album.batches(0, 0, 1)
    assert batch.captions == ("", "") and batch.context is not None and batch.pooled is not None
    assert not batch.context.any() and not batch.pooled.any()


def test_a_mirrored_picture_is_encoded_mirrored(sd1: Components, tmp_path: Path) -> None:
    for name, image in {"plain": picture(3, (132, 64)), "mirrored": ImageOps.mirror(picture(3, (132, 64)))}.items():
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "a.png")
    plain, mirrored = (cache_of(sd1, tmp_path / name, Size(64, 64), flip=True) for name in ("plain", "mirrored"))
    assert torch.equal(plain.get(0, True).values, mirrored.get(0).values)
    assert not torch.equal(plain.get(0).values, mirrored.get(0).values)


def test_a_mirrored_pictures_cut_is_counted_from_the_other_side(sd1: Components, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    picture(3, (131, 64)).save(tmp_path / "data" / "a.png")
    cache = cache_of(sd1, tmp_path / "data", Size(64, 64), flip=True)
    assert (cache.get(0).crop, cache.get(0, True).crop) == ((0, 34), (0, 33))


def test_a_vae_in_half_precision_encodes_in_full(tmp_path: Path) -> None:
    half, full = tiny.loaded(tiny.tensors()), tiny.loaded(tiny.tensors())
    half.vae.to(torch.bfloat16)  # pyright: ignore[reportArgumentType, reportCallIssue]
    half.vae_dtype = torch.bfloat16
    full.vae.to(torch.bfloat16).float()  # pyright: ignore[reportArgumentType, reportCallIssue]
    folder = folder_of(tmp_path / "data", 1)
    expected = cache_of(full, folder, Size(64, 64)).get(0).values
    assert torch.equal(cache_of(half, folder, Size(64, 64)).get(0).values, expected)
    assert half.vae_dtype == torch.bfloat16 == half.vae.dtype


def test_pictures_are_encoded_each_time_if_nothing_is_kept(sd1: Components, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", 1)
    request = request_for(folder, data={"cache_latents": "off"}, steps={"batch": 1})
    told = Told()
    album = make_album(request, sd1, RunFolder(tmp_path / "run"), scan(request.data.folders), told)
    assert told.count("latents") == 0 and album.needs_vae
    kept = cache_of(sd1, folder, Size(64, 64)).get(0).values
    assert torch.equal(album.batches(0, 0, 1)[0].latents[0], kept)
    assert not (tmp_path / "run" / "cache" / "latents").exists()


@pytest.mark.parametrize(("first", "second"), [({"background": "#ffffff"}, {"background": "#000000"}), ({}, {"masked": "transparency"})])
def test_what_changes_a_picture_changes_its_place(
    sd1: Components, tmp_path: Path, first: dict[str, object], second: dict[str, object]
) -> None:
    folder = folder_of(tmp_path / "data", 1)
    one, two = (
        cache_of(sd1, folder, Size(64, 64), tmp_path / "kept", **first),
        cache_of(sd1, folder, Size(64, 64), tmp_path / "kept", **second),
    )
    one.get(0)
    assert two.missing() == [(0, False)] and one.missing() == []
    assert cache_of(sd1, folder, Size(96, 64), tmp_path / "kept", **first).missing() == [(0, False)]
    other = tiny.loaded(tiny.tensors(seed=1))
    assert cache_of(other, folder, Size(64, 64), tmp_path / "kept", **first).missing() == [(0, False)]


def test_a_picture_that_changed_its_size_since_it_was_looked_at_is_refused(sd1: Components, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "data", 1)
    cache = cache_of(sd1, folder, Size(64, 64))
    picture(5, (80, 64)).save(folder / "00.png")
    with pytest.raises(BadRequest, match=r"00\.png is 80x64 now"):
        cache.get(0)


def test_a_vae_that_gives_no_numbers_is_told_by_the_picture(tmp_path: Path) -> None:
    broken = tiny.loaded({name: value.clone() for name, value in tiny.tensors().items()})
    with torch.no_grad():
        broken.vae.encoder.conv_in.weight.fill_(float("nan"))
    with pytest.raises(WebuiError, match=r"no finite numbers for 00\.png"):
        cache_of(broken, folder_of(tmp_path / "data", 1), Size(64, 64)).get(0)


def test_a_disk_that_takes_no_more_is_told(sd1: Components, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("modules.training.data.tensor_store.write_tensors", full)
    with pytest.raises(WebuiError, match="No space left on device"):
        cache_of(sd1, folder_of(tmp_path / "data", 1), Size(64, 64), tmp_path / "kept").get(0)
