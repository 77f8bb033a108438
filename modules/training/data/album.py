"""The data, ready to be trained on: pictures as latents, captions as they are shown, in the order of the plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.contract.request import Size
from modules.contract.training import TrainingRequest
from modules.datasets.buckets import Rules, bucket_of
from modules.datasets.duplicates import alike
from modules.datasets.scan import Item, Scan
from modules.families.base import Components
from modules.training.data import class_pictures
from modules.training.data.captions import Captions, text_options
from modules.training.data.class_pictures import Tell
from modules.training.data.latent_cache import Fit, LatentCache, exact_vae
from modules.training.data.masks import weights
from modules.training.data.plan import Plan, chance, share
from modules.training.data.text_cache import TextCache
from modules.training.parts import Batch
from modules.training.runs.run_folder import RunFolder
from modules.training.runs.tried import planned_batch

FEWEST_TO_HOLD_OUT = 8
PROBED = 8
OWN_RESOLUTION = {"sd1": 512, "sd2": 768, "sdxl": 1024, "sdxl-refiner": 1024}


class Ranks(Protocol):
    """The processes of a training: which this one is, of how many, and a place where all wait for each other."""

    @property
    def rank(self) -> int: ...

    @property
    def world(self) -> int: ...

    def wait(self) -> None: ...


class Alone:
    """The only process."""

    rank = 0
    world = 1

    def wait(self) -> None:
        """Nobody to wait for."""


ALONE = Alone()


def make_album(
    request: TrainingRequest,
    components: Components,
    folder: RunFolder,
    scanned: Scan,
    tell: Tell,
    *,
    text_trained: bool = False,
    ranks: Ranks = ALONE,
) -> "Pages":
    """The album of a request whose values are decided, everything encoded that is to be kept, each process its share.

    Class pictures must be there (`class_pictures.made`). `tell` is told between pictures how far it is and may raise; what is done by
    then stays done. Raises BadRequest where nothing is left to train on.
    """
    pages = Pages(request, components, folder, scanned, text_trained=text_trained, shared=ranks.world > 1)
    pages.keep_latents(tell, ranks)
    ranks.wait()
    pages.keep_texts(tell, ranks)
    ranks.wait()
    return pages


class Pages:
    """The Album of `parts`. Which pictures a step shows depends on the request alone, not on how many processes there really are."""

    def __init__(
        self, request: TrainingRequest, components: Components, folder: RunFolder, scanned: Scan, *, text_trained: bool, shared: bool
    ) -> None:
        data = request.data
        self.request, self.components, self.text_trained = request, components, text_trained
        trained, held_out = divided(scanned.usable, data.held_out_share)
        if not trained:
            raise BadRequest("There are no pictures to train on.", "Give a folder with pictures that is not held out.")
        self.items = [*trained, *held_out, *class_pictures.known(request, folder)]
        self.trained = range(len(trained))
        self.held_out = range(len(trained), len(trained) + len(held_out))
        self.classes = range(len(trained) + len(held_out), len(self.items))
        rules = Rules.of(data, OWN_RESOLUTION[components.variant.family])
        self.fits = [Fit(item, bucket_of(item.size, rules)) for item in self.items]
        self.captions = Captions(request, [self.items[index] for index in (*self.trained, *self.held_out)])
        on_disk = data.cache_latents == "disk" or (data.cache_latents == "memory" and shared)
        kept = folder.cache / "latents" if on_disk else None
        self.latents = LatentCache(components, data, self.fits, kept, keep=data.cache_latents != "off")
        keep_texts = data.cache_texts and not text_trained
        self.texts = TextCache(components, text_options(request), folder.cache / "texts") if keep_texts else None
        self.finite = True
        devices = request.devices
        planned = planned_batch(folder, request)
        unit = planned * devices.processes * devices.machines
        self.plan = Plan(request.steps.seed, "pictures", self.grouped(self.trained), unit)
        self.class_plan = Plan(request.steps.seed, "class", self.grouped(self.classes), unit)
        self.units = request.steps.batch * request.steps.accumulation // planned  # of a step
        self.per_step = unit * self.units

    def grouped(self, indices: Sequence[int]) -> list[list[int]]:
        """Pictures by the size that they are trained at, each as often as it is repeated."""
        groups: dict[Size, list[int]] = {}
        for index in indices:
            groups.setdefault(self.fits[index].size, []).extend([index] * self.items[index].repeats)
        return [groups[size] for size in sorted(groups)]

    # What is kept

    def keep_latents(self, tell: Tell, ranks: Ranks = ALONE) -> None:
        """Encode this process's share of the pictures that are not kept yet."""
        alone = self.latents.store.folder is None
        missing = [entry for entry in self.latents.missing() if alone or entry[0] % ranks.world == ranks.rank]
        with exact_vae(self.components):
            for done, entry in enumerate(missing):
                tell("latents", done, len(missing))
                self.latents.get(*entry)
        if missing:
            tell("latents", len(missing), len(missing))

    def keep_texts(self, tell: Tell, ranks: Ranks = ALONE) -> None:
        """Encode this process's share of the texts that are not kept yet, as far as they can be known before."""
        if self.texts is None:
            return
        texts = [self.request.prior.prompt] if self.classes else []
        for index in (*self.trained, *self.held_out):
            shown = self.captions.all_shown(index)
            self.finite = self.finite and shown is not None
            texts += [self.captions.plain(index), *(shown or ())]
        mine = list(dict.fromkeys(texts))[ranks.rank :: ranks.world]
        missing = self.texts.missing(mine)
        for done, text in enumerate(missing):
            tell("texts", done, len(missing))
            self.texts.entry(text, file=True)
        if missing:
            tell("texts", len(missing), len(missing))

    @property
    def needs_text(self) -> bool:
        """Whether text encoders are needed while training: their place is free where all texts are kept."""
        return self.texts is None or not self.finite

    @property
    def needs_vae(self) -> bool:
        """Whether the VAE is needed while training."""
        return not self.latents.keep

    # What it says of itself

    @property
    def pictures(self) -> int:
        """How many are trained on, repeats not counted."""
        return len(self.trained)

    @property
    def epoch_steps(self) -> int:
        """How many steps show everything once (each as often as its repeats say)."""
        return -(-self.plan.shown // self.per_step)

    def epoch_of(self, step: int) -> int:
        """Which epoch a step (0-based) belongs to, counted from 0."""
        return step * self.per_step // self.plan.shown

    @property
    def files(self) -> list[Path]:
        """The files that `Batch.files` counts."""
        return [item.path for item in self.items]

    @property
    def buckets(self) -> Mapping[Size, int]:
        """How many pictures are trained at each size, repeats not counted."""
        sizes = [self.fits[index].size for index in self.trained]
        return {size: sizes.count(size) for size in sorted(set(sizes))}

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What decides the training, by picture: it goes on only with the same. Class pictures, which are made, are not among them."""
        found: dict[str, str] = {}
        for index in (*self.trained, *self.held_out):
            item = self.items[index]
            mask = item.mask_facts.digest if item.mask_facts else ""
            state = (item.digest, item.caption, mask, item.repeats, self.fits[index].size, index in self.held_out)
            found[item.name] = sha256(repr(state).encode()).hexdigest()[:16]
        return found

    # What is shown

    def batches(self, step: int, rank: int, world: int) -> Sequence[Batch]:
        """The batches of a step (0-based) for one of `world` processes. Class pictures' come behind, with slots from `per_step` on."""
        count, size = self.units, self.request.steps.batch
        units = [self.plan.at(step * count + number) for number in range(count)]
        found = [self.batch(entries, slots, step) for entries, slots in share(units, size, rank, world)]
        if self.classes:
            units = [self.class_plan.at(step * count + number) for number in range(count)]
            for entries, slots in share(units, size, rank, world):
                found.append(self.batch(entries, [self.per_step + slot for slot in slots], step))
        return found

    def probe(self, held_out: bool) -> Sequence[Batch]:
        """Up to 8 pictures that are trained on, or not: always the same ones, upright, with their captions as they are."""
        indices = self.held_out if held_out else self.trained
        chosen = sorted(indices, key=lambda index: self.items[index].digest)[:PROBED]
        return [self.batch(part, [chosen.index(index) for index in part], None) for part in self.parted(chosen)]

    def with_and_without_captions(self, rank: int, world: int) -> Iterator[tuple[Batch, Batch]]:
        """One process's share of all pictures that are trained on, upright: each batch with its captions as they are, and with none."""
        for part in self.parted(self.trained)[rank::world]:
            page = self.batch(part, list(range(len(part))), None)
            none = ("",) * len(part)
            context, pooled = (None, None) if self.texts is None else self.texts.get(none)
            yield page, replace(page, captions=none, context=context, pooled=pooled)

    def parted(self, indices: Sequence[int]) -> list[list[int]]:
        """Pictures in batches of one size each."""
        sizes: dict[Size, list[int]] = {}
        for index in indices:
            sizes.setdefault(self.fits[index].size, []).append(index)
        most = self.request.steps.batch
        return [group[start : start + most] for group in sizes.values() for start in range(0, len(group), most)]

    def largest(self) -> Sequence[Batch]:
        """A step's first batch as large as any that comes: of the size with the most pixels."""
        largest = max(
            (*self.trained, *self.classes), key=lambda index: (self.fits[index].size.width * self.fits[index].size.height, -index)
        )
        count = self.request.steps.batch
        return [self.batch([largest] * count, list(range(count)), 0)]

    def batch(self, entries: Sequence[int], slots: Sequence[int], step: int | None) -> Batch:
        """Pictures of one size at slots of a step; `step` None: as they are, for the probe."""
        seed, device = self.request.steps.seed, self.components.device
        flips = [step is not None and self.request.data.flip and chance(seed, "mirror", step, slot) < 0.5 for slot in slots]
        found = [self.latents.get(index, flip) for index, flip in zip(entries, flips, strict=True)]
        captions = tuple(self.caption(index, step, slot) for index, slot in zip(entries, slots, strict=True))
        context, pooled = (None, None) if self.texts is None else self.texts.get(captions)
        items = [self.items[index] for index in entries]
        size = self.fits[entries[0]].size
        prior = self.request.prior.weight
        return Batch(
            latents=torch.stack([one.values for one in found]).to(device),
            captions=captions,
            context=context,
            pooled=pooled,
            sizes=[(item.size.height, item.size.width) for item in items],
            crops=[one.crop for one in found],
            targets=[(size.height, size.width)] * len(items),
            mask=self.mask([one.mask for one in found], size),
            weight=torch.tensor([prior if index in self.classes else 1.0 for index in entries], device=device),
            slots=list(slots),
            files=list(entries),
        )

    def caption(self, index: int, step: int | None, slot: int) -> str:
        """What a picture is called at a slot of a step."""
        if index in self.classes:
            return self.request.prior.prompt
        return self.captions.plain(index) if step is None else self.captions.shown(index, step, slot)

    def mask(self, masks: Sequence[Tensor | None], size: Size) -> Tensor | None:
        """The loss's weights of a batch, (B, 1, h, w); None where all of every picture counts."""
        if all(mask is None for mask in masks):
            return None
        step = self.components.latents.downscale
        whole = torch.ones(1, size.height // step, size.width // step)
        parts = [(whole if mask is None else mask).to(self.components.device) for mask in masks]
        return weights(torch.stack(parts), self.request.data.unmasked_weight)


def divided(items: Sequence[Item], share: float) -> tuple[list[Item], list[Item]]:
    """Pictures to train on, and those held out: of the folders that say so, and by lot a share of the rest where there are 8 or more.

    The lot is the pictures' content, so that the same are held out in every training; pictures that look alike stay together, or the
    loss on the held-out ones would be that on the others.
    """
    given = [item for item in items if item.held_out]
    rest = [item for item in items if not item.held_out]
    if given or len(rest) < FEWEST_TO_HOLD_OUT or not share:
        return rest, given
    groups = alike(rest)
    alone = {item.name for item in rest} - {item.name for group in groups for item in group}
    groups += [[item] for item in rest if item.name in alone]
    wanted = max(1, round(share * len(rest)))
    chosen: set[str] = set()
    for group in sorted(groups, key=lambda group: min(item.digest for item in group)):
        if len(chosen) + len(group) <= wanted:
            chosen |= {item.name for item in group}
    return [item for item in rest if item.name not in chosen], [item for item in rest if item.name in chosen]
