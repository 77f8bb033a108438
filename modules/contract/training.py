"""What a person asks the trainer for: one value for the page, the API, presets and the metadata of what comes out.

The groups are the form's sections. A value of None, "" or 0 where the text says so means: decided from the data and the model.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from modules.contract.declare import Choice, Lines, ModelChoice, Number, Options, Slider, Text, Toggle, declared
from modules.contract.errors import BadRequest
from modules.contract.request import sentence

Method = Literal["LoRA", "Textual Inversion", "DreamBooth", "Fine-tuning"]
Goal = Literal["subject", "style", "concept"]
NetworkType = Literal["LoRA", "LoCon", "LoHa", "LoKr", "DoRA"]
Precision = Literal["fp32", "bf16", "fp16"]
OptimizerName = Literal["AdamW", "AdamW 8-bit", "Adafactor", "Prodigy", "Lion"]
ScheduleName = Literal["constant", "linear", "cosine", "cosine with restarts", "polynomial"]


class DatasetFolder(Options):
    """A folder of pictures, each with its caption in a .txt file of the same name."""

    folder: str = Text(
        "", "Folder", help="Any folder of pictures. Subfolders named as kohya's (10_name) say how often theirs are shown.", local=True
    )
    repeats: int = Slider(1, 1, 1000, "Repeats", help="How often each picture is shown in an epoch.")
    held_out: bool = Toggle(False, "Held out", help="Not trained on: only for the loss on unseen pictures.")


class DataOptions(Options):
    """The pictures, and how they and their captions are shown."""

    folders: tuple[DatasetFolder, ...] = declared((), "Folders", control="units", most=20, shown=1)
    resolution: int = Slider(
        0, 0, 2048, "Resolution", step=64, help="Pixels: the side of a square with as many as a picture is brought to. 0: the model's own."
    )
    buckets: bool = Toggle(
        True,
        "Aspect ratio buckets",
        help="Pictures keep their shape and are trained in groups of similar shape. Off: squares from their middle.",
    )
    bucket_step: int = Slider(64, 8, 128, "Bucket step", step=8, help="Pixels: sides are multiples of this.")
    bucket_least: int = Slider(0, 0, 2048, "Shortest side", step=64, help="Pixels. 0: half the resolution.")
    bucket_most: int = Slider(0, 0, 4096, "Longest side", step=64, help="Pixels. 0: twice the resolution.")
    enlarge: bool = Toggle(True, "Enlarge small pictures", help="Off: a picture smaller than its bucket goes into a smaller one.")
    background: str = declared(
        "#ffffff", "Background", control="color", help="What lies behind pictures that are transparent.", pattern="^#[0-9a-fA-F]{6}$"
    )
    missing_captions: Literal["refuse", "trigger", "file name", "empty"] = Choice(
        "trigger", "Pictures without a caption", help="What they are called, or that they stop the start."
    )
    separator: str = Text(",", "Separator of tags")
    shuffle_tags: bool = Toggle(False, "Shuffle tags", help="In a new order each time.")
    keep_tags: int = Slider(1, 0, 20, "Tags kept in front", help="So many of a caption's first tags are neither moved nor dropped.")
    drop_tags: float = Slider(0.0, 0, 1, "Drop tags", step=0.01, help="The chance of each tag to be left out.")
    drop_captions: float = Slider(0.0, 0, 1, "Drop captions", step=0.01, help="The chance that a picture is shown without its caption.")
    weighted_captions: bool = Toggle(False, "Weights in captions", help="(word:1.2) is read as in prompts. Off: brackets are plain text.")
    flip: bool = Toggle(False, "Mirror", help="Half of the showings are mirrored. Not for faces or text that are not symmetric.")
    masked: Literal["off", "transparency", "mask files"] = Choice(
        "off",
        "Masked loss",
        help="Which part of a picture counts: what is not transparent, or what is white in NAME-mask.png (or masks/NAME.png) beside it.",
    )
    unmasked_weight: float = Slider(0.1, 0, 1, "Weight outside of the mask", step=0.05)
    held_out_share: float = Slider(
        0.1, 0, 0.5, "Held out", step=0.01, help="The share of pictures that are only looked at, from 8 pictures on. 0: none."
    )
    cache_latents: Literal["disk", "memory", "off"] = Choice("disk", "Keep latents", help="Off encodes each picture each time.")
    clip_skip: int = Slider(
        1, 1, 12, "Clip skip", help="Which layer of the text encoders is read, from the end; as in the settings. SDXL never heeds it."
    )
    cache_texts: bool = Toggle(True, "Keep texts' encodings", help="Only while text encoders are not trained.")


class PriorOptions(Options):
    """Prior preservation: pictures of the class are trained beside, so that the model keeps what it knows.

    Ruiz et al. 2022, arXiv:2208.12242.
    """

    on: bool = Toggle(False, "Prior preservation")
    prompt: str = Text("", "Class prompt", help="What the thing is in general, such as: a photo of a dog.")
    folder: str = Text("", "Class pictures", help="Empty: they are made with the checkpoint and kept with the run.", local=True)
    count: int = Slider(100, 1, 5000, "How many", help="Missing ones are made.")
    weight: float = Slider(1.0, 0, 10, "Weight", step=0.05)


class NetworkOptions(Options):
    """The adapter of LoRA and its relatives."""

    type: NetworkType = Choice(
        "LoRA", "Type", help="DoRA files work here and in ComfyUI. A1111 reads them in another way, and diffusers as plain LoRAs."
    )
    rank: int = Slider(0, 0, 256, "Rank", help="0: from the goal and the data.")
    alpha: float = Slider(
        0.0,
        0,
        256,
        "Alpha",
        step=0.5,
        help="Divided by the rank it scales the adapter. 0: as the rank, so that the rate means the same at every rank.",
    )
    conv_rank: int = Slider(0, 0, 256, "Rank of convolutions", help="LoCon, LoHa and LoKr. 0: as the rank.")
    layers: Literal["attention and feed-forward", "attention"] = Choice("attention and feed-forward", "Layers")
    factor: int = Slider(-1, -1, 64, "Factor of LoKr", help="How the weights' sides are split. -1: near the square root.")
    dropout: float = Slider(0.0, 0, 0.9, "Dropout", step=0.01)
    rank_dropout: float = Slider(0.0, 0, 0.9, "Rank dropout", step=0.01)
    continue_from: str = ModelChoice("lora", "Begin with", help="A LoRA of the same kind whose training goes on. Empty: a new one.")


class EmbeddingOptions(Options):
    """Textual Inversion. Gal et al. 2022, arXiv:2208.01618."""

    vectors: int = Slider(0, 0, 75, "Vectors", help="How many tokens the word takes. 0: from the data.")
    begin_with: str = Text("", "Begin with", help="Words whose vectors it begins as. Empty: the goal's own (*).")
    overwrite: bool = Toggle(False, "Overwrite", help="An embedding of the same name.")


class TrainedParts(Options):
    """What is trained beside the U-Net."""

    unet: bool = Toggle(True, "U-Net")
    text_encoder: bool = Toggle(False, "Text encoders")
    text_rate: float = declared(0.0, "Rate of the text encoders", control="number", help="0: half of the rate.", ge=0, le=1)
    text_until: int = Slider(0, 0, 1_000_000, "Text encoders until step", help="0: to the end.")


class StepOptions(Options):
    """How long, and how much at once."""

    steps: int = Slider(0, 0, 1_000_000, "Steps", help="0: from the goal and the number of pictures.")
    batch: int = Slider(0, 0, 128, "Batch size", help="Pictures at once on each device. 0: from the data and the memory.")
    accumulation: int = Slider(1, 1, 128, "Accumulation", help="Batches whose gradients are added for one step.")
    seed: int = Number(0, "Seed", help="The same seed, data and settings give the same file.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Choice(
        "auto", "Precision", help="What the network computes in. What is trained is kept in fp32."
    )
    checkpointing: bool = Toggle(False, "Gradient checkpointing", help="Less memory, some 47 % more arithmetic.")


class OptimizerOptions(Options):
    """How the gradient becomes a change."""

    name: OptimizerName = Choice("AdamW", "Optimizer", help="Prodigy finds its rate by itself and wants 1; 8-bit needs bitsandbytes.")
    rate: float = declared(0.0, "Learning rate", control="number", help="0: from the method and the goal.", ge=0, le=10)
    schedule: ScheduleName = Choice("cosine", "Schedule")
    warm_up: int = Slider(-1, -1, 100_000, "Warm-up steps", help="-1: a twentieth of the steps.")
    restarts: int = Slider(3, 1, 100, "Restarts", help="Of the cosine.")
    weight_decay: float = declared(0.01, "Weight decay", control="number", ge=0, le=1)
    clip: float = declared(1.0, "Longest gradient", control="number", help="Longer ones are shortened. 0: never.", ge=0, le=1000)
    average: bool = Toggle(False, "Moving average", help="The file is an average over the last steps (EMA).")
    average_decay: float = Slider(0.999, 0, 0.99999, "Decay of the average", step=0.0001)


class NoiseOptions(Options):
    """What the network is asked to undo, and how much each answer counts."""

    prediction: Literal["the model's own", "epsilon", "v"] = Choice("the model's own", "Prediction")
    zero_snr: bool = Toggle(
        False, "Zero terminal SNR", help="The last step is all noise. Wants v-prediction. Lin et al. 2023, arXiv:2305.08891."
    )
    min_snr: float = Slider(
        0.0, 0, 20, "Min-SNR gamma", step=0.5, help="Little noise counts less; 5 is usual. 0: off. Hang et al. 2023, arXiv:2303.09556."
    )
    offset: float = Slider(
        0.0,
        0,
        1,
        "Noise offset",
        step=0.01,
        help="Adds to the noise a constant for each picture and channel, for very dark and bright pictures.",
    )
    pyramid: float = Slider(0.0, 0, 1, "Pyramid noise", step=0.05, help="Adds coarser and coarser noise, each so much weaker. 0: off.")
    perturbation: float = Slider(0.0, 0, 1, "Input perturbation", step=0.01, help="Ning et al. 2023, arXiv:2301.11706. 0: off.")
    loss: Literal["squared", "Huber", "absolute"] = Choice("squared", "Loss")
    timestep_least: int = Slider(0, 0, 999, "First timestep")
    timestep_most: int = Slider(999, 0, 999, "Last timestep")


class SampleOptions(Options):
    """Pictures made on the way, by what makes pictures everywhere here."""

    prompts: str = Lines("", "Prompts", help="One a line; an empty box: the trigger alone, and two captions of the data.")
    negative: str = Text("", "Negative prompt")
    every: int = Slider(0, 0, 100_000, "Every so many steps", help="0: ten times in all.")
    steps: int = Slider(20, 1, 150, "Sampling steps")
    sampler: str = Text("DPM++ 2M", "Sampler")
    guidance: float = Slider(7.0, 1, 30, "CFG scale", step=0.5)
    seed: int = Number(1, "Seed")
    width: int = Slider(0, 0, 2048, "Width", step=8, help="0: the resolution.")
    height: int = Slider(0, 0, 2048, "Height", step=8, help="0: the resolution.")
    on: bool = Toggle(True, "Make samples")


class WatchOptions(Options):
    """What is looked after while it runs."""

    probe_every: int = Slider(0, 0, 100_000, "Loss on held-out pictures every", help="Steps. 0: ten times in all.")
    stop_when_overfit: bool = Toggle(
        False,
        "Stop when it only learns by heart",
        help="When the loss on held-out pictures has risen twice in a row while the other falls.",
    )
    go_on_after_nan: bool = Toggle(
        True, "Go on by itself after a failure of the numbers", help="From the last good state, with half the rate."
    )


class SavingOptions(Options):
    """What is kept."""

    state_every: int = Slider(
        0, 0, 100_000, "State every", help="Steps between the states from which it can go on. 0: every 5 minutes or so."
    )
    states: int = Slider(2, 1, 100, "States kept")
    export_every: int = Slider(0, 0, 100_000, "File every", help="Steps between files on the way. 0: with each sample.")
    numbers: Literal["fp16", "bf16", "fp32"] = Choice("fp16", "Numbers of the file")
    private: bool = Toggle(False, "Private", help="The file says as little as possible: no folder names, no captions, no settings.")
    pt_too: bool = Toggle(False, "Also as .pt", help="Of an embedding, for old programs.")
    comment: str = Text("", "Comment", help="Goes into the file.")


class DeviceOptions(Options):
    """On what it runs."""

    devices: str = Text("", "Devices", help="Numbers of graphics cards, such as 0,1. Empty: one; on a processor, one process.")
    processes: int = Slider(1, 1, 64, "Processes", help="On each machine. More than one share each step's pictures.")
    machines: int = Slider(1, 1, 64, "Machines")
    address: str = Text("", "First machine's address", help="host:port that the others reach it at.", local=True)


class TrainingRequest(Options):
    """A training. Never changed: `model_copy(update=...)` is a new one."""

    name: str = Text("", "Name", help="Of the file; for an embedding also the word that calls it.", pattern=r"^[^/\\\x00-\x1f]{0,100}$")
    method: Method = Choice("LoRA", "Method")
    goal: Goal = Choice(
        "subject",
        "What is to be learned",
        help="A subject is one thing or person, a style is how everything looks, a concept is a kind of thing.",
    )
    checkpoint: str = ModelChoice("checkpoint", "Checkpoint")
    trigger: str = Text("", "Trigger word", help="What calls it in a prompt; put in front of captions that do not have it.")
    data: DataOptions = Field(default_factory=DataOptions, title="Pictures")
    prior: PriorOptions = Field(default_factory=PriorOptions, title="Prior preservation")
    network: NetworkOptions = Field(default_factory=NetworkOptions, title="Network")
    dreambooth_as: Literal["LoRA", "checkpoint"] = Choice("LoRA", "DreamBooth as")
    embedding: EmbeddingOptions = Field(default_factory=EmbeddingOptions, title="Embedding")
    parts: TrainedParts = Field(default_factory=TrainedParts, title="Trained parts")
    steps: StepOptions = Field(default_factory=StepOptions, title="Steps")
    optimizer: OptimizerOptions = Field(default_factory=OptimizerOptions, title="Optimizer")
    noise: NoiseOptions = Field(default_factory=NoiseOptions, title="Noise")
    samples: SampleOptions = Field(default_factory=SampleOptions, title="Samples")
    watch: WatchOptions = Field(default_factory=WatchOptions, title="Watch")
    saving: SavingOptions = Field(default_factory=SavingOptions, title="Saving")
    devices: DeviceOptions = Field(default_factory=DeviceOptions, title="Devices")

    @property
    def makes(self) -> Literal["lora", "embedding", "checkpoint"]:
        """What kind of file comes out."""
        if self.method == "Textual Inversion":
            return "embedding"
        full = self.method == "Fine-tuning" or (self.method == "DreamBooth" and self.dreambooth_as == "checkpoint")
        return "checkpoint" if full else "lora"

    @model_validator(mode="after")
    def fits_together(self) -> "TrainingRequest":
        noise = self.noise
        if noise.zero_snr and noise.prediction == "epsilon":
            raise ValueError(
                "Zero terminal SNR wants v-prediction: at its last step the noise is all there is, and guessing it teaches nothing."
            )
        if noise.timestep_least > noise.timestep_most:
            raise ValueError(f"The first timestep is {noise.timestep_least}, after the last, which is {noise.timestep_most}.")
        if self.makes != "embedding" and not (self.parts.unet or self.parts.text_encoder):
            raise ValueError("Nothing would be trained: switch the U-Net or the text encoders on.")
        if self.prior.on and not self.prior.prompt.strip():
            raise ValueError("Prior preservation needs a class prompt, such as: a photo of a dog.")
        return self


def training_request_from(values: dict[str, Any]) -> TrainingRequest:
    """A request from named values. Raises BadRequest with one sentence per wrong value."""
    try:
        return TrainingRequest(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence({**problem, "loc": (label_of(problem["loc"]),)}) for problem in error.errors())) from None


def label_of(place: Sequence[int | str]) -> str:
    """What the form calls the field at a place such as ("data", "folders", 0, "repeats"); the last name for one that there is not."""
    kind: Any = TrainingRequest
    label = "The request"
    for name in place:
        if isinstance(name, int):
            kind = next((one for one in get_args(kind) if isinstance(one, type)), None)
            continue
        field = getattr(kind, "model_fields", {}).get(name)
        label, kind = (field.title or name, field.annotation) if field else (str(name), None)
    return label
