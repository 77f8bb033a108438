"""From a folder to an extension, or to the reason why not. Names are used once: what is imported stays imported."""

from pathlib import Path

import pytest

from modules.plugins.discover import folders
from modules.plugins.loader import load
from modules.plugins.registry import Registry
from tests.plugins.writing import CODE, extension


def test_only_folders_with_a_manifest_are_extensions(tmp_path: Path) -> None:
    extension(tmp_path, "loading_b")
    extension(tmp_path, "loading_a")
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("x")
    assert [folder.name for folder in folders(tmp_path)] == ["loading_a", "loading_b"]
    assert folders(tmp_path / "nowhere") == []


def test_an_extension_is_imported_under_its_own_name(tmp_path: Path) -> None:
    loaded = load(extension(tmp_path, "loading_good"))
    assert loaded.problem is None and loaded.extension is not None
    assert (loaded.title, loaded.version, loaded.extension.__module__) == ("Loading Good", "1.2", "extensions.loading_good")


def test_an_extension_may_have_several_files(tmp_path: Path) -> None:
    code = "from modules.plugins import Extension\nfrom .part import Part\n\nclass Mine(Extension, Part):\n    pass\n"
    folder = extension(tmp_path, "loading_parts", code)
    (folder / "part.py").write_text("class Part:\n    pass\n")
    assert load(folder).problem is None


def test_a_second_extension_of_a_name_is_refused(tmp_path: Path) -> None:
    first, second = extension(tmp_path / "a", "loading_same"), extension(tmp_path / "b", "loading_same")
    assert load(first).problem is None
    assert "Another extension has the name 'loading_same'" in str(load(second).problem)


@pytest.mark.parametrize(
    ("name", "code", "more", "words"),
    [
        ("loading_broken", "1 / 0", "", "could not be imported: ZeroDivisionError"),
        ("loading_syntax", "def", "", "could not be imported: SyntaxError"),
        ("loading_none", "x = 1", "", "must define one Extension; it has none"),
        ("loading_two", CODE + CODE.replace("Mine", "Other"), "", "it has Mine, Other"),
        ("loading_misspelt", CODE.replace("hook.request", "hook.requets"), "", "no hook named 'requets'"),
        ("loading_needs", CODE, 'requires = ["no-such-package>=2", "numpy"]', "It needs no-such-package>=2, which is not installed"),
        ("loading_newer", CODE, 'requires = ["numpy>=999"]', "It needs numpy>=999"),
        ("loading_odd", CODE, 'requires = ["numpy &&"]', "not how PEP 508 writes"),
    ],
)
def test_what_goes_wrong_is_a_reason(tmp_path: Path, name: str, code: str, more: str, words: str) -> None:
    loaded = load(extension(tmp_path, name, code, more=more))
    assert loaded.extension is None and loaded.problem and words in loaded.problem


def test_a_requirement_that_is_met_or_for_another_system_is_none(tmp_path: Path) -> None:
    more = 'requires = ["numpy>=1", "no-such-package; sys_platform == \'none\'"]'
    assert load(extension(tmp_path, "loading_met", more=more)).problem is None


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ('name = "bad"\ntitle = "Bad"\nversion = "1"\napi = 1', "its name is 'bad', but its folder is 'loading_manifest'"),
        (
            'name = "loading_manifest"\ntitle = "Bad"\nversion = "1"\napi = 7',
            "for version 7 of the extension interface; this program has",
        ),
        ('name = "loading_manifest"\ntitle = "Bad"\nversion = "one"\napi = 1', "version"),
        ('name = "loading_manifest"\nversion = "1"\napi = 1', "title: Field required"),
        ('name = "loading_manifest"\ntitle = "Bad"\nversion = "1"\napi = 1\nfamilies = ["sd9"]', "families.0: Input should be 'sd1'"),
        ("name =", "is not TOML"),
    ],
)
def test_a_manifest_that_cannot_be_is_a_reason(tmp_path: Path, manifest: str, words: str) -> None:
    loaded = load(extension(tmp_path, "loading_manifest", manifest=manifest))
    assert loaded.problem and words in loaded.problem and loaded.name == "loading_manifest"


def names(registry: Registry) -> list[str]:
    return [row.name for row in registry.extensions()]


def test_extensions_are_asked_in_the_order_they_want(tmp_path: Path) -> None:
    extension(tmp_path, "order_a", more='after = ["order_c", "nobody"]')
    extension(tmp_path, "order_b")
    extension(tmp_path, "order_c")
    extension(tmp_path, "order_d", more='before = ["order_b"]')
    assert (order := names(Registry.of(tmp_path))).index("order_c") < order.index("order_a")
    assert order.index("order_d") < order.index("order_b")


def test_a_circle_is_a_reason_for_all_in_it(tmp_path: Path) -> None:
    extension(tmp_path, "circle_a", more='after = ["circle_b"]')
    extension(tmp_path, "circle_b", more='after = ["circle_a"]')
    extension(tmp_path, "circle_c", more='after = ["circle_a"]')
    rows = {row.name: row for row in Registry.of(tmp_path).extensions()}
    assert rows["circle_c"].problem is None
    assert all("circle_a and circle_b" in str(rows[name].problem) and rows[name].extension is None for name in ("circle_a", "circle_b"))
