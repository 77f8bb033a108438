"""The `infotext` field: its values fill the fields of a body that the client has not set."""

from collections.abc import Mapping
from typing import Any, TypeVar

from modules.a1111.bodies import Body, Img2Img
from modules.infotext.paste import Rules, pasted

B = TypeVar("B", bound=Body)
NOISE = "initial_noise_multiplier"


def filled(body: B, settings: Mapping[str, Any]) -> B:
    """The body with what its infotext says in every field that was not set, `override_settings` included.

    `settings` are those in force, by A1111's keys. Unlike A1111 a picture is made in two passes only if its text tells of a
    second one, and its schedule is that of the text.
    """
    if not body.infotext:
        return body
    rules = Rules(
        backcompat=bool(settings.get("auto_backcompat", True)),
        swap_checkpoint=not settings.get("disable_weights_auto_swap", True),
        skip=frozenset(settings.get("infotext_skip_pasting", ())),
    )
    paste = pasted(body.infotext, current=settings, rules=rules)
    given = body.model_dump(exclude_unset=True)
    values = {name: value for name, value in paste.api.items() if value is not None and name in type(body).model_fields}
    overrides = dict(paste.settings)
    if isinstance(body, Img2Img) and NOISE in overrides:  # as a setting of the request it would come too late
        values[NOISE] = overrides.pop(NOISE)
    if "sampler_index" in given:
        values.pop("sampler_name", None)
    values |= {name: value for name, value in given.items() if name != "override_settings"}
    return type(body).model_validate({**values, "override_settings": {**overrides, **(body.override_settings or {})}})
