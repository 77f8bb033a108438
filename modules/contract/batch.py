"""img2img over many pictures, one after another: what is asked for."""

from typing import Any, Literal

from pydantic import Field, ValidationError

from modules.contract.errors import BadRequest
from modules.contract.extras import MOST_PICTURES, NamedPicture
from modules.contract.request import Frozen, GenerationRequest, sentence

TAKEN = Literal["Prompt", "Negative prompt", "Seed", "CFG scale", "Sampler", "Steps", "Model hash"]


class BatchRequest(Frozen):
    """`request` is what each picture's request begins as; it has no source of its own. `source` and `inpaint` are fields of
    SourceImage and Inpaint but for the pictures, which come from `pictures`, else from a `folder` of the machine.

    With `masks_folder` the mask of a picture is the file of its name there; the only file there is the mask of all, and a picture
    without one is left out. With `infotext` the prompts of a picture's infotext (or of its namesake's in `infotext_folder`) are
    appended to the request's, and its other `taken` values replace the request's.
    """

    request: GenerationRequest
    source: dict[str, Any] = Field(default_factory=dict[str, Any])
    inpaint: dict[str, Any] = Field(default_factory=dict[str, Any])
    scale: float | None = Field(default=None, gt=0, le=16, description="The new size as a factor of each picture's; None: the request's")
    pictures: tuple[NamedPicture, ...] = Field(default=(), max_length=MOST_PICTURES)
    folder: str = Field(default="", max_length=1000)
    output_folder: str = Field(default="", max_length=1000, description="Where to save, under the pictures' names")
    masks_folder: str = Field(default="", max_length=1000)
    infotext: bool = False
    infotext_folder: str = Field(default="", max_length=1000)
    taken: tuple[TAKEN, ...] = ()


def batch_from(values: dict[str, Any]) -> BatchRequest:
    """A request from named values. Raises BadRequest."""
    try:
        return BatchRequest(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem) for problem in error.errors())) from None
