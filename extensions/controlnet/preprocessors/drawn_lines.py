"""Pictures to lines by networks that are files of a person's own: soft edges, drawings, scribbles, straight lines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..networks import mlsd as line_segments
from ..networks.hed import hed
from ..networks.lineart import lineart
from ..networks.lineart_anime import STEP as ANIME_STEP
from ..networks.lineart_anime import lineart_anime
from ..networks.mlsd import mlsd
from ..networks.pidinet import pidinet
from ..networks.teed import teed
from .declaration import Pixels, Preprocessor, Slider
from .lines import as_rgb
from .network_files import Build, NetworkFile, loaded, place_of
from .network_input import as_tensor, padded

Plane = NDArray[np.float32]  # (h, w)
Levels = NDArray[np.uint8]  # (h, w)
Finish = Callable[[NDArray[np.float32], float, float], Levels]  # what a network saw and the two sliders' values, to levels
THINNED_AT, THINNED_ABOVE = 3.0, 127  # pixels of the smoothing before a ridge is sought; levels that a ridge has
STROKE, STROKE_ABOVE = 3.0, 4  # pixels of the smoothing that widens a ridge to a stroke; levels that a stroke has
SKETCHED_ABOVE = 0.5
SAFE_STEPS = Slider("Safe Steps", 0, 10, 2)


@dataclass(frozen=True)
class Source:
    """A network: its file, what makes it of the file's tensors, and how it looks at a picture with sides in 64s."""

    file: NetworkFile
    build: Build
    look: Callable[[nn.Module, Pixels], NDArray[np.float32]]


def drawn(name: str, source: Source, finish: Finish, models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
    """The hint of a preprocessor, at the picture's size. Raises NotSupported without its network, BadModel."""
    network = loaded(place_of(source.file, models, name), source.build)
    with torch.inference_mode():
        seen = source.look(network, padded(pixels))
    return as_rgb(finish(seen, a, b)[: pixels.shape[0], : pixels.shape[1]])


def seen_by_hed(network: nn.Module, pixels: Pixels) -> Plane:
    """How likely each pixel is an edge, 0..1."""
    return network(as_tensor(pixels))[0, 0].numpy()


seen_by_teed = seen_by_hed  # it sees the same and answers alike


def seen_by_pidinet(network: nn.Module, pixels: Pixels) -> Plane:
    """How likely each pixel is an edge, 0..1."""
    return network(as_tensor(pixels, reverse=True) / 255)[0, 0].numpy()


def seen_by_lineart(network: nn.Module, pixels: Pixels) -> Plane:
    """The drawing, 0 the lines and 1 the paper."""
    return network(as_tensor(pixels) / 255)[0, 0].numpy()


def seen_by_lineart_anime(network: nn.Module, pixels: Pixels) -> Plane:
    """The drawing, 0 the lines and 1 the paper. The network sees the picture stretched to sides that it can halve eight times."""
    height, width = pixels.shape[:2]
    size = (width + -width % ANIME_STEP, height + -height % ANIME_STEP)
    wide = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    paper = (network(as_tensor(wide) / 127.5 - 1)[0, 0].numpy() + 1) / 2
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def seen_by_mlsd(network: nn.Module, pixels: Pixels) -> NDArray[np.float32]:
    """Its maps, (9, h/2, w/2)."""
    shown = torch.nn.functional.pad(as_tensor(pixels), (0, 0, 0, 0, 0, 1), value=1.0)
    return network(shown / 127.5 - 1)[0].numpy()


def soft(edges: Plane, a: float, b: float) -> Levels:
    """Edges as they are."""
    return (edges * 255).clip(0, 255).astype(np.uint8)


def safe(edges: Plane, a: float, b: float) -> Levels:
    """Edges in three levels, which carry no trace of the picture that only a network would see."""
    return soft(stepped(edges, 2), a, b)


def in_steps(edges: Plane, a: float, b: float) -> Levels:
    """Edges in `a` + 1 levels; as they are for 0."""
    return soft(stepped(edges, round(a)) if round(a) else edges, a, b)


def stepped(edges: Plane, steps: int) -> Plane:
    """0..1 in `steps` + 1 levels of the same width, from 0 to 1."""
    return (np.floor(edges * np.float32(steps + 1)) / np.float32(steps)).astype(np.float32)


def sketched(edges: Plane, a: float, b: float) -> Levels:
    """White where an edge is likelier than not."""
    return np.where(edges > SKETCHED_ABOVE, 255, 0).astype(np.uint8)


def scribbled(edges: Plane, a: float, b: float) -> Levels:
    """Strokes of one width along the ridges of the edges."""
    ridges = thinned(soft(edges, a, b))
    wide = cv2.GaussianBlur(ridges, (0, 0), STROKE)
    return np.where(wide > STROKE_ABOVE, 255, 0).astype(np.uint8)


def thinned(levels: Levels) -> Levels:
    """White where smoothed edges are high, and not lower than both neighbours in one of four directions: non-maximum suppression."""
    smooth = cv2.GaussianBlur(levels.astype(np.float32), (0, 0), THINNED_AT)
    directions = (np.eye(3), np.eye(3)[::-1], np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]]), np.array([[0, 1, 0]] * 3))
    ridge = np.zeros(levels.shape, bool)
    for places in directions:
        ridge |= cv2.dilate(smooth, np.ascontiguousarray(places, np.uint8)) == smooth
    return np.where(ridge & (smooth > THINNED_ABOVE), 255, 0).astype(np.uint8)


def inked(paper: Plane, a: float, b: float) -> Levels:
    """A drawing on paper as light lines on black."""
    return 255 - soft(paper, a, b)


def ruled(maps: NDArray[np.float32], a: float, b: float) -> Levels:
    """The straight lines of M-LSD's maps, one pixel wide: those of a likelihood above `a` that are longer than `b` pixels of the maps."""
    levels = np.zeros((maps.shape[1] * 2, maps.shape[2] * 2), np.uint8)
    for left, top, right, bottom in line_segments.lines_in(torch.from_numpy(maps), a, b).int().tolist():
        cv2.line(levels, (left, top), (right, bottom), 255, 1)
    return levels


HED = Source(NetworkFile("ControlNetHED.pth"), hed, seen_by_hed)
PIDINET = Source(NetworkFile("table5_pidinet.pth"), pidinet, seen_by_pidinet)
TEED = Source(NetworkFile("7_model.pth"), teed, seen_by_teed)
LINEART = Source(NetworkFile("sk_model.pth"), lineart, seen_by_lineart)
LINEART_COARSE = Source(NetworkFile("sk_model2.pth"), lineart, seen_by_lineart)
LINEART_ANIME = Source(NetworkFile("netG.pth"), lineart_anime, seen_by_lineart_anime)
MLSD = Source(NetworkFile("mlsd_large_512_fp32.pth"), mlsd, seen_by_mlsd)


def of_drawn_lines() -> Iterable[Preprocessor]:
    """Lines and edges by networks, those first that A1111 takes first."""
    soft_edge, scribble, lined = ("SoftEdge",), ("Scribble", "Sketch"), ("Lineart",)
    yield row("softedge_pidinet", PIDINET, soft, soft_edge, "pidinet", default_of=soft_edge)
    yield row("softedge_pidisafe", PIDINET, safe, soft_edge, "pidinet_safe")
    yield row("softedge_hed", HED, soft, soft_edge, "hed", default_of=soft_edge)
    yield row("softedge_hedsafe", HED, safe, soft_edge, "hed_safe")
    yield row("softedge_teed", TEED, in_steps, soft_edge, "te_hed", slider_1=SAFE_STEPS, default_of=soft_edge)
    yield row("scribble_pidinet", PIDINET, scribbled, scribble, "pidinet_scribble", default_of=scribble)
    yield row("scribble_hed", HED, scribbled, scribble, "fake_scribble", default_of=scribble)
    yield row("t2ia_sketch_pidi", PIDINET, sketched, ("Scribble", "Sketch", "T2I-Adapter"), "pidinet_sketch")
    yield row("lineart_realistic", LINEART, inked, lined, "lineart")
    yield row("lineart_coarse", LINEART_COARSE, inked, lined)
    yield row("lineart_anime", LINEART_ANIME, inked, lined)
    yield row("mlsd", MLSD, ruled, ("MLSD",), slider_1=Slider("MLSD Value Threshold", 0.01, 2, 0.1, 0.01),
              slider_2=Slider("MLSD Distance Threshold", 0.01, 20, 0.1, 0.01), default_of=("MLSD",))  # fmt: skip


def row(
    name: str,
    source: Source,
    finish: Finish,
    types: tuple[str, ...],
    *aliases: str,
    slider_1: Slider | None = None,
    slider_2: Slider | None = None,
    default_of: tuple[str, ...] = (),
) -> Preprocessor:
    """A preprocessor that needs one network."""
    return Preprocessor(
        name,
        types=types,
        aliases=aliases,
        slider_1=slider_1,
        slider_2=slider_2,
        default_of=default_of,
        needs=(source.file,),
        by_networks=partial(drawn, name, source, finish),
    )
