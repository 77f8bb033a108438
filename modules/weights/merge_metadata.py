"""What a merged checkpoint says of its making, under A1111's keys."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.contract.merge import MergeRequest
from modules.contract.services import ModelEntry
from modules.weights.catalogue import Catalogue
from modules.weights.model_metadata import header_metadata

RECIPE, MODELS = "sd_merge_recipe", "sd_merge_models"
CONFIG_SOURCES = ("A, B or C", "B", "C", "Don't")  # A1111 writes the place in this list


def read_all(request: MergeRequest, checkpoints: Catalogue) -> dict[str, str]:
    """The metadata of a request's checkpoints, as one table: what B and C say takes the place of what A says. Raises NotFound."""
    names = [name for name in (request.primary, request.secondary, request.tertiary) if name]
    found: dict[str, str] = {}
    for name in names:
        found |= header_metadata(checkpoints.find(name).path)
    return found


def metadata_of(
    request: MergeRequest, sources: Sequence[ModelEntry], checkpoints: Catalogue, special: str | None, check: Callable[[], None]
) -> dict[str, str]:
    """The metadata of a merged checkpoint. For a recipe the sources are hashed, which reads them whole the first time."""
    own = [header_metadata(source.path) for source in sources]
    found: dict[str, str] = {}
    if request.copy_metadata:
        for texts in own:
            found |= texts
    found |= {**request.metadata, "format": "pt"}
    if request.recipe:
        hashed = [checkpoints.hashed(source, check) for source in sources]
        models: dict[str, Any] = {}
        for source, texts in zip(hashed, own, strict=True):
            models[str(source.sha256)] = {
                "name": source.title.rsplit(" [", 1)[0],
                "legacy_hash": checkpoints.legacy_hash(source),
                RECIPE: table_in(texts, RECIPE) or None,
            }
            models |= table_in(texts, MODELS)
        found[RECIPE] = json.dumps(recipe_of(request, hashed, special))
        found[MODELS] = json.dumps(models)
    return found


def recipe_of(request: MergeRequest, sources: Sequence[ModelEntry], special: str | None) -> dict[str, Any]:
    """What was merged and how."""
    hashes = [source.sha256 for source in sources] + [None, None]
    return {
        "type": "webui",
        "primary_model_hash": hashes[0],
        "secondary_model_hash": hashes[1],
        "tertiary_model_hash": hashes[2],
        "interp_method": request.method,
        "multiplier": request.multiplier,
        "save_as_half": request.numbers == "fp16",
        "custom_name": request.custom_name,
        "config_source": CONFIG_SOURCES.index(request.config_from),
        "bake_in_vae": request.vae,
        "discard_weights": request.discard,
        "is_inpainting": special == "inpainting",
        "is_instruct_pix2pix": special == "instruct-pix2pix",
    }


def table_in(texts: Mapping[str, str], key: str) -> dict[str, Any]:
    """The JSON table in a text of the metadata; empty where there is none."""
    try:
        loaded = json.loads(texts.get(key, "{}"))
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
