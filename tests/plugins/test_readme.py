"""The example in extensions/README.md is an extension."""

import re
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from modules import plugins
from modules.contract.request import GenerationRequest
from modules.pipeline.hooks import POINTS
from modules.plugins.host import Host
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
    (row,) = program.extensions()
    assert row.extension and list(row.extension.Settings.model_fields) == ["shy"]
    router = APIRouter()
    row.extension.routes(router, Host("shout", tmp_path, None, row.extension.Settings))  # type: ignore[arg-type]  # it asks nothing of the program
    app = FastAPI()
    app.include_router(router)
    assert TestClient(app).get("/ending").json() == {"ending": "!", "shy": "False"}


def test_the_table_has_every_hook_as_the_code_has_it() -> None:
    text = (ROOT / "extensions" / "README.md").read_text("utf8")
    rows = [f"| `{point.name}` | {point.when} | {point.gets} | {point.gives} |" for point in POINTS]
    assert "\n".join(rows) in text


def test_what_it_names_is_there() -> None:
    text = (ROOT / "extensions" / "README.md").read_text("utf8")
    controls = text.partition("**Controls**: ")[2].partition(".")[0]
    assert all(name in plugins.__all__ for name in re.findall(r"\b[A-Z]\w+", controls.replace("Options class", "")))
    program = text.partition("`program`: ")[2].partition(".")[0]
    assert all(hasattr(plugins.Program, name) for name in re.findall(r"`(\w+)\(", program))


def test_every_bundled_extension_stands_in_the_table() -> None:
    text = (ROOT / "extensions" / "README.md").read_text("utf8")
    assert all(f"`{folder.parent.name}`" in text for folder in (ROOT / "extensions").glob("*/extension.toml"))
