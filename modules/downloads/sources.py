"""The sites as one: whatever a person types into the field is looked up where it belongs, or searched for."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.files import write_whole
from modules.downloads import civitai, hugging_face
from modules.downloads.civitai import Civitai
from modules.downloads.connection import Client, Site, checked
from modules.downloads.hugging_face import HuggingFace
from modules.downloads.links import CivitaiModel, Direct, Fingerprint, Meaning, Repository, Words, meaning_of
from modules.downloads.offers import Found, Listing, Offer, Offered, file_name, new_key

SITES = {"huggingface": hugging_face.NAME, "civitai": civitai.NAME}
LONGEST_TOKEN = 400


@dataclass(frozen=True)
class Preferences:
    """What the settings say: the sites' addresses, and whether models rated mature are shown."""

    hugging_face: str = "https://huggingface.co"
    civitai: str = "https://civitai.com"
    mature: bool = False


class Tokens:
    """The tokens by which sites know a person, in a file that only its owner may read. Nothing but requests to the site has them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        try:
            loaded = json.loads(path.read_text("utf8"))
            self.values = {name: str(loaded[name]) for name in SITES if loaded.get(name)}
        except (OSError, ValueError, AttributeError):
            self.values = {}

    def get(self, site: str) -> str:
        """The token of a site; "" without one."""
        return self.values.get(site, "")

    def set(self, site: str, token: str) -> None:
        """Keep a token, or forget it if it is empty. Raises BadRequest for what cannot be one."""
        token = token.strip()
        if site not in SITES:
            raise NotFound.among("site", site, SITES)
        if len(token) > LONGEST_TOKEN or not token.isascii() or any(not sign.isprintable() or sign == " " for sign in token):
            raise BadRequest("This is not a token.", f"A token is a single word. {SITES[site]} makes one on its page of account settings.")
        with self.lock:
            values = {name: value for name, value in {**self.values, site: token}.items() if value}
            write_whole(self.path, json.dumps(values).encode())
            self.values = values


class Sources:
    """Looks models up. What was found is kept in `offered` for a while."""

    def __init__(self, tokens: Tokens, preferences: Callable[[], Preferences] = Preferences, *, seconds: float = 30.0) -> None:
        self.tokens = tokens
        self.preferences = preferences
        self.offered = Offered()
        self.client = Client(self.sites, seconds=seconds)

    def sites(self) -> list[Site]:
        """The two sites, each with its token."""
        wanted = self.preferences()
        return [
            Site(hugging_face.NAME, wanted.hugging_face, self.tokens.get("huggingface")),
            Site(civitai.NAME, wanted.civitai, self.tokens.get("civitai")),
        ]

    def find(self, text: str, *, site: str = "civitai", kind: str = "", more: str = "") -> Listing:
        """What a link leads to, or a search for words on one of SITES finds.

        Raises BadRequest, NotFound, NotSupported, Unreachable, Refused.
        """
        wanted = self.preferences()
        for address in (wanted.hugging_face, wanted.civitai):
            checked(address)
        meaning: Meaning = Words("") if not text.strip() else meaning_of(text, hugging_face=wanted.hugging_face, civitai=wanted.civitai)
        listing = self.listing(meaning, wanted, site=site, kind=kind, more=more)
        self.offered.keep(listing.found)
        return listing

    def listing(self, meaning: Meaning, wanted: Preferences, *, site: str, kind: str, more: str) -> Listing:
        """What a meaning leads to."""
        if site not in SITES:
            raise NotFound.among("site", site, SITES)
        hub, bay = HuggingFace(self.client, wanted.hugging_face), Civitai(self.client, wanted.civitai)
        if isinstance(meaning, Words):
            return (bay if site == "civitai" else hub).search(meaning.text, kind, mature=wanted.mature, more=more)
        if isinstance(meaning, Repository):
            return Listing((hub.files(meaning),))
        if isinstance(meaning, CivitaiModel):
            return Listing(tuple(bay.look(meaning, mature=wanted.mature)))
        if isinstance(meaning, Fingerprint):
            return Listing(tuple(bay.by_hash(meaning, mature=wanted.mature)))
        return Listing((direct(meaning),))

    def thumbnail(self, key: str) -> bytes:
        """The preview picture of a model that was found, small, as JPEG. Raises NotFound, Unreachable, Refused, BadRequest."""
        from modules.downloads.companions import picture, shrunk

        model = self.offered.model(key)
        if not model.picture:
            raise NotFound("This model has no picture that may be shown.")
        return shrunk(picture(model.picture, self.client), 256, "JPEG")


def direct(meaning: Direct) -> Found:
    """A link to a file anywhere. Raises BadRequest, NotSupported."""
    parts = checked(meaning.url)
    if parts.scheme != "https":
        raise NotSupported("Files are only fetched over https.", "Give an address that begins with https://.")
    name = PurePosixPath(unquote(urlsplit(meaning.url).path)).name
    file_name(name)
    offer = Offer(key=new_key(), url=meaning.url, name=name)
    host = str(parts.hostname)
    return replace(
        Found(key=new_key(), site=host, title=name, page="", terms=("Its licence is not known.",), offers=(offer,)),
        summary=f"A file of {host}.",
    )
