"""img2img over many pictures: each becomes a request of its own, all of them one job."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.contract.batch import BatchRequest
from modules.contract.errors import BadRequest, WebuiError
from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.metadata import read_info
from modules.imaging.opening import open_image
from modules.infotext import infotext_of, request_values
from modules.pipeline.drive import PipelineDrive

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif"}
LATENT = 8  # sizes are multiples of it
# What of a picture's infotext may replace the request's -> our field; the prompts are appended instead.
REPLACED = {"Seed": "seed", "CFG scale": "guidance", "Sampler": "sampler", "Steps": "steps"}


@dataclass(frozen=True)
class Item:
    """One picture of a batch with its name; its bytes are read when its turn comes."""

    name: str
    data: bytes | None = None
    path: Path | None = None

    def read(self) -> bytes:
        """The file's bytes. Raises OSError."""
        return self.data if self.data is not None else (self.path or Path()).read_bytes()


def run_batch(pipeline: "PipelineManager", batch: BatchRequest, report: Reporter) -> GenerationResult:
    """All pictures of a batch in one result. A picture that fails is left out with a warning.

    Raises BadRequest for folders that are not there and for a batch without pictures, Cancel.
    """
    found = items(batch)
    masks = masks_of(batch)
    drive = PipelineDrive(pipeline, batch.request, report)
    report.start(len(found) * pipeline.steps_of(batch.request))
    drive.announced = True
    images: list[GeneratedImage] = []
    warnings: list[str] = []
    details: dict[str, Any] = {}
    interrupted = False
    seconds = 0.0
    for item in found:
        try:
            request = request_for(item, batch, masks)
            if request is None:
                continue
            result = drive.generate(pipeline.check(request))
        except (WebuiError, OSError) as error:
            warnings.append(f"{item.name} was left out: {error}")
            report.warn(warnings[-1])
            continue
        images += result.images
        warnings += [text for text in result.warnings if text not in warnings]
        details, seconds = result.details, seconds + result.seconds
        if result.interrupted:
            interrupted = True
            break
    return GenerationResult(tuple(images), tuple(warnings), seconds, interrupted, details)


def items(batch: BatchRequest) -> list[Item]:
    """The pictures of a batch, those of a folder by name. Raises BadRequest."""
    if batch.pictures:
        return [Item(one.name or f"picture {number + 1}", data=one.data) for number, one in enumerate(batch.pictures)]
    found = [Item(path.name, path=path) for path in pictures_in(batch.folder, "Input directory")]
    if not found:
        raise BadRequest(f"There are no pictures in {batch.folder!r}.", f"Their names end in {', '.join(sorted(SUFFIXES))}.")
    return found


def pictures_in(folder: str, label: str) -> list[Path]:
    """The pictures of a folder of this machine. Raises BadRequest."""
    path = Path(folder)
    if not path.is_absolute() or not path.is_dir():
        raise BadRequest(f"{label} is {folder!r}; it must be the whole path of a folder of the machine that the program runs on.")
    return sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())


def masks_of(batch: BatchRequest) -> dict[str, Path] | None:
    """The masks by the names of their pictures; "" is the mask of all. None: nothing is masked. Raises BadRequest."""
    if not batch.masks_folder:
        return None
    found = pictures_in(batch.masks_folder, "Inpaint batch mask directory")
    if not found:
        raise BadRequest(f"There are no masks in {batch.masks_folder!r}.")
    return {"": found[0]} if len(found) == 1 else {path.stem: path for path in found}


def request_for(item: Item, batch: BatchRequest, masks: dict[str, Path] | None) -> GenerationRequest | None:
    """A picture's own request; None if it has no mask where the others have one. Raises BadRequest, OSError."""
    stem, data = Path(item.name).stem, item.read()
    mask = None
    if masks is not None:
        path = masks.get("") or masks.get(stem)
        if path is None:
            return None
        mask = Inpaint(mask=path.read_bytes(), **batch.inpaint)
    changes: dict[str, Any] = {"source": SourceImage(pictures=(data,), inpaint=mask, name=item.name, **batch.source)}
    if batch.scale:
        width, height = open_image(data).size
        changes["size"] = Size(*(max(LATENT, int(side * batch.scale) // LATENT * LATENT) for side in (width, height)))
    if batch.output_folder:
        own = {"outdir_img2img_samples": batch.output_folder, "save_to_dirs": False, "samples_filename_pattern": stem}
        changes["settings"] = {**batch.request.settings, **own}
    if batch.infotext:
        changes |= taken(batch, item, data)
    return batch.request.replace(**changes)


def taken(batch: BatchRequest, item: Item, data: bytes) -> dict[str, Any]:
    """What a picture's infotext, or that of its namesake in the folder of infotexts, changes in the request."""
    if batch.infotext_folder:
        stem = Path(item.name).stem
        twin = next((path for path in pictures_in(batch.infotext_folder, "PNG info directory") if path.stem == stem), None)
        if twin is None:
            return {}
        data = twin.read_bytes()
    image = open_image(data)
    info = read_info(image)
    values, settings = request_values(infotext_of(info.infotext, info.items, image.size))
    changes = {field: values[field] for label, field in REPLACED.items() if label in batch.taken and field in values}
    for label, field in (("Prompt", "prompt"), ("Negative prompt", "negative_prompt")):
        if label in batch.taken and values.get(field):
            changes[field] = ", ".join(part for part in (getattr(batch.request, field), values[field]) if part)
    if "Model hash" in batch.taken and "sd_model_checkpoint" in settings:
        changes["checkpoint"] = settings["sd_model_checkpoint"]
    return changes
