"""The preprocessors of poses that need networks of a person's own, in A1111's names."""

from collections.abc import Iterable

from . import dw_pose
from .declaration import Preprocessor
from .open_pose import Parts

OPEN_POSE = (
    Parts("openpose_full", hands=True, face=True),
    Parts("openpose"),
    Parts("openpose_hand", hands=True),
    Parts("openpose_face", face=True),
    Parts("openpose_faceonly", body=False, face=True),
)


def of_pose_networks() -> Iterable[Preprocessor]:
    """The best first: the first whose networks are there is what the control type begins with."""
    yield Preprocessor(dw_pose.NAME, types=("OpenPose",), needs=(dw_pose.DETECTOR, dw_pose.POINTS), by_networks=dw_pose.drawn,
                       poses=dw_pose.found, default_of=("OpenPose",))
    for parts in OPEN_POSE:
        yield Preprocessor(parts.name, types=("OpenPose",), needs=parts.networks, by_networks=parts.drawn, poses=parts.found,
                           default_of=("OpenPose",) if parts.name == "openpose_full" else ())
