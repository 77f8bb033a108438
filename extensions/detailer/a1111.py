"""The names that A1111's extension ADetailer gives to all this: in infotexts, and in requests over the API."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modules.contract.errors import BadRequest
from modules.plugins import Argument

from .units import Detail

TABS = 4
TAB_NOTE = "An object with the fields ad_model, ad_prompt, ad_confidence, ..."
ARGUMENTS = (
    Argument("skip_img2img", label="ADetailer skip img2img"),
    *(Argument(label=f"ADetailer tab {number + 1}", note=TAB_NOTE) for number in range(TABS)),
)
# Our field, ADetailer's field without `ad_`, its label in an infotext, and, where a switch of its own turns it on, that switch.
FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("detector", "model", "model", ""),
    ("classes", "model_classes", "model classes", ""),
    ("prompt", "prompt", "prompt", ""),
    ("negative_prompt", "negative_prompt", "negative prompt", ""),
    ("confidence", "confidence", "confidence", ""),
    ("method", "mask_filter_method", "method to decide top k masks", ""),
    ("most", "mask_k", "mask only top k", ""),
    ("least_share", "mask_min_ratio", "mask min ratio", ""),
    ("largest_share", "mask_max_ratio", "mask max ratio", ""),
    ("x_offset", "x_offset", "x offset", ""),
    ("y_offset", "y_offset", "y offset", ""),
    ("dilate", "dilate_erode", "dilate erode", ""),
    ("merge", "mask_merge_invert", "mask merge invert", ""),
    ("blur", "mask_blur", "mask blur", ""),
    ("strength", "denoising_strength", "denoising strength", ""),
    ("only_masked", "inpaint_only_masked", "inpaint only masked", ""),
    ("padding", "inpaint_only_masked_padding", "inpaint padding", ""),
    ("width", "inpaint_width", "inpaint width", "use_inpaint_width_height"),
    ("height", "inpaint_height", "inpaint height", "use_inpaint_width_height"),
    ("steps", "steps", "steps", "use_steps"),
    ("guidance", "cfg_scale", "CFG scale", "use_cfg_scale"),
    ("checkpoint", "checkpoint", "checkpoint", "use_checkpoint"),
    ("vae", "vae", "VAE", "use_vae"),
    ("sampler", "sampler", "sampler", "use_sampler"),
    ("schedule", "scheduler", "scheduler", "use_sampler"),
    ("noise_multiplier", "noise_multiplier", "noise multiplier", "use_noise_multiplier"),
    ("clip_skip", "clip_skip", "CLIP skip", "use_clip_skip"),
    ("restore_faces", "restore_face", "restore face", ""),
    ("control_model", "controlnet_model", "ControlNet model", ""),
    ("control_module", "controlnet_module", "ControlNet module", ""),
    ("control_weight", "controlnet_weight", "ControlNet weight", ""),
    ("control_start", "controlnet_guidance_start", "ControlNet guidance start", ""),
    ("control_end", "controlnet_guidance_end", "ControlNet guidance end", ""),
)
IGNORED = ("tab_enable", "is_api")
ALWAYS = ("detector", "confidence", "dilate", "blur", "strength", "only_masked")  # written even if they are as usual
SAME = ("Use same checkpoint", "Use same VAE", "Use same sampler", "Use same scheduler", "None", "")
ORDINALS = ("", " 2nd", " 3rd", *(f" {number}th" for number in range(4, 16)))


def written(units: Sequence[Detail]) -> dict[str, object]:
    """The pairs of an infotext for the passes that are on."""
    usual = Detail()
    pairs: dict[str, object] = {}
    for unit, ordinal in zip(units, ORDINALS, strict=False):
        for field, _, label, _ in FIELDS:
            value = getattr(unit, field)
            if field in ALWAYS or value != getattr(usual, field):
                pairs[f"ADetailer {label}{ordinal}"] = value
        if unit.only_masked:
            pairs[f"ADetailer inpaint padding{ordinal}"] = unit.padding
    return pairs


def read(notes: Mapping[str, str]) -> dict[str, Any] | None:
    """The options in an infotext's pairs, of ours or of ADetailer's; None where there is no detector."""
    units: list[dict[str, Any]] = []
    for ordinal in ORDINALS:
        if f"ADetailer model{ordinal}" not in notes:
            break
        given = {field: notes[f"ADetailer {label}{ordinal}"] for field, _, label, _ in FIELDS if f"ADetailer {label}{ordinal}" in notes}
        units.append({field: value for field, value in given.items() if value not in SAME or field in ("merge",)})
    return {"units": units} if units else None


def parsed(args: Sequence[Any], tab: str) -> dict[str, Any] | None:
    """The options in the list that ADetailer's clients send: [on, skip img2img, {tab}, {tab}, ...], the switches left out at will.

    None if it is off. Raises BadRequest.
    """
    switches = [value for value in args if isinstance(value, bool)]
    if switches and not switches[0]:
        return None
    tabs = [unit(value) for value in args if isinstance(value, dict)]
    if not tabs:
        raise BadRequest('ADetailer needs an object with at least ad_model, such as {"ad_model": "mediapipe_face_full"}.')
    return {"skip_img2img": len(switches) > 1 and switches[1], "units": [one for one in tabs if one is not None]}


def unit(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """A pass in ADetailer's words; None for one that is off. Raises BadRequest for a field that is none."""
    names = {f"ad_{name}": (field, switch) for field, name, _, switch in FIELDS}
    switches = {f"ad_{switch}" for _, _, _, switch in FIELDS if switch}
    unknown = [name for name in given if name not in names and name not in switches and re.sub("^ad_", "", name) not in IGNORED]
    if unknown:
        raise BadRequest(f"ADetailer has no field named '{unknown[0]}'.")
    if given.get("ad_model", "None") == "None" or not given.get("ad_tab_enable", True):
        return None
    found: dict[str, Any] = {}
    for name, (field, switch) in names.items():
        if name in given and (not switch or given.get(f"ad_{switch}", False)) and given[name] not in SAME[:4]:
            found[field] = "" if field.startswith("control_m") and given[name] == "None" else given[name]
    return found
