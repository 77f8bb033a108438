"""Civitai: search, versions and files, over its public API."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from modules.contract.errors import NotFound
from modules.downloads.connection import Client, Refused
from modules.downloads.links import CivitaiModel, Fingerprint
from modules.downloads.offers import Companions, Found, Listing, Offer, is_model_file, new_key, plain

NAME = "Civitai"
PAGE_SIZE = 20
SUMMARY = 500
# The site's types, and our kinds.
TYPES = {
    "Checkpoint": "checkpoint", "LORA": "lora", "LoCon": "lora", "DoRA": "lora", "TextualInversion": "embedding",
    "Hypernetwork": "hypernetwork", "VAE": "vae", "Upscaler": "upscaler", "Controlnet": "controlnet",
}  # fmt: skip
NO_WEIGHTS = ("Training Data", "Archive")
PG13 = 2  # ratings are 1 for PG, 2 for PG-13, and 4, 8, 16 beyond; older answers say it in words
SAFE_WORDS = ("none", "soft", "false", "")
USES = {"Image": "sell pictures", "RentCivit": "run it for money on Civitai", "Rent": "run it as a paid service", "Sell": "sell the model"}


class Civitai:
    """Asks Civitai, or a mirror of it at `base`."""

    def __init__(self, client: Client, base: str) -> None:
        self.client = client
        self.base = base.rstrip("/")

    def search(self, words: str, kind: str, *, mature: bool, more: str = "") -> Listing:
        """Models by words, the most fetched first where there are none. Raises Unreachable, Refused, BadRequest."""
        query: list[tuple[str, str]] = [("limit", str(PAGE_SIZE)), ("nsfw", "true" if mature else "false")]
        query += [("query", words)] if words else [("sort", "Most Downloaded")]
        query += [("types", name) for name, own in TYPES.items() if own == kind]
        query += [("cursor", more)] if more else []
        answer = table(self.client.json(f"{self.base}/api/v1/models?{urlencode(query)}"))
        found: list[Found] = []
        for row in rows_of(answer.get("items")):
            versions = rows_of(row.get("modelVersions"))
            if versions:
                found.append(self.model(row, versions[0], mature=mature))
        shown = tuple(one for one in found if mature or not one.mature)
        cursor = table(answer.get("metadata")).get("nextCursor")
        return Listing(shown, str(cursor) if cursor else "", len(found) - len(shown))

    def look(self, wanted: CivitaiModel, *, mature: bool) -> list[Found]:
        """A model's versions, newest first, or the one version of a link. Raises NotFound, Unreachable, Refused."""
        model = wanted.model
        if model is None:
            version = table(self.asked(f"model-versions/{wanted.version}", "version"))
            model = version.get("modelId")
            if not isinstance(model, int):
                raise NotFound("This version belongs to no model any more.")
        row = table(self.asked(f"models/{model}", "model"))
        versions = rows_of(row.get("modelVersions"))
        if wanted.version is not None:
            versions = [each for each in versions if each.get("id") == wanted.version]
        if not versions:
            raise NotFound("Civitai's model has no such version any more.", "Paste the link without its version.")
        return [self.model(row, version, mature=mature) for version in versions[:PAGE_SIZE]]

    def by_hash(self, wanted: Fingerprint, *, mature: bool) -> list[Found]:
        """The model that a file is of. Raises NotFound, Unreachable, Refused."""
        version = table(self.asked(f"model-versions/by-hash/{wanted.digits}", "file with this hash"))
        number, model = version.get("id"), version.get("modelId")
        return self.look(
            CivitaiModel(model if isinstance(model, int) else None, number if isinstance(number, int) else None), mature=mature
        )

    def asked(self, path: str, what: str) -> Any:
        """An answer of the API, or NotFound."""
        try:
            return self.client.json(f"{self.base}/api/v1/{path}")
        except Refused as error:
            if error.code == 404:
                raise NotFound(f"Civitai has no such {what}.", "It may have been deleted.") from None
            raise

    def model(self, row: Mapping[str, Any], version: Mapping[str, Any], *, mature: bool) -> Found:
        """One version of a model."""
        kind = TYPES.get(str(row.get("type")), "")
        page = f"{self.base}/models/{row.get('id')}?modelVersionId={version.get('id')}"
        words = ", ".join(plain(word, 300) for word in version.get("trainedWords") or [])
        files = [each for each in rows_of(version.get("files")) if each.get("type") not in NO_WEIGHTS]
        picture = safe_picture(version, mature=mature)
        beside = Companions(
            description=plain(row.get("description")), words=words, base=plain(version.get("baseModel"), 60), page=page, picture=picture,
            config=next((str(each["downloadUrl"]) for each in files if each.get("type") == "Config" and each.get("downloadUrl")), ""),
        )  # fmt: skip
        loads = table(row.get("stats")).get("downloadCount")
        return Found(
            key=new_key(),
            site=NAME,
            title=plain(row.get("name"), 200),
            page=page,
            creator=plain(table(row.get("creator")).get("username"), 100),
            version=plain(version.get("name"), 100),
            kind=kind,
            family=beside.base,
            summary=plain(version.get("description") or row.get("description"), SUMMARY),
            words=words[:SUMMARY],
            terms=terms_of(row),
            mature=is_mature(row),
            gated=version.get("availability") == "EarlyAccess",
            downloads=loads if isinstance(loads, int) else None,
            picture=picture,
            offers=tuple(offer(each, kind, beside) for each in files if is_model_file(str(each.get("name"))) and each.get("downloadUrl")),
        )


def offer(row: Mapping[str, Any], kind: str, beside: Companions) -> Offer:
    """One file of a version. The site gives sizes in kilobytes with a fraction, which need not be exact."""
    sha256 = str(table(row.get("hashes")).get("SHA256") or "").lower()
    facts = table(row.get("metadata"))
    size = row.get("sizeKB")
    notes = [str(facts.get(name) or "") for name in ("size", "fp")]
    own = "vae" if row.get("type") == "VAE" else kind
    return Offer(
        key=new_key(),
        url=str(row["downloadUrl"]),
        name=str(row["name"]),
        size=round(size * 1024) if isinstance(size, int | float) and size > 0 else None,
        sha256=sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None,
        note=plain(", ".join(filter(None, notes)), 60),
        kind=own,
        companions=beside if own == kind else Companions(page=beside.page),
    )


def is_mature(row: Mapping[str, Any]) -> bool:
    """Whether a model or picture is rated beyond PG-13."""
    level = row.get("nsfwLevel")
    if isinstance(level, int) and level > 0 and "modelVersions" not in row:  # a model's level is the sum of all its pictures'
        return level > PG13
    flag = row.get("nsfw")
    return flag is True or (isinstance(flag, str) and flag.lower() not in SAFE_WORDS)


def safe_picture(version: Mapping[str, Any], *, mature: bool) -> str:
    """The address of a version's first picture that may be shown; "" without one."""
    for row in rows_of(version.get("images")):
        if row.get("type", "image") == "image" and row.get("url") and (mature or not is_mature(row)):
            return str(row["url"])
    return ""


def terms_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a model's author allows, in sentences."""
    allowed = row.get("allowCommercialUse")
    uses = allowed if isinstance(allowed, list) else re.findall(r"\w+", str(allowed or ""))
    named = [USES[use] for use in map(str, uses) if use in USES]
    said = [f"For money one may: {', '.join(named)}." if named else "No use for money."]
    if row.get("allowNoCredit") is False:
        said.append("Its author must be named.")
    if row.get("allowDerivatives") is False:
        said.append("No merges may be shared.")
    if row.get("allowDifferentLicense") is False:
        said.append("Merges must have the same terms.")
    return tuple(said)


def table(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows_of(value: Any) -> Sequence[Mapping[str, Any]]:
    """A JSON list's objects."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
