"""An infotext as the values that a form shows, and what of it no field takes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from modules.frontend.fields import LATENT, SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE
from modules.infotext import Paste
from modules.infotext.overrides import as_texts

# Path in a `Paste` -> the form's field that shows it, where the names differ.
FIELDS = {
    "variation.seed": "variation_seed",
    "variation.strength": "variation_strength",
    "refiner.checkpoint": "refiner_checkpoint",
    "refiner.switch_at": "refiner_switch_at",
    "hires.upscaler": "hires_upscaler",
    "hires.steps": "hires_steps",
    "hires.strength": "strength",
    "hires.scale": "hires_scale",
    "hires.checkpoint": "hires_checkpoint",
    "hires.sampler": "hires_sampler",
    "hires.schedule": "hires_schedule",
    "hires.prompt": "hires_prompt",
    "hires.negative_prompt": "hires_negative_prompt",
    "source.strength": "strength",
    "source.image_guidance": "image_guidance",
    "inpaint.content": "content",
    "inpaint.padding": "padding",
}
SIZES = {
    "size": ("width", "height"),
    "resize_seed_from": ("resize_seed_width", "resize_seed_height"),
    "hires.size": ("hires_width", "hires_height"),
}
AS_SHOWN: dict[str, Callable[[Any], Any]] = {
    "seed": str,
    "styles": list,
    "variation_seed": str,
}
SWITCHES = ("hires", "variation", "refiner")  # off where the infotext says nothing of them
SECOND_PASS = {  # what the infotext leaves out when it is so
    "hires_upscaler": LATENT,
    "hires_steps": 0,
    "hires_width": 0,
    "hires_height": 0,
    "hires_checkpoint": SAME_CHECKPOINT,
    "hires_sampler": SAME_SAMPLER,
    "hires_schedule": SAME_SCHEDULE,
}


def values_from(
    paste: Paste, fields: Sequence[str], choices: Mapping[str, Sequence[str]], used: Collection[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """The values for those of a form's fields that an infotext says something about, and what could not be taken.

    `choices` are the values of the fields that have a list: names are found in any case, and one that is not in the list is left out
    and told, as are labels that nobody knows. `used` are the labels that extensions took.
    """
    found = shown({**paste.request, "source": paste.source, "inpaint": paste.inpaint})
    if "hires" not in fields:
        found |= {"strength": paste.source["strength"]} if "strength" in paste.source else {}
    elif not found["hires"]:
        found.pop("strength", None)  # an img2img picture's, of which txt2img has none
    values = {name: value for name, value in found.items() if name in fields}
    if "overrides" in fields:
        values["overrides"] = as_texts(paste.settings)
    missed = [f"{label}: {value}" for label, value in paste.unknown.items() if label not in used]
    for name, known in choices.items():
        wanted = values.get(name)
        if isinstance(wanted, str) and wanted not in known:
            match = next((one for one in known if alike(one, wanted)), None)
            if match is None:
                missed.append(values.pop(name))
            else:
                values[name] = match
    return values, missed


def alike(choice: str, name: str) -> bool:
    """Whether a name means a choice: in any case, and without the path, the ending and the hash of a checkpoint's title."""
    bare = choice.rpartition(" [")[0].rpartition("/")[2].rpartition(".")[0] if choice.endswith("]") else choice
    wanted = name.rpartition(" [")[0] if name.endswith("]") else name
    return wanted.lower() in (choice.lower(), bare.lower())


def shown(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A paste's nested values by the names of the form's fields, as these show them."""
    found: dict[str, Any] = {switch: switch in tree for switch in SWITCHES}
    if "resize_seed_from" in tree:
        found["variation"] = True
    if "hires" in tree:
        found |= SECOND_PASS
    for path, value in flat(tree).items():
        for name, one in zip(SIZES[path], value, strict=True) if path in SIZES else ((FIELDS.get(path, path), value),):
            found[name] = AS_SHOWN[name](one) if name in AS_SHOWN else one
    inpaint = tree["inpaint"]
    if "blur" in inpaint:
        found["mask_blur"] = inpaint["blur"][0]
    if "invert" in inpaint:
        found["mask_mode"] = "Inpaint not masked" if inpaint["invert"] else "Inpaint masked"
    if "only_masked" in inpaint:
        found["area"] = "Only masked" if inpaint["only_masked"] else "Whole picture"
    return found


def flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested values by their paths: `{"hires": {"scale": 2}}` is `{"hires.scale": 2}`."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found
