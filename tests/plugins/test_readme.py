"""The example in extensions/README.md is an extension."""

import re
from pathlib import Path

from modules.contract.request import GenerationRequest
from modules.plugins.registry import Registry
from tests.guards.sources import ROOT
from tests.plugins.writing import extension


def test_the_example_works_as_it_says(tmp_path: Path) -> None:
    text = (ROOT / "extensions" / "README.md").read_text("utf8")
    manifest, code = (re.findall(rf"```{kind}\n(.*?)```", text, re.S)[0] for kind in ("toml", "python"))
    extension(tmp_path, "shout", code, manifest=manifest)
    program = Registry.of(tmp_path)
    request = GenerationRequest(prompt="a cat", extensions={"shout": {"ending": "?"}})
    once = program.instances(request).request(request)
    assert once.prompt == "A CAT?" == program.instances(once).request(once).prompt


def test_every_bundled_extension_stands_in_the_table() -> None:
    text = (ROOT / "extensions" / "README.md").read_text("utf8")
    assert all(f"`{folder.parent.name}`" in text for folder in (ROOT / "extensions").glob("*/extension.toml"))
