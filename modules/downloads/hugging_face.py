"""Hugging Face: search, and the files of a repository, over its public API."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from modules.contract.errors import NotFound
from modules.downloads.connection import Client, Refused
from modules.downloads.links import Repository
from modules.downloads.offers import Companions, Found, Listing, Offer, is_model_file, new_key, plain

NAME = "Hugging Face"
PAGE_SIZE = 20
MOST_FILES = 300
MATURE = "not-for-all-audiences"
# What to put beside the words for each kind; the site knows no VAEs or upscalers.
FILTERS = {"lora": "lora", "checkpoint": "text-to-image", "embedding": "textual_inversion", "controlnet": "controlnet"}
# A word in a file's path, and the kind that it gives away.
KINDS = {
    "lora": "lora", "locon": "lora", "lycoris": "lora", "vae": "vae", "embedding": "embedding", "textual": "embedding",
    "controlnet": "controlnet", "control_": "controlnet", "upscale": "upscaler", "esrgan": "upscaler", "swinir": "upscaler",
    "4x": "upscaler", "2x": "upscaler", "gfpgan": "face", "codeformer": "face", "hypernet": "hypernetwork",
}  # fmt: skip
FAMILIES = {"sdxl": "SDXL", "stable-diffusion-xl": "SDXL", "stable-diffusion-2": "SD 2", "stable-diffusion-v1": "SD 1", "flux": "Flux",
            "stable-diffusion-3": "SD 3"}  # fmt: skip


class HuggingFace:
    """Asks Hugging Face, or a mirror of it at `base`."""

    def __init__(self, client: Client, base: str) -> None:
        self.client = client
        self.base = base.rstrip("/")

    def search(self, words: str, kind: str, *, mature: bool, more: str = "") -> Listing:
        """Models by words, most fetched first. Raises Unreachable, Refused, BadRequest."""
        query = {"search": words, "limit": PAGE_SIZE, "full": "true", "sort": "downloads", "direction": "-1", "skip": more or "0"}
        if kind in FILTERS:
            query["filter"] = FILTERS[kind]
        rows = [row for row in self.client.json(f"{self.base}/api/models?{urlencode(query)}") if isinstance(row, dict)]
        found = [self.model(row) for row in rows]
        shown = tuple(one for one in found if mature or not one.mature)
        return Listing(shown, str(int(more or 0) + PAGE_SIZE) if len(rows) == PAGE_SIZE else "", len(found) - len(shown))

    def files(self, wanted: Repository) -> Found:
        """A repository with its model files, or with the one that the link names. Raises NotFound, Unreachable, Refused."""
        row = self.client.json(f"{self.base}/api/models/{wanted.name}")
        model = self.model(row if isinstance(row, dict) else {}, wanted.name)
        revision = quote(wanted.revision, safe="")
        try:
            tree = self.client.json(f"{self.base}/api/models/{wanted.name}/tree/{revision}?recursive=true")
        except Refused as error:
            if error.code == 404:
                raise NotFound(f"{wanted.name} has no revision '{wanted.revision}'.") from None
            raise
        rows = [row for row in tree if isinstance(row, dict) and row.get("type") == "file"]
        chosen = [row for row in rows if within(str(row.get("path", "")), wanted.path)]
        offers = [self.offer(wanted, row, model) for row in chosen if is_model_file(str(row.get("path", "")))]
        if not offers:
            where = f"'{wanted.path}'" if wanted.path else "this repository"
            raise NotFound(f"There is no model file in {where}.", f"{wanted.name} has {len(rows)} files of other kinds.")
        return Found(**{**vars(model), "offers": tuple(offers[:MOST_FILES]), "link": ""})

    def offer(self, wanted: Repository, row: Mapping[str, Any], model: Found) -> Offer:
        """One file of a repository."""
        path = str(row["path"])
        large = row.get("lfs") if isinstance(row.get("lfs"), dict) else {}
        sha256 = str(large.get("oid", "")).removeprefix("sha256:")  # type: ignore[union-attr]
        url = f"{self.base}/{wanted.name}/resolve/{quote(wanted.revision, safe='')}/{quote(path)}"
        size = row.get("size")
        return Offer(
            key=new_key(),
            url=url,
            name=path,
            size=size if isinstance(size, int) and size > 0 else None,
            sha256=sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None,
            kind=kind_of(path, model.kind),
            companions=Companions(base=model.family, page=f"{self.base}/{wanted.name}"),
        )

    def model(self, row: Mapping[str, Any], name: str = "") -> Found:
        """A repository as the search answers it."""
        name = str(row.get("id") or row.get("modelId") or name)
        tags = [str(tag) for tag in row.get("tags") or []]
        licence = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
        words = " ".join([name, *tags]).lower()
        kind = next((kind for kind, tag in FILTERS.items() if tag in tags), "")
        card = row.get("cardData") if isinstance(row.get("cardData"), dict) else {}
        trigger = str(card.get("instance_prompt") or "")  # type: ignore[union-attr]
        loads = row.get("downloads")
        return Found(
            key=new_key(),
            site=NAME,
            title=name,
            page=f"{self.base}/{name}",
            link=f"{self.base}/{name}",
            creator=name.partition("/")[0],
            kind=kind,
            family=next((family for word, family in FAMILIES.items() if word in words), ""),
            words=plain(trigger, 300),
            terms=(f"Licence: {licence}",) if licence else ("No licence is given; ask its author.",),
            mature=MATURE in tags,
            gated=row.get("gated") not in (None, False, "false"),
            downloads=loads if isinstance(loads, int) else None,
        )


def within(path: str, wanted: str) -> bool:
    """Whether a file is the wanted one, or lies in the wanted folder."""
    return not wanted or path == wanted or path.startswith(wanted.rstrip("/") + "/")


def kind_of(path: str, kind: str) -> str:
    """The kind of a file by its path, else that of its repository."""
    lowered = path.lower()
    named = next((kind for word, kind in KINDS.items() if word in lowered), "")
    if named or kind:
        return named or kind
    return "checkpoint" if "/" not in path else ""
