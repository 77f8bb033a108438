"""The text under a picture: a request as A1111 writes it, and back."""

from modules.infotext.read import read
from modules.infotext.write import write

__all__ = ["read", "write"]
