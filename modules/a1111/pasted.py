"""The `infotext` field: its values fill the fields of a body that the client has not set."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from modules.a1111.bodies import Body, Img2Img
from modules.infotext.paste import Paste, Rules, pasted

B = TypeVar("B", bound=Body)
ReadNotes = Callable[[Mapping[str, str], str], tuple[dict[str, dict[str, Any]], set[str]]]  # pairs, tab -> options by name, labels taken
NOISE = "initial_noise_multiplier"


def filled(body: B, settings: Mapping[str, Any]) -> B:
    """The body with what its infotext says in every field that was not set, `override_settings` included.

    `settings` are those in force, by A1111's keys. Unlike A1111 a picture is made in two passes only if its text tells of a
    second one, and its schedule is that of the text.
    """
    if not body.infotext:
        return body
    paste = paste_of(body.infotext, settings)
    given = body.model_dump(exclude_unset=True)
    values = {name: value for name, value in paste.api.items() if value is not None and name in type(body).model_fields}
    overrides = dict(paste.settings)
    if isinstance(body, Img2Img) and NOISE in overrides:  # as a setting of the request it would come too late
        values[NOISE] = overrides.pop(NOISE)
    if "sampler_index" in given:
        values.pop("sampler_name", None)
    values |= {name: value for name, value in given.items() if name != "override_settings"}
    return type(body).model_validate({**values, "override_settings": {**overrides, **(body.override_settings or {})}})


def paste_of(text: str, settings: Mapping[str, Any]) -> Paste:
    """What an infotext asks for, read as the settings say."""
    rules = Rules(
        backcompat=bool(settings.get("auto_backcompat", True)),
        swap_checkpoint=not settings.get("disable_weights_auto_swap", True),
        skip=frozenset(settings.get("infotext_skip_pasting", ())),
    )
    return pasted(text, current=settings, rules=rules)


def extensions_told(body: Body, settings: Mapping[str, Any], read: ReadNotes, tab: str) -> dict[str, dict[str, Any]]:
    """The options of the extensions that a body's infotext tells of, by name."""
    return read(paste_of(body.infotext, settings).unknown, tab)[0] if body.infotext else {}
