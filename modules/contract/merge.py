"""What a person asks the checkpoint merger for."""

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from modules.contract.errors import BadRequest
from modules.contract.request import Frozen, sentence

WEIGHTED, DIFFERENCE, SINGLE = "Weighted sum", "Add difference", "No interpolation"


class MergeRequest(Frozen):
    """Two or three checkpoints to one: A(1 - M) + B M, or A + (B - C) M, or A alone, changed in form."""

    primary: str = Field(description="A, by title, name or hash")
    secondary: str | None = Field(default=None, description="B")
    tertiary: str | None = Field(default=None, description="C")
    method: Literal["Weighted sum", "Add difference", "No interpolation"] = "Weighted sum"
    multiplier: float = Field(default=0.3, ge=0, le=1, description="M")
    numbers: Literal["as they are", "fp16", "fp32"] = Field(default="as they are", description="What floating numbers are saved as")
    format: Literal["safetensors", "ckpt"] = "safetensors"
    custom_name: str = Field(default="", max_length=200, description="The new file's name without suffix; empty: made from the formula")
    config_from: Literal["A, B or C", "B", "C", "Don't"] = Field(default="A, B or C", description="Whose yaml is copied")
    vae: str = Field(default="None", description="A VAE to put in place of A's")
    discard: str = Field(default="", max_length=1000, description="Leave out the tensors whose names contain a match of this pattern")
    save_metadata: bool = True
    recipe: bool = Field(default=True, description="Add to the metadata what was merged and how")
    copy_metadata: bool = Field(default=True, description="Copy the sources' metadata")
    metadata: dict[str, str] = Field(default_factory=dict[str, str], description="Further metadata")

    @model_validator(mode="after")
    def sources_are_given(self) -> "MergeRequest":
        if self.method != SINGLE and not self.secondary:
            raise ValueError(f"{self.method} needs a secondary model (B).")
        if self.method == DIFFERENCE and not self.tertiary:
            raise ValueError("Add difference needs a tertiary model (C).")
        return self


def merge_request_from(values: dict[str, Any]) -> MergeRequest:
    """A request from named values. Raises BadRequest with one sentence per wrong value."""
    try:
        return MergeRequest(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem) for problem in error.errors())) from None
