"""The cards of the models on disk: what a page shows of each, a person's notes on it, and its picture.

Folders are looked at anew for each list, and nothing is read twice: of a file that is as it was, all is known. What was read
from files outlives the program, since of thousands even the first bytes take a while.
"""

import hashlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.contract.errors import NotFound, NotSupported
from modules.contract.files import write_whole
from modules.imaging.metadata import encode, read_info
from modules.imaging.opening import open_image
from modules.imaging.thumbnails import fitting
from modules.weights.card_facts import Facts, cover, training_tags
from modules.weights.card_files import Files, Place, Scan, Stamp, place_of, scan, stamp_of
from modules.weights.catalogue import INDEX, Listed
from modules.weights.hashes import HashCache
from modules.weights.kinds import Kind
from modules.weights.model_metadata import LARGEST, beside, header_metadata, user_metadata, write_user_metadata

log = logging.getLogger(__name__)
PATIENCE = 0.8  # seconds that a list may take to read files it does not know; the next list goes on with the rest
SHOWN = {"description": 600, "activation text": 2000, "negative text": 1000, "notes": 300}  # how much of a text a list carries
SD_VERSIONS = {"SD1": "sd1", "SD2": "sd2", "SDXL": "sdxl", "Unknown": ""}
MOST_TAGS = 1000
CACHE_VERSION = 1

Card = dict[str, Any]


@dataclass(frozen=True)
class Shelf:
    """The models of one kind: `listed` are those there are, `refresh` looks for them again, `facts` reads one file's.

    `title` is what a model is chosen by, `name` what prompts call it. `remembered`: reading the files takes long enough for the
    results to be kept over a restart. `vaes` are what a checkpoint may prefer.
    """

    kind: Kind
    folders: Sequence[Path]
    listed: Callable[[], Sequence[Listed]]
    refresh: Callable[[], None]
    facts: Callable[[Path], Facts]
    remembered: bool = False
    title: Callable[[Listed], str] | None = None
    name: Callable[[Listed], str] = lambda one: one.path.stem
    vaes: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True)
class Listing:
    """Cards by name, and how many of them still lack what their file says. `cards` is the same list as long as nothing changes."""

    cards: Sequence[Card]
    unread: int


class Cards:
    """The cards of one kind. Any thread may ask.

    `cache` is a folder for what was read; `prefers_alias` says whether prompts refer to a model by the name it gives itself.
    """

    def __init__(self, shelf: Shelf, cache: Path, hashes: HashCache, prefers_alias: Callable[[], bool] = lambda: False) -> None:
        self.shelf = shelf
        self.cache = cache / f"{shelf.kind.noun.lower()}.json"
        self.covers = cache / "covers"
        self.hashes = hashes
        self.prefers_alias = prefers_alias
        self.lock = threading.Lock()
        self.scanned: Scan = {}
        self.listed: Sequence[Listed] = ()
        self.places: dict[str, Place] = {}
        self.facts = self.remembered() if shelf.remembered else dict[str, tuple[list[int], Facts]]()
        self.new_facts = False
        self.changed = True
        self.cards: dict[str, tuple[object, Card]] = {}
        self.last: tuple[object, Listing] = (None, Listing((), 0))

    # The list

    def listing(self) -> Listing:
        """All cards as the folders are now."""
        with self.lock:
            self.look()
            alias, hashed = self.prefers_alias(), len(self.hashes.entries)
            if not self.changed and self.last[0] == (alias, hashed) and not self.last[1].unread:
                return self.last[1]
            self.changed = False
            end = time.monotonic() + PATIENCE
            made = [card for place in self.places.values() if (card := self.card(place, read=time.monotonic() < end)) is not None]
            unread = sum("unread" in card for card in made)
            if not unread and self.new_facts:
                self.remember()
            self.last = (alias, hashed), Listing(with_tags(made, alias=alias), unread)
            return self.last[1]

    def look(self) -> None:
        """See what is in the folders; have models looked for again where files have come or gone."""
        scanned = scan(self.shelf.folders)
        same = scanned == self.scanned
        first = not self.scanned  # then nobody knows when the models were last looked for
        if first or (not same and model_names(scanned, self.shelf.kind) != model_names(self.scanned, self.shelf.kind)):
            self.shelf.refresh()
        self.scanned = scanned
        listed = self.shelf.listed()
        if same and listed is self.listed:
            return
        self.changed = True
        self.listed = listed
        self.places = {one.relative: place_of(one) for one in listed}
        # What was wrong is looked at anew: a yaml beside a checkpoint, or another file of its name, may have changed that.
        self.cards = {key: known for key, known in self.cards.items() if key in self.places and "problem" not in known[1]}
        self.facts = {path: known for path, known in self.facts.items() if not known[1].problem}

    def card(self, place: Place, *, read: bool) -> Card | None:
        """A model's card; None where its file is gone. Without `read` nothing is opened."""
        siblings = self.scanned.get(place.folder, {})
        stamp = siblings.get(place.name) or stamp_of(place.path)
        if stamp is None:
            return None
        picture = place.picture(siblings)
        state = (stamp, siblings.get(place.base + ".json"), place.text(siblings), picture and siblings[picture], self.known_hashes(place))
        known = self.cards.get(place.key)
        if known is not None and known[0] == state:
            return known[1]
        card: Card = {"key": place.key, "name": self.shelf.name(place.listed), "size": stamp.size,
                      "modified": stamp.modified // 10**9, "created": int(stamp.created)}
        if self.shelf.title:
            card["title"] = self.shelf.title(place.listed)
        if not read:
            return {**card, "unread": True}
        facts = self.facts_of(place, stamp)
        card |= shown(facts, notes_on(place, siblings)) | {"hashes": [*state[-1], *filter(None, [facts.hash])]}
        if picture or facts.covers:
            card["picture"] = (siblings[picture] if picture else stamp).modified // 10**6
        card = {name: value for name, value in card.items() if value not in ("", [], None)}
        self.cards[place.key] = (state, card)
        return card

    def known_hashes(self, place: Place) -> tuple[str, ...]:
        """The hashes of a model that were computed already: of its tensors, and of the file."""
        parts = [part for part in ("tensors:", "") if part + str(place.path) in self.hashes.entries]
        return tuple(known for part in parts if (known := self.hashes.known(place.path, part=part)))

    # What was read

    def facts_of(self, place: Place, stamp: Stamp) -> Facts:
        """What a file says, read anew if it has changed."""
        known = self.facts.get(str(place.path))
        mark = [stamp.modified, stamp.size]
        if known is None or known[0] != mark:
            known = (mark, self.shelf.facts(place.path))
            self.facts[str(place.path)] = known
            self.new_facts = self.shelf.remembered
        return known[1]

    def remembered(self) -> dict[str, tuple[list[int], Facts]]:
        """What an earlier run has read. A damaged or foreign cache is only slow."""
        try:
            loaded = json.loads(self.cache.read_text("utf8"))
            files = loaded["files"] if loaded["version"] == CACHE_VERSION else {}
            return {path: (mark, Facts(**facts)) for path, (mark, facts) in files.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def remember(self) -> None:
        """Keep what was read for the next run."""
        paths = {str(place.path) for place in self.places.values()}
        files = {path: [mark, facts.kept()] for path, (mark, facts) in self.facts.items() if path in paths and not facts.problem}
        try:
            write_whole(self.cache, json.dumps({"version": CACHE_VERSION, "files": files}).encode())
        except OSError as error:
            log.warning("What was read of the models could not be kept (%s).", error.strerror)
        self.new_facts = False

    # One model

    def find(self, key: str) -> Place:
        """A model by its key, as the list has it. Raises NotFound."""
        with self.lock:
            if key not in self.places:
                self.look()
            place = self.places.get(key)
        if place is None or stamp_of(place.path) is None:
            raise NotFound.among(self.shelf.kind.noun, key[:200], self.places)
        return place

    def details(self, key: str) -> dict[str, Any]:
        """All that is known of a model. Raises NotFound."""
        place = self.find(key)
        metadata = header_metadata(place.path)
        return {
            "key": key,
            "name": self.shelf.name(place.listed),
            "path": str(place.path),
            "notes": notes_on(place, place.siblings()),
            "tags": training_tags(metadata)[:MOST_TAGS],
            "metadata": {name: value for name, value in metadata.items() if name != "ssmd_cover_images"},
            "vaes": list(self.shelf.vaes()),
        }

    def write_notes(self, key: str, values: dict[str, Any]) -> None:
        """Write some of the notes on a model; others that are there stay. Raises NotFound, NotSupported."""
        place = self.find(key)
        file = beside(place.path, ".json")
        with self.lock:
            try:
                readable = not file.exists() or file.stat().st_size <= LARGEST
                old = json.loads(file.read_text("utf8")) if readable and file.exists() else {} if readable else None
            except (ValueError, RecursionError):
                old = None
            except OSError as error:
                raise NotSupported(f"{file.name} cannot be read ({error.strerror}).") from None
            if not isinstance(old, dict):
                raise NotSupported(f"{file.name} holds something else than notes, and stays as it is.", "Rename it, then save again.")
            try:
                write_user_metadata(place.path, {**old, **values})
            except OSError as error:
                raise NotSupported(f"{file.name} cannot be written ({error.strerror}).", "Is the folder writable?") from None

    # Pictures

    def picture(self, key: str) -> Path:
        """The file of a model's picture; one that its own file brings along is unpacked. Raises NotFound."""
        place = self.find(key)
        name = place.picture(place.siblings())
        return place.path.with_name(name) if name else self.cover(place)

    def cover(self, place: Place) -> Path:
        """The first picture out of a model's own file, unpacked once. Raises NotFound."""
        stamp = stamp_of(place.path)
        known = hashlib.sha256(f"{place.path}\0{stamp}".encode("utf8", "surrogateescape")).hexdigest()[:40]
        file = self.covers / f"{known}.picture"
        if not file.exists():
            data = cover(header_metadata(place.path))
            if not data:
                raise NotFound(f"There is no picture of '{place.key}'.")
            write_whole(file, data)
        return file

    def set_picture(self, key: str, data: bytes, side: int | None = None) -> None:
        """Have a picture show a model: name.png beside it where there is one, else name.preview.png. What was there stays until then.

        A PNG is kept as it is, infotext and all; others become PNG, which comes first among the formats. One that is larger than
        `side` pixels is made that small. Raises NotFound, BadRequest for what is no picture, NotSupported where it cannot be written.
        """
        place = self.find(key)
        image = open_image(data)
        large = side is not None and max(image.size) > side
        if large or not data.startswith(b"\x89PNG"):
            infotext = read_info(image).infotext or None
            data = encode(fitting(image, side) if side and large else image, format="png", infotext=infotext)
        plain = beside(place.path, ".png")
        file = plain if plain.is_file() and plain != place.path else beside(place.path, ".preview.png")
        try:
            write_whole(file, data)
        except OSError as error:
            raise NotSupported(f"{file.name} cannot be written ({error.strerror}).", "Is the folder writable?") from None


def model_names(scanned: Scan, kind: Kind) -> set[tuple[str, str]]:
    """The files of a scan that are, or tell of, models of a kind."""
    suffixes = tuple(kind.suffixes)
    return {(folder, name) for folder, files in scanned.items() for name in files if name.lower().endswith(suffixes) or name == INDEX}


def notes_on(place: Place, siblings: Files) -> dict[str, Any]:
    """A person's notes on a model, with the description out of a text file where the notes have none."""
    notes = user_metadata(place.path) if place.base + ".json" in siblings else {}
    text = place.text(siblings)
    if notes.get("description") is None and text:
        notes["description"] = read_text(place.path.with_name(text[0]))
    return notes


def shown(facts: Facts, notes: dict[str, Any]) -> Card:
    """What a card says of its file, and of a person's notes on it."""
    card: Card = {"family": facts.family, "alias": facts.alias, "tags": facts.tags, "problem": facts.problem}
    for name, most in SHOWN.items():
        text = notes.get(name)
        if isinstance(text, str) and text.strip():
            card[name.split(" ")[0]] = text[:most]
    weight = notes.get("preferred weight")
    if isinstance(weight, int | float) and weight:
        card["weight"] = round(float(weight), 3)
    if notes.get("sd version") in SD_VERSIONS and notes["sd version"] != "Unknown":
        card["family"] = SD_VERSIONS[notes["sd version"]]
    return card


def with_tags(cards: Iterable[Card], *, alias: bool) -> list[Card]:
    """The cards, those with `tag` that a prompt calls by something else than their name.

    That is the alias, if it is wanted and means only this one; else of several files of one name the whole path.
    """
    cards = list(cards)
    names = Counter(card["name"] for card in cards)
    aliases = Counter(card["alias"] for card in cards if "alias" in card)
    made: list[Card] = []
    for card in cards:
        own = card.get("alias")
        tag = own if alias and own and aliases[own] == 1 and own not in names and not set(own) & set(":<>") else None
        if tag is None and names[card["name"]] > 1:
            tag = card["key"].rsplit(".", 1)[0]
        made.append({**card, "tag": tag} if tag else card)
    return made


def read_text(file: Path) -> str:
    """A text beside a model; "" where it cannot be read or is too long for one."""
    try:
        return file.read_text("utf8", errors="replace") if file.stat().st_size <= LARGEST else ""
    except OSError:
        return ""
