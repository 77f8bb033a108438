"""The demo checkpoint: a narrow Stable Diffusion 1 trained from nothing on drawings this package draws itself.

`python -m modules.demo --work FOLDER` repeats it from beginning to end on a processor or a graphics card.
"""

from modules.weights.spandrel import import_torchvision

import_torchvision()  # before diffusers and transformers, which import it wherever it is installed
