"""What the files of a training say of how they came to be, put together from its parts."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from modules.contract.services import ModelEntry
from modules.contract.training import TrainingRequest
from modules.datasets.captions import tags_of
from modules.families.base import Components
from modules.training.data.album import Pages
from modules.training.files.file_metadata import Made, metadata_of
from modules.training.runs.run_folder import RunFolder


@dataclass(frozen=True)
class Provenance:
    """A training's parts, as far as its files tell of them; called with a step it gives the texts of that step's file."""

    run: RunFolder
    request: TrainingRequest
    base: ModelEntry
    components: Components
    album: Pages
    legacy: str | None

    def __call__(self, step: int) -> Mapping[str, str]:
        """The metadata of the file of a step."""
        variant, album, side = self.components.variant, self.album, self.request.data.resolution
        made = Made(
            base=self.base.path,
            family=variant.family,
            prediction="v" if variant.prediction == "v" else "eps",
            step=step,
            epoch=album.epoch_of(step),
            pictures=album.pictures,
            resolution=(side, side),
            started=self.run.status().started or time.time(),
            finished=time.time(),
            base_title=self.base.name,
            base_sha256=self.base.sha256,
            base_legacy=self.legacy,
            zero_snr=variant.zero_snr or self.request.noise.zero_snr,
            class_pictures=len(album.classes),
            buckets={(size.width, size.height): count for size, count in album.buckets.items()},
            tags=tags(self.request, album),
            folder_counts=folder_counts(album),
            clip_skip=self.request.data.clip_skip,
            precision=str(self.components.dtype).removeprefix("torch."),
        )
        return metadata_of(self.request, made)


def tags(request: TrainingRequest, album: Pages) -> dict[str, dict[str, int]]:
    """How often each tag stands in the captions of a folder, by the folder's name."""
    found: dict[str, Counter[str]] = {}
    for index in album.trained:
        counter = found.setdefault(album.items[index].path.parent.name, Counter())
        counter.update(tags_of(album.captions.plain(index), request.data.separator))
    return {folder: dict(counter) for folder, counter in found.items()}


def folder_counts(album: Pages) -> dict[str, tuple[int, int]]:
    """How often each folder's pictures are shown, and how many there are."""
    counts: dict[str, tuple[int, int]] = {}
    for index in album.trained:
        item = album.items[index]
        repeats, count = counts.get(item.path.parent.name, (item.repeats, 0))
        counts[item.path.parent.name] = (repeats, count + 1)
    return counts
