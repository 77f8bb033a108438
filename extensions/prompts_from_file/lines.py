"""The lines of a list of prompts: prompts, or options as on a command line."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import GenerationRequest, SeedVariation, Size

TEXTS = ("prompt", "negative_prompt")  # they take all words up to the next option


def truth(text: str) -> bool:
    return text == "true"


READERS: Mapping[str, Callable[[str], object]] = {
    "sd_model": str,
    "prompt_for_display": str,
    **dict.fromkeys(TEXTS, str),
    "styles": lambda text: tuple(name.strip() for name in text.split(",")),
    **dict.fromkeys(("seed", "subseed", "seed_resize_from_w", "seed_resize_from_h"), int),
    "subseed_strength": float,
    "sampler_name": str,
    "sampler_index": int,
    **dict.fromkeys(("batch_size", "n_iter", "steps", "width", "height"), int),
    "cfg_scale": float,
    **dict.fromkeys(("restore_faces", "tiling", "do_not_save_samples", "do_not_save_grid"), truth),
}
FIELDS = {"sd_model": "checkpoint", "n_iter": "batch_count", "cfg_scale": "guidance", "sampler_name": "sampler"}
SAME = ("prompt", "negative_prompt", "styles", "seed", "batch_size", "steps", "restore_faces", "tiling")


def read_line(line: str) -> dict[str, Any]:
    """A line's options by name; one that does not begin with `--` is a prompt. Raises BadRequest, NotFound."""
    if not line.startswith("--"):
        return {"prompt": line}
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadRequest(f"The line '{line}' cannot be read ({error}); quotes must come in pairs.") from None
    options: dict[str, Any] = {}
    while words:
        name = words.pop(0)
        if not name.startswith("--"):
            raise BadRequest(f"In the line '{line}' the word '{name}' belongs to no option; put texts of several words into quotes.")
        name = name[2:]
        if name in ("outpath_samples", "outpath_grids"):
            raise BadRequest(f"The option --{name} cannot be used: where files go is decided in Settings.")
        if name not in READERS:
            raise NotFound.among("option for lines of prompts", name, READERS)
        if not words:
            raise BadRequest(f"In the line '{line}' the option --{name} has no value.")
        text = words.pop(0)
        while name in TEXTS and words and not words[0].startswith("--"):
            text += " " + words.pop(0)
        try:
            options[name] = READERS[name](text)
        except ValueError:
            raise BadRequest(f"In the line '{line}' --{name} is '{text}'; it must be a number.") from None
    return options


def applied(options: Mapping[str, Any], request: GenerationRequest, samplers: Callable[[int], str]) -> GenerationRequest:
    """The request with a line's options in place of its own. `samplers` gives the name of a sampler's number. Raises BadRequest."""
    changes = {FIELDS.get(name, name): value for name, value in options.items() if name in FIELDS or name in SAME}
    width, height = request.size
    changes["size"] = Size(options.get("width", width), options.get("height", height))
    if "sampler_index" in options:
        changes["sampler"] = samplers(options["sampler_index"])
    if "subseed" in options or "subseed_strength" in options:
        old = request.variation or SeedVariation()
        changes["variation"] = {
            "seed": options.get("subseed", old.seed),
            "strength": options.get("subseed_strength", old.strength),
        }
    from_width, from_height = (options.get(f"seed_resize_from_{side}", 0) for side in "wh")
    if from_width > 0 and from_height > 0:
        changes["resize_seed_from"] = Size(from_width, from_height)
    changes["save"] = request.save and not options.get("do_not_save_samples", False)
    return request.replace(**changes)
