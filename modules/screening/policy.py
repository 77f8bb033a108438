"""From a detector's scores to a verdict: which labels count, and from which score on."""

from collections.abc import Mapping
from dataclasses import dataclass

from modules.contract.errors import BadRequest


@dataclass(frozen=True)
class Verdict:
    """What was found in a picture: the label that lies furthest over its threshold, its score and that threshold, all in 0..1."""

    detector: str
    label: str
    score: float
    threshold: float

    def __str__(self) -> str:
        return f"{self.detector} found '{self.label}' ({self.score:.2f}, the limit is {self.threshold:.2f})"


def thresholds(text: str) -> dict[str, float]:
    """The limits that a person wrote, one `label: number` a line, labels in lower case. Raises BadRequest naming a wrong line."""
    found: dict[str, float] = {}
    for line in filter(None, map(str.strip, text.replace(",", "\n").splitlines())):
        label, colon, number = line.rpartition(":")
        try:
            limit = float(number)
        except ValueError:
            limit = -1.0
        if not colon or not label.strip() or not 0 <= limit <= 1:
            raise BadRequest(f"The content screen's limit '{line}' is not of the form 'label: number', with a number from 0 to 1.")
        found[label.strip().lower()] = limit
    return found


def judged(detector: str, scores: Mapping[str, float], limits: Mapping[str, float]) -> Verdict | None:
    """What lies at or over its limit; None if nothing does. Labels without a limit do not count."""
    over = [
        Verdict(detector, label, score, limits[label.lower()])
        for label, score in scores.items()
        if label.lower() in limits and score >= limits[label.lower()]
    ]
    return max(over, key=lambda verdict: verdict.score - verdict.threshold, default=None)
