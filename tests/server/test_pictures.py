"""Which files are served: pictures of the output folder, and nothing else on this machine."""

import os
from pathlib import Path

import pytest

from modules.contract.errors import NotFound
from modules.server.pictures import picture_file, picture_type
from tests.server.site import JPEG, PNG, WEBP


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    outputs = tmp_path / "outputs"
    (outputs / "day").mkdir(parents=True)
    for name, data in {"a.png": PNG, "day/b.jpg": JPEG, "c.jpeg": JPEG, "d.WEBP": WEBP, "é 星 #?&%.png": PNG}.items():
        (outputs / name).write_bytes(data)
    for name in ("secret.png", "secret.txt", "settings.json"):
        (tmp_path / name).write_bytes(PNG)
    (outputs / "page.html").write_bytes(PNG)
    (outputs / "list.txt").write_bytes(PNG)
    (outputs / "really.png").write_text("<script>alert(1)</script>")
    (outputs / "swapped.jpg").write_bytes(PNG)
    (outputs / "empty.png").write_bytes(b"")
    (outputs / ".hidden.png").write_bytes(PNG)
    (outputs / ".thumbs").mkdir()
    (outputs / ".thumbs" / "a.png").write_bytes(PNG)
    (outputs / "folder.png").mkdir()
    return outputs


@pytest.mark.parametrize(
    ("path", "kind"),
    [("a.png", "image/png"), ("day/b.jpg", "image/jpeg"), ("c.jpeg", "image/jpeg"), ("d.WEBP", "image/webp"),
     ("é 星 #?&%.png", "image/png"), ("./day/../a.png", "image/png")],
)  # fmt: skip
def test_pictures_inside_are_found_with_their_type(outputs: Path, path: str, kind: str) -> None:
    assert picture_file(outputs, path) == ((outputs / path).resolve(), kind)
    assert picture_file(outputs, str(outputs / path))[1] == kind


TRAVERSALS = ["../secret.png", "day/../../secret.png", "..\\secret.png", "....//secret.png", "%2e%2e/secret.png", "..%2fsecret.png",
              "%252e%252e%252fsecret.png", "..%c0%afsecret.png", "/etc/hostname", "//etc/hostname", "///etc/passwd",
              "file:///etc/passwd", "/proc/self/environ", "/proc/self/cwd/a.png", "/dev/zero", "C:\\Windows\\win.ini", "C:a.png",
              "\\\\?\\C:\\x.png", "\\\\server\\share\\x.png", "~/a.png", "~root/x.png", "a.png\0", "\0", "a.png\0.png", "a.png/..", "",
              ".", "..", "/", "day", "day/", "x" * 300 + ".png", "x/" * 3000 + "a.png", "CON", "aux.png", "nul.png", "a.png::$DATA",
              "a.png:x.png", "a.png.", "a.png ", " a.png", "http://127.0.0.1/a.png", "\udcff.png", "\ud800.png", "*.png", "?.png",
              "$HOME/a.png", "{a}.png", "../outputs/../secret.png", "day/./../../secret.png", "outputs/a.png", "page.html", "list.txt",
              "really.png", "swapped.jpg", "empty.png", ".hidden.png", ".thumbs/a.png", "folder.png", "missing.png", "a.png?x",
              "a.PNG\n", "..;/secret.png"]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_all_else_is_missing_alike(outputs: Path, path: str) -> None:
    with pytest.raises(NotFound) as refusal:
        picture_file(outputs, path)
    assert str(refusal.value) == "There is no such picture in the output folder."


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
def test_links_out_of_the_folder_and_pipes_are_missing(outputs: Path) -> None:
    (outputs / "link.png").symlink_to(outputs.parent / "secret.png")
    (outputs / "out").symlink_to(outputs.parent)
    (outputs / "circle.png").symlink_to(outputs / "circle.png")
    (outputs / "inner.png").symlink_to(outputs / "a.png")
    (outputs / "renamed.png").symlink_to(outputs / "page.html")
    os.mkfifo(outputs / "pipe.png")
    for path in ("link.png", "out/secret.png", "circle.png", "renamed.png", "pipe.png"):
        with pytest.raises(NotFound):
            picture_file(outputs, path)
    assert picture_file(outputs, "inner.png")[0] == (outputs / "a.png").resolve()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_the_folder_itself_may_be_a_link(outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(outputs)
    assert picture_file(tmp_path / "linked", "a.png")[0] == (outputs / "a.png").resolve()


def test_types_go_by_the_first_bytes() -> None:
    assert [picture_type(data) for data in (PNG, JPEG, WEBP, b"GIF89a", b"\0\0\0 ftypavif", b"", b"RIFF0000WAVE", b"<svg")] == [
        "image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", None, None, None]  # fmt: skip
