"""What panels of extensions hold on its way into a request, and what an infotext says on its way into them."""

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.frontend.asking import with_pictures

ID = "0" * 64


def uploads(identifier: str) -> bytes:
    if identifier != ID:
        raise NotFound("This picture is not kept any more.")
    return b"bytes"


def test_pictures_of_a_panel_become_bytes_wherever_they_are() -> None:
    held = {"one": {"image": {"upload": ID}, "units": [{"image": {"upload": ID}, "weight": 1}, {"image": None}], "text": ID}}
    found = with_pictures(held, uploads)
    assert found == {"one": {"image": "Ynl0ZXM=", "units": [{"image": "Ynl0ZXM=", "weight": 1}, {"image": None}], "text": ID}}


def test_a_picture_that_is_gone_is_said_with_its_extension() -> None:
    with pytest.raises(BadRequest, match="A picture of 'two' is not kept any more"):
        with_pictures({"one": {"image": {"upload": ID}}, "two": {"units": [{"image": {"upload": "f" * 64}}]}}, uploads)
