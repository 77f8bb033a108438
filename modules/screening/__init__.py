"""The content screen: whether a picture may leave the program as it is, asked at one place before every way out."""

from modules.screening.detectors import Classifiers, Detector
from modules.screening.policy import Verdict
from modules.screening.screen import Mode, Screen

__all__ = ["Classifiers", "Detector", "Mode", "Screen", "Verdict"]
