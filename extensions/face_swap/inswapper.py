"""The networks of insightface, for those who have put their files into models/insightface: a face made anew, not laid over.

Written after the shapes that the files document: `inswapper_128.onnx` takes target (1, 3, 128, 128) in 0..1 and source (1, 512) and answers
(1, 3, 128, 128); a recognition network (`w600k_r50.onnx` and others) takes (1, 3, 112, 112) in -1..1 and answers (1, 512). Its own
detector is not needed: the mesh has the five points. The files are for research that is not commercial, and come with nothing here.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import NotSupported
from modules.perception.found import Found, Pixels, Points, hull_mask
from modules.perception.mesh_points import LEFT_EYE, NOSE_TIP, OVAL, RIGHT_EYE
from modules.perception.onnx_facts import last_weights, onnx_facts
from modules.perception.runtimes import opened

from .swapping import Source

SIDE, SMALL, LENGTH = 128, 112, 512
# Where the eyes, the nose and the ends of the mouth lie in an upright face of 112 pixels. Deng et al. 2018, arXiv:1801.07698.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32)
MOUTH_ENDS = (61, 291)
RECOGNITION = ("w600k", "glint360k", "arcface", "webface", "ms1mv")
FEATHER = 0.06  # of the face's side

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Files:
    """The two networks."""

    swapper: Path
    recognition: Path


def network_files(folder: Path) -> Files:
    """The networks below a folder. Raises NotSupported with what is missing."""
    found = sorted(folder.rglob("*.onnx"), key=lambda path: path.name.lower()) if folder.is_dir() else []
    swappers = [path for path in found if path.name.lower().startswith("inswapper")]
    recognition = [path for path in found if any(word in path.name.lower() for word in RECOGNITION)]
    missing = [name for name, files in (("inswapper_128.onnx", swappers), ("w600k_r50.onnx", recognition)) if not files]
    if missing:
        raise NotSupported(f"there is no {' and no '.join(missing)} in models/insightface.", "The model 'mesh' needs no file.")
    return Files(swappers[0], recognition[0])


class Inswapper:
    """Both networks, ready to run. Raises NotSupported for files that are others."""

    def __init__(self, files: Files) -> None:
        shapes = onnx_facts(files.swapper).inputs
        names = sorted(shapes, key=lambda name: -len(shapes[name]))
        if [len(shapes[name]) for name in names] != [4, 2] or shapes[names[1]][1] not in (0, LENGTH):
            raise NotSupported(f"{files.swapper.name} is no inswapper: its inputs have the shapes {list(map(list, shapes.values()))}.")
        self.picture_first = next(iter(shapes)) == names[0]
        matrix = last_weights(files.swapper)
        if matrix is None or matrix.size != LENGTH * LENGTH:
            raise NotSupported(f"{files.swapper.name} is no inswapper: it does not end with a table of {LENGTH} x {LENGTH} numbers.")
        self.matrix = matrix.reshape(LENGTH, LENGTH)
        self.swapper, self.recognition = opened(files.swapper), opened(files.recognition)

    def embedding(self, source: Source) -> Values:
        """What makes a face that of a person, (1, 512), as the swapper wants it."""
        face = upright(source.straight.pixels, source.straight.points, SMALL)[0].astype(np.float32)
        answer = self.recognition(((face - 127.5) / 127.5).transpose(2, 0, 1)[None])[0].reshape(1, -1)
        if answer.shape[1] != LENGTH:
            raise NotSupported(f"The recognition network answers with {answer.shape[1]} numbers; inswapper wants {LENGTH}.")
        latent = (answer / max(float(np.linalg.norm(answer)), 1e-9)) @ self.matrix
        return (latent / max(float(np.linalg.norm(latent)), 1e-9)).astype(np.float32)

    def swapped(self, image: Pixels, face: Found, source: Source, *, mesh_mask: bool) -> Pixels:
        """A picture (H, W, 3) in which a face is the source's. All outside of the face stays byte for byte."""
        assert face.landmarks is not None
        target, matrix = upright(image, face.landmarks, SIDE)
        blob = (target.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        latent = self.embedding(source)
        answer = self.swapper(*((blob, latent) if self.picture_first else (latent, blob)))[0]
        if answer.shape != blob.shape:
            raise NotSupported(f"inswapper answers with the shape {list(answer.shape)}; it must be {list(blob.shape)}.")
        made = np.clip(answer[0].transpose(1, 2, 0) * 255, 0, 255).astype(np.float32)
        height, width = image.shape[:2]
        smooth = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        placed = cv2.warpAffine(made, matrix, (width, height), flags=smooth, borderMode=cv2.BORDER_REPLICATE)
        inner = np.zeros((SIDE, SIDE), np.uint8)
        inner[6:-6, 6:-6] = 255
        mask = np.asarray(cv2.warpAffine(inner, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8)
        if mesh_mask:
            mask &= hull_mask(face.landmarks[list(OVAL)], width, height)
        sigma = max(FEATHER * (face.box[2] - face.box[0]), 1.0)
        reach = 2 * round(1.5 * sigma) + 1
        soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((reach, reach), np.uint8)).astype(np.float32) / 255, (0, 0), sigma / 2)
        share = np.asarray(soft, np.float32)[..., None]
        return np.where(share > 0, np.rint(share * placed + (1 - share) * image), image).astype(np.uint8)


def upright(image: Pixels, points: Points, side: int) -> tuple[Pixels, NDArray[np.float64]]:
    """A face brought upright into a square of `side` pixels, and the affine map (2, 3) from the picture to it."""
    five = np.stack([points[list(RIGHT_EYE)].mean(0), points[list(LEFT_EYE)].mean(0), points[NOSE_TIP], *points[list(MOUTH_ENDS)]])
    wanted = TEMPLATE * (side / SMALL) if side % SMALL == 0 else (TEMPLATE + np.array([8, 0], np.float32)) * (side / SIDE)
    matrix, _ = cv2.estimateAffinePartial2D(np.ascontiguousarray(five[:, :2], np.float32), wanted.astype(np.float32), method=cv2.LMEDS)
    if matrix is None:
        raise NotSupported("Face swap: a face's points lie in one place, so it cannot be brought upright.")
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8), np.asarray(matrix, np.float64)
