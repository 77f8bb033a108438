"""Captions as the network wants them, encoded once and kept: what it saves is the encoders' memory more than their arithmetic."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.training.data.tensor_store import Kept, TensorStore, digest_of, key_of

VERSION = 1  # of the files: another number makes all of them anew
IN_MEMORY = 2**30  # bytes of encodings that are held in the processor's memory
ON_DEVICE = 2**28  # or in a graphics card's: a thousand captions of SD 1


def encode_captions(components: Components, captions: Sequence[str], options: TextOptions) -> tuple[Tensor, Tensor | None]:
    """Captions encoded at one length: context (B, tokens, width) and, for SDXL, pooled (B, P); float32, with gradient where there is one.

    An empty caption is nothing at all to SDXL, as where it was trained first: zeros.
    """
    encoded = components.encode_prompts(captions, options)
    context, pooled = encoded.context, encoded.pooled
    if pooled is None or all(captions):
        return context, pooled
    there = torch.tensor([bool(caption) for caption in captions], device=context.device)
    return context * there[:, None, None], pooled * there[:, None]


class TextCache:
    """Encodings of single captions, in files too where there is a folder for them."""

    def __init__(self, components: Components, options: TextOptions, folder: Path | None) -> None:
        self.components, self.options = components, options
        on_card = components.device.type != "cpu"
        self.store = TensorStore(folder, ON_DEVICE if on_card else IN_MEMORY, components.device)
        self.network = digest_of(*(encoder.model for encoder in components.encoders))
        self.empty: Tensor | None = None

    def key(self, text: str) -> str:
        """What decides a caption's encoding."""
        options = self.options
        return key_of(VERSION, text, options.clip_skip, options.emphasis, options.comma_backtrack, self.network, str(self.components.dtype))

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Those of some captions that are not kept yet, each once, in order."""
        return [text for text in dict.fromkeys(texts) if not self.store.has(self.key(text))]

    def entry(self, text: str, *, file: bool) -> Kept:
        """A caption's encoding: context (tokens, width), pooled (P,) for SDXL. `file`: whether it is worth a file."""
        key = self.key(text)
        found = self.store.get(key)
        if found is None:
            with torch.no_grad():
                context, pooled = encode_captions(self.components, [text], self.options)
            made = {"context": context[0]} | ({} if pooled is None else {"pooled": pooled[0]})
            found = self.store.put(key, {name: smallest(value) for name, value in made.items()}, file=file)
        return found

    def get(self, texts: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        """Captions encoded, at one length: context (B, tokens, width) and pooled (B, P) or None; float32, on the device.

        Shorter ones have the encoding of an empty caption behind them, as where the encoders get them together.
        """
        entries = [self.entry(text, file=False) for text in texts]
        longest = max(len(entry["context"]) for entry in entries)
        contexts = torch.stack([self.filled(entry["context"].float(), longest) for entry in entries])
        pooled = torch.stack([entry["pooled"].float() for entry in entries]) if "pooled" in entries[0] else None
        device = self.components.device
        return contexts.to(device), None if pooled is None else pooled.to(device)

    def filled(self, context: Tensor, length: int) -> Tensor:
        """A context (tokens, width) with an empty caption's behind it up to a length."""
        if len(context) == length:
            return context
        if self.empty is None:
            self.empty = self.entry("", file=False)["context"].float()
        return torch.cat([context, self.empty.repeat((length - len(context)) // len(self.empty), 1)])


def smallest(value: Tensor) -> Tensor:
    """The numbers in half the bytes where that loses nothing: encoders that compute in fp16 give no others."""
    half = value.half()
    return half if torch.equal(half.float(), value.float()) else value
