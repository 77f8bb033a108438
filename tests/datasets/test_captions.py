"""Captions: how they are read, edited and made."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.datasets.captioning import ByTagger, ByTemplate, combined, read_tags
from modules.datasets.captions import decode, joined, tags_of, words_of_name
from modules.datasets.desk import CaptionWish, Desk, Doors
from modules.datasets.edits import differences, edit_from
from modules.datasets.library import Library
from tests.datasets.test_check import picture, written
from tests.datasets.test_repair import InTurn
from tests.perception.onnx_writing import field, network, node, tensor, value


def edited(texts: Mapping[str, str | None], **values: object) -> dict[str, str]:
    return {one.name: one.after for one in differences(texts, edit_from(values))}


def test_encodings_are_told_apart() -> None:
    assert decode("grün".encode()) == ("grün", "")
    assert decode(b"\xef\xbb\xbfplain") == ("plain", "")
    assert decode("grün".encode("utf-16")) == ("grün", "utf-16")
    assert decode("grün".encode("latin-1")) == ("grün", "cp1252")


def test_tags_are_cut_at_separators_and_joined_again() -> None:
    assert tags_of(" a cat ,, sitting  down,\n") == ["a cat", "sitting down"]
    assert tags_of("a|b", "|") == ["a", "b"]
    assert joined(["a", "b"]) == "a, b"
    assert words_of_name("03_red-car (2)") == "red car"


def test_tags_are_added_where_they_are_missing_and_taken_out_in_any_case() -> None:
    texts = {"a": "cat, dog", "b": "Dog", "c": None}
    assert edited(texts, kind="add", tags=["dog", "bird"], at="front") == {"a": "bird, cat, dog", "b": "bird, Dog", "c": "dog, bird"}
    assert edited(texts, kind="remove", tags=["DOG"]) == {"a": "cat", "b": ""}
    assert edited(texts, kind="replace", find="Cat", tags=["lion", "dog"]) == {"a": "lion, dog"}


def test_tags_are_sorted_and_tidied() -> None:
    texts = {"a": "b, c, a", "b": "c, a", "c": "c,  c,x"}
    assert edited(texts, kind="sort") == {"a": "a, b, c", "b": "a, c"}
    assert edited({"a": "b, c, a", "b": "c, a"}, kind="sort", by="frequency") == {"a": "a, c, b", "b": "a, c"}
    assert edited(texts, kind="tidy") == {"c": "c, x"}


def test_text_is_found_plain_and_by_expression() -> None:
    texts = {"a": "a red car (old)", "b": "redder"}
    assert edited(texts, kind="find", find="RED", text="blue") == {"a": "a blue car (old)", "b": "blueder"}
    assert edited(texts, kind="find", find="red", text="blue", whole_words=True) == {"a": "a blue car (old)"}
    assert edited(texts, kind="find", find="RED", text="blue", match_case=True) == {}
    assert edited(texts, kind="find", find="(old)", text="\\1") == {"a": "a red car \\1"}
    assert edited(texts, kind="find", find=r"(\w+) car", text=r"car, \1", regex=True) == {"a": "a car, red (old)"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "find", "find": "(", "regex": True}, "no expression"),
        ({"kind": "find", "find": "a", "text": r"\7", "regex": True}, "no expression|cannot be put"),
        ({"kind": "add"}, "no tag"),
        ({"kind": "replace", "tags": ["x"]}, "nothing to look for"),
        ({"kind": "nonsense"}, "kind"),
    ],
)
def test_edits_that_cannot_be_are_refused_with_a_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        edited({"a": "a"}, **values)


def test_what_a_captioner_says_takes_its_place() -> None:
    assert combined("a, b", "c", "replace") == "c"
    assert combined("a, b", "B, c", "end") == "a, b, c"
    assert combined("a, b", "B, c", "front") == "B, c, a"
    assert combined(None, "c", "end") == "c"


def test_captions_by_template_are_shown_first_and_then_written(tmp_path: Path) -> None:
    for seed, name in enumerate(["10_cat/sleeping_one.png", "10_cat/two.png"]):
        written(tmp_path / "pictures", name, picture(seed), None if seed else "old")
    library = Library(tmp_path / "data")
    desk = Desk(library, tasks=InTurn())
    id = library.name(str(tmp_path / "pictures")).id
    wish = CaptionWish("template", "{trigger} {folder}, {name}, {caption}", trigger="xyz", where="replace")
    desk.caption(id, [], wish, dry=True)
    assert desk.contents(id)["pictures"][1]["caption"] is None
    desk.caption(id, [], wish, dry=False)
    assert [one["caption"] for one in desk.contents(id)["pictures"]] == ["xyz cat, sleeping one, old", "xyz cat, two"]
    assert desk.undo(id)["redo"]["what"].startswith("Captions by")
    assert [one["caption"] for one in desk.contents(id)["pictures"]] == ["old", None]
    with pytest.raises(BadRequest, match=r"\{nmae\}"):
        ByTemplate("{nmae}").caption(library.scan(tmp_path / "pictures").items[0], 1)
    with pytest.raises(NotFound, match="file name"):
        desk.caption(id, [], CaptionWish("file nmae"), dry=True)


def test_a_tagger_says_the_tags_that_its_file_is_sure_of(tmp_path: Path) -> None:
    folder = tmp_path / "taggers" / "small"
    folder.mkdir(parents=True)
    names = "tag_id,name,category,count\n1,general,9,5\n2,blue_thing,0,5\n3,red_thing,0,5\n4,someone,4,5\n"
    (folder / "selected_tags.csv").write_text(names)
    assert read_tags(folder / "selected_tags.csv")[1] == ("blue thing", 0)
    tagger_file(folder / "model.onnx")
    written(tmp_path / "pictures", "red.png", Image.new("RGB", (30, 20), "red"), None)
    written(tmp_path / "pictures", "blue.png", Image.new("RGB", (20, 20), "blue"), None)
    library = Library(tmp_path / "data")
    desk = Desk(library, Doors(models=tmp_path), InTurn())
    id = library.name(str(tmp_path / "pictures")).id
    desk.caption(id, [], CaptionWish("tagger small", threshold=0.6), dry=False)
    assert {one["name"]: one["caption"] for one in desk.contents(id)["pictures"]} == {"blue.png": "blue thing", "red.png": "red thing"}
    with pytest.raises(NotSupported, match="input is not one picture"):
        network(folder / "model.onnx", {"out": (np.zeros((1, 4), np.float32), np.zeros((3, 4), np.float32))}, side=8)
        ByTagger(folder).load()


def tagger_file(path: Path) -> None:
    """A tagger (1, 8, 8, 3) in the WD taggers' way: blue first, 0..255, four tags: rating 1, blue, red, someone 0.8."""
    slope = np.zeros((4, 3, 1, 1), np.float32)
    slope[1, 0] = slope[2, 2] = 1 / 255
    nodes = [
        node("Transpose", ["images"], "upright", {"perm": [0, 3, 1, 2]}),
        node("GlobalAveragePool", ["upright"], "mean"),
        node("Conv", ["mean", "w", "b"], "c", {"kernel_shape": [1, 1]}),
        node("Reshape", ["c", "s"], "out"),
    ]
    constant = np.array([1, 0, 0, 0.8], np.float32)
    weights = [tensor("w", slope), tensor("b", constant), tensor("s", np.array([1, 4], np.int64))]
    graph = b"".join(field(1, one) for one in nodes) + field(2, "small") + b"".join(field(5, one) for one in weights)
    graph += field(11, value("images", (1, 8, 8, 3))) + field(12, value("out", (1, 4)))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 12)))
