"""A CLIP text encoder with A1111's arithmetic around it: chunks are encoded one by one and stand side by side on the token axis."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from modules.families.clip_text import Chunk, TextOptions, Tokens, with_padding
from modules.families.clip_tokens import END

Key = Literal["clip_l", "clip_h", "clip_g"]


@dataclass(frozen=True)
class Reading:
    """Which of an encoder's states are its encoding: those `layer` from the end (1: the last), with or without the final norm.

    `skips`: whether clip skip changes the layer: always, for SDXL only if it is set to, or never. `padding` fills a chunk up
    after its end token. `pooled`: it gives one vector for the whole text too.
    """

    layer: int = 1
    norm: bool = True
    skips: Literal["always", "sdxl", "never"] = "never"
    padding: int = END
    pooled: bool = False

    def layer_with(self, options: TextOptions) -> int:
        """The layer, counted from the end, under a person's wishes."""
        heeded = self.skips == "always" or (self.skips == "sdxl" and options.clip_skip_sdxl)
        return options.clip_skip if heeded else self.layer


@dataclass(frozen=True)
class Encoded:
    """Texts as the network wants them: context (N, chunks * 77, width) and, where the model has it, pooled (N, P); float32.

    `embeddings`: names, in the order of their first use. `cut`: tokens that the old emphasis left out.
    """

    context: Tensor
    pooled: Tensor | None = None
    embeddings: tuple[str, ...] = ()
    cut: int = 0


class TextEncoder:
    """One text encoder. `key` says which vectors of an embedding are its own."""

    def __init__(self, key: Key, model: CLIPTextModel | CLIPTextModelWithProjection, reading: Reading) -> None:
        self.key: Key = key
        self.model = model
        self.reading = reading

    @property
    def inner(self) -> Any:
        """The tower itself: the versions of transformers differ in where it lies."""
        return getattr(self.model, "text_model", self.model)

    @property
    def width(self) -> int:
        """The length of a token's vector."""
        return self.model.config.hidden_size

    def encode(self, prompts: Sequence[Tokens], options: TextOptions) -> Encoded:
        """The encodings of prompts that belong together (the variants of one scheduled prompt).

        Shorter ones are filled up with empty chunks. The mean that emphasis keeps is that of all N together, chunk by chunk.
        The pooled vector is the first chunk's, and has no weights.
        """
        count = max(len(prompt.chunks) for prompt in prompts)
        empty = Chunk().padded()
        rows = [[*prompt.chunks, *[empty] * (count - len(prompt.chunks))] for prompt in prompts]
        parts = [self.encode_chunks([row[i] for row in rows], options) for i in range(count)]
        return Encoded(torch.cat([context for context, _ in parts], dim=1), parts[0][1])

    def encode_chunks(self, chunks: Sequence[Chunk], options: TextOptions) -> tuple[Tensor, Tensor | None]:
        """(N, 77, width), weighted, and (N, P) or None."""
        chunks = [with_padding(chunk, self.reading.padding) for chunk in chunks]
        layer = self.reading.layer_with(options)
        tokens = torch.tensor([chunk.tokens for chunk in chunks], device=self.inner.embeddings.position_embedding.weight.device)
        with self.placed(chunks):
            output: Any = self.model(input_ids=tokens, output_hidden_states=layer > 1 or not self.reading.norm)
        if layer == 1 and self.reading.norm:
            encoded = output.last_hidden_state
        else:
            states = output.hidden_states
            encoded = states[-min(layer, len(states))]
            encoded = self.inner.final_layer_norm(encoded) if self.reading.norm else encoded
        pooled = output.text_embeds.float() if self.reading.pooled else None
        return emphasized(encoded.float(), chunks, options), pooled

    @contextmanager
    def placed(self, chunks: Sequence[Chunk]) -> Iterator[None]:
        """While it lasts, the embeddings of some chunks take the place of their placeholder tokens' vectors."""

        def lay(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
            output = output.clone()
            for row, chunk in enumerate(chunks):
                for offset, embedding in chunk.placed:
                    own = embedding.vectors[self.key][: output.shape[1] - offset - 1]
                    # by its index: while an embedding is trained, a row that stands alone as a view could not be written into
                    output[row, offset + 1 : offset + 1 + len(own)] = own.to(output)
            return output

        if not any(chunk.placed for chunk in chunks):
            yield
            return
        handle = self.inner.embeddings.token_embedding.register_forward_hook(lay)
        try:
            yield
        finally:
            handle.remove()


def emphasized(encoded: Tensor, chunks: Sequence[Chunk], options: TextOptions) -> Tensor:
    """Encodings (N, 77, width) times their tokens' weights; 'Original' brings the mean of all back to what it was."""
    weighted = any(weight != 1.0 for chunk in chunks for weight in chunk.weights)
    if not weighted or options.emphasis not in ("Original", "No norm"):
        return encoded
    weights = torch.tensor([chunk.weights for chunk in chunks], device=encoded.device, dtype=encoded.dtype)
    result = encoded * weights[..., None]
    return result * (encoded.mean() / result.mean()) if options.emphasis == "Original" else result


def used_names(prompts: Sequence[Tokens]) -> tuple[str, ...]:
    """The embeddings that prompts name, chunk by chunk over all prompts, each once."""
    longest = max(len(prompt.chunks) for prompt in prompts)
    chunks = [prompt.chunks[i] for i in range(longest) for prompt in prompts if i < len(prompt.chunks)]
    return tuple(dict.fromkeys(embedding.name for chunk in chunks for _, embedding in chunk.placed))
