"""What a run gets: instances with options that were checked at the door."""

from collections.abc import Mapping
from typing import Any

import pytest

from modules.contract.errors import BadRequest, ExtensionFailed, NotFound, NotSupported
from modules.contract.request import GenerationRequest
from modules.plugins.registry import Registry
from tests.extensions.drawing import bundled
from tests.golden import golden_json, needs_golden
from tests.plugins.writing import CODE, extension


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    root = tmp_path_factory.mktemp("extensions")
    extension(root, "registry_a")
    extension(root, "registry_b", more='before = ["registry_a"]')
    extension(root, "registry_broken", "1 / 0")
    extension(root, "registry_watching", CODE.replace("class Options", "observer = True\n    class Options"))
    return Registry.of(root)


def signed(registry: Registry, **options: Mapping[str, Any]) -> str:
    request = GenerationRequest(extensions={name: dict(values) for name, values in options.items()})
    return registry.instances(request).request(request).prompt


def test_only_what_a_request_names_takes_part_and_observers_do(registry: Registry) -> None:
    assert signed(registry) == "g0.5"
    assert signed(registry, registry_a={}) == "a0.5g0.5"


def test_options_are_typed_and_the_order_is_kept(registry: Registry) -> None:
    assert signed(registry, registry_a={"strength": 0.25}, registry_b={"strength": 1}) == "b1.0a0.25g0.5"


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"registry_c": {}}, NotFound, "no extension named 'registry_c'.*registry_a"),
        ({"registry_a": {"strenght": 1}}, NotFound, "no option of Registry A named 'strenght'. Did you mean strength?"),
        ({"registry_a": {"strength": 2}}, BadRequest, "Registry A: Strength is 2; it must be at most 1"),
        ({"registry_a": {"strength": "much"}}, BadRequest, "Registry A: Strength is 'much'"),
        ({"registry_broken": {}}, NotSupported, "Registry Broken cannot be used. .*ZeroDivisionError"),
    ],
)
def test_what_cannot_be_is_refused_at_the_door(registry: Registry, options: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        signed(registry, **options)


def test_what_works_on_a_picture_is_refused_where_there_is_none() -> None:
    with pytest.raises(BadRequest, match="Loopback works on a picture"):
        bundled().instances(GenerationRequest(extensions={"loopback": {}}))


# As A1111's clients see the bundled ones

NAMES = {"upscaler": ["None", "Lanczos", "Nearest"]}
THEIRS = {one["name"]: one for one in golden_json("api/script-info.json") if one["is_img2img"]}
NOT_OURS = {"img2img alternative test", "extra options", "refiner", "sampler", "seed", "Hypertile", "hypertile"}


def described(title: str, tab: str) -> list[dict[str, Any]]:
    entry = next(entry for entry in bundled().scripts(tab) if entry.title.lower() == title)
    found = entry.describe(NAMES)
    others = "[ControlNet]", "[Detailer]"  # axes of other extensions, behind A1111's own
    for argument in found:
        argument["choices"] = argument["choices"] and [one for one in argument["choices"] if not str(one).startswith(others)]
    return found


@needs_golden
@pytest.mark.parametrize("title", [title for title in THEIRS if title not in NOT_OURS])
def test_scripts_are_described_as_a1111_describes_them(title: str) -> None:
    wanted = [dict(one) for one in THEIRS[title]["args"]]
    for argument in wanted:
        if argument["label"] == "":  # a text of the page's, in our own words
            argument["value"] = None
        if argument["label"] == "Upscaler":
            argument["choices"] = NAMES["upscaler"]
    assert [one | ({"value": None} if one["label"] == "" else {}) for one in described(title, "img2img")] == wanted


@needs_golden
@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_all_of_a1111_s_scripts_are_there(tab: str) -> None:
    theirs = {name for name in golden_json("api/scripts.json")[tab] if name not in NOT_OURS}
    assert theirs <= {entry.title.lower() for entry in bundled().scripts(tab)}, "and those of popular extensions stand beside them"


@needs_golden
def test_a1111_s_recorded_arguments_are_read() -> None:
    case = golden_json("cases/386-script-xyz.json")
    options = bundled().script(case["script_name"], "txt2img").options(case["script_args"], NAMES)
    assert options and (options["x_type"], options["y_type"], options["z_type"], options["x_values"]) == (
        "Steps",
        "CFG Scale",
        "Nothing",
        "4,6",
    )
    case = golden_json("cases/389-script-poor-outpaint.json")
    assert bundled().script(case["script_name"], "img2img").options(case["script_args"], NAMES) == {
        "pixels": 64,
        "mask_blur": 4,
        "content": "original",
        "sides": ["left", "right"],
    }


@pytest.mark.parametrize("upscaler", ["lanczos", 1])
def test_a_choice_may_be_a_name_in_any_case_or_a_number(upscaler: object) -> None:
    options = bundled().script("SD upscale", "img2img").options(["", 8, upscaler, 2.0], NAMES)
    assert options == {"overlap": 8, "upscaler": "Lanczos", "scale": 2.0}


def test_missing_arguments_keep_their_defaults_and_surplus_ones_are_ignored() -> None:
    entry = bundled().script("loopback", "img2img")
    assert entry.options([2], NAMES) == {"loops": 2, "final_strength": 0.5, "curve": "Linear", "append": "None"}
    assert entry.options([2, 0.5, "Linear", "None", "more", 7], NAMES) == entry.options([2], NAMES)


@pytest.mark.parametrize(
    ("title", "args", "words"),
    [
        ("loopback", [99], "Loopback: Loops is 99; it must be at most 32"),
        ("loopback", [2, 0.5, "Steep"], "Loopback: Denoising strength curve is 'Steep'; it must be 'Aggressive', 'Linear' or 'Lazy'"),
        ("sd upscale", ["", 8, 7], "SD upscale: Upscaler is number 7; there are the numbers 0 to 2"),
    ],
)
def test_arguments_that_cannot_be_are_refused(title: str, args: list[Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        bundled().script(title, "img2img").options(args, NAMES)


def test_a_script_that_is_none_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound, match="Loopback"):
        bundled().script("loopbak", "img2img")


# Scripts that read their arguments themselves

UNITS = """
import sys
from modules.plugins import Argument, Extension, Options, Script, Slider, Units

class Unit(Options):
    weight: float = Slider(1, 0, 2, "Weight", step=0.1)

def parse(args, tab):
    if args == ["exit"]: sys.exit(3)
    if args == ["odd"]: return 7
    units = tuple(one for one in args if isinstance(one, dict) and one.pop("enabled", True))
    return {"units": units} if args[0] and units else None

class Control(Extension):
    class Options(Options):
        units: tuple[Unit, ...] = Units("Units")
    script = Script("Control", (Argument(label="Control Unit 0"),), always_on=True, parse=parse)
"""


def test_units_come_as_json_objects(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("units")
    extension(root, "registry_units", UNITS)
    entry = Registry.of(root).script("Control", "txt2img", always_on=True)
    assert entry.options([{"weight": 0.5}, {"weight": 2, "enabled": False}], {}) == {"units": [{"weight": 0.5}]}
    assert entry.options([{"enabled": False}], {}) is None
    assert [one["label"] for one in entry.describe({})] == ["Control", "Control Unit 0"]
    for args, kind, words in (
        ([], BadRequest, "The arguments of Control cannot be read: IndexError"),
        ([{"weight": 9}], BadRequest, "Control: Units"),
        (["exit"], ExtensionFailed, "Control failed while it read its arguments: SystemExit"),
        (["odd"], ExtensionFailed, "it answered with int"),
    ):
        with pytest.raises(kind, match=words):
            entry.options(args, {})
