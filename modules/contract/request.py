"""What a person asks for: a value that never changes, checked when it is made."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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


class SamplerOptions(Frozen):
    """What a sampler may be told beyond its steps; None means the setting of the same name decides.

    Karras et al. 2022 (arXiv:2206.00364), algorithm 2, for churn; Song et al. 2020 (arXiv:2010.02502), eq. 16, for eta.
    """

    eta: float | None = Field(default=None, ge=0, description="Share of the noise that is put back in each step")
    s_churn: float | None = Field(default=None, ge=0, description="Amount of noise added before each step")
    s_tmin: float | None = Field(default=None, ge=0, description="Lowest sigma at which churn acts")
    s_tmax: float | None = Field(default=None, ge=0, description="Highest sigma at which churn acts; 0 is no limit")
    s_noise: float | None = Field(default=None, ge=0, description="Scale of the noise that is added")


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
    save: bool = Field(default=True, description="Write the pictures into the output folder")
    settings: dict[str, Any] = Field(default_factory=dict[str, Any], description="Settings for this request only, by key")

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
