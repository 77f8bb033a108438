"""All preprocessors in A1111's names; those under names of our own do without a network what theirs needs one for."""

from collections.abc import Iterable
from functools import partial

from . import colours, depth, lines, people
from .anyline import of_anyline
from .declaration import Preprocessor, Slider, same
from .depth_leres import of_leres
from .drawn_lines import of_drawn_lines
from .filled import of_fillings
from .normals_bae import of_normals
from .pose_networks import of_pose_networks
from .segment import of_segments

LINES = ("Canny", "Lineart", "Scribble", "Sketch", "MLSD")
FIDELITY = Slider("Style Fidelity (only for Balanced mode)", 0, 1, 0.5, 0.01)
GAMMA = Slider("Gamma Correction", 0.1, 2, 1, 0.001)
VARIATION = Slider("Variation", 3, 32, 8)
DEPTH = {  # A1111's names, the best first, each the name of its folder; what else calls it
    "depth_anything_v2": (),
    "depth_anything": (),
    "depth_zoe": (),
    "depth_midas": ("depth",),
}
CONFIDENCE = Slider("Least Confidence", 0.01, 1, 0.5, 0.01)


def all_preprocessors() -> Iterable[Preprocessor]:
    """One after the other, in the order of the list."""
    yield Preprocessor("none", same, resolution=False, aliases=("None", ""))
    yield from of_drawn_lines()
    yield from of_anyline()
    yield from of_lines()
    yield from of_normals()
    yield from of_colours()
    yield from of_inpainting_and_tiles()
    yield from of_segments()
    yield from of_pose_networks()
    yield from of_fillings()
    yield from of_people()
    yield from of_depth()
    yield from of_leres()
    yield Preprocessor("ip-adapter-auto", same, ("IP-Adapter",), resolution=False, default_of=("IP-Adapter",),
                       aliases=("ip-adapter_clip_sd15", "ip-adapter_clip_h", "ip-adapter_clip_sdxl", "ip-adapter_clip_g",
                                "ip-adapter_clip_sdxl_plus_vith"))
    for name in ("reference_only", "reference_adain", "reference_adain+attn"):
        yield Preprocessor(name, same, ("Reference",), resolution=False, slider_1=FIDELITY, post="reference", model_free=True,
                           default_of=("Reference",) if name == "reference_only" else ())


def of_lines() -> Iterable[Preprocessor]:
    """Lines and edges."""
    yield Preprocessor("canny", lines.canny, ("Canny",), slider_1=Slider("Low Threshold", 0, 256, 100),
                       slider_2=Slider("High Threshold", 0, 256, 200), default_of=("Canny",))
    yield Preprocessor("invert", lines.invert, LINES, "invert (from white bg & black line)", resolution=False)
    yield Preprocessor("lineart_standard", lines.lineart_standard, ("Lineart",), "lineart_standard (from white bg & black line)",
                       aliases=("standard_lineart",), default_of=("Lineart",))
    yield Preprocessor("lineart_dog", lines.lineart_dog, ("Lineart",), slider_1=Slider("Line Width", 0.5, 5, 1, 0.1),
                       slider_2=Slider("Least Contrast", 0, 32, 2, 0.5))
    yield Preprocessor("scribble_xdog", lines.scribble_xdog, ("Scribble", "Sketch"), slider_1=Slider("XDoG Threshold", 1, 64, 32),
                       default_of=("Scribble", "Sketch"))
    yield Preprocessor("scribble_edges", lines.scribble_edges, ("Scribble", "Sketch"), slider_1=Slider("Least Strength %", 1, 90, 25))
    yield Preprocessor("softedge_sobel", lines.softedge_sobel, ("SoftEdge",), slider_1=Slider("White At %", 10, 100, 80),
                       default_of=("SoftEdge",))
    yield Preprocessor("mlsd_lsd", lines.mlsd_lsd, ("MLSD",), slider_1=Slider("Least Length", 1, 200, 20),
                       slider_2=Slider("Line Width", 1, 8, 1), default_of=("MLSD",))
    yield Preprocessor("threshold", lines.threshold, (), slider_1=Slider("Binarization Threshold", 0, 255, 127), aliases=("binary",))


def of_colours() -> Iterable[Preprocessor]:
    """Colours, light, surfaces."""
    yield Preprocessor("blur_gaussian", colours.blur_gaussian, ("Blur", "Tile"), slider_1=Slider("Sigma", 0.01, 64, 9, 0.01),
                       default_of=("Blur",))
    yield Preprocessor("shuffle", colours.shuffle, ("Shuffle",), default_of=("Shuffle",))
    yield Preprocessor("recolor_luminance", colours.recolor_luminance, ("Recolor",), resolution=False, slider_1=GAMMA,
                       post="recolor_luminance", default_of=("Recolor",))
    yield Preprocessor("recolor_intensity", colours.recolor_intensity, ("Recolor",), resolution=False, slider_1=GAMMA,
                       post="recolor_intensity")
    yield Preprocessor("t2ia_color_grid", colours.color_grid, ("T2I-Adapter",), aliases=("color",), default_of=("T2I-Adapter",))
    yield Preprocessor("normal_luminance", colours.normal_luminance, ("NormalMap",), slider_1=Slider("Height", 0.1, 5, 1, 0.1),
                       slider_2=Slider("Smoothing", 0.5, 16, 2, 0.5), default_of=("NormalMap",))


def of_depth() -> Iterable[Preprocessor]:
    """Depth, and surfaces out of it, by networks that are files of a person's own."""
    for name, aliases in DEPTH.items():
        network = depth.network_of(name)
        yield Preprocessor(name, types=("Depth",), aliases=aliases, needs=(network,), by_networks=partial(depth.nearness, network),
                           default_of=("Depth",))
    midas = depth.network_of("depth_midas")
    yield Preprocessor("normal_midas", types=("NormalMap",), aliases=("normal_map",), needs=(midas,),
                       by_networks=partial(depth.normals_of, midas), slider_1=Slider("Normal Background Threshold", 0, 1, 0.4, 0.01))


def of_inpainting_and_tiles() -> Iterable[Preprocessor]:
    """Hints that are the picture itself, whole or in part."""
    rate = Slider("Down Sampling Rate", 1, 8, 1, 0.01)
    yield Preprocessor("tile_resample", colours.tile_resample, ("Tile",), resolution=False, slider_1=rate, default_of=("Tile",))
    yield Preprocessor("tile_colorfix", same, ("Tile",), resolution=False, slider_1=VARIATION, post="colorfix")
    yield Preprocessor("tile_colorfix+sharp", same, ("Tile",), resolution=False, slider_1=VARIATION,
                       slider_2=Slider("Sharpness", 0, 2, 1, 0.01), post="colorfix+sharp")
    yield Preprocessor("inpaint_only", same, ("Inpaint",), resolution=False, takes_mask=True, post="inpaint", default_of=("Inpaint",))
    yield Preprocessor("inpaint_global_harmonious", same, ("Inpaint",), resolution=False, takes_mask=True, post="global_inpaint",
                       aliases=("inpaint",))


def of_people() -> Iterable[Preprocessor]:
    """Faces, bodies and hands, by the small networks of `modules.perception`; they say so where those are not there."""
    yield Preprocessor("mediapipe_face", people.mediapipe_face, ("OpenPose",), slider_1=Slider("Max Faces", 1, 10, 1),
                       slider_2=Slider("Min Face Confidence", 0.01, 1, 0.5, 0.01))
    yield Preprocessor("openpose_landmarks", people.body, ("OpenPose",), slider_1=CONFIDENCE, poses=people.found_bodies)
    yield Preprocessor("openpose_landmarks_hand", people.body_and_hands, ("OpenPose",), slider_1=CONFIDENCE, poses=people.found_hands)
    yield Preprocessor("openpose_landmarks_face", people.body_and_face, ("OpenPose",), slider_1=CONFIDENCE, poses=people.found_faces)
    yield Preprocessor("openpose_landmarks_full", people.whole, ("OpenPose",), slider_1=CONFIDENCE, default_of=("OpenPose",),
                       poses=people.found_whole)
    yield Preprocessor("seg_person", people.seg_person, ("Segmentation",), slider_1=CONFIDENCE, default_of=("Segmentation",))
