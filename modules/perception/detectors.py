"""The door: every detector by its name, what there is, and why the others are not."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from modules.contract.errors import NotFound, NotSupported
from modules.perception import mediapipe_files, mesh_points, ultralytics_files
from modules.perception.faces import faces
from modules.perception.found import Found, Pixels, box_of, box_of_mask, clipped
from modules.perception.hands import hands
from modules.perception.mesh import meshes
from modules.perception.people import people
from modules.perception.yolo import yolo

FACE, MESH, EYES = ("face",), ("face", "mesh"), (mesh_points.RIGHT_EYE, mesh_points.LEFT_EYE)
GROWN = 0.35  # of a region's longer side: lids, lashes and what is around the lips are painted too
MOST_FILES = 200

Find = Callable[[Pixels, float], list[Found]]


class Detector(Protocol):
    """Finds things in pictures. May be called from any thread; its networks are loaded once for the whole program."""

    @property
    def name(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The kinds of things it tells apart; empty where it does not say."""
        ...

    def find(self, image: Pixels, threshold: float = 0.5) -> list[Found]:
        """What a picture (H, W, 3) shows, the surest first. Raises NotSupported."""
        ...


@dataclass(frozen=True)
class BuiltIn:
    """A detector of the program's own; `networks` are those of mediapipe that it needs."""

    name: str
    kind: str
    search: Find
    networks: tuple[str, ...]
    classes: tuple[str, ...] = ()

    def find(self, image: Pixels, threshold: float = 0.5) -> list[Found]:
        return self.search(image, threshold)

    @property
    def problem(self) -> str:
        """Why it cannot be used; empty if it can."""
        return next((why for name in self.networks if (why := mediapipe_files.problem(name))), "")


@dataclass(frozen=True)
class Offer:
    """A row of a list of detectors: `kind` is "face", "hand", "person" or "file"; `reason` is why it is not available, in a sentence."""

    name: str
    kind: str
    available: bool
    reason: str = ""


class Detectors:
    """All detectors: the built-in ones, and those in `.onnx` and `.pt` files below some folders. Cheap to make, holds no networks."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.folders = tuple(folders)

    def offers(self) -> list[Offer]:
        """All that there is, also what cannot be used here."""
        built_in = [Offer(one.name, one.kind, not one.problem, one.problem) for one in BUILT_IN]
        why = ultralytics_files.problem()
        files = [Offer(name, "file", path.suffix.lower() == ".onnx" or not why, "" if path.suffix.lower() == ".onnx" else why)
                 for name, path in self.files().items()]  # fmt: skip
        return built_in + files

    def names(self) -> list[str]:
        """Of those that can be used here."""
        return [one.name for one in self.offers() if one.available]

    def get(self, name: str) -> Detector:
        """A detector by name. Raises NotFound with near names, NotSupported with the reason."""
        for one in BUILT_IN:
            if one.name == name:
                if one.problem:
                    raise NotSupported(f"{name} cannot be used. {one.problem}", "Detectors in models/adetailer (.onnx) work without it.")
                return one
        path = self.files().get(name)
        if path is None:
            raise NotFound.among("detector", name, [offer.name for offer in self.offers()])
        return yolo(path) if path.suffix.lower() == ".onnx" else ultralytics_files.UltralyticsFile(path)

    def files(self) -> Mapping[str, Path]:
        """The files by name, in order of name; of two with one name, that in the earlier folder."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            for path in sorted(folder.rglob("*"))[:MOST_FILES] if folder.is_dir() else ():
                if path.suffix.lower() in (".onnx", ".pt") and path.is_file():
                    found.setdefault(path.name, path)
        return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def whole_faces(image: Pixels, threshold: float) -> list[Found]:
    """Faces, in the picture as a whole only."""
    return faces(image, threshold, parts=False)


def faces_and_hands(image: Pixels, threshold: float) -> list[Found]:
    """Both, the surest first."""
    return sorted(faces(image, threshold) + hands(image, threshold), key=lambda one: -one.score)


def regions(kind: str, *parts: Iterable[int]) -> Find:
    """What finds a part of each face: the hulls of these points of the mesh, grown."""

    def find(image: Pixels, threshold: float) -> list[Found]:
        return [region(face, kind, image.shape[1], image.shape[0], parts) for face in meshes(image, threshold)]

    return find


def region(face: Found, kind: str, width: int, height: int, parts: Iterable[Iterable[int]]) -> Found:
    """A part of a face's mesh as something of its own."""
    assert face.landmarks is not None
    mask = np.zeros((height, width), np.uint8)
    every: list[int] = []
    for part in parts:
        points = face.landmarks[list(part)]
        every += part
        left, top, right, bottom = box_of(points)
        hull = cv2.convexHull(np.rint(points[:, :2]).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 255)
        cv2.polylines(mask, [hull], True, 255, max(round(GROWN * max(right - left, bottom - top)), 1))
    own = face.landmarks[every]
    box = box_of_mask(mask) if mask.any() else clipped(box_of(own), width, height)
    return replace(face, kind=kind, box=box, landmarks=own, mask=mask)


BUILT_IN = (
    BuiltIn("mediapipe_face_full", "face", faces, FACE, ("face",)),
    BuiltIn("mediapipe_face_short", "face", whole_faces, FACE, ("face",)),
    BuiltIn("mediapipe_face_mesh", "face", meshes, MESH, ("face",)),
    BuiltIn("mediapipe_face_mesh_eyes_only", "face", regions("eyes", *EYES), MESH, ("eyes",)),
    BuiltIn("left eye", "face", regions("left eye", mesh_points.LEFT_EYE), MESH, ("left eye",)),
    BuiltIn("right eye", "face", regions("right eye", mesh_points.RIGHT_EYE), MESH, ("right eye",)),
    BuiltIn("lips", "face", regions("lips", mesh_points.LIPS), MESH, ("lips",)),
    BuiltIn("hand", "hand", hands, ("palm", "hand"), ("left hand", "right hand")),
    BuiltIn("face+hand", "hand", faces_and_hands, ("face", "palm", "hand"), ("face", "left hand", "right hand")),
    BuiltIn("person (selfie)", "person", people, ("selfie",), ("person",)),
)
