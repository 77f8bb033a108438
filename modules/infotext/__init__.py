"""The text under a picture: a request as A1111 writes it, and back."""

from modules.infotext.foreign import infotext_of
from modules.infotext.paste import Paste, Rules, pasted, request_values
from modules.infotext.read import read
from modules.infotext.write import write

__all__ = ["Paste", "Rules", "infotext_of", "pasted", "read", "request_values", "write"]
