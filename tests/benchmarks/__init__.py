"""Speed and memory, measured side by side; run by hand, never asserted."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from modules.weights.spandrel import import_torchvision

import_torchvision()  # before any benchmark imports diffusers or transformers
