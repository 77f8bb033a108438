"""Which VAE file goes with a checkpoint, by the setting, the checkpoint's notes and the names of files."""

from pathlib import Path

import pytest

from modules.contract.errors import NotFound
from modules.contract.services import ModelEntry
from modules.weights.catalogue import Catalogue
from modules.weights.hashes import HashCache
from modules.weights.kinds import VAE
from modules.weights.vae_choice import vae_for

LIKES_B = {"vae": "b.pt"}


@pytest.fixture
def vaes(tmp_path: Path) -> Catalogue:
    (tmp_path / "VAE").mkdir()
    for name in ("a.pt", "b.pt", "model.vae.pt", "model2.vae.pt", "long-name-vae.safetensors"):
        (tmp_path / "VAE" / name).touch()
    return Catalogue([tmp_path / "VAE"], [], HashCache(tmp_path / "hashes.json"), kind=VAE)


def checkpoint(name: str) -> ModelEntry:
    return ModelEntry(name, name, Path("/models") / f"{name}.safetensors")


@pytest.mark.parametrize(
    ("name", "setting", "overrides", "notes", "expected"),
    [
        ("other", "Automatic", True, {}, None),
        ("model", "Automatic", True, {}, "model.vae.pt"),
        ("model", "Automatic", True, LIKES_B, "b.pt"),
        ("model", "Automatic", True, {"vae": "None"}, None),
        ("model", "Automatic", True, {"vae": "Automatic"}, "model.vae.pt"),
        ("model", "Automatic", True, {"vae": "gone.pt"}, "model.vae.pt"),
        ("model", "a.pt", True, LIKES_B, "a.pt"),
        ("model", "None", True, LIKES_B, None),
        ("model", "a.pt", False, LIKES_B, "b.pt"),
        ("model", "a.pt", False, {}, "model.vae.pt"),
        ("other", "a.pt", False, {}, "a.pt"),
        ("model", "None", False, {}, "model.vae.pt"),
        ("other", "None", False, {}, None),
        ("long-name", "Automatic", True, {}, "long-name-vae.safetensors"),
    ],
)
def test_the_vae_is_the_one_that_a1111_takes(
    vaes: Catalogue, name: str, setting: str, overrides: bool, notes: dict[str, str], expected: str | None
) -> None:
    chosen = vae_for(checkpoint(name), vaes, setting=setting, overrides=overrides, user_metadata=notes)
    assert (chosen and chosen.name) == expected


def test_a_vae_of_the_settings_that_is_not_there_is_told(vaes: Catalogue) -> None:
    with pytest.raises(NotFound, match=r"There is no VAE named 'c\.pt'"):
        vae_for(checkpoint("model"), vaes, setting="c.pt", overrides=True)
