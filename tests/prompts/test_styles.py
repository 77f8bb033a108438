"""Saved styles, against what A1111 answered, and what happens to their file."""

from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.prompts.styles import Style, StyleBook
from tests.golden import golden_json

STYLES = 'name,prompt,negative_prompt\nphoto,"masterpiece, {prompt}, highly detailed","blurry, lowres"\n'
STYLES += 'append,"(oil painting:1.2), by artist",bad anatomy\nwrapneg,,"worst, {prompt}, quality"\n'  # as in the recording
UNKNOWN = "nope"  # A1111 passes over unknown styles; here they are refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "styles.csv"
    path.write_text(STYLES, "utf-8-sig")
    return path


@pytest.mark.parametrize(
    "case",
    [case for case in golden_json("pure/styles_apply.json") if UNKNOWN not in case["styles"]],
    ids=lambda case: f"{case['styles']} {case['prompt']}",
)
def test_styles_are_applied_as_in_a1111(path: Path, case: dict) -> None:
    book = StyleBook([path])
    assert book.apply(case["prompt"], case["styles"]) == case["pos"]
    assert book.apply_negative(case["prompt"], case["styles"]) == case["neg"]


@pytest.mark.parametrize("case", golden_json("pure/styles_extract.json"), ids=lambda case: case["prompt"])
def test_styles_are_found_as_in_a1111(path: Path, case: dict) -> None:
    names, prompt, negative = StyleBook([path]).extract(case["prompt"], case["neg"])
    assert [list(names), prompt, negative] == case["result"]


@pytest.mark.parametrize("names", [("photo",), ("append",), ("photo", "append"), ("append", "photo")])
def test_styles_that_were_applied_are_found(path: Path, names: tuple[str, ...]) -> None:
    book = StyleBook([path])
    assert book.extract(book.apply("a cat", names), book.apply_negative("a dog", names)) == (names, "a cat", "a dog")


def test_an_unknown_style_is_refused_with_its_neighbours(path: Path) -> None:
    with pytest.raises(NotFound, match=r"phot.*photo"):
        StyleBook([path]).apply("cat", ["phot"])


def test_none_is_no_style(path: Path) -> None:
    assert StyleBook([path]).apply("cat", ["None"]) == "cat"


def test_old_files_with_a_text_column_are_read_and_saved_anew(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text('name,text\nold,"x, {prompt}"\n', "utf8")
    book = StyleBook([path])
    assert book.get("old") == Style("old", "x, {prompt}", "", path)
    book.put(Style("new", "é", "n"))
    book.save()
    assert path.read_bytes() == 'name,prompt,negative_prompt\r\nold,"x, {prompt}"\r\nnew,é,n\r\n'.encode("utf-8-sig")
    assert StyleBook([path]).names == ["old", "new"]


def test_saving_keeps_comments_and_unknown_columns_and_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "styles.csv"
    old = "name,prompt,negative_prompt,note\r\n# mine,,,\r\na,b,c,keep\r\n"
    path.write_text(old, "utf8", newline="")
    book = StyleBook([path])
    assert book.names == ["a"]
    book.put(Style("a", "B", "C"))
    book.save()
    assert path.read_text("utf-8-sig") == "name,prompt,negative_prompt,note\n# mine,,,\na,B,C,keep\n"
    assert (tmp_path / "styles.csv.bak").read_bytes() == old.encode()


def test_a_removed_style_is_gone_from_every_file(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("name,prompt,negative_prompt\nphoto,x,\n", "utf8")
    book = StyleBook([path, other])
    book.remove("photo")
    book.save()
    assert StyleBook([path, other]).names == ["append", "wrapneg"]


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"prompt\na\n", b'name,prompt\n"a,b\nc' + b"x" * 140_000, b"no,header\n1,2\n"])
def test_a_damaged_file_is_a_problem_and_is_never_written(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "styles.csv"
    path.write_bytes(data)
    book = StyleBook([path])
    assert len(book.problems) == 1
    assert str(path) in book.problems[0]
    with pytest.raises(BadRequest, match="cannot be read"):
        book.put(Style("a", "b", "c"))
    book.save()
    assert path.read_bytes() == data


def test_what_another_program_wrote_is_not_overwritten(path: Path) -> None:
    book = StyleBook([path])
    book.put(Style("a", "b", "c"))
    path.write_text(STYLES + "theirs,x,\n", "utf8")
    with pytest.raises(BadRequest, match="has changed"):
        book.save()
    assert "theirs" in path.read_text("utf8")


def test_a_pattern_stands_for_several_files_with_a_divider_each(path: Path, tmp_path: Path) -> None:
    (tmp_path / "styles_b.csv").write_text("name,prompt,negative_prompt\nb,x,\nphoto,later,\n", "utf8")
    book = StyleBook([path, tmp_path / "styles_*.csv"])
    assert book.get("photo").prompt == "later"
    assert [choice.strip("- ") for choice in book.choices] == ["STYLES", "append", "wrapneg", "STYLES_B", "b", "photo"]


def test_a_missing_file_is_empty_until_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "styles.csv"
    book = StyleBook([path])
    assert book.names == []
    assert not book.problems
    book.put(Style("a", "b", "c"))
    book.save()
    assert StyleBook([path]).get("a").prompt == "b"


@pytest.mark.parametrize("name", ["", "  ", "# x", "\ud800"])
def test_a_name_that_cannot_be_stored_is_refused(path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="style"):
        StyleBook([path]).put(Style(name, "b", "c"))
