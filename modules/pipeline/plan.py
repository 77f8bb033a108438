"""A request to batches: names resolved, seeds drawn, texts made ready, source pictures opened."""

import random
from dataclasses import dataclass

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, HiresPass, SeedVariation, SourceImage
from modules.imaging.inpainting import Prepared, prepare
from modules.imaging.opening import open_image
from modules.imaging.resize import Upscale, old_first_pass
from modules.pipeline.run import Prompts
from modules.prompts.grammar import without_comments
from modules.prompts.styles import StyleBook
from modules.prompts.tags import without_tags
from modules.sampling.registry import Choice, resolve, total_evaluations
from modules.sampling.schedules import img2img_steps
from modules.settings.groups import Settings

LARGEST_DRAWN_SEED = 4294967294


@dataclass(frozen=True)
class Texts:
    """The prompts of a request: as the infotext shows them, and as they are encoded."""

    shown: tuple[str, str]
    encoded: Prompts
    hires_shown: tuple[str, str]
    hires_encoded: Prompts

    def of(self, pictures: int) -> tuple[Prompts, Prompts, Prompts, Prompts]:
        """Shown, encoded, and those of the second pass, for each picture of a batch."""
        return (
            Prompts((self.shown[0],) * pictures, (self.shown[1],) * pictures, ()),
            Prompts(self.encoded.positive * pictures, self.encoded.negative * pictures, self.encoded.tags),
            Prompts((self.hires_shown[0],) * pictures, (self.hires_shown[1],) * pictures, ()),
            Prompts(self.hires_encoded.positive * pictures, self.hires_encoded.negative * pictures, self.hires_encoded.tags),
        )


@dataclass(frozen=True)
class Planned:
    """What all batches of a request share. `warnings` grows while they run; each is said once."""

    request: GenerationRequest
    settings: Settings
    choices: tuple[Choice, Choice]  # sampler and schedule of the first pass and of the second
    texts: Texts
    prepared: Prepared | None  # source pictures and masks; None: txt2img
    face_restorer: str | None
    warnings: list[str]


def strength_of(request: GenerationRequest) -> float | None:
    """The denoising strength of img2img or of the second pass; None for a plain request."""
    if request.source:
        return request.source.strength
    return request.hires.strength if request.hires else None


def texts_of(request: GenerationRequest, settings: Settings, styles: StyleBook) -> Texts:
    """The texts of a request: styles in, then comments out, then network tags out. Raises NotFound for an unknown style."""

    def styled(prompt: str, negative: str) -> tuple[str, str]:
        both = styles.apply(prompt, request.styles), styles.apply_negative(negative, request.styles)
        if settings.model.prompt_comments:
            return without_comments(both[0]), without_comments(both[1])
        return both

    def encoded(shown: tuple[str, str]) -> Prompts:
        if not request.networks:
            return Prompts((shown[0],), (shown[1],), ())
        prompt, tags = without_tags(shown[0])
        return Prompts((prompt,), (shown[1],), tuple(tags))

    hires = request.hires or HiresPass()
    shown = styled(request.prompt, request.negative_prompt)
    hires_shown = styled(hires.prompt or request.prompt, hires.negative_prompt or request.negative_prompt)
    return Texts(shown, encoded(shown), hires_shown, encoded(hires_shown))


def seeds_of(request: GenerationRequest, batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seeds and variation seeds of a batch: the seed is one more for each picture, or with a variation the second seed alone."""
    numbers = [batch * request.batch_size + index for index in range(request.batch_size)]
    variation = request.variation or SeedVariation(seed=0)
    varied = variation.strength != 0
    return (
        tuple(request.seed + (0 if varied else number) for number in numbers),
        tuple(variation.seed + number for number in numbers),
    )


def drawn(request: GenerationRequest) -> GenerationRequest:
    """The request with its seeds drawn where they were left to chance."""
    variation = request.variation or SeedVariation()
    if variation.seed == -1:
        variation = SeedVariation(seed=random.randrange(LARGEST_DRAWN_SEED), strength=variation.strength)
    seed = random.randrange(LARGEST_DRAWN_SEED) if request.seed == -1 else request.seed
    return request.replace(seed=seed, variation=variation)


def with_old_hires_size(request: GenerationRequest, settings: Settings) -> GenerationRequest:
    """The request with its size as the second pass's, where the settings want it as before A1111 1.0; the first pass then is smaller."""
    hires = request.hires
    if hires is None or not settings.compatibility.old_hires_size or hires.size != (0, 0):
        return request
    return request.replace(size=old_first_pass(request.size), hires=hires.model_copy(update={"size": request.size}))


def choices_of(request: GenerationRequest) -> tuple[Choice, Choice]:
    """Sampler and schedule of the first pass and of the second. Raises NotFound."""
    choice = resolve(request.sampler, request.schedule)
    hires = request.hires
    if hires is None:
        return choice, choice
    return choice, resolve(hires.sampler or request.sampler, hires.schedule or request.schedule)


def calls_of(request: GenerationRequest, settings: Settings) -> int:
    """How often the network will be asked in one batch: the count that progress is measured in."""
    choice, second = choices_of(request)
    hires = request.hires
    if request.source:
        calls = calls_from(choice, request.steps, request.source.strength, exact=settings.img2img.exact_steps)
    else:
        calls = 0 if hires and hires.first else total_evaluations(choice, request.steps)
    if hires:
        calls += calls_from(second, hires.steps or request.steps, hires.strength, exact=True)
    return calls


def calls_from(choice: Choice, steps: int, strength: float, *, exact: bool) -> int:
    """How often the network is asked in a pass over a source picture."""
    _, encoded = img2img_steps(steps, strength, exact=exact)
    return total_evaluations(choice, max(encoded + 1, 1))


def prepared_source(source: SourceImage, request: GenerationRequest, settings: Settings, upscale: Upscale | None) -> Prepared:
    """The source pictures of a request with their masks. Raises BadRequest for what is no picture."""
    pictures = [open_image(data, name="The source picture") for data in source.pictures]
    latent_mask = open_image(source.latent_mask, name="The latent mask") if source.latent_mask else None
    if len(pictures) not in (1, request.batch_size):
        raise BadRequest(
            f"There are {len(pictures)} source pictures for batches of {request.batch_size}.", "Give one, or one for each picture."
        )
    return prepare(
        pictures,
        source.inpaint,
        source.resize,
        request.size,
        background=settings.img2img.background,
        upscale=upscale,
        latent_mask=latent_mask,
    )
