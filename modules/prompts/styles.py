"""Saved styles: A1111's styles.csv with the columns name, prompt, negative_prompt; put into prompts, and found in them again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole

PLACE = "{prompt}"  # where a style takes the prompt in
COLUMNS = ("name", "prompt", "negative_prompt")
COMMENT = "#"
NO_STYLE = "None"  # what A1111 calls the choice of no style
SEPARATORS = re.compile(r"[,\s]+")


class Style(NamedTuple):
    """Text for both prompts. `source` is the file it stands in; None: the first one."""

    name: str
    prompt: str
    negative_prompt: str
    source: Path | None = None


@dataclass
class StyleFile:
    """One file: all its rows, comments and unknown columns too, so that saving loses nothing. A `problem` bars it from being written."""

    path: Path
    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    rows: list[list[str]] = field(default_factory=list[list[str]])
    data: bytes | None = None  # as it was read; None where there was no file
    problem: str = ""
    changed: bool = False

    def styles(self) -> Iterator[Style]:
        """The styles of the file's rows, in order."""
        for row in self.rows:
            if row[0] and not row[0].startswith(COMMENT):
                yield Style(row[0], self.cell(row, "prompt"), self.cell(row, "negative_prompt"), self.path)

    def cell(self, row: list[str], column: str) -> str:
        """A row's text in a column; empty where the row is too short or there is no such column."""
        index = self.columns.index(column) if column in self.columns else len(row)
        return row[index] if index < len(row) else ""

    def put(self, style: Style) -> None:
        """Set a style's row, or add one."""
        texts: dict[str, str] = dict(zip(COLUMNS, style[:3], strict=True))
        row = next((row for row in self.rows if row[0] == style.name), None)
        if row is None:
            row = [style.name]
            self.rows.append(row)
        row += [""] * (len(self.columns) - len(row))
        for index, column in enumerate(self.columns):
            row[index] = texts.get(column, row[index])
        self.changed = True

    def remove(self, name: str) -> None:
        """Drop the rows of that name."""
        self.rows = [row for row in self.rows if row[0] != name]
        self.changed = True

    def bytes(self) -> bytes:
        """The file's new content; A1111 begins it with a byte order mark, too."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows([self.columns, *self.rows])
        return text.getvalue().encode("utf-8-sig")


def read_file(path: Path) -> StyleFile:
    """The rows of a file; a missing one is empty, a damaged one has a problem and no rows."""
    file = StyleFile(path)
    try:
        file.data = path.read_bytes()
        rows = list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"), newline=""), skipinitialspace=True))
    except FileNotFoundError:
        return file
    except UnicodeDecodeError:
        file.problem = f"The styles in {path} cannot be read: it is not UTF-8 text."
        return file
    except (OSError, csv.Error) as error:
        file.problem = f"The styles in {path} cannot be read: {error}."
        return file
    if rows:
        columns = ["prompt" if column == "text" and "prompt" not in rows[0] else column for column in rows[0]]
        if columns[0] != "name" or "prompt" not in columns:
            file.problem = f"The styles in {path} cannot be read: its first line must be name,prompt,negative_prompt."
            return file
        file.columns = columns + [column for column in COLUMNS if column not in columns]
        file.rows = [row for row in rows[1:] if row]
    return file


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Each path once; a name with `*` or `?` stands for the files it fits, sorted."""
    found: dict[Path, None] = {}
    for path in paths:
        several = "*" in path.name or "?" in path.name
        found.update(dict.fromkeys(sorted(path.parent.glob(path.name)) if several else [path]))
    return list(found)


class StyleBook:
    """The styles of some files; of two with one name the later file's counts. `problems` are sentences about unreadable files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.reload()

    def reload(self) -> None:
        """Read all files anew; changes that were not saved are gone."""
        self.files = [read_file(path) for path in files_of(self.paths)]
        self.problems = [file.problem for file in self.files if file.problem]

    def styles(self) -> dict[str, Style]:
        """All styles by name, in the files' order."""
        return {style.name: style for file in self.files for style in file.styles()}

    @property
    def names(self) -> list[str]:
        """The styles' names."""
        return list(self.styles())

    @property
    def choices(self) -> list[str]:
        """The names as a list to choose from: with several files, a divider with each file's name before its styles."""
        if len(self.files) < 2:
            return self.names
        counting = set(self.styles().values())
        choices: list[str] = []
        for file in self.files:
            choices.append(f" {file.path.stem.upper()} ".center(40, "-"))
            choices += dict.fromkeys(style.name for style in file.styles() if style in counting)
        return choices

    def get(self, name: str) -> Style:
        """The style of that name. Raises NotFound."""
        styles = self.styles()
        if name not in styles:
            raise NotFound.among("style", name, styles)
        return styles[name]

    def chosen(self, names: Iterable[str]) -> list[Style]:
        """The styles of those names; 'None' is none. Raises NotFound."""
        styles = self.styles()
        wanted = [name for name in names if name != NO_STYLE or name in styles]
        return [styles[name] if name in styles else self.get(name) for name in wanted]

    def apply(self, prompt: str, names: Iterable[str]) -> str:
        """A prompt with some styles, one after another. Raises NotFound."""
        for style in self.chosen(names):
            prompt = merged(style.prompt, prompt)
        return prompt

    def apply_negative(self, negative_prompt: str, names: Iterable[str]) -> str:
        """A negative prompt with some styles. Raises NotFound."""
        for style in self.chosen(names):
            negative_prompt = merged(style.negative_prompt, negative_prompt)
        return negative_prompt

    def extract(self, prompt: str, negative_prompt: str) -> tuple[tuple[str, ...], str, str]:
        """The styles that two prompts seem to be made with, in the order to apply them, and the prompts without them."""
        left = {style.name: style for style in self.styles().values() if style.prompt or style.negative_prompt}
        found: list[str] = []
        while True:
            cleaned = clean(prompt), clean(negative_prompt)
            for style in left.values():
                positive, negative = unwrapped(style.prompt, cleaned[0]), unwrapped(style.negative_prompt, cleaned[1])
                if positive is not None and negative is not None:
                    break
            else:
                return tuple(reversed(found)), prompt, negative_prompt
            prompt, negative_prompt = positive, negative
            found.append(style.name)
            del left[style.name]

    def put(self, style: Style) -> None:
        """Add a style, or replace the one of its name where it stands. Raises BadRequest."""
        if not style.name.strip() or style.name.startswith(COMMENT):
            raise BadRequest(f"A style cannot be named '{style.name}'.", "A name is not empty and does not begin with #.")
        try:
            "".join(style[:3]).encode()
        except UnicodeEncodeError:
            raise BadRequest(f"The style '{style.name}' holds half a character.") from None
        known = self.styles().get(style.name)
        source = known.source if known else style.source
        self.writable(source).put(style)

    def remove(self, name: str) -> None:
        """Take a style away, from every file that has it. Raises NotFound, BadRequest."""
        self.get(name)
        for file in self.files:
            if any(style.name == name for style in file.styles()):
                file.remove(name)

    def writable(self, path: Path | None) -> StyleFile:
        """The file of that path, or the first one. Raises BadRequest if it is damaged or there is none."""
        file = next((file for file in self.files if path in (None, file.path)), None)
        if file is None:
            raise BadRequest(f"{path or 'No file'} is among the files that styles are kept in.", "Name one with --styles-file.")
        if file.problem:
            raise BadRequest(file.problem, "Mend the file or move it away.")
        return file

    def save(self) -> None:
        """Write the changed files, each in one step; what was there stays as `.bak`. Raises BadRequest if another program wrote there."""
        changed = [file for file in self.files if file.changed]
        for file in changed:
            if (file.path.read_bytes() if file.path.exists() else None) != file.data:
                raise BadRequest(f"{file.path} has changed since it was read.", "Reload the styles and change them again.")
        for file in changed:
            if file.data is not None:
                write_whole(file.path.with_name(file.path.name + ".bak"), file.data)
            data = file.bytes()
            write_whole(file.path, data)
            file.data, file.changed = data, False


def merged(style: str, prompt: str) -> str:
    """A prompt in a style's text: at its {prompt}, or before it."""
    if PLACE in style:
        return style.replace(PLACE, prompt)
    return ", ".join(text for text in (prompt.strip(), style.strip()) if text)


def unwrapped(style: str, prompt: str) -> str | None:
    """The prompt that a style's text was put around, from a `clean` prompt; None if it was not."""
    before, place, after = clean(style).partition(PLACE)
    if not place:
        return prompt.removesuffix(before).removesuffix(", ") if prompt.endswith(before) else None
    if PLACE in after or not (prompt.startswith(before) and prompt.endswith(after)):
        return None
    return prompt[len(before) : len(prompt) - len(after)]


def clean(text: str) -> str:
    """A text with its commas and blanks made regular, so that it can be compared."""
    return re.sub(r"\s{2,}", " ", SEPARATORS.sub(lambda match: one_separator(match.group()), text)).strip(", ")


def one_separator(run: str) -> str:
    """Commas with blanks behind them as one comma and one blank; a comma right behind them goes, too."""
    blanks = len(run) - len(run.lstrip())
    commas = len(run) - len(run.rstrip(","))
    if not any(character.isspace() for character in run[blanks : len(run) - commas]):
        return run
    return run[:blanks] + ", " + run[len(run) - commas :][1:]
