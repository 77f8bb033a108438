"""Grids: their sizes are A1111's, their cells stand where they belong, their texts fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from modules.contract.errors import BadRequest
from modules.imaging.grid import GridStyle, Label, image_grid, lines_of, matrix_legend, rows_for, with_legend
from tests.golden import golden_json

CELL = (100, 60)


def cells(count: int, size: tuple[int, int] = CELL) -> list[Image.Image]:
    """Pictures, each of its own grey."""
    return [Image.new("RGB", size, (index + 1, index + 1, index + 1)) for index in range(count)]


@pytest.mark.parametrize("case", golden_json("pure/image_grid_sizes.json"), ids=str)
def test_a_grid_is_as_large_as_a1111_s(case: dict[str, Any]) -> None:
    assert list(image_grid(cells(case["n"], (16, 16)), batch_size=case["batch_size"]).size) == case["size"]


@pytest.mark.parametrize(
    ("style", "count", "rows"),
    [
        (GridStyle(rows=3), 4, 3),
        (GridStyle(rows=9), 4, 4),
        (GridStyle(rows=0), 6, 2),
        (GridStyle(no_empty_spots=True), 7, 1),
        (GridStyle(no_empty_spots=True), 12, 3),
    ],
)
def test_the_settings_decide_how_many_rows_there_are(style: GridStyle, count: int, rows: int) -> None:
    assert rows_for(count, batch_size=2, style=style) == rows


def test_pictures_stand_row_by_row_and_what_is_left_over_has_the_background() -> None:
    grid = image_grid(cells(3, (10, 10)), style=GridStyle(background="#ff0000"))
    places = [grid.getpixel((x, y)) for y in (5, 15) for x in (5, 15)]
    assert places == [(1, 1, 1), (2, 2, 2), (3, 3, 3), (255, 0, 0)]


def test_a_smaller_picture_stands_in_the_middle_of_its_cell() -> None:
    grid = image_grid([*cells(1, (20, 20)), Image.new("RGB", (10, 4), "red")])
    found = np.argwhere((np.asarray(grid) == (255, 0, 0)).all(axis=2))
    assert (found.min(axis=0).tolist(), found.max(axis=0).tolist()) == ([8, 25], [11, 34])


def labelled(across: list[str], down: list[str], *, margin: int = 0, style: GridStyle | None = None) -> Image.Image:
    grid = image_grid(cells(len(across) * len(down)), rows=len(down))
    above, beside = [[Label(text)] for text in across], [[Label(text)] for text in down]
    return with_legend(grid, CELL, above, beside, margin=margin, style=style or GridStyle())


def test_labels_beside_the_rows_take_three_quarters_of_a_cell() -> None:
    assert labelled(["", ""], ["a", "b"]).size == (275, 120)


def test_empty_labels_take_no_room() -> None:
    assert labelled(["", ""], ["", ""]).size == (200, 120)


def test_margins_part_the_cells_and_not_the_labels() -> None:
    grid = labelled(["", ""], ["", ""], margin=10)
    assert grid.size == (210, 130)
    assert [grid.getpixel(place) for place in ((50, 30), (105, 30), (160, 30), (160, 100))] == [
        (1, 1, 1),
        (255, 255, 255),
        (2, 2, 2),
        (4, 4, 4),
    ]


def test_a_long_label_is_broken_between_words_and_makes_room_above() -> None:
    assert labelled(["a label that is much too long for one line"], [""]).height > labelled(["short"], [""]).height


def test_no_line_is_wider_than_its_room() -> None:
    font = ImageFont.load_default(6)
    lines = lines_of([Label("some words of a label that has many")], font, 60)
    assert len(lines) > 1 and all(line.size[0] <= 60 for line in lines)


def test_a_word_too_long_for_its_room_is_written_smaller() -> None:
    grid = labelled(["incomprehensibilities" * 3], [""])
    dark = np.argwhere(np.asarray(grid.convert("L"))[: grid.height - CELL[1]] < 250)
    assert len(dark) and dark[:, 1].min() >= 0 and dark[:, 1].max() < CELL[0]


def test_letters_have_the_settings_colours() -> None:
    grid = labelled(["WWW"], [""], style=GridStyle(text_color="#0000ff", background="#00ff00"))
    text = np.asarray(grid)[: grid.height - CELL[1]].reshape(-1, 3)
    assert (text[:, 0] < 40).all() and text[:, 2].max() > 128 and tuple(text[0]) == (0, 255, 0)


def test_a_matrix_has_half_of_its_parts_above_and_half_beside() -> None:
    parts = ["at night", "in rain", "in oil"]
    grid = matrix_legend(image_grid(cells(8), rows=2), CELL, parts)
    assert grid.width == 75 + 4 * 100 and grid.height > 120


def test_absent_parts_are_struck_through_in_the_other_colour() -> None:
    grid = matrix_legend(image_grid(cells(2), rows=1), CELL, ["WW"], style=GridStyle(inactive_color="#ff0000"))
    heads = np.asarray(grid)[: grid.height - CELL[1]].astype(int)
    red = (heads[:, :, 0] > 200) & (heads[:, :, 1] < 100)
    assert red[:, :100].any() and not red[:, 100:].any()


def test_a_font_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="font"):
        labelled(["a"], [""], style=GridStyle(font=str(tmp_path / "none.ttf")))
