"""Faces in pictures: found, brought upright, restored by GFPGAN or CodeFormer, and put back."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from modules.contract.errors import NotFound, NotSupported
from modules.contract.progress import Reporter
from modules.pipeline.face_networks.codeformer import codeformer_of
from modules.pipeline.face_networks.retinaface import RetinaFace, best, boxes_of, points_of, retinaface_of, squares
from modules.weights.files import read_object
from modules.weights.header import BadModel
from modules.weights.spandrel import read_network

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]  # (5, 2): left eye in the picture, right eye, nose, left and right end of the mouth, in pixels

FOLDERS = ("GFPGAN", "Codeformer", "CodeFormer", "facexlib", "RestoreFormer")  # below the models folder
SIDE = 512  # of the pictures that restorers take
# Where the five points lie in such a picture: the mean of aligned FFHQ faces (Karras et al. 2018, arXiv:1812.04948).
TEMPLATE = np.array([[192.98, 239.95], [318.9, 240.19], [256.63, 314.02], [201.26, 371.41], [313.09, 371.15]], np.float32)
SURROUND = (132, 133, 135)  # what lies outside the picture: the mean colour of those faces
SEARCHED = 640  # pixels of the shorter side of the picture in which faces are looked for
CONFIDENT = 0.97  # RetinaFace's score from which on something is a face
OVERLAP = 0.4
SMALLEST_EYES = 5.0  # pixels between the eyes; smaller faces are left alone


class Kind(NamedTuple):
    """A kind of file that is looked for: how its name begins, in lower case, and what to say when there is none."""

    beginnings: tuple[str, ...]
    wanted: str


RESTORERS = {
    "CodeFormer": Kind(("codeformer",), "codeformer-v0.1.0.pth in models/Codeformer"),
    "GFPGAN": Kind(("gfpgan", "restoreformer"), "GFPGANv1.4.pth in models/GFPGAN"),
}
DETECTORS = Kind(
    ("detection_resnet50", "face_detection_yunet"),
    "detection_Resnet50_Final.pth (RetinaFace) or face_detection_yunet_2023mar.onnx (YuNet) in models/GFPGAN",
)
SUFFIXES = {".pth", ".pt", ".safetensors", ".onnx", ".ckpt"}


class Restore(Protocol):
    """Faces (B, 3, 512, 512) in -1..1, restored. `weight` is CodeFormer's fidelity, 0 acts the most."""

    def __call__(self, faces: Tensor, weight: float) -> Tensor: ...


class Faces:
    """The face restorers there are files for, in the folders below `models` and in `further`. `place` says where networks run."""

    def __init__(self, models: Path, place: Callable[[], torch.device], further: Sequence[Path] = ()) -> None:
        self.folders = [*(models / name for name in FOLDERS), *further]
        self.place = place
        self.lock = threading.Lock()
        self.kept: dict[Path, nn.Module] = {}

    def names(self) -> list[str]:
        """What a person can choose from, whether or not the files are there."""
        return list(RESTORERS)

    def check(self, model: str) -> str:
        """The name, in any case, as `names` has it. Raises NotFound, NotSupported with the files that are missing."""
        name = next((name for name in RESTORERS if name.lower() == model.lower()), None)
        if name is None:
            raise NotFound.among("face restorer", model, RESTORERS)
        missing = [kind.wanted for kind in (RESTORERS[name], DETECTORS) if self.file(kind) is None]
        if missing:
            raise NotSupported(f"Faces cannot be restored with {name}: there is no {', and no '.join(missing)}.", "Put the file there.")
        return name

    def file(self, kind: Kind) -> Path | None:
        """The first file of a kind, the one highest in order of name for several of one beginning; None without one."""
        for beginning in kind.beginnings:
            found = [
                path
                for folder in self.folders
                for path in sorted(folder.glob("*"), reverse=True)
                if path.name.lower().startswith(beginning) and path.suffix.lower() in SUFFIXES
            ]
            if found:
                return found[0]
        return None

    def restore(self, image: Image.Image, model: str, *, weight: float = 0.5, report: Reporter | None = None) -> Image.Image:
        """A picture (RGB) with all its faces restored; the same picture where there is none.

        Raises NotFound, NotSupported, BadModel, and what the reporter raises between two faces.
        """
        name = self.check(model)
        pixels: Pixels = np.array(image.convert("RGB"))
        found = self.find(pixels)
        if not found:
            return image
        path = self.file(RESTORERS[name])
        assert path is not None
        with self.network(path, restorer_in) as network:
            return Image.fromarray(restored(pixels, found, network, weight, report=report))

    @torch.inference_mode()
    def find(self, pixels: Pixels) -> list[Points]:
        """The five points of each face of a picture (h, w, 3), the surest first."""
        path = self.file(DETECTORS)
        if path is None:
            raise NotSupported(f"Faces cannot be found: there is no {DETECTORS.wanted}.", "Put the file there.")
        height, width = pixels.shape[:2]
        scale = SEARCHED / min(height, width)
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        searched = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=kind), np.uint8)[:, :, ::-1]
        if path.suffix.lower() == ".onnx":
            found = by_yunet(path, searched)
        else:
            with self.network(path, detector_in) as network:
                found = by_retinaface(network, searched)
        points = [face / scale for face in found]
        return [face for face in points if float(np.linalg.norm(face[0] - face[1])) >= SMALLEST_EYES]

    def middles(self, image: Image.Image) -> list[tuple[float, float]]:
        """Where the faces of a picture are, in pixels. Raises NotSupported, BadModel."""
        return [(float(points[:, 0].mean()), float(points[:, 1].mean())) for points in self.find(np.array(image.convert("RGB")))]

    @contextmanager
    def network(self, path: Path, read: Callable[[Path], nn.Module]) -> Generator[nn.Module]:
        """The network of a file, where it is to run; back in main memory afterwards. One user at a time."""
        with self.lock:
            if path not in self.kept:
                self.kept[path] = read(path)
            network = self.kept[path]
            try:
                yield network.to(self.place())
            finally:
                network.cpu()

    def release(self) -> None:
        """Give back the memory of all networks that are kept."""
        with self.lock:
            self.kept.clear()


class Gfpgan(nn.Module):
    """GFPGAN or RestoreFormer, as `Restore` wants it. GFPGAN's own noise is what its file brings along, so that runs are alike."""

    def __init__(self, network: nn.Module, *, noisy: bool) -> None:
        super().__init__()
        self.network = network
        self.options = {"return_rgb": False, "randomize_noise": False} if noisy else {}

    def forward(self, faces: Tensor, weight: float) -> Tensor:
        answer: Tensor = self.network(faces, **self.options)[0]
        return answer


def restorer_in(path: Path) -> nn.Module:
    """The restorer in a file. Raises BadModel."""
    if path.name.lower().startswith("codeformer"):
        return read_with(codeformer_of, path)
    network = read_network(path)
    if network.purpose != "FaceSR":
        raise BadModel(path, f"it is a network of the kind {network.architecture}, which does not restore faces")
    inner: nn.Module = network.described.model
    return Gfpgan(inner.requires_grad_(False), noisy=network.architecture == "GFPGAN")


def detector_in(path: Path) -> nn.Module:
    """The RetinaFace in a file. Raises BadModel."""
    return read_with(retinaface_of, path)


def read_with(build: Callable[[dict[str, Tensor]], nn.Module], path: Path) -> nn.Module:
    """A network of our own from a file. Raises BadModel for other weights."""
    table: Any = read_object(path)
    try:
        for wrapper in ("params_ema", "params", "state_dict"):
            table = table.get(wrapper, table)
        return build(table).requires_grad_(False)
    except (KeyError, RuntimeError, AttributeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0][:120]
        raise BadModel(path, f"its tensors are not those of the network that its name speaks of ({reason})") from None


def by_yunet(path: Path, pixels: Pixels) -> list[Points]:
    """The points of the faces in a picture (h, w, 3), blue first, found by OpenCV's YuNet (Wu et al. 2023). Raises BadModel."""
    try:
        detector = cv2.FaceDetectorYN.create(str(path), "", (pixels.shape[1], pixels.shape[0]), score_threshold=0.8)
        faces: Any = detector.detect(np.ascontiguousarray(pixels))[1]
    except cv2.error as error:
        raise BadModel(path, f"OpenCV cannot use it ({str(error).strip().splitlines()[-1][:120]})") from None
    return [] if faces is None else [five_points(np.asarray(row, np.float32)) for row in faces]


def five_points(row: NDArray[np.float32]) -> Points:
    """The points in one of YuNet's answers: from the person's right to the left, which is left to right in the picture."""
    return np.stack([row[4:14:2], row[5:14:2]], axis=1)


def by_retinaface(network: nn.Module, pixels: Pixels) -> list[Points]:
    """The points of the faces in a picture (h, w, 3), blue first."""
    assert isinstance(network, RetinaFace)
    place = next(network.parameters()).device
    picture = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()  # pyright: ignore[reportUnknownMemberType]
    scores, boxes, points = (answer.float().cpu() for answer in network(picture.to(place)))
    around = squares(pixels.shape[0], pixels.shape[1])
    sure = scores > CONFIDENT
    boxes, points, scores = boxes_of(boxes[sure], around[sure]), points_of(points[sure], around[sure]), scores[sure]
    return [np.asarray(points[index].numpy(), np.float32) for index in best(boxes, scores, OVERLAP)]


@torch.inference_mode()
def restored(pixels: Pixels, found: Sequence[Points], restore: Restore, weight: float, *, report: Reporter | None = None) -> Pixels:
    """A picture (h, w, 3) with its faces restored one after another; everything else stays byte for byte."""
    result = pixels
    for points in found:
        if report is not None:
            report.check()
        turned: Any = cv2.estimateAffinePartial2D(points, TEMPLATE, method=cv2.LMEDS)[0]
        if turned is None:
            continue
        upright = np.asarray(cv2.warpAffine(pixels, turned, (SIDE, SIDE), borderMode=cv2.BORDER_CONSTANT, borderValue=SURROUND), np.uint8)
        result = put_back(result, through(restore, upright, weight), np.asarray(turned, np.float64))
    return result


def through(restore: Restore, face: Pixels, weight: float) -> Pixels:
    """A face (512, 512, 3) through a restorer."""
    values = torch.from_numpy(np.ascontiguousarray(face)).permute(2, 0, 1)[None].float() / 127.5 - 1  # pyright: ignore[reportUnknownMemberType]
    answer = restore(values, weight)[0].float().clamp(-1, 1)
    return ((answer + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()


def put_back(pixels: Pixels, face: Pixels, turned: NDArray[np.float64]) -> Pixels:
    """A picture with an upright face back in its place, by the inverse of the affine map `turned`; its edge fades into the picture.

    The edge is a twentieth of the face's width away from the square's border, and as wide again.
    """
    size = pixels.shape[1], pixels.shape[0]
    back = np.asarray(cv2.invertAffineTransform(turned), np.float64)
    placed = np.asarray(cv2.warpAffine(face, back, size), np.float32)
    inside = np.asarray(cv2.warpAffine(np.ones((SIDE, SIDE), np.float32), back, size), np.float32)
    inside = np.asarray(cv2.erode(inside, np.ones((2, 2), np.uint8)), np.float32)  # the interpolated border is half black
    edge = 2 * (int(inside.sum() ** 0.5) // 20)
    if edge:
        inside = np.asarray(cv2.erode(inside, np.ones((edge, edge), np.uint8)), np.float32)
        inside = np.asarray(cv2.GaussianBlur(inside, (edge + 1, edge + 1), 0), np.float32)
    share = inside[..., None]
    blended = np.asarray(np.rint(share * placed + (1 - share) * pixels), np.uint8)
    return np.where(share > 0, blended, pixels)
