"""What a person asks for: a value that never changes, checked when it is made."""

import base64
import binascii
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, field_validator

from modules.contract.errors import BadRequest

LARGEST_SIDE = 4096
LARGEST_SEED = 2**64 - 1


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Frozen(BaseModel):
    """Base of the values that cross a border: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


def picture_bytes(value: Any) -> Any:
    """The bytes of base64 text, with or without a `data:` head; bytes stay as they are. Raises ValueError."""
    if not isinstance(value, str):
        return value
    text = value.split(",", 1)[1] if value.startswith("data:") and "," in value else value
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("A picture is not valid base64.") from None


def picture_text(value: bytes) -> str:
    """A picture file's bytes as base64 text."""
    return base64.b64encode(value).decode()


# The bytes of a picture file (PNG, JPEG, WEBP, AVIF, GIF); base64 text in JSON. `modules.imaging.opening` opens it.
Picture = Annotated[bytes, BeforeValidator(picture_bytes), PlainSerializer(picture_text, when_used="json")]


class SamplerOptions(Frozen):
    """What a sampler may be told beyond its steps; None means the setting of the same name decides.

    Karras et al. 2022 (arXiv:2206.00364), algorithm 2, for churn; Song et al. 2020 (arXiv:2010.02502), eq. 16, for eta.
    """

    eta: float | None = Field(default=None, ge=0, description="Share of the noise that is put back in each step")
    s_churn: float | None = Field(default=None, ge=0, description="Amount of noise added before each step")
    s_tmin: float | None = Field(default=None, ge=0, description="Lowest sigma at which churn acts")
    s_tmax: float | None = Field(default=None, ge=0, description="Highest sigma at which churn acts; 0 is no limit")
    s_noise: float | None = Field(default=None, ge=0, description="Scale of the noise that is added")
    s_min_uncond: float | None = Field(default=None, ge=0, description="Below this sigma the negative prompt is left out of odd calls")


class SeedVariation(Frozen):
    """A second seed, and how far its noise is mixed into the first one's. With it all pictures of a request share the first seed."""

    seed: int = Field(default=-1, ge=-1, le=LARGEST_SEED, description="-1: drawn when the job starts")
    strength: float = Field(default=0.0, ge=0, le=1)


class Inpaint(Frozen):
    """Where and how a source picture is painted anew."""

    mask: Picture = Field(description="White, or what its alpha leaves opaque, is painted anew")
    blur: tuple[float, float] = Field(default=(4, 4), description="Standard deviation of the mask's blur across and down, in pixels")
    invert: bool = Field(default=False, description="Paint what the mask leaves out")
    content: Literal["fill", "original", "latent noise", "latent nothing"] = Field(
        default="original", description="What stands under the mask at the start"
    )
    only_masked: bool = Field(default=False, description="Work on the mask's surroundings at the request's size, and paste the result back")
    padding: int = Field(default=32, ge=0, le=4096, description="Pixels around the mask that `only_masked` takes in")
    rounded: bool = Field(default=True, description="The mask in latent space is 0 or 1, nothing between")


class SourceImage(Frozen):
    """The pictures that img2img starts from: one for each picture of a batch, or one for all."""

    pictures: tuple[Picture, ...] = Field(min_length=1, max_length=64)
    resize: Literal["just resize", "crop and resize", "resize and fill", "latent upscale"] = "just resize"
    strength: float = Field(default=0.75, ge=0, le=1, description="Denoising strength")
    image_guidance: float | None = Field(default=None, ge=0, le=100, description="Image CFG scale of instruct-pix2pix models; None: 1.5")
    noise_multiplier: float | None = Field(default=None, ge=0, le=1.5, description="Scale of the first noise; None: the setting")
    inpaint: Inpaint | None = None
    latent_mask: Picture | None = Field(default=None, description="A mask for the latents only; the picture outside it changes too")
    name: str = Field(default="", max_length=500, description="The picture's file name, for what is paired with it by name")


class HiresPass(Frozen):
    """Hires. fix: a second pass over the first one's picture, enlarged. 0, None and empty mean: as the first pass."""

    scale: float = Field(default=2.0, ge=1, le=8)
    size: Size = Field(default=Size(0, 0), description="The target size; a side that is 0 follows from the other, both 0 from `scale`")
    upscaler: str | None = Field(default=None, description="None: Latent, which the infotext then leaves out")
    steps: int = Field(default=0, ge=0, le=150)
    strength: float = Field(default=0.7, ge=0, le=1, description="Denoising strength")
    checkpoint: str | None = None
    sampler: str | None = None
    schedule: str | None = None
    prompt: str = Field(default="", max_length=100_000)
    negative_prompt: str = Field(default="", max_length=100_000)
    first: Picture | None = Field(default=None, description="A picture that takes the place of the first pass")


class RefinerPass(Frozen):
    """A second checkpoint that takes over when this share of the noise is gone."""

    checkpoint: str
    switch_at: float = Field(default=0.8, gt=0, le=1)


class GenerationRequest(Frozen):
    """What a person asked for. Never changed: `request.replace(seed=5)` is a new one."""

    prompt: str = Field(default="", max_length=100_000)
    negative_prompt: str = Field(default="", max_length=100_000)
    size: Size = Size(512, 512)
    steps: int = Field(default=20, ge=1, le=150)
    guidance: int | float = Field(default=7, ge=0, le=100, description="CFG scale; a whole number stays one, as the infotext shows it")
    sampler: str = "DPM++ 2M"
    schedule: str = "Automatic"
    sampler_options: SamplerOptions = SamplerOptions()
    seed: int = Field(default=-1, ge=-1, le=LARGEST_SEED, description="-1: drawn when the job starts")
    batch_size: int = Field(default=1, ge=1, le=16, description="Pictures at once")
    batch_count: int = Field(default=1, ge=1, le=100, description="Batches one after another")
    checkpoint: str | None = Field(default=None, description="None: the one chosen in the settings")
    styles: tuple[str, ...] = Field(default=(), description="Names of saved styles that are added to both prompts")
    variation: SeedVariation | None = None
    resize_seed_from: Size | None = Field(default=None, description="The noise is that of a picture of this size, as far as it reaches")
    tiling: bool | None = Field(default=None, description="The picture's edges fit together; None: the setting")
    restore_faces: bool | None = Field(default=None, description="None: the setting")
    networks: bool = Field(default=True, description="Use the networks that the prompt's <...> tags name")
    source: SourceImage | None = Field(default=None, description="None: txt2img")
    hires: HiresPass | None = None
    refiner: RefinerPass | None = None
    save: bool = Field(default=True, description="Write the pictures into the output folder")
    save_grid: bool = Field(default=True, description="Write grids too")
    settings: dict[str, Any] = Field(default_factory=dict[str, Any], description="Settings for this request only, by key")
    extensions: dict[str, dict[str, Any]] = Field(
        default_factory=dict[str, dict[str, Any]],
        description="Options of the extensions to use, by extension name; being named is being on",
    )

    @field_validator("size")
    @classmethod
    def size_is_possible(cls, size: Size) -> Size:
        for name, side in zip(("Width", "Height"), size, strict=True):
            if not 8 <= side <= LARGEST_SIDE:
                raise ValueError(f"{name} is {side}; it must be between 8 and {LARGEST_SIDE}.")
        return size

    def replace(self, **changes: Any) -> "GenerationRequest":
        """A copy with other values, checked like a new one. Raises BadRequest."""
        return request_from({**dict(self), **changes})


LABELS = {
    "batch_size": "Batch size",
    "batch_count": "Batch count",
    "guidance": "CFG Scale",
    "steps": "Sampling steps",
    "seed": "Seed",
    "size": "Size",
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
}


def request_from(values: dict[str, Any]) -> GenerationRequest:
    """A request from named values. Raises BadRequest with one sentence per wrong value: which, its value, what would be right."""
    try:
        return GenerationRequest(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem) for problem in error.errors())) from None


def sentence(problem: Any) -> str:
    """One of pydantic's problems in words."""
    field = str(problem["loc"][0]) if problem["loc"] else "The request"
    label = LABELS.get(field, field)
    context = problem.get("ctx", {})
    if problem["type"] == "extra_forbidden":
        return f"There is no field named '{field}'."
    if problem["type"] == "value_error":
        return str(context.get("error", problem["msg"]))
    value = repr(problem["input"])
    shown = value if len(value) <= 60 else value[:57] + "..."
    for key, words in (("ge", "at least"), ("le", "at most"), ("max_length", "at most (in characters)")):
        if key in context:
            return f"{label} is {shown}; it must be {words} {context[key]}."
    return f"{label} is {shown}; {problem['msg'][0].lower()}{problem['msg'][1:]}."
