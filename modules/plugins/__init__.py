"""All that an extension needs: its base, the hooks, and the declarations of what a person may set."""

from modules.contract.declare import Choice, Color, ModelChoice, Number, Options, Slider, Text, Toggle
from modules.pipeline.hooks import Drive, hook
from modules.pipeline.run import Pass, Run
from modules.pipeline.soft_inpainting import overlays as soft_overlays
from modules.pipeline.soft_inpainting import soft_blend
from modules.plugins.extension import Extension
from modules.plugins.results import as_source, composed, gathered, pictures, put_together, source_of, told, with_pairs, without_pairs
from modules.plugins.script import Argument, Script
from modules.plugins.seeds import RandomSeeds, drawn

__all__ = [
    "Argument",
    "Choice",
    "Color",
    "Drive",
    "Extension",
    "ModelChoice",
    "Number",
    "Options",
    "Pass",
    "RandomSeeds",
    "Run",
    "Script",
    "Slider",
    "Text",
    "Toggle",
    "as_source",
    "composed",
    "drawn",
    "gathered",
    "hook",
    "pictures",
    "put_together",
    "soft_blend",
    "soft_overlays",
    "source_of",
    "told",
    "with_pairs",
    "without_pairs",
]
