"""Pictures with other faces: which way for which face, and what is to be said about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from modules.contract.errors import NotSupported
from modules.perception.found import Found, Mask, Pixels, hull_mask
from modules.perception.mesh import yaw
from modules.perception.mesh_points import OVAL

from .faces import Pairs, in_order
from .inswapper import Inswapper, network_files
from .swapping import Source, swapped

MOST_APART = 35.0  # degrees between the yaw of two faces, from which on one hides what the other shows
FRONTAL = 15.0  # of the source: it hides nothing
MOST_HIDDEN = 45.0  # of the source: beyond it the half that it hides cannot be made from the other
MOST_TURNED = 60.0  # of the target: beyond it there is no mesh worth the name

Turned = Literal["mirror", "leave"]
Method = Literal["mesh", "inswapper"]


class Wishes(Protocol):
    """What decides how faces are swapped."""

    @property
    def order(self) -> str: ...

    @property
    def threshold(self) -> float: ...

    @property
    def most(self) -> int: ...

    @property
    def mask_correction(self) -> bool: ...

    @property
    def turned(self) -> str: ...


@dataclass
class Swapped:
    """A picture after its faces were swapped: `done` are those whose face is another now; `warnings` why others are not."""

    image: Pixels
    done: list[Found] = field(default_factory=list[Found])
    warnings: list[str] = field(default_factory=list[str])

    def mask(self) -> Mask:
        """Where the swapped faces are, (H, W)."""
        height, width = self.image.shape[:2]
        mask = np.zeros((height, width), np.uint8)
        for face in self.done:
            assert face.landmarks is not None
            mask |= hull_mask(face.landmarks[list(OVAL)], width, height)
        return mask


def inswapper_in(models: Path) -> Inswapper:
    """The networks that a person has put into models/insightface. Raises NotSupported with what is missing."""
    return Inswapper(network_files(models / "insightface"))


def with_faces(
    image: Pixels, sources: Mapping[int, Source], pairs: Pairs, wishes: Wishes, inswapper: Inswapper | None = None
) -> Swapped:
    """A picture (H, W, 3) with the wanted faces in it. Raises NotSupported where faces cannot be found at all."""
    result = Swapped(image)
    found = in_order(image, wishes.order, wishes.threshold, most=wishes.most)
    if not found:
        result.warnings.append("Face swap: no face was found in the picture.")
        return result
    missing = [number for number in pairs.targets if number >= len(found)]
    if missing:
        listed = ", ".join(map(str, missing))
        result.warnings.append(f"Face swap: there is no face {listed} in the picture; it has {len(found)}, numbered from 0.")
    for source, target in pairs.of(len(found)):
        face = found[target]
        before = result.image
        if inswapper:
            result.image = inswapper.swapped(before, face, sources[source], mesh_mask=wishes.mask_correction)
        else:
            one = by_mesh(before, face, target, sources[source], wishes)
            result.image = one.image
            result.warnings += one.warnings
        if result.image is not before:
            result.done.append(face)
    return result


def by_mesh(image: Pixels, face: Found, number: int, source: Source, wishes: Wishes) -> Swapped:
    """A picture with one face swapped, or as it was with the reason."""
    assert face.landmarks is not None
    mine, theirs = source.turned, yaw(face.landmarks)
    result = Swapped(image)
    if abs(theirs) > MOST_TURNED:
        result.warnings.append(f"Face swap: face {number} is turned {abs(theirs):.0f} degrees away, too far for its features to be seen.")
        return result
    mirrored = halves = False
    if abs(mine - theirs) > MOST_APART:
        far = f"Face swap: face {number} looks {abs(mine - theirs):.0f} degrees away from where the source looks"
        if wishes.turned == "leave" or abs(mine) > MOST_HIDDEN:
            result.warnings.append(f"{far}, and was left as it is; up to {MOST_APART:.0f} look right.")
            return result
        mirrored = abs(-mine - theirs) < abs(mine - theirs) and source.other is not None
        halves = abs(mine) > FRONTAL and not (mirrored and abs(-mine - theirs) <= MOST_APART)
        how = "the source was mirrored" if mirrored else "its likeness suffers"
        how = "what the source hides is mirrored from its other half" if halves else how
        result.warnings.append(f"{far}; {how}.")
    result.image = swapped(image, face.landmarks, source, mirrored=mirrored, halves=halves, mesh_mask=wishes.mask_correction)
    return result


def demand(method: str, models: Path) -> Inswapper | None:
    """The networks of a method; None for the mesh. Raises NotSupported."""
    try:
        return inswapper_in(models) if method == "inswapper" else None
    except NotSupported as error:
        raise NotSupported(f"Face swap: {error.message}", error.hint) from None
