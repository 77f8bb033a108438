"""The program as it is served, over the smallest real checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from modules.app import Program, build
from modules.command_line import parse
from tests import tiny


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("data")
    tiny.checkpoint(folder / "models" / "Stable-diffusion" / "one.safetensors")
    tiny.checkpoint(folder / "models" / "Stable-diffusion" / "two.safetensors", seed=1)
    arguments = ["--nowebui", "--data-dir", str(folder), "--models-dir", str(folder / "models"), "--no-half", "--precision", "full"]
    return build(parse(arguments))


@pytest.fixture(scope="module")
def client(program: Program) -> Iterator[TestClient]:
    with TestClient(program.app, base_url="http://127.0.0.1:7861") as client:
        yield client


@pytest.fixture
def outputs(program: Program) -> Path:
    return program.folders.outputs
