"""The styles' routes, over real files."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.prompts.styles import StyleBook
from modules.server import errors, styles

FIRST = (
    'name,prompt,negative_prompt,comment\nphoto,"{prompt}, photograph",blurry,mine\n# a note,,,\nink,ink drawing,,\n'
    "oil,oil painting,,\n"
)


class Shop:
    """Two styles files behind the routes."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second = folder / "styles.csv", folder / "more.csv"
        self.first.write_text(FIRST, "utf8")
        self.second.write_text("name,prompt,negative_prompt\ncharcoal,charcoal,\n", "utf8")
        self.book = StyleBook([self.first, self.second])
        app = FastAPI()
        errors.install(app)
        app.include_router(styles.router(self.book))
        self.client = TestClient(app)

    def names(self, file: int = 0) -> list[str]:
        return [style["name"] for style in self.listed()["styles"] if style["file"] == file]

    def listed(self) -> dict[str, Any]:
        return self.client.get("/webui/styles").json()

    def post(self, path: str = "", **values: Any) -> Any:
        return self.client.post(f"/webui/styles{path}", json=values)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_styles_are_listed_by_file_and_in_order(shop: Shop) -> None:
    listed = shop.listed()
    assert [file["name"] for file in listed["files"]] == ["styles.csv", "more.csv"]
    assert [(style["name"], style["file"], style["at"]) for style in listed["styles"]] == [
        ("photo", 0, 0),
        ("ink", 0, 1),
        ("oil", 0, 2),
        ("charcoal", 1, 0),
    ]
    assert str(shop.first.parent) not in str(listed)


def test_a_new_style_is_written_where_generation_finds_it(shop: Shop) -> None:
    assert shop.post(name=" pencil ", prompt="pencil", negative_prompt="ink", file=1).json()["name"] == "pencil"
    assert shop.book.get("pencil").prompt == "pencil"
    assert "pencil,pencil,ink" in shop.second.read_text("utf-8-sig")
    assert "pencil" not in shop.first.read_text("utf-8-sig")


def test_changing_a_style_keeps_its_place_other_columns_notes_and_a_backup(shop: Shop) -> None:
    shop.post(name="photo", prompt="a photograph of {prompt}", negative_prompt="blurry", before="photo")
    assert shop.first.read_text("utf-8-sig").splitlines()[1:3] == ["photo,a photograph of {prompt},blurry,mine", "# a note,,,"]
    assert shop.first.with_name("styles.csv.bak").read_text("utf8") == FIRST


def test_renaming_keeps_the_place(shop: Shop) -> None:
    shop.post(name="pen and ink", prompt="ink drawing", before="ink")
    assert shop.names() == ["photo", "pen and ink", "oil"]


def test_a_name_that_is_taken_is_refused_and_nothing_changes(shop: Shop) -> None:
    answer = shop.post(name="oil", prompt="x", before="ink")
    assert answer.status_code == 400
    assert "already" in answer.json()["detail"]
    assert shop.first.read_text("utf8") == FIRST
    assert shop.book.get("ink").prompt == "ink drawing"


def test_a_new_style_replaces_none(shop: Shop) -> None:
    assert shop.post(name="ink", prompt="x").status_code == 400
    assert shop.book.get("ink").prompt == "ink drawing"


def test_a_refused_rename_leaves_nothing_in_memory(shop: Shop) -> None:
    answer = shop.post(name="#ink", prompt="x", before="ink")
    assert answer.status_code == 400
    assert shop.book.names == ["photo", "ink", "oil", "charcoal"]


def test_a_deleted_style_comes_back_to_its_place(shop: Shop) -> None:
    gone = shop.post("/delete", name="ink", file=0).json()
    assert shop.names() == ["photo", "oil"]
    assert shop.post(**gone).status_code == 200
    assert shop.names() == ["photo", "ink", "oil"]


def test_a_style_that_is_gone_is_refused_with_near_names(shop: Shop) -> None:
    answer = shop.post("/delete", name="inks", file=0)
    assert answer.status_code == 404
    assert "ink" in answer.json()["errors"]


def test_of_two_files_with_one_name_just_the_chosen_one_changes(shop: Shop) -> None:
    shop.post(name="ink", prompt="from the second file", file=1)
    listed = {(style["name"], style["file"]): style for style in shop.listed()["styles"]}
    assert (listed["ink", 0]["prompt"], listed["ink", 0]["counts"]) == ("ink drawing", False)
    assert (listed["ink", 1]["prompt"], listed["ink", 1]["counts"]) == ("from the second file", True)
    shop.post(name="ink", prompt="changed in the first", file=0, before="ink")
    assert shop.book.get("ink").prompt == "from the second file"
    shop.post("/delete", name="ink", file=1)
    assert shop.book.get("ink").prompt == "changed in the first"


def test_what_another_program_wrote_is_read_before_each_change(shop: Shop) -> None:
    shop.first.write_text(FIRST + "pastel,pastel,,\n", "utf8")
    shop.post(name="new", prompt="new")
    assert shop.names() == ["photo", "ink", "oil", "pastel", "new"]


def test_a_damaged_file_says_so_and_is_not_written(shop: Shop) -> None:
    shop.second.write_bytes(b"\xff\xfe\x00broken")
    assert "not UTF-8" in shop.listed()["files"][1]["problem"]
    answer = shop.post(name="x", prompt="x", file=1)
    assert answer.status_code == 400
    assert shop.second.read_bytes() == b"\xff\xfe\x00broken"


def test_a_file_that_is_not_there_is_refused(shop: Shop) -> None:
    assert shop.post(name="x", prompt="x", file=7).status_code == 404


def test_a_preview_is_what_applying_gives(shop: Shop) -> None:
    style = {"prompt": "a photo of {prompt}", "negative_prompt": "rain"}
    told = shop.post("/preview", prompt="a fox", negative_prompt="blur", style=style).json()
    assert told == {"prompt": "a photo of a fox", "negative_prompt": "blur, rain"}
