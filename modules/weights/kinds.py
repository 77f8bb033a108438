"""The kinds of model that lie on disk: which files are one, and what its list shows of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of model. `noun` is its name in messages.

    `titled`: a known hash stands in the title. `guessed`: a part of a name is enough to find one. `with_suffix`: its name is that
    of the file, suffix and all. `described`: its metadata are read for the list. `folders`: a folder in diffusers' layout is one.
    """

    noun: str
    suffixes: frozenset[str]
    titled: bool = False
    guessed: bool = False
    with_suffix: bool = False
    described: bool = False
    folders: bool = False


CHECKPOINT = Kind("checkpoint", frozenset({".safetensors", ".ckpt"}), titled=True, guessed=True, folders=True)
VAE = Kind("VAE", frozenset({".safetensors", ".ckpt", ".pt"}), with_suffix=True)
LORA = Kind("LoRA", frozenset({".safetensors", ".ckpt", ".pt"}), described=True)
EMBEDDING = Kind("embedding", frozenset({".safetensors", ".pt", ".bin", ".png", ".webp", ".jxl", ".avif"}))
HYPERNETWORK = Kind("hypernetwork", frozenset({".pt"}))
CONTROLNET = Kind("ControlNet", frozenset({".safetensors", ".pt", ".pth", ".bin"}))
IMAGE_ENCODER = Kind("picture encoder", frozenset({".safetensors", ".pt", ".bin"}))
UPSCALER = Kind("upscaler", frozenset({".safetensors", ".pth", ".pt"}))
FACE_RESTORER = Kind("face restorer", frozenset({".safetensors", ".pth"}))
PREVIEW_DECODER = Kind("preview decoder", frozenset({".safetensors", ".pth", ".pt"}))
