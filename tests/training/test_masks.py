"""Masked loss: what is transparent, or black in a mask file, counts less; at the places where the picture shows it."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from modules.contract.request import Size
from modules.datasets.scan import scan
from modules.training.data.album import Pages, make_album
from modules.training.data.masks import latent_mask
from modules.training.runs.run_folder import RunFolder
from tests import tiny
from tests.training.pictures import Told, picture, request_for


def album_of(folder: Path, run: Path, **data: object) -> Pages:
    request = request_for(folder, steps={"batch": 1}, data={"unmasked_weight": 0.2, **data})
    return make_album(request, tiny.loaded(tiny.tensors()), RunFolder(run), scan(request.data.folders), Told())


def left_half(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask


def test_a_latents_weight_is_the_mean_over_its_pixels() -> None:
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 12, 64))
    found = latent_mask(mask, Size(64, 64), Size(64, 64), 8)
    assert found.shape == (1, 8, 8)
    assert found[0, 0, 0] == 1 and found[0, 0, 1] == pytest.approx(0.5, abs=0.01) and found[0, 0, 2:].max() == 0


@pytest.mark.parametrize("kind", ["transparency", "mask files"])
def test_what_is_masked_counts_less(tmp_path: Path, kind: str) -> None:
    image, folder = picture(1), tmp_path / "data"
    folder.mkdir()
    if kind == "transparency":
        image.putalpha(left_half(image.size))
    else:
        left_half((32, 32)).save(folder / "a-mask.png")  # of another size than its picture
    image.save(folder / "a.png")
    [batch] = album_of(folder, tmp_path / "run", masked=kind).batches(0, 0, 1)
    assert batch.mask is not None and batch.mask.shape == (1, 1, 8, 8)
    assert torch.allclose(batch.mask[..., :3], torch.ones(1, 1, 8, 3), atol=0.02)
    assert torch.allclose(batch.mask[..., 5:], torch.full((1, 1, 8, 3), 0.2), atol=0.02)


def test_masks_are_mirrored_with_their_pictures(tmp_path: Path) -> None:
    image, folder = picture(1), tmp_path / "data"
    folder.mkdir()
    image.putalpha(left_half(image.size))
    image.save(folder / "a.png")
    album = album_of(folder, tmp_path / "run", masked="transparency", flip=True)
    seen = {round(float(batch.mask[0, 0, 0, 0]), 1) for step in range(20) for batch in album.batches(step, 0, 1) if batch.mask is not None}
    assert seen == {0.2, 1.0}


def test_pictures_without_a_mask_count_whole(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    picture(1).save(folder / "a.png")
    assert album_of(folder, tmp_path / "run", masked="transparency").batches(0, 0, 1)[0].mask is None
    left_half((64, 64)).save(folder / "b-mask.png")
    picture(2).save(folder / "b.png")
    album = album_of(folder, tmp_path / "run2", masked="mask files")
    masks = [album.batch([index], [0], 0).mask for index in range(2)]
    assert masks[0] is None and masks[1] is not None
    both = album.batch([0, 1], [0, 1], 0).mask
    assert both is not None and float(both[0].min()) == 1.0
