"""What a person types into the one field: a link to a model, a name of one, its hash, or words to search for."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from modules.contract.errors import BadRequest

HUGGING_FACE = frozenset({"huggingface.co", "www.huggingface.co", "hf.co", "hf-mirror.com"})
CIVITAI = frozenset({"civitai.com", "www.civitai.com", "civitai.green", "civitai.red"})
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
AIR = re.compile(r"(?:urn:)?air:[\w-]*:[\w-]*:civitai:(\d+)(?:@(\d+))?", re.IGNORECASE)
HASH = re.compile(r"[0-9a-f]{64}|[0-9a-f]{10}|[0-9a-f]{12}", re.IGNORECASE)
LONGEST = 2000


@dataclass(frozen=True)
class Repository:
    """A repository of Hugging Face, or one file in it; `path` may be a folder's."""

    name: str
    revision: str = "main"
    path: str = ""


@dataclass(frozen=True)
class CivitaiModel:
    """A model of Civitai, or one version of it."""

    model: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Fingerprint:
    """The hash of a file that somebody has, or wants."""

    digits: str


@dataclass(frozen=True)
class Direct:
    """Any other address of a file."""

    url: str


@dataclass(frozen=True)
class Words:
    """What to search for."""

    text: str


Meaning = Repository | CivitaiModel | Fingerprint | Direct | Words


def meaning_of(text: str, *, hugging_face: str = "", civitai: str = "") -> Meaning:
    """What a text means. The addresses are those of mirrors that count as the sites themselves.

    Raises BadRequest for nothing at all, and for links that lead to no model.
    """
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise BadRequest(
            "There is nothing to look for." if not text else "This is too long for a link or words.", "Paste a link, or type some words."
        )
    if found := AIR.fullmatch(text):
        return CivitaiModel(int(found[1]), int(found[2]) if found[2] else None)
    if HASH.fullmatch(text) and re.search(r"\d", text):
        return Fingerprint(text.lower())
    bare = re.sub(r"^(https?://)", "", text, flags=re.IGNORECASE).split("/")[0].lower()
    if not re.match(r"https?://", text, re.IGNORECASE):
        if bare in HUGGING_FACE | CIVITAI:
            text = f"https://{text}"
        else:
            return Repository(text) if REPOSITORY.fullmatch(text) else Words(text)
    try:
        parts = urlsplit(text)
        host = parts.netloc.lower()
    except ValueError:
        raise BadRequest("This is not a link that can be read.") from None
    if host in HUGGING_FACE | {urlsplit(hugging_face).netloc.lower()} - {""}:
        return repository(parts.path)
    if host in CIVITAI | {urlsplit(civitai).netloc.lower()} - {""}:
        return civitai_model(parts.path, parts.query)
    return Direct(text)


def repository(path: str) -> Repository:
    """A link's path on Hugging Face."""
    names = [unquote(part) for part in path.split("/") if part]
    if len(names) < 2 or names[0] in ("datasets", "spaces", "docs", "blog", "papers", "api"):
        raise BadRequest("This link leads to no model on Hugging Face.", "A model's link looks like https://huggingface.co/owner/name.")
    name = "/".join(names[:2])
    if not REPOSITORY.fullmatch(name) or any(part in (".", "..") for part in names):
        raise BadRequest(f"'{name[:100]}' is no name of a model on Hugging Face.")
    if len(names) >= 4 and names[2] in ("blob", "resolve", "tree", "raw"):
        return Repository(name, names[3], "/".join(names[4:]))
    return Repository(name)


def civitai_model(path: str, query: str) -> CivitaiModel:
    """A link's path on Civitai."""
    if found := re.match(r"/api/download/models/(\d+)|/api/v1/model-versions/(\d+)|/model-versions/(\d+)", path):
        return CivitaiModel(version=int(next(filter(None, found.groups()))))
    if found := re.match(r"(?:/api/v1)?/models/(\d+)", path):
        chosen = parse_qs(query).get("modelVersionId", [""])[0]
        return CivitaiModel(int(found[1]), int(chosen) if chosen.isdigit() else None)
    raise BadRequest("This link leads to no model on Civitai.", "A model's link looks like https://civitai.com/models/1234.")
