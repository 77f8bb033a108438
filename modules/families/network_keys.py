"""Which module of a loaded model a network file means by a name: kohya's, the original layout's, diffusers' and PEFT's."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from modules.families.ldm_keys import original_unet_names

KOHYA = "lora_unet_"
UNET_PREFIXES = (KOHYA, "oft_unet_", "model_diffusion_model_", "diffusion_model_", "unet_", "lycoris_", "")
PEFT_PREFIX = "base_model_model_"


class Target(NamedTuple):
    """A module of a model: of the U-Net (`encoder` None) or of the text encoder with that number; `path` is its name there."""

    encoder: int | None
    path: str


class KeyTable:
    """The modules of a model that have weights, by the names that network files have for them. Dots are as good as underscores."""

    def __init__(self, unet: nn.Module, encoders: Sequence[nn.Module]) -> None:
        self.modules: dict[Target, nn.Module] = {}
        self.names: dict[str, Target] = {}
        paths = self.add(None, unet)
        self.names |= {KOHYA + original: Target(None, path) for path, original in original_names(paths).items()}
        self.names |= {KOHYA + flat(path): Target(None, path) for path in paths}
        for number, encoder in enumerate(encoders):
            for path in self.add(number, encoder):
                inner = flat(path.removeprefix("text_model."))
                for prefix in encoder_prefixes(number, len(encoders)):
                    self.names[f"{prefix}{inner}"] = self.names[f"{prefix}text_model_{inner}"] = Target(number, path)

    def add(self, encoder: int | None, network: nn.Module) -> list[str]:
        """Take up the modules of a network; their names."""
        found = {path: module for path, module in network.named_modules() if has_weight(module) and path != "text_projection"}
        self.modules |= {Target(encoder, path): module for path, module in found.items()}
        return list(found)

    def find(self, name: str) -> Target | None:
        """The module that a file's name means; None where this model has none such."""
        name = flat(name).removeprefix(PEFT_PREFIX)
        if name in self.names:
            return self.names[name]
        known = (KOHYA + name.removeprefix(prefix) for prefix in UNET_PREFIXES if name.startswith(prefix))
        return next((self.names[one] for one in known if one in self.names), None)


def has_weight(module: nn.Module) -> bool:
    """Whether a module has a weight that networks may change."""
    return isinstance(getattr(module, "weight", None), Tensor) and not isinstance(module, nn.Embedding)


def flat(path: str) -> str:
    """A module's name as kohya writes it."""
    return path.replace(".", "_")


def original_names(paths: Sequence[str]) -> dict[str, str]:
    """A U-Net's modules and what the original layout calls them, flat."""
    names = original_unet_names(f"{path}.weight" for path in paths)
    return {new.removesuffix(".weight"): flat(old.removesuffix(".weight")) for new, old in names.items()}


def encoder_prefixes(number: int, count: int) -> tuple[str, ...]:
    """What stands before the modules of a text encoder; a model's only one has no number."""
    numbered = (f"lora_te{number + 1}_", "text_encoder_2_" if number else "text_encoder_")
    return (*numbered, "lora_te_") if count == 1 else numbered
