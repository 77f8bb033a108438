"""Training a word: Textual Inversion. Gal et al. 2022, arXiv:2208.01618.

The vectors lie in the model's own lookup while they are trained, so that they stand where they will stand in prompts.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from modules.contract.errors import BadRequest
from modules.contract.training import TrainingRequest
from modules.families import clip_tokens
from modules.families.base import Components
from modules.families.clip_text import CHUNK, Inserted, Lookup
from modules.families.text_encoder import TextEncoder
from modules.training.files.embedding_file import write_embedding, write_pt
from modules.training.methods.groups import DTYPES, Group, holding
from modules.training.methods.words import check_name

BACKWARD = 1.0  # of a forward pass: the gradients of the inputs, back to where the text comes in
GOALS = {"subject": "object", "style": "style", "concept": "object"}  # what an embedding begins as, unless it is said


class EmbeddingTraining:
    """The vectors of a word, (n, width) for each text encoder. A Trainable; see `parts`."""

    text = True

    def __init__(self, request: TrainingRequest, components: Components) -> None:
        count = request.embedding.vectors
        if not 1 <= count <= CHUNK:
            raise BadRequest(f"The embedding has {count} vectors; it must have between 1 and {CHUNK}.")
        name = request.name.strip()
        check_name(name)
        self.request = request
        self.components = components
        text = request.embedding.begin_with.strip() or GOALS[request.goal]
        self.vectors = {key: nn.Parameter(vectors) for key, vectors in beginning(components, text, count).items()}
        self.longest = {str(encoder.key): longest_of(encoder) for encoder in components.encoders}
        self.groups: Sequence[Group] = [Group(list(self.vectors.values()))]
        self.inserted = Inserted(name, self.vectors)
        components.embeddings = [one for one in components.embeddings if one.name.lower() != name.lower()]
        self.others = components.lookup
        components.lookup = joined(components, self.inserted)

    @property
    def count(self) -> int:
        """How many numbers are trained."""
        return sum(one.numel() for one in self.vectors.values())

    def tensors(self) -> dict[str, Tensor]:
        """The vectors by their encoders' keys."""
        return dict(self.vectors)

    def network_calls(self) -> float:
        """A step's arithmetic for one picture, in forward passes."""
        return 1.0 + BACKWARD + (1.0 if self.request.steps.checkpointing else 0.0)

    @torch.no_grad()
    def after_step(self) -> None:
        """No vector becomes longer than the vocabulary's longest: encoders never saw such, and next to them other words are not heard."""
        for key, vectors in self.vectors.items():
            lengths = vectors.norm(dim=1, keepdim=True)
            vectors.mul_((self.longest[key] / lengths.clamp_min(1e-12)).clamp_max(1.0))

    def switch(self, training: bool) -> None:
        """There is no dropout."""

    @contextmanager
    def without(self) -> Iterator[None]:
        """While it lasts, the word is not known."""
        self.components.lookup, mine = self.others, self.components.lookup
        try:
            yield
        finally:
            self.components.lookup = mine

    def export(self, path: Path, values: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Write the embedding of these values, and its .pt if that is wanted. Raises WebuiError where what was written is not the same."""
        saving = self.request.saving
        with holding(self.tensors(), values):
            write_embedding(path, self.vectors, metadata, DTYPES[saving.numbers])
            if saving.pt_too:
                write_pt(
                    path.with_suffix(".pt"),
                    self.vectors,
                    name=self.request.name,
                    step=int(metadata.get("ss_steps", 0)),
                    checkpoint=metadata.get("ss_sd_model_name", ""),
                    checkpoint_hash=metadata.get("ss_new_sd_model_hash", "")[:10] or None,
                )


def beginning(components: Components, text: str, count: int) -> dict[str, Tensor]:
    """The vectors that some words have, (count, width) in float32 for each encoder's key; or those of an embedding of that name.

    Fewer words than vectors are repeated, of more some are left out. Raises BadRequest for words without tokens, and for an embedding
    with another number of vectors.
    """
    known = next((one for one in components.embeddings if one.name.lower() == text.lower()), None)
    widths: dict[str, int] = {encoder.key: encoder.width for encoder in components.encoders}
    vectors = known.vectors_for(widths) if known else None
    if known is not None and vectors is not None:
        if known.count != count:
            raise BadRequest(f"The embedding '{known.name}' to begin with has {known.count} vectors, and {count} are asked for.")
        return {key: value.detach().float().clone().to(components.device) for key, value in vectors.items()}
    tokens = clip_tokens.encode(text)
    if not tokens:
        raise BadRequest(f"The embedding begins with '{text}', which has no tokens.", "Name a word or some words.")
    chosen = torch.tensor([tokens[place * len(tokens) // count] for place in range(count)])
    found: dict[str, Tensor] = {}
    for encoder in components.encoders:
        weight: Tensor = encoder.inner.embeddings.token_embedding.weight
        found[encoder.key] = weight.detach()[chosen.to(weight.device)].float().clone()
    return found


def longest_of(encoder: TextEncoder) -> float:
    """The length of the longest of an encoder's vectors."""
    weight: Tensor = encoder.inner.embeddings.token_embedding.weight
    return float(weight.detach().float().norm(dim=1).max())


def joined(components: Components, inserted: Inserted) -> Lookup:
    """The model's embeddings and one more."""
    widths: dict[str, int] = {encoder.key: encoder.width for encoder in components.encoders}
    found = [Inserted(one.name, vectors) for one in components.embeddings if (vectors := one.vectors_for(widths)) is not None]
    return Lookup([*found, inserted])
