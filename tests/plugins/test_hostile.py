"""Extensions that do their worst at every hook: the program works on, the others work, the culprit is named (T-18)."""

import io
import os
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.contract.errors import ExtensionFailed, WebuiError
from modules.contract.progress import Cancel
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.families.identify import check_checkpoint
from modules.pipeline.hooks import POINTS
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.plugins import as_source
from modules.plugins.registry import Registry
from modules.settings.store import SettingsStore
from tests import tiny
from tests.extensions.pictures import varied
from tests.plugins.writing import extension
from tests.tiny import Listener

HOSTILE = """
import sys, time
from modules.plugins import Extension, Options, Text, hook
import torch

def recurse(): return recurse()

class Around:
    def __init__(self, act): self.act = act
    def __enter__(self): self.act("enter")
    def __exit__(self, *error): self.act("exit")

class Hostile(Extension):
    observer = {observer}

    class Options(Options):
        at: str = Text("", "At")
        how: str = Text("", "How")

    def act(self, place, *given):
        if self.options.at != place and self.options.at != "all":
            return None
        match self.options.how:
            case "raise": raise RuntimeError("on purpose")
            case "exit": sys.exit(2)
            case "interrupt": raise KeyboardInterrupt
            case "recurse": return recurse()
            case "garbage": return 7
            case "shape": return torch.zeros(1, 2, 3)
            case "sleep": time.sleep(0.3)
            case "print":
                if place not in vars(self).setdefault("said", set()):
                    self.said.add(place)
                    print("x" * 10_000_000)
        return None
{hooks}
"""
HOOK = """
    @hook.{name}
    def at_{name}(self, *given):
        return self.act("{name}", *given){more}
"""
POLITE = """
from PIL import ImageOps
from modules.plugins import Extension, hook

class Polite(Extension):
    @hook.finished
    def turn(self, run, index, image):
        return ImageOps.invert(image.convert("RGB"))
"""
PLACES = [*(point.name for point in POINTS if point.name != "drive"), "enter", "exit"]
SHAPED = ("start", "network", "guide", "denoised", "blend", "latents")
FEW = ["request", "conditioning", "enter", "exit", "step", "network", "picture", "saved", "result"]  # one of each way to be called
VALUES = [point.name for point in POINTS if point.name not in ("drive", "batch", "step", "saved")]  # whose answers count

mask = Image.new("L", (64, 64))
mask.paste(255, (16, 16, 48, 48))
SOURCE = SourceImage(pictures=(as_source(varied(64, 64)),), strength=0.9, inpaint=Inpaint(mask=as_source(mask), blur=(1, 1)))
REQUEST = GenerationRequest(
    prompt="a red star", size=Size(64, 64), steps=2, sampler="Euler a", seed=7, source=SOURCE, save_grid=False,
    settings={"randn_source": "CPU"},
)  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    root = tmp_path_factory.mktemp("hostile")
    hooks = "".join(
        HOOK.format(name=point.name, more=" or Around(self.act)" if point.name == "denoising" else "")
        for point in POINTS
        if point.name != "drive"
    )
    extension(root, "hostile", HOSTILE.format(observer=False, hooks=hooks))
    extension(root, "hostile_watching", HOSTILE.format(observer=True, hooks=hooks))
    extension(root, "hostile_driver", HOSTILE.format(observer=False, hooks=HOOK.format(name="drive", more="")))
    extension(
        root,
        "hostile_maker",
        HOSTILE.format(
            observer=False,
            hooks="""
    def __init__(self, options, **given):
        super().__init__(options, **given)
        self.act("__init__")
""",
        ),
    )
    extension(root, "polite", POLITE)
    return Registry.of(root)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[PipelineManager]:
    root = tmp_path_factory.mktemp("program")
    (root / "models" / "Stable-diffusion").mkdir(parents=True)
    tiny.checkpoint(root / "models" / "Stable-diffusion" / "one.safetensors", seed=0)
    library = Library.at(root / "models", root, check_checkpoint)
    settings = SettingsStore(root / "settings.json")
    yield PipelineManager(library=library, settings=settings, root=root, device=lambda: tiny.CPU, relays=registry.instances)


def made(pipeline: PipelineManager, report: Listener | None = None, **extensions: Any) -> np.ndarray:
    """The picture of a request, checked at the door as the queue does."""
    asked = REQUEST.replace(extensions=extensions)
    result = pipeline.generate(pipeline.check(asked), report or Listener())
    return np.asarray(result.images[0].image)


def failure(pipeline: PipelineManager, name: str, **options: Any) -> ExtensionFailed:
    with pytest.raises(ExtensionFailed) as raised:
        made(pipeline, None, **{name: options})
    return raised.value


def test_all_load_and_every_hook_is_reached(pipeline: PipelineManager, registry: Registry) -> None:
    assert not [row.problem for row in registry.extensions() if row.problem]
    made(pipeline, hostile={})
    reached = {place for place in PLACES if place in ("enter", "exit") or registry.ledger.of("hostile").spent.get(place)}
    assert reached == set(PLACES), set(PLACES) - reached


@pytest.mark.parametrize("how", ["raise", "exit", "interrupt", "recurse"])
def test_what_ends_a_program_ends_the_job_with_the_culprit_s_name(pipeline: PipelineManager, registry: Registry, how: str) -> None:
    before = made(pipeline)
    kind = {"raise": "RuntimeError", "exit": "SystemExit", "interrupt": "KeyboardInterrupt", "recurse": "RecursionError"}[how]
    for place in PLACES:
        hook = "denoising" if place in ("enter", "exit") else place
        said = failure(pipeline, "hostile", at=place, how=how).message
        assert said.startswith(f"Hostile failed in `{hook}`: {kind}"), said
        assert registry.ledger.of("hostile").failures[-1].hook == hook
    assert np.array_equal(made(pipeline), before)
    assert np.array_equal(made(pipeline, polite={}), 255 - before)


@pytest.mark.parametrize("place", VALUES)
def test_an_answer_that_is_none_is_named(pipeline: PipelineManager, place: str) -> None:
    said = failure(pipeline, "hostile", at=place, how="garbage").message
    assert said.startswith(f"Hostile failed in `{place}`: Garbage: it answered with int"), said


@pytest.mark.parametrize("place", SHAPED)
def test_latents_of_another_shape_are_named(pipeline: PipelineManager, place: str) -> None:
    assert "it answered with a tensor of (1, 2, 3)" in failure(pipeline, "hostile", at=place, how="shape").message


@pytest.mark.parametrize("how", ["raise", "exit", "garbage", "nothing"])
def test_a_driver_is_named(pipeline: PipelineManager, how: str) -> None:
    assert failure(pipeline, "hostile_driver", at="drive", how=how).message.startswith("Hostile Driver failed in `drive`")


@pytest.mark.parametrize("how", ["raise", "exit", "interrupt", "recurse"])
def test_a_constructor_is_named(pipeline: PipelineManager, registry: Registry, how: str) -> None:
    assert failure(pipeline, "hostile_maker", at="__init__", how=how).message.startswith("Hostile Maker could not be begun")
    assert registry.ledger.of("hostile_maker").failures[-1].hook == "__init__"


def test_one_that_nobody_chose_costs_no_picture(pipeline: PipelineManager) -> None:
    before = made(pipeline)
    for place in FEW:
        asked = REQUEST.replace(extensions={"hostile_watching": {"at": place, "how": "exit"}})
        result = pipeline.generate(asked, Listener())
        assert np.array_equal(np.asarray(result.images[0].image), before), place
        if place != "result":  # warnings are counted before it
            assert any("Hostile Watching failed" in text for text in result.warnings), place


def test_ten_megabytes_at_every_hook_hold_up_nothing(pipeline: PipelineManager) -> None:
    before = made(pipeline)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        assert np.array_equal(made(pipeline, hostile={"at": "all", "how": "print"}), before)


def test_one_that_sleeps_shows_its_time_and_the_job_can_be_cancelled(pipeline: PipelineManager, registry: Registry) -> None:
    registry.ledger.forget("hostile")
    begun = time.monotonic()
    with pytest.raises(Cancel):
        made(pipeline, Listener({1: Cancel}), hostile={"at": "step", "how": "sleep"})
    assert time.monotonic() - begun < 10
    assert registry.ledger.of("hostile").spent["step"].slowest >= 0.3


IMPORTED = {
    "raise": "raise RuntimeError('on purpose')",
    "exit": "import sys; sys.exit(3)",
    "recurse": "def f(): return f()\nf()",
    "base": "raise GeneratorExit",
    "print": "print('x' * 10_000_000)",
    "nothing": "",
    "two": "from modules.plugins import Extension\nclass A(Extension): ...\nclass B(Extension): ...",
    "options": "from modules.plugins import Extension\nclass A(Extension):\n    Options = 7",
    "control": "from modules.plugins import Extension, Options, Text\nfrom modules.contract.declare import declared\n"
               "class A(Extension):\n    class Options(Options):\n        x: str = declared('', 'X', control='dial')",
    "required": "from modules.plugins import Extension, Options\nclass A(Extension):\n    class Options(Options):\n        x: str",
    "order": "from modules.plugins import Extension, Options, Text\n"
             "class A(Extension):\n    class Options(Options):\n        x: str = Text('', 'X')\n"
             "    class Settings(Options):\n        y: str = Text('', 'Y')",
    "tab": "from modules.plugins import Extension, Tab\nclass A(Extension):\n    tab = Tab('Mine', 'div')",
    "script": "from modules.plugins import Argument, Extension, Script\nclass A(Extension):\n    script = Script('A', (Argument('nope'),))",
}  # fmt: skip


def test_what_goes_wrong_while_it_is_imported_is_its_row_s_reason(tmp_path: Path) -> None:
    for how, code in IMPORTED.items():
        extension(tmp_path, f"imported_{how}", code)
    extension(tmp_path, "imported_well", POLITE)
    with redirect_stdout(io.StringIO()):
        rows = {row.name.removeprefix("imported_"): row for row in Registry.of(tmp_path).extensions()}
    assert rows["well"].extension
    assert all(rows[how].extension is None and rows[how].problem for how in IMPORTED)
    assert "RuntimeError: on purpose" in rows["raise"].traceback
    said = {how: str(rows[how].problem) for how in IMPORTED}
    assert "Write `class Settings` first" in said["order"] and "custom element" in said["tab"] and "'nope'" in said["script"]
    assert "kind 'dial'" in said["control"] and "SystemExit: 3" in said["exit"] and "must be a class" in said["options"]


def test_an_error_for_a_person_is_passed_on_as_it_is(pipeline: PipelineManager) -> None:
    with pytest.raises(WebuiError, match="no option of Hostile named 'what'"):
        made(pipeline, hostile={"what": 1})
