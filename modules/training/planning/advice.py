"""What a person left open, decided from the pictures, the checkpoint and the machine; each value with its reason in a sentence.

How often the probe looks and how often the state is kept stay open: the loop decides both by what they cost.

The values stand on what trainers document as their usual ones, brought to two rules: pictures decide how much is shown, and the rate
belongs to what is trained.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Any, Literal

from modules.contract.training import TrainingRequest
from modules.datasets.scan import Scan
from modules.training.planning.memory import BATCHES, GIB, most_at_once, wants_checkpointing

TINY = 100_000_000  # numbers of a U-Net: below it a network is a toy or a demonstration, which learns at higher rates
SHOWN = {"lora": (100, 800, 3000), "embedding": (100, 1000, 3000), "checkpoint": (100, 400, 20_000)}  # each picture; in all, least and most
MOST = max(BATCHES)
MANY = 200  # pictures
ON_PROCESSOR = 400  # pictures shown in all, where a full-sized network is trained without a graphics card
SIDE_STEP = 64  # pixels: sides that every Stable Diffusion network halves evenly
Family = Literal["sd1", "sd2", "sdxl"]


@dataclass(frozen=True)
class Facts:
    """What advice stands on.

    `parameters`: numbers of the U-Net. `resolution`: the side, in pixels, that the checkpoint was made for. `memory`: bytes of the
    device, None where it is not known. `bf16`: whether the device computes well in it. `sizes`, `repeats`: of each picture that is
    trained on. `captioned`: how many have captions; `captions`: some of them. `network_rank`: of the LoRA whose training goes on.
    """

    family: Family
    parameters: int
    resolution: int
    prediction: Literal["eps", "v"] = "eps"
    device: Literal["cuda", "mps", "cpu"] = "cpu"
    memory: int | None = None
    bf16: bool = False
    sizes: tuple[tuple[int, int], ...] = ()
    repeats: tuple[int, ...] = ()
    captioned: int = 0
    captions: tuple[str, ...] = ()
    network_rank: int | None = None

    @property
    def tiny(self) -> bool:
        return self.parameters < TINY

    @property
    def pictures(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True)
class Advice:
    """A request with nothing left open, and for each value that was decided, by its path ("steps.steps"), why."""

    request: TrainingRequest
    reasons: dict[str, str]


def picture_facts(scanned: Scan) -> dict[str, Any]:
    """What `Facts` says of the pictures, from a look through their folders: sizes, repeats, captioned, captions."""
    items = [item for item in scanned.usable if not item.held_out]
    texts = [item.caption for item in items if item.caption]
    return {
        "sizes": tuple(tuple(item.size) for item in items),
        "repeats": tuple(item.repeats for item in items),
        "captioned": sum(item.caption is not None for item in items),
        "captions": tuple(dict.fromkeys(text.splitlines()[0] for text in texts))[:2],
    }


def advise(request: TrainingRequest, facts: Facts) -> Advice:
    """The request with all that it leaves open decided. What a person chose is kept, whatever it is."""
    adviser = Adviser(request, facts)
    for decide in (adviser.pictures, adviser.network, adviser.embedding, adviser.numbers, adviser.batch):
        decide()
    for decide in (adviser.steps, adviser.rates, adviser.intervals, adviser.samples):
        decide()
    return Advice(adviser.request, adviser.reasons)


class Adviser:
    """Decides group after group; each may look at what was decided before."""

    def __init__(self, request: TrainingRequest, facts: Facts) -> None:
        self.request, self.facts = request, facts
        self.reasons: dict[str, str] = {}

    def decide(self, path: str, value: Any, reason: str) -> None:
        """Set the value at a path ("steps.batch"), with why."""
        group, name = path.split(".")
        changed = getattr(self.request, group).model_copy(update={name: value})
        self.request = self.request.model_copy(update={group: changed})
        self.reasons[path] = reason

    def pictures(self) -> None:
        """Resolution and the limits of buckets."""
        data, facts = self.request.data, self.facts
        if not data.resolution:
            side, reason = resolution(facts)
            self.decide("data.resolution", side, reason)
        side = self.request.data.resolution
        step = data.bucket_step
        if not data.bucket_least:
            self.decide("data.bucket_least", max(step, side // 2 // step * step), f"Half of {side}: longer shapes are rarely met.")
        if not data.bucket_most:
            self.decide("data.bucket_most", side * 2, f"Twice {side}: as far as the checkpoint's own shapes go.")

    def numbers(self) -> None:
        """Precision, and whether memory must be saved."""
        facts, steps = self.facts, self.request.steps
        if steps.precision == "auto":
            if facts.tiny or facts.device != "cuda":
                value = "bf16" if facts.bf16 and not facts.tiny else "fp32"
                reason = {"bf16": "The device computes in it faster.", "fp32": "Half precision gains nothing here."}[value]
            else:
                value = "bf16" if facts.bf16 else "fp16"
                reason = "Half the memory, and numbers that cannot overflow." if facts.bf16 else "The card has no bf16."
            self.decide("steps.precision", value, reason)
        if not steps.checkpointing and wants_checkpointing(self.request, facts.family, facts.memory if not facts.tiny else None):
            gigabytes = round((facts.memory or 0) / GIB)
            self.decide("steps.checkpointing", True, f"With {gigabytes} GB not one picture would fit without it.")

    def network(self) -> None:
        """The adapter's size."""
        network, facts = self.request.network, self.facts
        if self.request.makes != "lora":
            return
        if not network.rank:
            self.decide("network.rank", *rank(self.request, facts))
        rank_now = self.request.network.rank
        if not network.alpha:
            self.decide("network.alpha", float(rank_now), "As the rank: then the rate means the same at every rank.")
        if not network.conv_rank and network.type in ("LoCon", "LoHa", "LoKr"):
            self.decide("network.conv_rank", rank_now, "As the rank.")

    def embedding(self) -> None:
        """How many tokens an embedding takes."""
        if self.request.makes != "embedding":
            return
        count = self.facts.pictures
        if not self.request.embedding.vectors:
            vectors = 2 if count < 10 else 4 if count < 40 else 8
            self.decide("embedding.vectors", vectors, f"{pictures_text(count)} fill so many tokens; more would learn them by heart.")
        if not self.request.embedding.begin_with.strip():
            word = "style" if self.request.goal == "style" else "thing"
            self.decide("embedding.begin_with", word, "A plain word near to what is to be learned.")

    def batch(self) -> None:
        """How many pictures at once."""
        if self.request.steps.batch:
            return
        facts = self.facts
        if facts.tiny:
            most, why = 4, "more gain nothing with a small network"
        elif facts.device == "cpu":
            most, why = 1, "a processor gains nothing from more"
        else:
            most = most_at_once(self.request, facts.family, facts.memory)
            why = "more gain little" if most == MOST else f"{round((facts.memory or 0) / GIB)} GB hold no more"
            why = why if facts.memory else "the device's memory is not known"
        value = max(1, min(most, facts.pictures // 3))
        self.decide(
            "steps.batch", value, f"{value} at once: {why if value == most else 'each step should see a few of the pictures only'}."
        )

    def steps(self) -> None:
        """How long it lasts."""
        steps, devices = self.request.steps, self.request.devices
        if steps.steps:
            return
        shown, reason = showings(self.request, self.facts)
        at_once = steps.batch * steps.accumulation * devices.processes * devices.machines
        value = max(1, -(-shown // at_once))
        if at_once > 1:
            reason += f" With {at_once} in a step that is {value} steps."
        self.decide("steps.steps", value, reason)

    def rates(self) -> None:
        """The learning rates."""
        if not self.request.optimizer.rate:
            self.decide("optimizer.rate", *rate(self.request, self.facts))
        parts = self.request.parts
        if parts.text_encoder and not parts.text_rate and self.request.makes != "embedding":
            half = self.request.optimizer.rate / 2
            self.decide("parts.text_rate", half, "Half of the rate: text encoders forget sooner than the U-Net.")

    def intervals(self) -> None:
        """How often something is looked at."""
        steps = self.request.steps.steps
        tenth = max(1, steps // 10)
        if self.request.optimizer.warm_up < 0:
            self.decide("optimizer.warm_up", steps // 20, "A twentieth of the steps, until the optimizer knows its way.")
        if not self.request.samples.every:
            self.decide("samples.every", tenth, "Ten times in all.")

    def samples(self) -> None:
        """What is drawn on the way."""
        samples, side = self.request.samples, self.request.data.resolution
        for name in ("width", "height"):
            if not getattr(samples, name):
                self.decide(f"samples.{name}", side, "As the pictures are trained.")
        if not samples.prompts.strip():
            word = self.request.name.strip() if self.request.makes == "embedding" else self.request.trigger.strip()
            lines = [word, *(with_word(caption, word) for caption in self.facts.captions)]
            lines = list(dict.fromkeys(line for line in lines if line))
            if lines:
                self.decide("samples.prompts", "\n".join(lines), "What calls it, and captions of the pictures.")


def with_word(caption: str, word: str) -> str:
    """A caption with the trigger in front, unless it has it."""
    return caption if not word or word.lower() in caption.lower() else f"{word}, {caption}"


def pictures_text(count: int) -> str:
    """How many pictures, in words."""
    return "1 picture" if count == 1 else f"{count} pictures"


def resolution(facts: Facts) -> tuple[int, str]:
    """The side to train at, and why: the checkpoint's own, unless the pictures are much smaller."""
    own = facts.resolution
    if not facts.sizes:
        return own, f"The checkpoint was made for {own} x {own}."
    side = median(sqrt(width * height) for width, height in facts.sizes)
    least = 0.5 if facts.family == "sdxl" else 0.7  # SDXL is told how large a picture was
    if side >= least * own or own <= 4 * SIDE_STEP:
        return own, f"The checkpoint was made for {own} x {own}."
    smaller = max(own // 2, round(side) // SIDE_STEP * SIDE_STEP)
    return smaller, f"Half of the pictures have less than {round(side)} x {round(side)} pixels; enlarged to {own} they would be blurred."


def rank(request: TrainingRequest, facts: Facts) -> tuple[int, str]:
    """The adapter's rank, and why."""
    if facts.network_rank:
        return facts.network_rank, "That of the LoRA that it begins with."
    count = facts.pictures
    if facts.tiny:
        value, reason = 8, "The network is small."
    elif request.goal == "style":
        value, reason = 32, "A style is in everything, and needs more room than one thing."
    elif count > 200:
        value, reason = 32, f"{pictures_text(count)} say more than 16 hold."
    elif count < 10:
        value, reason = 8, f"{pictures_text(count)} would be learned by heart at a higher one."
    else:
        value, reason = 16, "Enough for one thing or kind of thing, and a small file."
    if request.network.type == "LoHa":
        return max(2, value // 2), reason + " LoHa multiplies two adapters, so half of it does."
    return value, reason


def showings(request: TrainingRequest, facts: Facts) -> tuple[int, str]:
    """How many pictures are shown in all, and why."""
    count = max(facts.pictures, 1)
    each, least, most = SHOWN[request.makes]
    why = "usual for the goal"
    if request.makes == "lora" and request.goal == "style":
        each, why = 60, "a style is in every picture"
    if request.method == "Fine-tuning" and count > MANY:
        each, why = 20, "there are many"
    if facts.tiny:
        each, most, why = 2 * each, 2 * most, "a small network needs more of them"
    shown = each * count
    if shown < least:
        shown, why = least, "fewer teach nothing"
    elif shown > most:
        shown, why = most, "more is rarely better"
    if facts.device == "cpu" and not facts.tiny and shown > ON_PROCESSOR:
        shown, why = ON_PROCESSOR, "a processor takes long for each"
    return shown, f"{pictures_text(facts.pictures)}, each shown about {round(shown / count)} times: {shown} in all, as {why}."


def rate(request: TrainingRequest, facts: Facts) -> tuple[float, str]:
    """The learning rate, and why."""
    name = request.optimizer.name
    if name == "Prodigy":
        return 1.0, "Prodigy finds its own rate and multiplies it by this."
    steps, devices = request.steps, request.devices
    at_once = steps.batch * steps.accumulation * devices.processes * devices.machines
    base, what = base_rate(request, facts)
    value, reason = base, f"{base:g} is usual for {what}"
    if at_once > 1 and request.makes != "embedding":
        value *= sqrt(at_once)
        reason += f", times the root of the {at_once} pictures of a step"
    if name == "Lion":
        value /= 5
        reason += ", a fifth of it for Lion, whose steps are all of one length"
    return float(f"{value:.2g}"), reason + "."


def base_rate(request: TrainingRequest, facts: Facts) -> tuple[float, str]:
    """AdamW's rate for one picture a step, and for what it is usual."""
    tiny = facts.tiny
    if request.makes == "embedding":
        return (5e-3, "an embedding of a small network") if tiny else (2e-3, "an embedding")
    if request.makes == "lora":
        family = {"LoKr": "LoKr", "LoHa": "LoHa"}.get(request.network.type, "a LoRA")
        return (1e-3, f"{family} of a small network") if tiny else (1e-4, family)
    if request.method == "DreamBooth":
        return (5e-5, "all of a small network") if tiny else (2e-6, "DreamBooth on a whole checkpoint")
    return (1e-4, "all of a small network") if tiny else (5e-6 if facts.family == "sdxl" else 1e-5, "a whole checkpoint")
