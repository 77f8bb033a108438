"""The build of PyTorch that a machine gets."""

import http.server
import os
import platform
import sys
import threading
import time
from pathlib import Path

import pytest

from modules import torch_builds
from modules.torch_builds import BUILDS, Unreachable, amd_cards, answers, detected, pip_arguments

PIN = "torch==2.13.0"


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Linux machine without any card; its folder of programs."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch_builds, "amd_cards", set)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def plug_in(programs: Path, *cards: str) -> None:
    """Make nvidia-smi answer with these cards."""
    program = programs / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{card}'\n" for card in cards), "utf8")
    program.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for nvidia-smi is a shell script")
@pytest.mark.parametrize(
    ("cards", "build"),
    [
        (["9.0, 580.65.06"], "cuda"),
        (["12.0, 570.12"], "cuda"),  # CUDA 12.6's build does not know the card, so the driver has to be updated
        (["8.6, 550.54.14"], "cuda12"),
        (["6.1, 580.65.06"], "cuda12"),
        (["8.9, 590.1", "6.1, 590.1"], "cuda12"),
        (["NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver."], "cpu"),
    ],
)
def test_nvidia_cards_get_the_build_that_knows_them(cards: list[str], build: str, linux: Path) -> None:
    plug_in(linux, *cards)
    assert detected() == build


def test_a_machine_without_a_card_gets_the_processors_build(linux: Path) -> None:
    assert detected() == "cpu"


def test_amd_cards_get_rocm_if_it_knows_them(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_builds, "amd_cards", lambda: {0, 110000})
    assert detected() == "rocm"
    monkeypatch.setattr(torch_builds, "amd_cards", lambda: {0, 100306})  # graphics inside a Ryzen processor
    assert detected() == "cpu"


def test_amd_cards_are_read_from_the_kernels_list(tmp_path: Path) -> None:
    for node, version in enumerate((0, 100300)):
        (tmp_path / str(node)).mkdir()
        (tmp_path / str(node) / "properties").write_text(f"simd_count 80\ngfx_target_version {version}\nvendor_id 4098\n", "ascii")
    assert amd_cards(tmp_path) == {0, 100300}
    assert amd_cards(tmp_path / "none") == set()


def test_apple_gets_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert detected() == "mps"
    assert pip_arguments("mps", PIN) == [PIN]
    assert pip_arguments("cpu", PIN) == [PIN]


@pytest.mark.parametrize("choice", [name for name, build in BUILDS.items() if build.index])
def test_a_build_that_only_pytorchs_index_has_comes_from_there_exactly(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_builds, "default_index_has", lambda choice: False)
    monkeypatch.setattr(torch_builds, "answers", lambda index: True)
    requirement, option, index = pip_arguments(choice, PIN)
    assert option == "--extra-index-url"  # beside the index that pip is set to, which has all the rest
    assert requirement == f"{PIN}+{index.rpartition('/')[2]}"


def test_what_the_default_index_has_asks_no_other(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_builds, "answers", lambda index: pytest.fail("asked"))
    assert pip_arguments("cuda", PIN) == [PIN]
    assert pip_arguments("default", PIN) == [PIN]
    assert pip_arguments("torch==2.12.1", PIN) == ["torch==2.12.1"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert pip_arguments("cpu", PIN) == [PIN]


def test_an_index_that_does_not_answer_is_said(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_builds, "answers", lambda index: False)
    with pytest.raises(Unreachable, match="does not answer, and only there is PyTorch for AMD cards"):
        pip_arguments("rocm", PIN)


def test_whether_an_index_answers_is_known_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "slow" in self.path:
                time.sleep(1)
            self.send_response(404 if "none" in self.path else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert answers(address)
        assert not answers(f"{address}/none")
        assert not answers(f"{address}/slow", seconds=0.2)
        server.shutdown()
    assert not answers("http://127.0.0.1:9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert not answers(address)
