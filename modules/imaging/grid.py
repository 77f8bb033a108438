"""Pictures side by side on one, with or without legends. Sizes and places are A1111's, so that grids lie upon its grids."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from modules.contract.errors import BadRequest
from modules.settings.groups import Grids

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
GridStyle = Grids  # the settings' page is just what a grid must know
NO_STYLE = GridStyle()
LINE_THROUGH = 4  # pixels, as wide as A1111's


@dataclass(frozen=True)
class Label:
    """A text beside a row or above a column. One that is not `active` is grey and struck through."""

    text: str = ""
    active: bool = True


@dataclass(frozen=True)
class Line:
    """A line of a label that fits its place: its text, how large its letters are together, how wide it may be."""

    text: str
    active: bool
    size: tuple[int, int]
    room: int


def rows_for(count: int, *, batch_size: int = 1, style: GridStyle = NO_STYLE) -> int:
    """How many rows a grid of `count` pictures has: a number set, the batch's size, or as square as can be."""
    if style.rows > 0:
        rows = style.rows
    elif style.rows == 0:
        rows = batch_size
    elif style.no_empty_spots:
        rows = next(rows for rows in range(math.isqrt(count), 0, -1) if count % rows == 0)
    else:
        rows = round(math.sqrt(count))
    return min(rows, count)


def image_grid(images: Sequence[Image.Image], *, rows: int | None = None, batch_size: int = 1, style: GridStyle = NO_STYLE) -> Image.Image:
    """Pictures row by row, each in the middle of a cell as large as the largest. Needs at least one."""
    rows = min(rows or rows_for(len(images), batch_size=batch_size, style=style), len(images))
    columns = math.ceil(len(images) / rows)
    width, height = cell_size(images)
    grid = Image.new("RGB", (columns * width, rows * height), ImageColor.getcolor(style.background, "RGB"))
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        grid.paste(image, (column * width + (width - image.width) // 2, row * height + (height - image.height) // 2))
    return grid


def cell_size(images: Sequence[Image.Image]) -> tuple[int, int]:
    """The width and height that hold every picture."""
    return max(image.width for image in images), max(image.height for image in images)


def with_legend(
    grid: Image.Image,
    cell: tuple[int, int],
    above: Sequence[Sequence[Label]],
    beside: Sequence[Sequence[Label]],
    *,
    margin: int = 0,
    style: GridStyle = NO_STYLE,
) -> Image.Image:
    """A grid with labels above its columns and beside its rows, and with `margin` pixels between its cells.

    Where all labels are empty there is no room for them either. Needs as many as there are columns and rows.
    """
    width, height = cell
    letters = (width + height) // 25
    spacing, font = letters // 2, font_maker(style.font)
    left = width * 3 // 4 if any(label.text for labels in beside for label in labels) else 0
    heads = [lines_of(labels, font(letters), width) for labels in above]
    sides = [lines_of(labels, font(letters), left) for labels in beside]
    head_heights = [sum(line.size[1] + spacing for line in lines) - spacing for lines in heads]
    side_heights = [sum(line.size[1] for line in lines) for lines in sides]
    top = max(head_heights) + spacing * 2 if sum(head_heights) else 0
    wide, high = len(above), len(beside)
    result = Image.new("RGB", (grid.width + left + margin * (wide - 1), grid.height + top + margin * (high - 1)), style.background)
    for row in range(high):
        for column in range(wide):
            part = grid.crop((width * column, height * row, width * (column + 1), height * (row + 1)))
            result.paste(part, (left + (width + margin) * column, top + (height + margin) * row))
    pen = Pen(ImageDraw.Draw(result), font, letters, spacing, style)
    for column, (lines, tall) in enumerate(zip(heads, head_heights, strict=True)):
        pen.write(lines, left + (width + margin) * column + width / 2, top / 2 - tall / 2)
    for row, (lines, tall) in enumerate(zip(sides, side_heights, strict=True)):
        pen.write(lines, left / 2, top + (height + margin) * row + height / 2 - tall / 2)
    return result


def matrix_legend(
    grid: Image.Image, cell: tuple[int, int], parts: Sequence[str], *, margin: int = 0, style: GridStyle = NO_STYLE
) -> Image.Image:
    """The grid of a prompt matrix with its parts: half of them above, half beside, struck through where they are absent.

    `parts` are those that come and go; picture n has part i if bit i of n is set.
    """
    half = math.ceil(len(parts) / 2)

    def combinations(texts: Sequence[str]) -> list[list[Label]]:
        return [[Label(text, bool(bits & 1 << index)) for index, text in enumerate(texts)] for bits in range(1 << len(texts))]

    return with_legend(grid, cell, combinations(parts[:half]), combinations(parts[half:]), margin=margin, style=style)


def font_maker(path: str) -> Callable[[int], Font]:
    """A function from a size in pixels to the font of a file; to the one that Pillow brings along if `path` is empty."""

    def font(size: int) -> Font:
        size = max(size, 1)
        if not path:
            return ImageFont.load_default(size)
        try:
            return ImageFont.truetype(Path(path), size)
        except OSError:
            raise BadRequest(f"The font '{path}' for grids cannot be read.", "Choose another in Settings, or leave it empty.") from None

    return font


def lines_of(labels: Sequence[Label], font: Font, room: int) -> list[Line]:
    """Labels broken into lines between words; a word that is wider than `room` has a line of its own."""
    found: list[Line] = []
    for label in labels:
        texts = [""]
        for word in label.text.split():
            longer = f"{texts[-1]} {word}".strip()
            if font.getlength(longer) <= room:
                texts[-1] = longer
            else:
                texts.append(word)
        found += [Line(text, label.active, extent(text, font), room) for text in texts]
    return found


def extent(text: str, font: Font) -> tuple[int, int]:
    """Width and height of what is drawn of a text."""
    left, top, right, bottom = font.getbbox(text)
    return math.ceil(right - left), math.ceil(bottom - top)


@dataclass(frozen=True)
class Pen:
    """Writes lines below one another."""

    draw: ImageDraw.ImageDraw
    font: Callable[[int], Font]
    letters: int
    spacing: int
    style: GridStyle

    def write(self, lines: Sequence[Line], x: float, y: float) -> None:
        """Lines around the middle `x`, from `y` downwards, each with letters small enough for its room."""
        for line in lines:
            letters = self.letters
            while letters > 1 and self.font(letters).getlength(line.text) > line.room:
                letters -= 1
            color = self.style.text_color if line.active else self.style.inactive_color
            middle = y + line.size[1] / 2
            self.draw.text((x, middle), line.text, font=self.font(letters), fill=color, anchor="mm")
            if not line.active:
                half, level = line.size[0] // 2, y + line.size[1] // 2
                self.draw.line((x - half, level, x + half, level), fill=color, width=LINE_THROUGH)
            y += line.size[1] + self.spacing
