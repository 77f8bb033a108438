"""Content credentials: signed files show the same picture and say that a program made it; what is changed afterwards shows."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from modules.contract.errors import NotSupported
from modules.imaging import credentials, metadata
from modules.imaging.credentials import Credentials, read_credentials
from modules.imaging.opening import open_image
from tests.extensions.pictures import varied


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_a_signed_picture_is_the_same_picture_and_says_what_made_it(tmp_path: Path, format: str) -> None:
    data = metadata.encode(varied(256, 256), format=format, infotext="a star\nSteps: 5", quality=90, lossless=False)
    signed = Credentials(tmp_path, "Easel").sign(data, format)
    assert np.array_equal(np.asarray(open_image(signed)), np.asarray(open_image(data)))
    assert metadata.read_infotext(signed) == "a star\nSteps: 5"
    assert len(signed) - len(data) < 20_000
    told = read_credentials(signed, format)
    assert told is not None
    assert told["program"] == "Easel"
    assert told["actions"] == [{"action": "c2pa.created", "source": "trainedAlgorithmicMedia"}]
    assert told["state"] == "Valid" and told["problems"] == ["signingCredential.untrusted"]
    assert read_credentials(data, format) is None


def test_a_change_after_signing_is_seen(tmp_path: Path) -> None:
    data = metadata.encode(varied(64, 64), format="png", infotext="a star", quality=90, lossless=False)
    signed = Credentials(tmp_path, "Easel").sign(data, "png")
    changed = read_credentials(signed.replace(b"a star", b"a moon"), "png")
    assert changed is not None and changed["state"] == "Invalid" and "assertion.dataHash.mismatch" in changed["problems"]


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    signing = Credentials(tmp_path / "keys", "Easel")
    signing.signer()
    first = (tmp_path / "keys" / "key.pem").read_bytes()
    signing.signer()
    assert (tmp_path / "keys" / "key.pem").read_bytes() == first
    assert os.name != "posix" or stat.S_IMODE((tmp_path / "keys" / "key.pem").stat().st_mode) == 0o600


def test_without_the_package_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "find_spec", lambda name: None)
    with pytest.raises(NotSupported, match="c2pa-python is not installed"):
        Credentials(tmp_path, "Easel").sign(b"", "png")
    assert read_credentials(b"", "png") is None
