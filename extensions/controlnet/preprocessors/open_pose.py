"""OpenPose: bodies by one network in the whole picture, hands and faces by two others where the bodies say that they are.

Cao et al. 2018 (arXiv:1812.08008), Simon et al. 2017 (arXiv:1704.07809). Sizes and thresholds are those of the published estimators.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..networks.openpose import STRIDE, body_network, face_network, hand_network
from ..networks.openpose_parse import bodies, face_points, hand_points, shifted
from .declaration import Pixels
from .network_files import Build, NetworkFile, loaded, place_of
from .people import drawn_poses
from .poses import MOST_PEOPLE, Joint, Person, Poses

Values = NDArray[np.float32]

BODY, HAND, FACE = NetworkFile("body_pose_model.pth"), NetworkFile("hand_pose_model.pth"), NetworkFile("facenet.pth")
BODY_SIDE = 184  # pixels of the picture's height as the body's network sees it
HAND_SIDES, HAND_MAP = (184, 368, 552, 736), 128  # a hand is looked at in four sizes; the side at which their maps are joined
FACE_SIDE = 384
GREY = 128  # around the picture, where its sides are no multiples of the network's stride
NOSE = 0
AROUND_NOSE = {14: 3, 15: 3, 16: 1.5, 17: 1.5}  # eyes, ears: how many of their distances from the nose a face reaches
LEFT_ARM, RIGHT_ARM = (5, 6, 7), (2, 3, 4)  # shoulder, elbow, wrist
SMALLEST = 20  # pixels of a hand or a face, below which it is not looked at


@dataclass(frozen=True)
class Square:
    """A part of a picture, in pixels; where it leaves the picture, it ends there."""

    left: int
    top: int
    side: int

    def of(self, pixels: Pixels) -> Pixels:
        """What a picture shows there."""
        return pixels[self.top : self.top + self.side, self.left : self.left + self.side]


@dataclass(frozen=True)
class Parts:
    """Which parts of people are looked for and shown."""

    name: str
    body: bool = True
    hands: bool = False
    face: bool = False

    @property
    def networks(self) -> tuple[NetworkFile, ...]:
        """What they are found by."""
        return (BODY, *((HAND,) if self.hands else ()), *((FACE,) if self.face else ()))

    def found(self, models: Path | None, pixels: Pixels, confidence: float = 0) -> Poses:
        """The people of a picture (h, w, 3), RGB. `confidence` counts for nothing: the estimators have thresholds of their own.

        Raises NotSupported where a network is missing, BadModel.
        """
        open_ = partial(opened, models, self.name)
        turned = np.ascontiguousarray(pixels[..., ::-1])  # the networks were taught on BGR
        people = [Person(body) for body in found_bodies(open_(BODY, body_network), turned)[:MOST_PEOPLE]]
        if self.hands:
            network = open_(HAND, hand_network)
            people = [with_hands(person, network, turned) for person in people]
        if self.face:
            network = open_(FACE, face_network)
            people = [with_face(person, network, turned) for person in people]
        shown = people if self.body else [replace(one, body=()) for one in people if one.face]
        return Poses(shown, pixels.shape[1], pixels.shape[0])

    def drawn(self, models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
        """Them as OpenPose draws them. Raises NotSupported, BadModel."""
        return drawn_poses(self.found(models, pixels))


def opened(models: Path | None, name: str, network: NetworkFile, build: Build) -> Any:
    """A network out of its file, for the preprocessor `name`. Raises NotSupported, BadModel."""
    return loaded(place_of(network, models, name), build)


def found_bodies(network: Any, pixels: Pixels) -> list[list[Joint]]:
    """The 18 joints of each person of a picture (h, w, 3), BGR."""
    height, width = pixels.shape[:2]
    scale = BODY_SIDE / height
    small = resized(pixels, BODY_SIDE, max(int(width * scale), 1), enlarged=scale >= 1)
    fields, points = (enlarged(one, small, height, width) for one in looked(network, small))
    return bodies(points, fields)


def with_hands(person: Person, network: Any, pixels: Pixels) -> Person:
    """Somebody with those hands that are large enough to be looked at and have points; `pixels`: the picture, BGR."""
    found: list[Sequence[Joint]] = []
    for arm in (LEFT_ARM, RIGHT_ARM):
        square = hand_square(person.body, arm, pixels.shape[0], pixels.shape[1])
        found.append(known(found_hand(network, square.of(pixels), square)) if square else ())
    return replace(person, hand_left=found[0], hand_right=found[1])


def with_face(person: Person, network: Any, pixels: Pixels) -> Person:
    """Somebody with a face, if it is large enough and has points; `pixels`: the picture, BGR."""
    square = face_square(person.body)
    return replace(person, face=known(found_face(network, square.of(pixels), square)) if square else ())


def known(part: Sequence[Joint]) -> Sequence[Joint]:
    """A part of which something is known; else an empty one."""
    return part if any(point is not None for point in part) else ()


def hand_square(body: Sequence[Joint], arm: tuple[int, int, int], height: int, width: int) -> Square | None:
    """Where a hand is in a picture of a size: a third of the lower arm beyond the wrist; None for one too small or an arm not seen.

    Simon et al. 2017, section 4: as wide as 1.5 lower arms, or as nine tenths of so many upper ones.
    """
    shoulder, elbow, wrist = (body[joint] for joint in arm)
    if shoulder is None or elbow is None or wrist is None:
        return None
    side = 1.5 * max(math.dist(wrist, elbow), 0.9 * math.dist(elbow, shoulder))
    left, top = (max(float(place), 0.0) for place in wrist + 0.33 * (wrist - elbow) - side / 2)
    side = min(side, width - left, height - top)
    return Square(int(left), int(top), int(side)) if side >= SMALLEST else None


def face_square(body: Sequence[Joint]) -> Square | None:
    """Where a face is: around the nose, three times as far as the farther eye or 1.5 times as far as the farther ear, whichever is more.

    None for one too small, and where nothing but the nose is seen.
    """
    nose = body[NOSE]
    if nose is None:
        return None
    seen = [(float(abs(place - nose).max()), times) for joint, times in AROUND_NOSE.items() if (place := body[joint]) is not None]
    half = max((distance * times for distance, times in seen), default=0)
    left, top = (max(float(place) - half, 0.0) for place in nose)
    return Square(int(left), int(top), int(2 * half)) if 2 * half >= SMALLEST else None


def found_hand(network: Any, part: Pixels, square: Square) -> list[Joint]:
    """The 21 points of a hand in the picture that a square was cut of; looked at in four sizes, whose maps are averaged."""
    soft = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.8), np.uint8)
    looks = [np.ascontiguousarray(resized(soft, side, side)) for side in HAND_SIDES]
    maps = np.mean([enlarged(looked(network, small)[0], small, HAND_MAP, HAND_MAP) for small in looks], axis=0).astype(np.float32)
    return shifted(hand_points(maps), square.left, square.top, part.shape[1] / HAND_MAP, part.shape[0] / HAND_MAP)


def found_face(network: Any, part: Pixels, square: Square) -> list[Joint]:
    """The 70 points of a face in the picture that a square was cut of."""
    maps = run(network, resized(part, FACE_SIDE, FACE_SIDE))[0]
    large = torch.nn.functional.interpolate(maps, part.shape[:2], mode="bilinear", align_corners=True)
    return shifted(face_points(large[0].numpy()), square.left, square.top)


def looked(network: Any, pixels: Pixels) -> list[Values]:
    """A network's maps (h, w, n) for a picture, filled up at the right and the bottom to whole strides."""
    height, width = pixels.shape[:2]
    whole = cv2.copyMakeBorder(pixels, 0, -height % STRIDE, 0, -width % STRIDE, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY))
    return [np.ascontiguousarray(maps[0].permute(1, 2, 0).numpy()) for maps in run(network, np.asarray(whole, np.uint8))]


@torch.inference_mode()
def run(network: Any, pixels: Pixels) -> Any:
    """A network's maps, (1, n, h/8, w/8) each, for a picture (h, w, 3), BGR."""
    levels = torch.from_numpy(pixels.astype(np.float32) / 256 - 0.5)
    return network(levels.permute(2, 0, 1)[None].contiguous())


def enlarged(maps: Values, seen: Pixels, height: int, width: int) -> Values:
    """Maps (h, w, n) of what a network has seen, without what was filled up, at a size."""
    whole = resized(maps, maps.shape[0] * STRIDE, maps.shape[1] * STRIDE)
    return resized(np.ascontiguousarray(whole[: seen.shape[0], : seen.shape[1]]), height, width)


def resized(values: Any, height: int, width: int, *, enlarged: bool | None = None) -> Any:
    """Pixels or maps (h, w, n) at a size: by Lanczos' curve where the two sides together grow, or `enlarged` says so; else by areas."""
    grows = height + width >= sum(values.shape[:2]) if enlarged is None else enlarged
    by = cv2.INTER_LANCZOS4 if grows else cv2.INTER_AREA
    if values.shape[2] <= 3:
        return cv2.resize(values, (width, height), interpolation=by)
    maps = np.ascontiguousarray(values.transpose(2, 0, 1))
    return np.stack([cv2.resize(one, (width, height), interpolation=by) for one in maps], 2)
