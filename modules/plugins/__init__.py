"""All that an extension needs: its base, the hooks, and the declarations of what a person may set."""

from modules.contract.declare import (
    Choice,
    Color,
    ImageField,
    Lines,
    ModelChoice,
    Number,
    Options,
    Slider,
    Text,
    Toggle,
    Units,
)
from modules.pipeline.conditioning import Conditioning, Encoding, Weighted
from modules.pipeline.hooks import Drive, hook
from modules.pipeline.run import Loaded, Pass, Prompts, Run
from modules.pipeline.soft_inpainting import overlays as soft_overlays
from modules.pipeline.soft_inpainting import soft_blend
from modules.pipeline.step import Guidance, Step
from modules.plugins.extension import Extension, Tab
from modules.plugins.host import Host, Program
from modules.plugins.results import as_source, composed, gathered, pictures, put_together, source_of, told, with_pairs, without_pairs
from modules.plugins.script import Argument, Script
from modules.plugins.seeds import RandomSeeds, drawn

__all__ = [
    "Argument",
    "Choice",
    "Color",
    "Conditioning",
    "Drive",
    "Encoding",
    "Extension",
    "Guidance",
    "Host",
    "ImageField",
    "Lines",
    "Loaded",
    "ModelChoice",
    "Number",
    "Options",
    "Pass",
    "Program",
    "Prompts",
    "RandomSeeds",
    "Run",
    "Script",
    "Slider",
    "Step",
    "Tab",
    "Text",
    "Toggle",
    "Units",
    "Weighted",
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
