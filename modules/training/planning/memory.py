"""What a training takes of a device's memory and of the disk, reckoned before it begins. Needs no torch.

What a picture takes was counted on the networks themselves (the tensors that autograd keeps for a step, in 16 bits, attention fused);
`fit` measures instead of reckoning.
"""

from dataclasses import dataclass

from modules.contract.training import TrainingRequest

GIB = 2**30
NUMBERS = {"sd1": 860_000_000, "sd2": 866_000_000, "sdxl": 2_567_000_000}
BESIDE = {"sd1": 1.3 * GIB, "sd2": 1.7 * GIB, "sdxl": 2.6 * GIB}  # text encoders, VAE, and what the driver takes for itself
KEPT = {"sd1": 3700, "sd2": 3700, "sdxl": 6830}  # bytes for each pixel of a batch, until it is gone through backwards
KEPT_CHECKPOINTED = {"sd1": 600, "sd2": 600, "sdxl": 560}
RECOMPUTED = 1200  # bytes for each pixel of a batch: the largest block, which is computed twice
ADAPTER = {"sd1": 425_000, "sd2": 432_000, "sdxl": 2_660_000}  # numbers of an adapter for each of its ranks
USED = 0.9  # the share of the device that may be planned for
BATCHES = (8, 6, 4, 3, 2, 1)
STATE = {"AdamW": 8, "AdamW 8-bit": 2, "Adafactor": 0.1, "Prodigy": 16, "Lion": 4}  # bytes of the optimizer for each trained number
VAE = 4 * 83_653_863  # bytes of the network that encodes pictures, in fp32
USUAL_RANK = 16  # of a LoRA whose rank is not decided yet
WIDTH = {"sd1": 768, "sd2": 1024, "sdxl": 2048}


def trained_numbers(request: TrainingRequest, family: str, parameters: int | None = None) -> int:
    """How many numbers are trained, about. `parameters`: those of the U-Net where it is none of the usual size."""
    scale = (parameters or NUMBERS[family]) / NUMBERS[family]
    if request.makes == "embedding":
        return max(request.embedding.vectors, 1) * WIDTH[family]
    if request.makes == "checkpoint":
        return round(NUMBERS[family] * scale)
    return round(ADAPTER[family] * max(request.network.rank, 1) * scale)


def needed(request: TrainingRequest, family: str, batch: int, *, checkpointing: bool) -> float:
    """Bytes of the device that a training takes with so many pictures at once, about."""
    full = request.makes == "checkpoint"
    half = 2 if request.steps.precision in ("bf16", "fp16", "auto") else 4
    weights = NUMBERS[family] * (4 + half if full and half == 2 else 4 if full else half)
    trained = trained_numbers(request, family) * (4 + STATE[request.optimizer.name] + (0 if full else 4))
    pixels = batch * (request.data.resolution or 512) ** 2
    kept = (KEPT_CHECKPOINTED[family] + RECOMPUTED if checkpointing else KEPT[family]) * pixels * half / 2
    return weights + BESIDE[family] + trained + kept


def most_at_once(request: TrainingRequest, family: str, memory: int | None) -> int:
    """The most pictures at once that fit, no more than 8; 1 where the memory is not known."""
    if memory is None:
        return 1
    checkpointing = request.steps.checkpointing
    fitting = [batch for batch in BATCHES if needed(request, family, batch, checkpointing=checkpointing) <= USED * memory]
    return max(fitting, default=1)


def wants_checkpointing(request: TrainingRequest, family: str, memory: int | None) -> bool:
    """Whether not even one picture fits unless what is kept for it is computed twice."""
    return memory is not None and needed(request, family, 1, checkpointing=False) > USED * memory


def saved(request: TrainingRequest, changed: TrainingRequest, family: str) -> int | None:
    """The bytes of the device that a changed request takes less, about; None where that is not known."""

    def whole(one: TrainingRequest) -> float:
        network = one.network.model_copy(update={"rank": one.network.rank or USUAL_RANK})
        held = VAE if one.data.cache_latents == "off" else 0
        decided = one.model_copy(update={"network": network})
        return held + needed(decided, family, max(one.steps.batch, 1), checkpointing=one.steps.checkpointing)

    less = round(whole(request) - whole(changed))
    return less if less > 0 else None


@dataclass(frozen=True)
class Disk:
    """Bytes that a training will write at most at a time. `wanted` is what should be free."""

    cache: int
    states: int
    samples: int
    files: int

    @property
    def total(self) -> int:
        return self.cache + self.states + self.samples + self.files

    @property
    def wanted(self) -> int:
        return round(1.2 * self.total)


def disk_forecast(request: TrainingRequest, family: str, pictures: int, *, parameters: int | None = None, prompts: int = 3) -> Disk:
    """What a decided request will take on the disk, about. `pictures`: those of the data; class pictures come on top."""
    side, full = request.data.resolution, request.makes == "checkpoint"
    trained = trained_numbers(request, family, parameters)
    shown = pictures + (request.prior.count if request.prior.on else 0)
    latents = shown * (side // 8) ** 2 * 4 * 4 * (2 if request.data.flip else 1) if request.data.cache_latents == "disk" else 0
    texts = pictures * 77 * WIDTH[family] * 4 if request.data.cache_texts and not request.parts.text_encoder else 0
    classes = request.prior.count * side * side * 2 if request.prior.on and not request.prior.folder else 0
    state = trained * (4 + STATE[request.optimizer.name] + (4 if request.optimizer.average else 0))
    steps = request.steps.steps
    written = max(1, steps // max(request.saving.export_every or request.samples.every or steps // 10, 1))
    number = 4 if request.saving.numbers == "fp32" else 2
    beside = 1.2 * GIB if full and family != "sdxl" else 2 * GIB if full else 0  # text encoders and VAE, in the same file
    file = trained * number + beside * (parameters or NUMBERS[family]) / NUMBERS[family]
    sampled = steps // max(request.samples.every or steps // 10, 1) + 1
    samples = sampled * prompts * request.samples.width * request.samples.height * 2 if request.samples.on else 0
    return Disk(latents + texts + classes, round(state * (request.saving.states + 1)), samples, round(file * written))
