"""A pipeline over the smallest real checkpoint, with the bundled extensions."""

import pytest

from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from tests import tiny
from tests.extensions.drawing import bundled


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PipelineManager:
    """One for all tests; what it keeps between jobs is a part of what they test."""
    root = tmp_path_factory.mktemp("program")
    (root / "models" / "Stable-diffusion").mkdir(parents=True)
    tiny.checkpoint(root / "models" / "Stable-diffusion" / "one.safetensors", seed=0)
    library = Library.at(root / "models", root, check_checkpoint)
    settings = SettingsStore(root / "settings.json")
    return PipelineManager(library=library, settings=settings, root=root, device=lambda: tiny.CPU, relays=bundled().instances)
