"""Every bundled extension: there and off it changes nothing, and a run with it leaves nothing behind."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from torch import nn

from modules.contract.request import picture_text
from modules.pipeline.manager import PipelineManager
from modules.pipeline.relay import Relay
from tests.extensions.drawing import bundled
from tests.extensions.test_in_the_pipeline import REQUEST, SOURCE, made, values
from tests.pipeline.pictures import file, noise


@dataclass
class Trial:
    """Options with which an extension acts on REQUEST. `source`: in img2img. `acts`: the picture is another one then."""

    options: dict[str, Any] = field(default_factory=dict[str, Any])
    source: bool = False
    acts: bool = True


TRIALS = {
    "tiled_diffusion": Trial({"width": 16, "height": 16, "overlap": 8}, acts=False),
    "tag_completion": Trial(acts=False),
    "regional_prompts": Trial(acts=False),
    "prompt_library": Trial(acts=False),
    "perturbed_attention": Trial(),
    "lora_block_weight": Trial(acts=False),
    "freeu": Trial(),
    "dynamic_thresholding": Trial({"mimic_scale": 3.0}),
    "cutoff": Trial({"targets": "red"}, acts=False),
    "cfg_rescale": Trial(),
    "controlnet": Trial({"units": [{"module": "reference_only", "image": picture_text(file(noise(64, 64)))}]}),
    "detailer": Trial({"units": [{"detector": "mediapipe_face_full"}]}, acts=False),  # as below
    "dynamic_prompts": Trial(acts=False),  # the prompt is no template
    "face_swap": Trial({"source": picture_text(file(Image.fromarray(skimage.data.astronaut())))}, acts=False),  # there is no face
    "loopback": Trial({"loops": 2}, source=True),
    "model_presets": Trial(acts=False),  # a page and nothing else
    "outpainting_mk2": Trial({"pixels": 8}, source=True),
    "poor_mans_outpainting": Trial({"pixels": 8}, source=True),
    "prompt_matrix": Trial(acts=False),
    "prompt_translation": Trial(acts=False),  # the prompt is English
    "prompts_from_file": Trial({"lines": "a red moon"}),
    "ultimate_upscale": Trial({"tile_width": 64, "target": "Scale from image size", "upscaler": "Lanczos"}, source=True),
    "sd_upscale": Trial({"overlap": 8, "scale": 2.0, "upscaler": "Lanczos"}, source=True),
    "soft_inpainting": Trial(source=True, acts=False),
    "xyz_plot": Trial({"x_type": "Steps", "x_values": "2,3"}),
}


def state(pipeline: PipelineManager) -> dict[str, object]:
    """All that an extension could have left on a model: weights, forwards in place of a class's own, hooks, attention processors."""
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
            own = [key for key in vars(module) if key == "forward"]
            found[f"{part} {name}"] = hooks, own, type(getattr(module, "processor", None))
    return found


@pytest.mark.parametrize("name", [row.name for row in bundled().extensions()])
def test_a_run_with_it_leaves_no_trace(pipeline: PipelineManager, name: str) -> None:
    trial = TRIALS[name]  # a new extension needs a line above
    request = REQUEST.replace(source=SOURCE) if trial.source else REQUEST
    plain = values(made(pipeline, request).images[0].image)
    before = state(pipeline)
    changed = values(made(pipeline, request, None, **{name: trial.options}).images[0].image)
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
