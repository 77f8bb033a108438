"""What a picture shows: faces, hands, people, found by networks that ask for nothing to be fetched."""

from modules.perception.detectors import Detector, Detectors, Offer
from modules.perception.found import Found

__all__ = ["Detector", "Detectors", "Found", "Offer"]
