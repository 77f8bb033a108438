"""Every bundled extension: there and off it changes nothing, and a run with it leaves nothing behind."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from torch import nn

from modules.pipeline.manager import PipelineManager
from modules.pipeline.relay import Relay
from tests.extensions.drawing import bundled
from tests.extensions.test_in_the_pipeline import REQUEST, SOURCE, made, values


@dataclass
class Trial:
    """Options with which an extension acts on REQUEST. `source`: in img2img. `acts`: the picture is another one then."""

    options: dict[str, Any] = field(default_factory=dict[str, Any])
    source: bool = False
    acts: bool = True


TRIALS = {
    "loopback": Trial({"loops": 2}, source=True),
    "outpainting_mk2": Trial({"pixels": 8}, source=True),
    "poor_mans_outpainting": Trial({"pixels": 8}, source=True),
    "prompt_matrix": Trial(acts=False),
    "prompts_from_file": Trial({"lines": "a red moon"}),
    "sd_upscale": Trial({"overlap": 8, "scale": 2.0, "upscaler": "Lanczos"}, source=True),
    "soft_inpainting": Trial(source=True, acts=False),
    "xyz_plot": Trial({"x_type": "Steps", "x_values": "2,3"}),
}


def state(pipeline: PipelineManager) -> dict[str, object]:
    """All that an extension could have left on the loaded model: weights, forwards in place of a class's own, hooks, attention processors."""
    loaded = pipeline.models.current()
    assert loaded is not None
    parts: dict[str, nn.Module] = {"unet": loaded.components.unet, "vae": loaded.components.vae}
    parts |= {f"text {index}": encoder.model for index, encoder in enumerate(loaded.components.encoders)}
    found: dict[str, object] = {}
    for part, network in parts.items():
        digest = hashlib.sha256()
        for tensor in network.state_dict().values():
            digest.update(tensor.detach().contiguous().cpu().float().numpy().tobytes())
        found[part] = digest.hexdigest()
        for name, module in network.named_modules():
            hooks = len(module._forward_hooks), len(module._forward_pre_hooks)
            found[f"{part} {name}"] = hooks, sorted(key for key in vars(module) if key == "forward"), type(getattr(module, "processor", None))
    return found


@pytest.mark.parametrize("name", [row.name for row in bundled().extensions()])
def test_a_run_with_it_leaves_no_trace(pipeline: PipelineManager, name: str) -> None:
    trial = TRIALS[name]  # a new extension needs a line above
    request = REQUEST.replace(source=SOURCE) if trial.source else REQUEST
    plain = values(made(pipeline, request).images[0].image)
    before = state(pipeline)
    changed = values(made(pipeline, request, **{name: trial.options}).images[0].image)
    assert state(pipeline) == before
    assert np.array_equal(values(made(pipeline, request).images[0].image), plain)
    if trial.acts:
        assert changed.shape != plain.shape or not np.array_equal(changed, plain)


def test_being_there_and_off_changes_no_bit(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    for request in (REQUEST, REQUEST.replace(source=SOURCE), REQUEST.replace(sampler="DDIM")):
        there = values(made(pipeline, request).images[0].image)
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "relays", lambda request: Relay.none())
            assert np.array_equal(there, values(made(pipeline, request).images[0].image))
