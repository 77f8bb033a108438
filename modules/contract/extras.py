"""What a person asks of finished pictures: to be enlarged, repaired, cut, mirrored, described; and what comes back."""

from dataclasses import dataclass
from typing import Any, Literal

from PIL.Image import Image
from pydantic import Field, ValidationError, field_validator

from modules.contract.errors import BadRequest
from modules.contract.request import Frozen, Picture, Size, sentence

MOST_PICTURES = 256
LARGEST_RESULT = 16_384

Caption = Literal["BLIP", "Deepbooru"]


class Enlarging(Frozen):
    """Enlarge by an upscaler, to `size` or else by `scale`. The upscaler "None" leaves the picture as it is."""

    upscaler: str = "None"
    second: str = Field(default="None", description="Another upscaler, whose picture is laid over the first one's")
    second_visibility: float = Field(default=0.0, ge=0, le=1)
    scale: float = Field(default=2.0, gt=0, le=16)
    longest_side: int = Field(default=0, ge=0, le=LARGEST_RESULT, description="Pixels that a side enlarged by `scale` may have; 0: any")
    size: Size | None = None
    crop: bool = Field(default=True, description="Cut what reaches over `size`; else its proportions are the picture's own")

    @field_validator("size")
    @classmethod
    def size_is_possible(cls, size: Size | None) -> Size | None:
        if size is not None and not (min(size) >= 1 and max(size) <= LARGEST_RESULT):
            raise ValueError(f"The size to enlarge to is {size}; both sides must be between 1 and {LARGEST_RESULT}.")
        return size


class FaceRestoring(Frozen):
    """Restore the faces. `visibility` 0 is off; `weight` is CodeFormer's: 0 acts the most, 1 the least."""

    visibility: float = Field(default=1.0, ge=0, le=1)
    weight: float = Field(default=0.0, ge=0, le=1)


class Splitting(Frozen):
    """Cut a picture much longer than `Enlarging.size` into several that overlap."""

    threshold: float = Field(default=0.5, ge=0, le=1, description="Pictures further from the wanted proportions than this are cut")
    overlap: float = Field(default=0.2, ge=0, le=0.9)


class FocalCrop(Frozen):
    """Cut to `Enlarging.size` around what catches the eye."""

    face_weight: float = Field(default=0.9, ge=0, le=1)
    entropy_weight: float = Field(default=0.15, ge=0, le=1)
    edges_weight: float = Field(default=0.5, ge=0, le=1)
    show: bool = Field(default=False, description="Give the whole picture too, with what was found drawn in")


class SizedCrop(Frozen):
    """Cut to the size, in steps of 64 between bounds, that suits the picture best."""

    shortest: int = Field(default=384, ge=64, le=2048)
    longest: int = Field(default=768, ge=64, le=2048)
    smallest_area: int = Field(default=64 * 64, ge=1)
    largest_area: int = Field(default=640 * 640, ge=1)
    aim: Literal["Maximize area", "Minimize error"] = "Maximize area"
    threshold: float = Field(default=0.1, ge=0, le=1, description="How far the proportions may be from the picture's own")


class NamedPicture(Frozen):
    """A picture with the name of its file, if it has one."""

    data: Picture
    name: str = Field(default="", max_length=500)


class ExtrasRequest(Frozen):
    """Operations on pictures, done in this order. None and empty leave an operation out."""

    pictures: tuple[NamedPicture, ...] = Field(default=(), max_length=MOST_PICTURES)
    folder: str = Field(default="", max_length=1000, description="Take all pictures of this folder of the machine instead")
    output_folder: str = Field(default="", max_length=1000, description="Where to save; empty: where the settings say")
    enlarging: Enlarging | None = None
    gfpgan: FaceRestoring | None = None
    codeformer: FaceRestoring | None = None
    splitting: Splitting | None = None
    focal_crop: FocalCrop | None = None
    sized_crop: SizedCrop | None = None
    flips: tuple[Literal["Horizontal", "Vertical", "Both"], ...] = ()
    captions: tuple[Caption, ...] = ()
    save: bool = True
    keep_names: bool = Field(default=False, description="Save under the names the pictures came with")
    show: bool = Field(default=True, description="Give the pictures back, not just their files")
    settings: dict[str, Any] = Field(default_factory=dict[str, Any], description="Settings for this request only, by key")


def extras_from(values: dict[str, Any]) -> ExtrasRequest:
    """A request from named values. Raises BadRequest with one sentence per wrong value."""
    try:
        return ExtrasRequest(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem) for problem in error.errors())) from None


@dataclass(frozen=True)
class ExtrasImage:
    """One picture that came out. `text` says what was done ("Postprocess upscale by: 2.0, ..."); `infotext` is what it came with.

    `path` is None when it was not saved, `caption` when none was asked for.
    """

    image: Image
    text: str
    infotext: str = ""
    name: str = ""
    path: str | None = None
    caption: str | None = None


@dataclass(frozen=True)
class ExtrasResult:
    """All pictures of one request, in order; a picture that was cut up or copied gives several."""

    images: tuple[ExtrasImage, ...]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False

    def summary(self) -> dict[str, Any]:
        """What is kept of it in the job list: JSON values only, pictures by their path."""
        return {
            "paths": [image.path for image in self.images],
            "infotexts": [image.text for image in self.images],
            "captions": [image.caption for image in self.images],
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 2),
        }
