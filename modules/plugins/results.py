"""What drivers make of the results of several generations."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from PIL.Image import Image, Resampling

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, SourceImage
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging import metadata
from modules.imaging.resize import resampled
from modules.imaging.tiles import Grid, combine
from modules.infotext.write import quoted

END = ", Version: "  # further pairs stand before it


def with_pairs(infotext: str, pairs: Mapping[str, object]) -> str:
    """An infotext with further pairs at the end of its last line, before the version."""
    if not pairs:
        return infotext
    text = ", ".join(f"{key}: {quoted(value)}" for key, value in pairs.items())
    start, line = infotext[: infotext.rfind("\n") + 1], infotext[infotext.rfind("\n") + 1 :]
    before, version, after = line.rpartition(END)
    return f"{start}{before}, {text}{version}{after}" if version else f"{start}{line}, {text}"


def without_pairs(infotext: str, keys: Iterable[str]) -> str:
    """An infotext without the pairs of some keys in its last line."""
    start, line = infotext[: infotext.rfind("\n") + 1], infotext[infotext.rfind("\n") + 1 :]
    for key in keys:
        line = re.sub(rf'(^|, ){re.escape(key)}: ("(?:\\.|[^"\\])*"|[^,]*)', "", line)
    return start + line.removeprefix(", ")


def composed(
    image: Image,
    like: GeneratedImage,
    *,
    infotext: str | None = None,
    path: str | None = None,
    kind: Literal["picture", "grid"] = "picture",
) -> GeneratedImage:
    """A picture put together from others, described as one of them is."""
    return replace(like, image=image, infotext=like.infotext if infotext is None else infotext, path=path, kind=kind)


def put_together(
    grid: Grid, cut: Sequence[Image], painted: Mapping[int, GeneratedImage], keep: Callable[[Image, str], str | None]
) -> GeneratedImage:
    """The tiles of a grid as one picture, described as the first painted one is; a tile that was not painted stays as it was `cut`.

    `keep` saves a picture with its infotext and answers with the path.
    """
    found = [painted[index].image if index in painted else tile for index, tile in enumerate(cut)]
    fitting = [tile if tile.size == grid.tile else resampled(tile, grid.tile, Resampling.LANCZOS) for tile in found]
    first = painted[min(painted)]
    image = combine(fitting, grid)
    return composed(image, first, path=keep(image, first.infotext))


def pictures(result: GenerationResult) -> list[GeneratedImage]:
    """A result's pictures without the grids and masks that came with them."""
    return [image for image in result.images if image.kind == "picture"]


def gathered(
    results: Sequence[GenerationResult], images: Sequence[GeneratedImage], *, grids: int = 0, info: Mapping[str, Any] | None = None
) -> GenerationResult:
    """One result for several: `images`, of which the first are `grids`, with the facts of the first result.

    `info` are keys of A1111's answer that the pictures do not tell as it would.
    """
    lists = {**told(images[grids:]), "index_of_first_image": grids, **(info or {})}
    warnings = tuple(dict.fromkeys(text for result in results for text in result.warnings))
    return GenerationResult(
        images=tuple(images),
        warnings=warnings,
        seconds=sum(result.seconds for result in results),
        interrupted=any(result.interrupted for result in results),
        details={**(results[0].details if results else {}), "index_of_first_image": grids, "info": lists},
    )


def told(images: Sequence[GeneratedImage]) -> dict[str, Any]:
    """What A1111's answer lists of pictures."""
    return {
        "all_prompts": [image.prompt for image in images],
        "all_negative_prompts": [image.negative_prompt for image in images],
        "all_seeds": [image.seed for image in images],
        "all_subseeds": [image.variation_seed for image in images],
    }


def source_of(request: GenerationRequest) -> SourceImage:
    """What a request starts from. Raises BadRequest for txt2img."""
    if request.source is None:
        raise BadRequest("This works on a picture, and txt2img has none.", "Use it in img2img.")
    return request.source


def as_source(image: Image) -> bytes:
    """A picture as requests carry it, nothing lost."""
    return metadata.encode(image, format="png", infotext=None)
