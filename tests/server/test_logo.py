"""A logo of one's own: a picture goes up, a small PNG without the file's texts comes back, and nothing else is taken."""

import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.contract.errors import BadRequest, NotFound
from modules.server.logo import SIDE, keep, read


def test_a_logo_is_kept_small_with_its_transparency_and_without_its_texts(tmp_path: Path) -> None:
    texts, file = PngInfo(), io.BytesIO()
    texts.add_text("parameters", "who drew it")
    Image.new("RGBA", (1200, 300), (10, 20, 30, 128)).save(file, "PNG", pnginfo=texts)
    keep(tmp_path / "logo.png", file.getvalue())
    kept = Image.open(io.BytesIO(read(tmp_path / "logo.png")))
    assert (kept.format, kept.size, kept.mode) == ("PNG", (SIDE, 128), "RGBA")
    assert "parameters" not in kept.info


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused_and_changes_nothing(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadRequest):
        keep(tmp_path / "logo.png", data)
    with pytest.raises(NotFound):
        read(tmp_path / "logo.png")
