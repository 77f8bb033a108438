"""One file per architecture: what a model family is, in one place."""

from modules.weights.spandrel import import_torchvision

import_torchvision()  # before diffusers and transformers, which import it wherever it is installed
