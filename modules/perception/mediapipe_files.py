"""The networks for faces, hands and people that the package mediapipe carries: files that are read, nothing of it is imported."""

import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path

from modules.contract.errors import NotSupported
from modules.perception.networks import Network, open_network

VERSION = "0.10.21"  # the last one whose wheel has them
NEWEST_PYTHON = (3, 12)
# Where each lies below mediapipe/modules, and its SHA-256: another file would answer with other tensors. Apache License 2.0, Google.
FILES = {
    "face": ("face_detection/face_detection_short_range.tflite", "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"),
    "mesh": ("face_landmark/face_landmark.tflite", "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"),
    "palm": ("palm_detection/palm_detection_full.tflite", "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54"),
    "hand": ("hand_landmark/hand_landmark_full.tflite", "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3"),
    "pose": ("pose_landmark/pose_landmark_full.tflite", "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"),
    "selfie": ("selfie_segmentation/selfie_segmentation.tflite", "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"),
}


def folder() -> Path | None:
    """Where the installed package keeps its networks; None where it is not installed."""
    spec = importlib.util.find_spec("mediapipe")
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = Path(places[0]) / "modules" if places else None
    return found if found and found.is_dir() else None


def problem(name: str) -> str:
    """Why a network of FILES cannot be used, in a sentence; empty if it can."""
    place = folder()
    if place is None and sys.version_info[:2] > NEWEST_PYTHON:
        here = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return f"It needs networks of mediapipe {VERSION}, which there is up to Python 3.12 only, and this is Python {here}."
    if place is None:
        return f"It needs networks of mediapipe, which is not installed: `{sys.executable} -m pip install --no-deps mediapipe=={VERSION}`."
    file = place / FILES[name][0]
    return "" if is_known(file, FILES[name][1]) else f"The installed mediapipe has no {file.name} that is known; version {VERSION} has it."


@cache
def is_known(file: Path, digest: str) -> bool:
    """Whether a file has this SHA-256."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def network(name: str) -> Network:
    """A network of FILES, ready to run. Raises NotSupported with the reason and what there is instead."""
    why = problem(name)
    place = folder()
    if why or place is None:
        raise NotSupported(why, "Detectors in models/adetailer (.onnx) work without it.")
    return open_network(place / FILES[name][0])
