"""The faces of a picture in a person's order, which of them are meant, and the face to give to them."""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from PIL import Image

from modules.contract.errors import BadRequest
from modules.perception.found import Found, Pixels
from modules.perception.mesh import mesh_of, meshes, yaw

from .surface import Portrait
from .swapping import Source

Order = Literal["left to right", "right to left", "large to small", "small to large", "top to bottom"]
ORDERS: tuple[str, ...] = get_args(Order)
MOST_NUMBERS = 64
THUMBNAIL = 112  # pixels a side
AROUND = 0.25  # of a face's size, in its thumbnail


@dataclass(frozen=True)
class Pairs:
    """Which source face goes to which target face, by numbers from 0."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]

    def of(self, targets: int) -> list[tuple[int, int]]:
        """Source and target for each target that a picture with so many faces has; the sources begin anew when there are too few."""
        return [(self.sources[place % len(self.sources)], target) for place, target in enumerate(self.targets) if target < targets]


def numbers(text: str, label: str) -> tuple[int, ...]:
    """The numbers in "0,2,1". Raises BadRequest."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts) or len(parts) > MOST_NUMBERS:
        raise BadRequest(f"Face swap: {label} is '{text}'; it must be numbers from 0 with commas between them, such as 0,2,1.")
    return tuple(map(int, parts))


def in_order(image: Pixels, order: str, threshold: float, *, most: int = 0) -> list[Found]:
    """The faces of a picture (H, W, 3) that have a mesh, numbered from 0 by their place in the list. Raises NotSupported."""
    found = meshes(image, threshold)
    keys = {
        "left to right": lambda one: one.middle[0],
        "right to left": lambda one: -one.middle[0],
        "large to small": lambda one: -one.area,
        "small to large": lambda one: one.area,
        "top to bottom": lambda one: one.middle[1],
    }
    listed = sorted(found, key=keys[order])
    return listed[:most] if most else listed


def pixels_of(image: Image.Image) -> Pixels:
    """A picture as an array (H, W, 3), red first."""
    return np.array(image.convert("RGB"))


def sources_of(image: Pixels, wanted: Sequence[int], order: str, threshold: float) -> dict[int, Source]:
    """The faces of a source picture by their numbers. Raises BadRequest where one is not there."""
    found = in_order(image, order, threshold)
    if not found:
        raise BadRequest("Face swap: there is no face in the source picture.", "Take a larger one that looks into the camera.")
    for number in wanted:
        if number >= len(found):
            raise BadRequest(f"Face swap: the source picture has no face {number}; it has {len(found)}, which are numbered from 0.")
    return {number: source_of(image, found[number]) for number in set(wanted)}


def source_of(image: Pixels, face: Found) -> Source:
    """A face with its mirror image, in which the networks look for it again: what it shows there is the other half."""
    assert face.landmarks is not None
    straight = Portrait(image, face.landmarks)
    turned = mirrored_face(face, image.shape[1])
    again = mesh_of(np.ascontiguousarray(image[:, ::-1]), turned)
    return Source(straight, straight.mirrored(again.landmarks) if again and again.landmarks is not None else None)


def mirrored_face(face: Found, width: int) -> Found:
    """Where a face is in the mirror image of its picture; of its landmarks the eyes alone, the person's right one first."""
    assert face.landmarks is not None
    eyes = face.landmarks[[263, 33], :2] * np.array([-1, 1], np.float32) + np.array([width, 0], np.float32)
    left, top, right, bottom = face.box
    return Found(face.kind, (width - right, top, width - left, bottom), face.score, landmarks=eyes.astype(np.float32))


def described(image: Pixels, found: Sequence[Found]) -> list[dict[str, object]]:
    """Faces as the panel shows them: number, box, score, yaw in degrees, and a small picture as a `data:` address."""
    return [
        {
            "number": number,
            "box": [round(side, 1) for side in face.box],
            "score": round(face.score, 3),
            "yaw": round(yaw(face.landmarks)) if face.landmarks is not None else 0,
            "thumbnail": thumbnail(image, face),
        }
        for number, face in enumerate(found)
    ]


def thumbnail(image: Pixels, face: Found) -> str:
    """A face alone, small, as a `data:` address."""
    left, top, right, bottom = face.box
    margin = AROUND * max(right - left, bottom - top)
    box = (max(left - margin, 0), max(top - margin, 0), min(right + margin, image.shape[1]), min(bottom + margin, image.shape[0]))
    small = Image.fromarray(image).crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"
