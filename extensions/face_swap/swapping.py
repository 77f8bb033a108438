"""A face laid over another one by their meshes: no network, some tenths of a second. The target's shape and light stay."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.perception.found import Mask, Pixels, Points, box_of, hull_mask
from modules.perception.mesh import yaw
from modules.perception.mesh_points import LEFT_BROW, LEFT_EYE, LIPS, OVAL, RIGHT_BROW, RIGHT_EYE

from .surface import Portrait, facing, numbered, places, triangles_of

MARGIN = 0.35  # of the face's size, around it: what the blending needs to see
ERODED = 0.03  # of the face's width: the mesh's edge lies on hair and background
FEATHER = 0.05
SHADING = 0.22  # of the face's width: what varies more slowly is light, and stays the target's
KEPT = 0.75  # how much of that light is the target's
SPREAD = (0.6, 1.5)  # how far the contrast of the lightness may be changed

RIGHT_CHEEK, LEFT_CHEEK = (117, 50, 205, 36, 101, 118), (346, 280, 425, 266, 330, 347)  # points of the mesh
NOSE = (6, 48, 115, 98, 2, 327, 344, 278)
FEW_PIXELS = 12
STRANGE = 1.6  # of the usual distance from the cheeks' colour
SHARPER = 1.4  # than the target's edges
SOFTNESS = (0.0, 0.5, 0.8, 1.2, 1.8, 2.7, 4.0)  # pixels of blur that are tried

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """A face to give to others. `other` is the same face as in a mirror: for the half that the photograph does not show.

    It is None where the face is not found in the mirror, as one that is seen from the side may not be.
    """

    straight: Portrait
    other: Portrait | None

    @property
    def turned(self) -> float:
        """Its yaw in degrees."""
        return yaw(self.straight.points)


def swapped(
    image: Pixels, points: Points, source: Source, *, mirrored: bool = False, halves: bool = False, mesh_mask: bool = True
) -> Pixels:
    """A picture (H, W, 3) whose face with this mesh (468, 3) has the source's features. Everything else stays byte for byte.

    `mirrored` uses the source as in a mirror; `halves` takes from each of the two what it shows better. Without `mesh_mask` the face is
    laid into its oval's surroundings, too.
    """
    left, top, right, bottom = window(points)
    local = padded(image, left, top, right, bottom)
    moved = points - np.array([left, top, 0], np.float32)
    triangles = triangles_of(moved)
    height, width = local.shape[:2]
    seen = numbered(moved, triangles, width, height)
    other = source.other or source.straight
    portraits = (other, source.straight) if mirrored else (source.straight, other)
    face = warped(portraits[0], moved, triangles, seen)
    if halves:
        one, two = (np.clip(facing(each.points, triangles), 0.02, 1) ** 3 for each in portraits)
        share = places(moved, triangles, seen, (one / (one + two))[:, None].astype(np.float32))
        share = np.asarray(cv2.GaussianBlur(share[..., 0], (0, 0), max(face_width(moved) * 0.03, 0.5)), np.float32)[..., None]
        face = np.asarray(share * face + (1 - share) * warped(portraits[1], moved, triangles, seen), np.float32)
    mask = face_mask(moved, seen, width, height, exact=mesh_mask)
    if not mask.any():
        return image
    size = face_width(moved)
    if mesh_mask:
        hidden = np.maximum(not_skin(face, moved, mask), not_skin(local.astype(np.float32), moved, mask))
        mask = np.where(hidden > 0, 0, mask).astype(np.uint8)
    lit = relit(as_sharp(face, local, mask), local, mask, size)
    blended = laid_in(lit, local, mask, size)
    result = image.copy()
    inside = slice(max(top, 0), min(bottom, image.shape[0])), slice(max(left, 0), min(right, image.shape[1]))
    rows, columns = slice(inside[0].start - top, inside[0].stop - top), slice(inside[1].start - left, inside[1].stop - left)
    result[inside] = blended[rows, columns]
    return result


def window(points: Points) -> tuple[int, int, int, int]:
    """The part of the picture to work on: left, top, right, bottom; may reach beyond the picture."""
    left, top, right, bottom = box_of(points)
    margin = MARGIN * max(right - left, bottom - top) + 4
    return int(left - margin), int(top - margin), int(right + margin), int(bottom + margin)


def padded(image: Pixels, left: int, top: int, right: int, bottom: int) -> Pixels:
    """A part of a picture; its edge goes on where the part reaches beyond it."""
    height, width = image.shape[:2]
    rows, columns = np.clip(np.arange(top, bottom), 0, height - 1), np.clip(np.arange(left, right), 0, width - 1)
    return np.ascontiguousarray(image[rows][:, columns])


def face_width(points: Points) -> float:
    """From side to side of a face seen from the front, in pixels."""
    return float(np.linalg.norm(points[454] - points[234]))


def warped(portrait: Portrait, points: Points, triangles: NDArray[np.int64], seen: NDArray[np.int32]) -> Values:
    """The portrait's face on the mesh of another, (h, w, 3); it is brought to that one's size first, so that nothing flickers."""
    scale = face_width(points) / max(face_width(portrait.points), 1.0)
    near = portrait.scaled(scale) if scale < 1 else portrait
    where = places(points, triangles, seen, near.points[:, :2])
    moved = cv2.remap(near.pixels, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def face_mask(points: Points, seen: NDArray[np.int32], width: int, height: int, *, exact: bool) -> Mask:
    """Where the face goes (height, width): its oval without the edge, where the mesh is seen."""
    oval = hull_mask(points[list(OVAL)], width, height)
    if not exact:
        return oval
    return np.asarray(cv2.erode(np.where(seen >= 0, oval, 0).astype(np.uint8), disc(ERODED * face_width(points))), np.uint8)


def disc(radius: float) -> Mask:
    """What to erode and dilate with, one pixel in radius at least."""
    side = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def not_skin(face: Values, points: Points, mask: Mask) -> Mask:
    """What covers a face (h, w, 3) from its edge: hair, a hat, a hand. Only what is joined to the edge, and has not the cheeks' colour."""
    width, height = mask.shape[1], mask.shape[0]
    cheeks = (hull_mask(points[list(RIGHT_CHEEK)], width, height) | hull_mask(points[list(LEFT_CHEEK)], width, height)) & mask
    if np.count_nonzero(cheeks) < FEW_PIXELS:
        return np.zeros_like(mask)
    colours = lab(np.asarray(cv2.GaussianBlur(face, (0, 0), max(face_width(points) * 0.012, 0.5)), np.float32))
    usual = np.median(colours[cheeks > 0], axis=0)
    usually_off = np.median(np.abs(colours[cheeks > 0] - usual), axis=0)
    distance = np.abs(colours - usual) / (np.array([10.0, 5.0, 5.0]) + 2.5 * usually_off)  # light differs more over a face than colour does
    features = np.zeros_like(mask)
    for part in (LIPS, RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW, NOSE):
        features |= hull_mask(points[list(part)], width, height)
    features = cv2.dilate(features, disc(face_width(points) * 0.06))
    strange = ((distance.max(2) > STRANGE) & (mask > 0) & (features == 0)).astype(np.uint8)
    strange = np.asarray(cv2.morphologyEx(strange, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    rim = mask & ~np.asarray(cv2.erode(mask, np.ones((5, 5), np.uint8)), np.uint8)
    _, labels = cv2.connectedComponents(strange)
    joined = np.setdiff1d(np.unique(labels[rim > 0]), [0])
    covered = np.where(np.isin(labels, joined), 255, 0).astype(np.uint8)
    return np.asarray(cv2.dilate(covered, disc(face_width(points) * 0.02)), np.uint8)


def as_sharp(face: Values, target: Pixels, mask: Mask) -> Values:
    """A face no sharper than the picture that it goes into: blurred until its edges are as soft as those."""
    inner = cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return face
    wanted = SHARPER * edges(grey_of(target.astype(np.float32)), inner)
    grey = grey_of(face)
    for sigma in SOFTNESS:
        softer = np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32) if sigma else grey
        if edges(softer, inner) <= wanted or sigma == SOFTNESS[-1]:
            return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), np.float32) if sigma else face
    return face


def grey_of(pixels: Values) -> Values:
    """The brightness (h, w) of pixels (h, w, 3)."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)


def edges(grey: Values, inner: NDArray[np.bool_]) -> float:
    """How steep the steepest twentieth of a face's edges are, in contrasts of the face for each pixel."""
    steep = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return float(np.quantile(steep[inner], 0.95) / max(float(grey[inner].std()), 1.0))


def relit(face: Values, target: Pixels, mask: Mask, size: float) -> Values:
    """A face (h, w, 3) in the light and skin colour of the target's.

    In L*a*b*: the mean of all three becomes the target's, and the spread of L; a and b keep theirs, or lips become too red. Then what
    varies slowly over the face is for the most part the target's.
    """
    inside = mask > 0
    mine, other = lab(face), lab(target.astype(np.float32))
    mean, wanted = mine[inside].mean(0), other[inside].mean(0)
    spread = np.clip(other[inside].std(0)[0] / max(float(mine[inside].std(0)[0]), 1e-3), *SPREAD)
    colourful = np.clip(1.5 * other[inside].std(0)[1:] / np.maximum(mine[inside].std(0)[1:], 1e-3), 0, 1)  # 0 in a grey picture
    mine = (mine - mean) * np.array([spread, *colourful], np.float32) + wanted
    shade = smoothed(other, mask, SHADING * size) - smoothed(mine, mask, SHADING * size)
    mine = mine + KEPT * shade
    colours = cv2.cvtColor(mine.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(colours, np.float32), 0, 1) * 255


def lab(pixels: Values) -> Values:
    """Pixels (h, w, 3) of 0..255, red first, in L*a*b*: 0..100 and about -100..100."""
    return np.asarray(cv2.cvtColor(np.clip(pixels, 0, 255).astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def smoothed(values: Values, mask: Mask, sigma: float) -> Values:
    """Values (h, w, 3) blurred, nothing from outside the mask in them."""
    height, width = mask.shape
    weight = (mask > 0).astype(np.float32)[..., None]
    both = np.concatenate([values * weight, weight], axis=2)
    coarser = max(sigma / 4, 1.0)  # so much blur can be done small
    small = cv2.resize(both, (max(round(width / coarser), 1), max(round(height / coarser), 1)), interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / coarser), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-4), np.float32)


def laid_in(face: Values, target: Pixels, mask: Mask, size: float) -> Pixels:
    """The face in the target, without a seam: Poisson blending (Pérez et al. 2003), and a soft edge over that."""
    base = np.where(mask[..., None] > 0, np.rint(face), target).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    middle = left + width // 2, top + height // 2
    # It changes the mask that it is given, and reads one of three channels wrongly (OpenCV 5.0.0): a copy of one channel.
    cloned = np.asarray(cv2.seamlessClone(base, target, mask.copy(), middle, cv2.NORMAL_CLONE), np.float32)
    sigma = max(FEATHER * size, 0.6)
    inner = cv2.erode(mask, disc(sigma))
    soft = np.asarray(cv2.GaussianBlur(inner.astype(np.float32) / 255, (0, 0), sigma / 2), np.float32)[..., None]
    soft = np.where(mask[..., None] > 0, soft, 0)
    mixed = np.rint(soft * cloned + (1 - soft) * target).astype(np.uint8)
    return np.where(soft > 0, mixed, target).astype(np.uint8)
