"""A pipeline over the smallest real checkpoint, with the bundled extensions."""

from tests.extensions.program import pipeline

__all__ = ["pipeline"]
