"""Loaded models against what A1111 1.10.1 recorded: raw networks, encoded prompts, calls of the denoiser, whole pictures."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.families.load import load_checkpoint
from modules.families.text_encoder import Encoded
from modules.prompts.schedule import schedule
from modules.sampling import registry
from modules.sampling.noise import NoiseSource, StepNoise
from modules.sampling.registry import ScheduleOptions
from modules.sampling.samplers import SamplerSettings, euler_ancestral
from modules.weights.embeddings import EmbeddingFolders
from tests import tiny
from tests.golden import golden_json, golden_path, needs_golden

pytestmark = [needs_golden, pytest.mark.usefixtures("no_gradients")]

TEXTS = {
    "145-pr-edit-0.5": 8,  # the number of calls that the prompt's schedule is for
    "161-pr-alt-nested": 8,
    "162-pr-alt-heun": 16,
    "173-pr-long-90": 8,
    "183-pr-comma-backtrack-0": 8,
    "186-pr-emph-none": 8,
    "189-pr-emph-old": 8,
    "194-pr-clipskip-11": 8,
    "221-ti-pt-weight": 8,
    "391-sd2v-euler-a": 8,
    "409-sdxl-euler-a": 8,
}


@pytest.fixture
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@cache
def model(name: str) -> Components:
    folder = golden_path("models")
    assert folder
    components = load_checkpoint(folder / f"{name}.safetensors", folder / f"{name}.yaml", tiny.PLACING)
    components.embeddings = EmbeddingFolders([folder / "embeddings"]).embeddings()
    return components


def case_of(name: str) -> tuple[dict[str, Any], Components]:
    """A recorded request and its model."""
    case = golden_json(f"cases/{name}.json")
    checkpoint = case["override_settings"].get("sd_model_checkpoint", "tiny-sd1.safetensors")
    return case, model(Path(checkpoint).stem)


def recorded(name: str) -> dict[str, Tensor]:
    path = golden_path(name)
    assert path
    with np.load(path) as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key])) for key in arrays.files}


def texts_of(case: dict[str, Any], components: Components, field: str, calls: int) -> Encoded:
    own = case["override_settings"]
    options = TextOptions(
        clip_skip=own.get("CLIP_stop_at_last_layers", 1),
        emphasis=own.get("emphasis", "Original"),
        comma_backtrack=own.get("comma_padding_backtrack", 20),
        old_emphasis=own.get("use_old_emphasis_implementation", False),
        zero_if_empty=field == "negative_prompt",
    )
    return components.encode_prompts([entry.text for entry in schedule(case[field], calls)], options)


def vector_of(case: dict[str, Any], components: Components, text: Encoded) -> Tensor | None:
    size = case["height"], case["width"]
    return components.vector(text.pooled, size=size, crop=(0, 0), target=size) if text.pooled is not None else None


@pytest.mark.parametrize("t", ["0", "1", "500", "999", "250.5"])
def test_the_network_answers_as_a1111s_at_whole_and_fractional_timesteps(t: str) -> None:
    probe = recorded("pure/model_probe_sd1.npz")
    found = model("tiny-sd1").predict(probe["x"], torch.tensor([float(t)] * 2), probe["ctx"])
    torch.testing.assert_close(found, probe[f"eps_{t}"], atol=2e-5, rtol=0)  # values to 3.7: float32 sums in another order


def test_the_vae_decodes_and_encodes_as_a1111s() -> None:
    probe, components = recorded("pure/model_probe_sd1.npz"), model("tiny-sd1")
    torch.testing.assert_close(components.decode(probe["x"]), probe["dec"], atol=1e-5, rtol=0)
    torch.testing.assert_close(components.encode(probe["im"], sample=False), probe["enc"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("entry", golden_json("pure/conds_sd1_meta.json"), ids=lambda entry: entry["key"])
def test_prompts_of_sd1_are_encoded_as_by_a1111(entry: dict[str, Any]) -> None:
    wanted = recorded("pure/conds_sd1.npz")[entry["key"]]
    found = model("tiny-sd1").encode_prompts([entry["prompt"]], TextOptions(clip_skip=entry["clip_skip"]))
    torch.testing.assert_close(found.context, wanted, atol=5e-5, rtol=0)  # emphasis divides by a mean near 0, which magnifies rounding


@pytest.mark.parametrize(("name", "calls"), TEXTS.items())
@pytest.mark.parametrize(("field", "key"), [("prompt", "c0_0"), ("negative_prompt", "uc0")])
def test_every_familys_scheduled_prompts_are_encoded_as_by_a1111(name: str, calls: int, field: str, key: str) -> None:
    case, components = case_of(name)
    tensors = recorded(f"tensors/{name}/before0.npz")
    found = texts_of(case, components, field, calls)
    entries = {match.group(1): other for other in tensors if (match := re.match(rf"{key}_(\d+)_\d+(?:_crossattn)?$", other))}
    names = [entries[str(number)] for number in range(len(entries))]
    assert len(names) == len(found.context)
    for row, other in zip(found.context, names, strict=True):
        torch.testing.assert_close(row, tensors[other], atol=5e-5, rtol=0)


@pytest.mark.parametrize("name", ["409-sdxl-euler-a", "425-sdxl-hr"])
def test_sdxls_added_conditioning_is_a1111s(name: str) -> None:
    case, components = case_of(name)
    tensors = recorded(f"tensors/{name}/before0.npz")
    for field, key in (("prompt", "c0_"), ("negative_prompt", "uc0_")):
        found = vector_of(case, components, texts_of(case, components, field, case["steps"]))
        wanted = next(value for other, value in tensors.items() if other.startswith(key) and other.endswith("_vector"))
        assert found is not None
        torch.testing.assert_close(found[0], wanted, atol=1e-5, rtol=0)


def guided(case: dict[str, Any], components: Components) -> Callable[[Tensor, Tensor], Tensor]:
    """What gives the clean latents (1, C, h, w) that a model sees in noisy ones, under both prompts and guidance 7."""
    texts = [texts_of(case, components, field, case["steps"]) for field in ("prompt", "negative_prompt")]
    vectors = [vector for text in texts if (vector := vector_of(case, components, text)) is not None]
    context, vector = torch.cat([text.context for text in texts]), torch.cat(vectors) if vectors else None
    prediction = components.prediction

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        x, sigma = x.expand(2, -1, -1, -1), sigma.expand(2)
        output = components.predict(prediction.network_input(x, sigma), prediction.sigma_to_t(sigma), context, vector)
        x0 = prediction.x0(x, output, sigma)
        return x0[1:] + 7 * (x0[:1] - x0[1:])

    return denoise


@pytest.mark.parametrize("call", [0, 4, 7])
@pytest.mark.parametrize("name", ["001-euler-a-basic", "391-sd2v-euler-a", "409-sdxl-euler-a"])
def test_one_call_of_the_denoiser_gives_what_a1111s_gave(name: str, call: int) -> None:
    case, components = case_of(name)
    trace = recorded(f"traces/{name}/trace0.npz")
    found = guided(case, components)(trace[f"{call:03d}_x_in"][:1], trace[f"{call:03d}_sigma"][:1])
    torch.testing.assert_close(found, trace[f"{call:03d}_denoised"], atol=2e-3, rtol=0)  # values to 90; guidance makes rounding 14-fold


def picture(name: str) -> NDArray[np.uint8]:
    """The picture of a recorded request for Euler a with 8 steps."""
    case, components = case_of(name)
    noise = NoiseSource((case["seed"],), (4, case["height"] // 8, case["width"] // 8), source="CPU", device=torch.device("cpu"))
    sigmas = registry.sigmas_for(registry.resolve("Euler a"), case["steps"], components.prediction, ScheduleOptions())
    with components.tiled(case.get("tiling", False)):
        latents = euler_ancestral(guided(case, components), noise.initial * sigmas[0], sigmas, StepNoise(noise), SamplerSettings())
        pixels = components.decode(latents)[0]
    return (255 * ((pixels + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy()).astype(np.uint8)


@pytest.mark.parametrize("name", ["450-size-100x70", "451-sdxl-size-136x104", "431-sdxl-tiling", "418-sdxl-neg-empty"])
def test_pictures_of_odd_sizes_tiled_ones_and_those_without_negative_prompt_are_a1111s(name: str) -> None:
    path = golden_path(f"answers/{name}-0.png")
    assert path
    wanted = np.asarray(Image.open(path).convert("RGB")).astype(int)
    difference = np.abs(picture(name).astype(int) - wanted)
    assert difference.max() <= 1  # one level: rounding just before pixels are cut off to 8 bits
    assert difference.mean() < 0.01
