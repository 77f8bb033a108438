"""The blocks of a model that strengths of networks are given for, by the names that people know from Stable Diffusion's original layout."""

import re

from modules.families.network_keys import KOHYA, KeyTable, Target

BASE, MIDDLE = "BASE", "MID"
PLACE = re.compile(r"lora_unet_(?:(input|output)_blocks_(\d+)|(middle)_block)_")


def blocks_of(table: KeyTable) -> dict[Target, str]:
    """Where each module of a model lies: "IN00" on the way down, "MID", "OUT00" on the way up, "BASE" in a text encoder.

    What lies in none of them (the embedding of time, the last layer) is left out.
    """
    found = {target: BASE for target in table.modules if target.encoder is not None}
    for name, target in table.names.items():
        place = PLACE.match(name) if name.startswith(KOHYA) else None
        if place is not None and target.encoder is None:
            found[target] = MIDDLE if place[3] else f"{'IN' if place[1] == 'input' else 'OUT'}{int(place[2]):02d}"
    return found
