"""What a site has on offer: a model with its files, and all that is worth knowing before one is fetched."""

import html
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from modules.contract.errors import BadRequest, NotFound
from modules.imaging.naming import safe_part

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
PICKLES = frozenset(SUFFIXES[1:])
LONGEST_NAME = 180  # bytes; room for a number and `.safetensors.part`
LONGEST_TEXT = 20_000
KEPT = 2000


@dataclass(frozen=True)
class Companions:
    """What goes beside a model's file. `picture` and `config` are addresses; `base` is the family in the site's own words."""

    description: str = ""
    words: str = ""
    base: str = ""
    page: str = ""
    picture: str = ""
    config: str = ""


@dataclass(frozen=True)
class Offer:
    """One file that can be fetched. `size` in bytes, None where the site does not say; `note`: its precision and the like."""

    key: str
    url: str
    name: str
    size: int | None = None
    sha256: str | None = None
    note: str = ""
    kind: str = ""
    companions: Companions = field(default_factory=Companions)

    @property
    def pickled(self) -> bool:
        """Whether the file is of a kind that can hold programs; it is read as data only, or refused."""
        return PurePosixPath(self.name).suffix.lower() in PICKLES


@dataclass(frozen=True)
class Found:
    """A model of a site. `link` asks for its files where `offers` is None; `terms` are what its licence allows, in sentences."""

    key: str
    site: str
    title: str
    page: str
    link: str = ""
    creator: str = ""
    version: str = ""
    kind: str = ""
    family: str = ""
    summary: str = ""
    words: str = ""
    terms: tuple[str, ...] = ()
    mature: bool = False
    gated: bool = False
    downloads: int | None = None
    picture: str = ""
    offers: tuple[Offer, ...] | None = None


@dataclass(frozen=True)
class Listing:
    """What a site found, and what to ask it with for more; `hidden`: how many were left out for being rated mature."""

    found: tuple[Found, ...]
    more: str = ""
    hidden: int = 0


class Offered:
    """The models that were found lately, by key: the page names them by it, and never an address of its own making."""

    def __init__(self, most: int = KEPT) -> None:
        self.most = most
        self.lock = threading.Lock()
        self.models: OrderedDict[str, Found] = OrderedDict()
        self.files: OrderedDict[str, tuple[Found, Offer]] = OrderedDict()

    def keep(self, found: Sequence[Found]) -> None:
        """Remember models and their files."""
        with self.lock:
            for model in found:
                self.models[model.key] = model
                self.files.update({offer.key: (model, offer) for offer in model.offers or ()})
            for kept in (self.models, self.files):
                while len(kept) > self.most:
                    kept.popitem(last=False)

    def model(self, key: str) -> Found:
        """Raises NotFound."""
        with self.lock:
            if key in self.models:
                return self.models[key]
        raise NotFound("This search is too long ago.", "Search again.")

    def file(self, key: str) -> tuple[Found, Offer]:
        """A file and its model. Raises NotFound."""
        with self.lock:
            if key in self.files:
                return self.files[key]
        raise NotFound("This search is too long ago.", "Search again.")


def new_key() -> str:
    """A name that nobody guesses."""
    return secrets.token_urlsafe(9)


def file_name(text: str) -> str:
    """A name that a site gives a file, as a name for it here. Raises BadRequest for what is no model file.

    Only its last part counts, whatever slashes it has: no site may say where a file goes.
    """
    last = re.split(r"[/\\]", text)[-1]
    stem, suffix = re.fullmatch(r"(.*?)(\.[A-Za-z0-9]{1,12})?", last, re.DOTALL).groups()  # type: ignore[union-attr]
    suffix = (suffix or "").lower()
    if suffix not in SUFFIXES:
        raise BadRequest(f"'{last[:120]}' is not a model file that can be used here.", f"These are: {', '.join(SUFFIXES)}.")
    return safe_part(stem.lstrip("."), LONGEST_NAME) + suffix


def is_model_file(name: str) -> bool:
    """Whether a name is that of a model file that can be used here."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def plain(text: object, most: int = LONGEST_TEXT) -> str:
    """A text of a site without its HTML."""
    cut = str(text or "")[: 8 * most]
    cut = re.sub(r"<(script|style)\b.*?</\1>", "", cut, flags=re.DOTALL | re.IGNORECASE)
    cut = re.sub(r"<(br|/p|/li|/h\d|/div)\b[^>]*>", "\n", cut, flags=re.IGNORECASE)
    cut = html.unescape(re.sub(r"<[^>]{0,2000}>", "", cut))
    cut = re.sub(r"[^\S\n]+", " ", "".join(sign for sign in cut if sign.isprintable() or sign == "\n"))
    return re.sub(r"\n\s*\n\s*", "\n\n", cut).strip()[:most]
