"""A pipeline over the smallest real checkpoint."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from modules.weights.files import write_tensors
from tests import tiny


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "Stable-diffusion").mkdir()
    tiny.checkpoint(folder / "Stable-diffusion" / "one.safetensors", seed=0)
    tiny.checkpoint(folder / "Stable-diffusion" / "two.safetensors", seed=1)
    for name, channels in (("edit", 8), ("inpaint", 9)):
        write_tensors(folder / "Stable-diffusion" / f"{name}.safetensors", with_inputs(channels))
    (folder / "Lora").mkdir()
    write_tensors(folder / "Lora" / "strong.safetensors", lora(scale=1.0), {"ss_output_name": "called strong"})
    write_tensors(folder / "Lora" / "other.safetensors", {"lora_unet_nowhere.lora_up.weight": torch.ones(2, 2)})
    (folder / "embeddings").mkdir()
    write_tensors(folder / "embeddings" / "myword.safetensors", {"emb_params": torch.full((2, 64), 0.5)})
    return folder


def with_inputs(channels: int) -> dict[str, Tensor]:
    """The smallest checkpoint with a U-Net that sees more than the latents."""
    tensors = dict(tiny.tensors(0))
    name = "model.diffusion_model.input_blocks.0.0.weight"
    more = torch.full((tensors[name].shape[0], channels - 4, 3, 3), 0.02)
    tensors[name] = torch.cat([tensors[name], more], dim=1)
    return tensors


def lora(*, scale: float) -> dict[str, Tensor]:
    """A LoRA on one layer of the U-Net and one of the text encoder."""
    generator = torch.Generator().manual_seed(5)
    files: dict[str, Tensor] = {}
    for module, inputs in (
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", 32),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", 64),
    ):
        outputs = 32 if inputs == 32 else 128
        files[f"{module}.lora_down.weight"] = torch.randn(2, inputs, generator=generator)
        files[f"{module}.lora_up.weight"] = torch.randn(outputs, 2, generator=generator) * scale
    return files


@pytest.fixture
def pipeline(models: Path, tmp_path: Path) -> PipelineManager:
    library = Library.at(models, tmp_path, check_checkpoint)
    return PipelineManager(library=library, settings=SettingsStore(tmp_path / "settings.json"), root=tmp_path, device=lambda: tiny.CPU)
