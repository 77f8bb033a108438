"""What a difference in one setting can do to a picture, in plain words. The one table of it."""

from typing import Literal, NamedTuple

Strength = Literal["another", "details", "slight", "none"]


class Effect(NamedTuple):
    """How much a label's difference can change: another picture altogether, details of the same one, hardly anything, nothing."""

    strength: Strength
    why: str


SEED = Effect("another", "The noise that the picture begins with is another one.")
PROMPT = Effect("another", "The words steer what is drawn.")
MODEL = Effect("another", "Another model draws the same words in its own way.")
NOISE = Effect("another", "The same seed gives other noise with it.")
SAMPLER = Effect("another", "Each sampler takes another way from noise to picture; ancestral ones never end at the same place.")
STEPS = Effect("details", "More or fewer steps refine the picture; with ancestral samplers they change it altogether.")
SIZE = Effect("another", "Noise of another size has nothing in common with this one.")
NETWORK = Effect("another", "The network behind this name is another file, or has another weight.")
VAE = Effect("details", "The VAE turns the result into pixels: colours and fine detail change, the composition stays.")
GUIDANCE = Effect("another", "It is how strictly the prompt is followed; small changes keep the composition, large ones do not.")
TEXT = Effect("another", "The prompt is read in another way.")
SOURCE = Effect("another", "It is how much of the first picture stays, or which picture that was.")
MASK = Effect("another", "Another part of the picture was drawn anew, or out of something else.")
SECOND = Effect("details", "It is about the second pass: detail and sharpness change more than the composition.")
PRECISION = Effect("slight", "It changes how exactly is computed.")
SPEED = Effect("slight", "It saves time and changes small details.")
AFTER = Effect("details", "It was done to the finished picture.")
VERSION = Effect("slight", "Another program or version may compute slightly differently.")
NOTHING = Effect("none", "It only tells of the picture.")
SAME_MODEL = Effect("none", "Only the name differs: the hash is the same, so it is the same model.")
SAME_WORDS = Effect("details", "The same words in another order: the first ones weigh a little more.")
BLANKS = Effect("none", "Only blanks and line breaks differ.")
UNKNOWN = Effect("details", "An extension or another program wrote it; what it does is not known here.")

EFFECTS: dict[str, Effect] = {
    "Prompt": PROMPT, "Negative prompt": PROMPT, "Seed": SEED, "Variation seed": SEED, "Variation seed strength": SEED,
    "Seed resize from": SEED, "Model": MODEL, "Model hash": MODEL, "RNG": NOISE, "ENSD": NOISE, "Sampler": SAMPLER,
    "Schedule type": SAMPLER, "Steps": STEPS, "Size": SIZE, "Lora hashes": NETWORK, "TI hashes": NETWORK, "Hypernet": NETWORK,
    "Hypernet hash": NETWORK, "Hypernet strength": NETWORK, "VAE": VAE, "VAE hash": VAE, "VAE Encoder": VAE, "VAE Decoder": VAE,
    "CFG scale": GUIDANCE, "Image CFG scale": GUIDANCE, "Clip skip": TEXT, "Emphasis": TEXT, "Old prompt editing timelines": TEXT,
    "Denoising strength": SOURCE, "Init image hash": SOURCE, "Conditional mask weight": SOURCE, "Noise multiplier": SOURCE,
    "Extra noise": SOURCE, "Refiner": MODEL, "Refiner switch at": MODEL, "Refiner switch by sampling steps": MODEL, "Tiling": NOISE,
    "Eta": SAMPLER, "Eta DDIM": SAMPLER, "NGMS": SPEED, "NGMS all steps": SPEED, "Skip Early CFG": SPEED, "FP8 weight": PRECISION,
    "Cache FP16 weight for LoRA": PRECISION, "Downcast alphas_cumprod": PRECISION, "Pad conds": PRECISION, "Pad conds v0": PRECISION,
    "Noise Schedule": SAMPLER, "SGM noise multiplier": SAMPLER, "Discard penultimate sigma": SAMPLER, "Face restoration": AFTER,
    "Version": VERSION, "User": NOTHING, "Batch size": PRECISION, "Batch pos": PRECISION,
}  # fmt: skip
BEGINNINGS: tuple[tuple[str, Effect], ...] = (
    ("Hires", SECOND), ("Mask", MASK), ("Inpaint", MASK), ("Soft inpainting", MASK), ("Token merging", SPEED), ("Hypertile", SPEED),
    ("Sigma ", SAMPLER), ("Schedule ", SAMPLER), ("Beta sched", SAMPLER), ("UniPC", SAMPLER), ("Postprocess", AFTER), ("GFPGAN", AFTER),
    ("CodeFormer", AFTER), ("AddNet", NETWORK),
)  # fmt: skip


def effect_of(label: str) -> Effect:
    """What a difference in the value of a label can do."""
    if label in EFFECTS:
        return EFFECTS[label]
    return next((effect for beginning, effect in BEGINNINGS if label.startswith(beginning)), UNKNOWN)
