"""The routes `/tacapi/v1/*` under which other tools know A1111's tag completion, as far as there is something behind them here."""

import json
from typing import Any

from fastapi import APIRouter, Query

from extensions.tag_completion.desk import Desk
from modules.contract.errors import NotFound

PATH = "/tacapi/v1"


def add_old_routes(router: APIRouter, desk: Desk) -> None:
    """Add them."""

    @router.post(f"{PATH}/refresh-temp-files")
    def refresh_lists() -> None:
        """Lists are fresh at every request; nothing is to be done."""

    @router.post(f"{PATH}/refresh-embeddings")
    def refresh_embeddings() -> None:
        """As above."""

    @router.get(f"{PATH}/lora-info/{{name}}")
    def lora_info(name: str) -> Any:
        """What stands in the file of notes beside a LoRA; null if there is none."""
        path = lora(desk, name).path.with_suffix(".json")
        try:
            return json.loads(path.read_text("utf8"))
        except (OSError, ValueError, RecursionError):
            return None

    @router.get(f"{PATH}/lora-cached-hash/{{name}}")
    def lora_hash(name: str) -> str | None:
        """A LoRA's SHA-256, if it is known."""
        return lora(desk, name).sha256

    @router.get(f"{PATH}/wildcard-contents")
    def wildcard_contents(filename: str = Query(max_length=300)) -> str:
        """A file of wildcards, by its name without what stands behind the dot."""
        return desk.wildcard(filename.removesuffix(".txt"))

    @router.post(f"{PATH}/increase-use-count")
    def increase(tagname: str = Query(max_length=300), ttype: int = 0, neg: bool = False) -> None:
        """Count a use; the kind of a tag makes no difference here."""
        desk.count(tagname, negative=neg)

    @router.get(f"{PATH}/get-use-count")
    def use_count(tagname: str = Query(max_length=300), ttype: int = 0, neg: bool = False) -> int:
        """How often a tag was taken."""
        return uses(desk.usage.read().get(tagname), neg)

    @router.get(f"{PATH}/get-all-use-counts")
    def all_counts() -> list[list[Any]]:
        """All tags as [name, kind, uses, negative uses]."""
        return [[name, 0, uses(line, False), uses(line, True)] for name, line in desk.usage.read().items()]

    @router.put(f"{PATH}/reset-use-count")
    def reset(tagname: str = Query(max_length=300), ttype: int = 0, pos: bool = True, neg: bool = True) -> None:
        """Forget a tag's uses."""
        desk.usage.forget(tagname)


def lora(desk: Desk, name: str) -> Any:
    """A LoRA by its name. Raises NotFound."""
    known = {entry.name: entry for entry in desk.host.program.models("lora")}
    if name not in known:
        raise NotFound.among("LoRA", name, known)
    return known[name]


def uses(line: dict[str, float] | None, negative: bool) -> int:
    """How often a tag was taken for positive prompts, or for negative ones."""
    if line is None:
        return 0
    return int(line["negative"] if negative else line["uses"] - line["negative"])
