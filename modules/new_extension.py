"""`python webui.py --new-extension NAME`: a small extension that runs, with its test; standard library only."""

import re
from pathlib import Path
from string import Template

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
TAKEN = frozenset({"details", "packages", "sets", "tasks", "update"})  # below /webui/extensions/ the program has routes of these names
CLASSES = frozenset({"Extension", "Options", "Settings", "Color", "Slider", "Run", "Image"})  # what the skeleton itself uses

MANIFEST = Template('''name = "$name"          # the folder's name
title = "$title"
version = "0.1.0"
api = 1                 # the version of modules.plugins it is written for
description = "Lays a colour over each picture."
''')
CODE = Template('''"""$title: a colour over each picture. Change it into what you want; the program's extensions/README.md has the rest."""

from PIL import Image

from modules.plugins import Color, Extension, Options, Run, Slider, hook


class $kind(Extension):
    """See README.md."""

    class Settings(Options):  # a page of the Settings tab; `self.settings` has them
        """What is set once."""

        color: str = Color("#ff8000", "Colour")

    class Options(Options):  # the panel below the prompt; `self.options` has them
        """What is set for a picture."""

        strength: float = Slider(0.3, 0, 1, "Strength", step=0.05, help="0 leaves the picture as it is.")

    @hook.picture
    def lay_over(self, run: Run, index: int, image: Image.Image) -> Image.Image | None:
        """Picture `index` of the batch with the colour over it; None: unchanged."""
        if not self.options.strength:
            return None
        return Image.blend(image, Image.new(image.mode, image.size, self.settings.color), self.options.strength)
''')
TEST = Template('''"""The extension does what its README says."""

from pathlib import Path
from typing import Any

from PIL import Image

from modules.contract.request import GenerationRequest
from modules.plugins.loader import load
from modules.plugins.registry import Registry

BLACK = Image.new("RGB", (8, 8))


def painted(**options: Any) -> Image.Image:
    """A black picture as the extension leaves it."""
    row = load(Path(__file__).parents[1])
    assert row.problem is None, row.traceback or row.problem
    relay = Registry([row]).instances(GenerationRequest(extensions={row.name: options}))
    return relay.picture(None, 0, BLACK)  # type: ignore[arg-type]  # it needs nothing of the run


def test_the_colour_is_laid_over_the_picture() -> None:
    assert painted(strength=1).getpixel((0, 0)) == (255, 128, 0)


def test_a_strength_of_zero_changes_nothing() -> None:
    assert painted(strength=0) is BLACK
''')
README = Template('''# $title

Lays a colour over each picture. *Strength* says how much of it; the colour is set in Settings, on the page $title.

Try it: switch it on below the prompt, and press Generate. After a change of its files, *Load it anew* in the Extensions tab reads them.
Test it, in the program's folder: `python webui.py --self-test "$folder"`
''')


class Unwanted(Exception):
    """Why there will be no such extension, in a sentence."""


def write_extension(name: str, added: Path, bundled: Path) -> Path:
    """Write the skeleton below `added`, the folder of added extensions; its own folder. Raises Unwanted."""
    if not NAME.fullmatch(name) or name in TAKEN:
        raise Unwanted(f"An extension cannot be called '{name}': a name is up to 64 small letters, digits and _, begins with a letter, "
                       f"and is none of {', '.join(sorted(TAKEN))}.")
    folder = added / name
    there = next((place for place in (folder, bundled / name) if place.exists()), None)
    if there:
        raise Unwanted(f"There is an extension '{name}' already, in {there}; choose another name.")
    title = name.replace("_", " ").strip().capitalize()
    kind = "".join(part.capitalize() for part in name.split("_"))
    values = {"name": name, "title": title, "kind": f"{kind}Extension" if kind in CLASSES else kind, "folder": folder}
    files = {"extension.toml": MANIFEST, "__init__.py": CODE, "README.md": README, f"tests/test_{name}.py": TEST}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.substitute(values), "utf8")
    return folder
