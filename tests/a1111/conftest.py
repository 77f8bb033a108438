"""The program as it is served, over the smallest real checkpoint; and the API alone, over pretended parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from modules.command_line import parse
from tests.a1111.pretended import ExtrasSite

if TYPE_CHECKING:
    from modules.app import Program


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> "Program":
    import modules.families  # noqa: F401 - before diffusers, where torchvision is only half installed
    from modules.app import build
    from tests import tiny  # brings torch in, which most of these tests do without

    folder = tmp_path_factory.mktemp("data")
    tiny.checkpoint(folder / "models" / "Stable-diffusion" / "one.safetensors")
    tiny.checkpoint(folder / "models" / "Stable-diffusion" / "two.safetensors", seed=1)
    arguments = ["--nowebui", "--data-dir", str(folder), "--models-dir", str(folder / "models"), "--no-half", "--precision", "full"]
    return build(parse(arguments))


@pytest.fixture(scope="session")
def client(program: "Program") -> Iterator[TestClient]:
    with TestClient(program.app, base_url="http://127.0.0.1:7861") as client:
        yield client


@pytest.fixture
def outputs(program: "Program") -> Path:
    return program.folders.outputs


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExtrasSite]:
    options = parse(["--nowebui", "--api-auth", "name:secret-of-the-api", "--gradio-auth", "name:secret-of-the-page"])
    site = ExtrasSite(tmp_path_factory.mktemp("data") / "here", flags=vars(options))
    site.queue.start()
    yield site
    site.queue.stop(5)


@pytest.fixture(scope="module")
def connection(running: ExtrasSite) -> Iterator[TestClient]:
    with TestClient(running.app, base_url="http://127.0.0.1:7861", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def site(running: ExtrasSite) -> Iterator[ExtrasSite]:
    """The one site of these tests, as it was in the beginning."""
    running.asked.clear()
    running.begin()
    yield running
    running.gate.set()
