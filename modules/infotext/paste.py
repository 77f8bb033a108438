"""An infotext as what to ask for: fields of a request, settings for it alone, and what was not understood."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modules.infotext.fields import CHECKPOINT, FIELDS, MASKED_CONTENT, SETTINGS, TOLD, setting
from modules.infotext.networks import Local, unnamed, with_added_networks, with_local_names
from modules.infotext.older import completed, pair
from modules.infotext.read import read

OLD_SCHEDULES = ("Karras", "Exponential")  # what stood behind a sampler's name before A1111 1.9
AUTOMATIC = "Automatic"
Extract = Callable[[str, str], tuple[tuple[str, ...], str, str]]


@dataclass(frozen=True)
class Rules:
    """How to paste; A1111 has a setting for each.

    `styles` (infotext_styles): what to do with styles found in the prompts; Ignore leaves their text there, Discard takes it
    out, Apply chooses them, Apply if any leaves the chosen ones alone if there are none. `swap_checkpoint` is the opposite
    of disable_weights_auto_swap, `skip` is infotext_skip_pasting.
    """

    styles: Literal["Ignore", "Apply", "Discard", "Apply if any"] = "Apply if any"
    backcompat: bool = True
    old_hires_size: bool = False
    swap_checkpoint: bool = False
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Paste:
    """What an infotext asks for.

    `request`: fields of GenerationRequest; `source`: of SourceImage, and `inpaint` of Inpaint, for those who have a picture.
    `api`: the same and more by the names of A1111's API. `settings`: values by A1111's keys, where they differ from the
    current ones. `unknown`: the labels that nothing was done with, for extensions.
    """

    request: dict[str, Any] = field(default_factory=dict[str, Any])
    source: dict[str, Any] = field(default_factory=dict[str, Any])
    inpaint: dict[str, Any] = field(default_factory=dict[str, Any])
    api: dict[str, Any] = field(default_factory=dict[str, Any])
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    unknown: dict[str, str] = field(default_factory=dict[str, str])


def pasted(
    text: str,
    *,
    extract: Extract | None = None,
    current: Mapping[str, object] | None = None,
    rules: Rules | None = None,
    local: Local = unnamed,
) -> Paste:
    """What an infotext asks for. Never raises: a value that cannot be is in `unknown`.

    `extract` finds styles in (prompt, negative prompt); `current` are the settings in force by A1111's keys, those missing
    there are taken to be as A1111's defaults. `local` gives the name here of a LoRA of some hash.
    """
    rules = rules or Rules()
    values = with_local_names(with_added_networks(read(text)), local)
    styles = taken_out(values, extract, rules)
    full = completed(values, backcompat=rules.backcompat, old_hires_size=rules.old_hires_size)
    split_sampler(full, "Sampler", "Schedule type")
    split_sampler(full, "Hires sampler", "Hires schedule type")
    full = {label: value for label, value in full.items() if label not in rules.skip}
    unknown: dict[str, str] = {}
    api, ours = fields_of(full, unknown)
    settings = settings_of(full, current or {}, unknown, swap_checkpoint=rules.swap_checkpoint)
    known = {one.label for one in FIELDS} | {one.label for one in SETTINGS} | TOLD | rules.skip
    unknown.update((label, value) for label, value in values.items() if label not in known)
    if styles is not None:
        api["styles"] = list(styles)
        ours["styles"] = styles
    api["enable_hr"] = has_second_pass(full)
    return shared_out(ours, api, settings, unknown)


def request_values(
    text: str, *, extract: Extract | None = None, current: Mapping[str, object] | None = None, rules: Rules | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a GenerationRequest that an infotext says, and the settings for it by A1111's keys. Never raises."""
    paste = pasted(text, extract=extract, current=current, rules=rules)
    return paste.request, paste.settings


def taken_out(values: dict[str, str], extract: Extract | None, rules: Rules) -> tuple[str, ...] | None:
    """The styles to choose, their text taken out of `values`; None: leave the chosen ones alone."""
    if extract is None or rules.styles == "Ignore":
        return None
    styles, values["Prompt"], values["Negative prompt"] = extract(values["Prompt"], values["Negative prompt"])
    return styles if rules.styles == "Apply" or (rules.styles == "Apply if any" and styles) else None


def split_sampler(values: dict[str, str], sampler: str, schedule: str) -> None:
    """Put the schedule of an old name such as 'DPM++ 2M Karras' where it belongs."""
    for name in OLD_SCHEDULES:
        if values.get(sampler, "").endswith(f" {name}"):
            values[sampler] = values[sampler].removesuffix(f" {name}")
            values[schedule] = name


def has_second_pass(values: Mapping[str, str]) -> bool:
    """Whether an infotext is of a picture made with Hires. fix. A denoising strength alone is an img2img picture's."""
    named = any(label in values for label in ("Hires upscale", "Hires upscaler"))
    return "Denoising strength" in values and (named or any(pair(values, "Hires resize")))


def fields_of(values: Mapping[str, str], unknown: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request's fields by A1111's names and by our paths; what cannot be read goes to `unknown`."""
    api: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for one in FIELDS:
        if one.label in values:
            try:
                value = one.read(values[one.label])
            except (ValueError, OverflowError):
                unknown[one.label] = values[one.label]
                continue
            api[one.api] = ours[one.ours] = value
    content = ours.get("inpaint.content")
    if content in MASKED_CONTENT:
        api["inpainting_fill"] = MASKED_CONTENT.index(content)
    elif content is not None:
        unknown["Masked content"] = content
        del api["inpainting_fill"], ours["inpaint.content"]
    return api, ours


def settings_of(
    values: Mapping[str, str], current: Mapping[str, object], unknown: dict[str, str], *, swap_checkpoint: bool
) -> dict[str, Any]:
    """The settings that differ from the current ones, by A1111's keys; what cannot be read goes to `unknown`."""
    settings: dict[str, Any] = {}
    for one in SETTINGS:
        if one.label in values and (one.key != CHECKPOINT or swap_checkpoint):
            try:
                value = setting(one, values[one.label])
            except (ValueError, OverflowError):
                unknown[one.label] = values[one.label]
                continue
            if value != current.get(one.key, one.default):
                settings[one.key] = value
    return settings


def shared_out(ours: dict[str, Any], api: dict[str, Any], settings: dict[str, Any], unknown: dict[str, str]) -> Paste:
    """The paths as nested values, each part only if it is asked for."""
    tree: dict[str, Any] = {}
    for path, value in ours.items():
        *parents, name = path.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[name] = value
    source, inpaint = tree.pop("source", {}), tree.pop("inpaint", {})
    if "blur" in inpaint:
        inpaint["blur"] = (inpaint["blur"], inpaint["blur"])
    hires = tree.pop("hires", {})
    if api["enable_hr"]:
        hires["strength"] = source.get("strength")
        tree["hires"] = sized({name: value for name, value in hires.items() if value is not None}, "size")
    if not tree.get("variation", {}).get("strength"):
        tree.pop("variation", None)
    if "checkpoint" not in tree.get("refiner", {}):
        tree.pop("refiner", None)
    sized(tree, "size")
    sized(tree, "resize_seed_from")
    return Paste(tree, source, inpaint, api, settings, unknown)


def sized(values: dict[str, Any], name: str) -> dict[str, Any]:
    """`values` with the size of that name as (width, height); without it if a side is missing or both are 0."""
    size = values.pop(name, {})
    if len(size) == 2 and any(size.values()):
        values[name] = (size["width"], size["height"])
    return values
