"""The named colours are in the named halves, seen on pictures of the demo checkpoint. README.md has the figures of both modes."""

import pytest

from extensions.regional_prompts.tests.halves import cases, right, share
from modules.contract.progress import Silence
from modules.contract.request import GenerationRequest, Size
from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library, Places
from modules.pipeline.manager import PipelineManager
from modules.runtime.device import on_processor
from modules.settings.store import SettingsStore
from tests.extensions.drawing import bundled
from tests.guards.sources import ROOT

REQUEST = GenerationRequest(
    size=Size(128, 128),
    steps=10,
    guidance=5,
    sampler="Euler a",
    checkpoint="demo",
    save=False,
    save_grid=False,
    settings={"randn_source": "CPU"},
)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> PipelineManager:
    """A pipeline over the demo checkpoint, in full precision."""
    root = tmp_path_factory.mktemp("demo")
    library = Library.at(root, root, check_checkpoint, Places(checkpoints=[ROOT / "models" / "Stable-diffusion"]))
    device = on_processor(full=True)
    return PipelineManager(
        library=library, settings=SettingsStore(root / "settings.json"), root=root, device=lambda: device, relays=bundled().instances
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["backgrounds", "things"])
def test_forty_prompts_of_two_halves(manager: PipelineManager, kind: str) -> None:
    answers: list[bool] = []
    for case in cases():
        if case.kind == kind:
            request = REQUEST.replace(prompt=case.prompt, seed=case.seed, extensions={"regional_prompts": case.options()})
            answers.append(right(case, manager.generate(manager.check(request), Silence()).images[0].image)[0])
    assert len(answers) == 20 and share(answers) >= 0.8, answers
