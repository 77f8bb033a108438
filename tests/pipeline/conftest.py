"""A pipeline over the smallest real checkpoint."""

from pathlib import Path

import pytest

from modules.families.identify import check_checkpoint
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from modules.weights.catalogue import Catalogue
from modules.weights.hashes import HashCache
from tests import tiny


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny.checkpoint(folder / "one.safetensors", seed=0)
    tiny.checkpoint(folder / "two.safetensors", seed=1)
    return folder


@pytest.fixture
def pipeline(models: Path, tmp_path: Path) -> PipelineManager:
    catalogue = Catalogue([models], [], HashCache(tmp_path / "hashes.json"), check_checkpoint)
    return PipelineManager(catalogue=catalogue, settings=SettingsStore(tmp_path / "settings.json"), root=tmp_path, device=lambda: tiny.CPU)
