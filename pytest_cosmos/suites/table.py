"""Read a CSV or TSV file: the names in its header, and its rows with their lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.userfiles import Complaints, decode_text, quoted


@dataclass(frozen=True, slots=True)
class Row:
    """A sample as a file states it, before anything is checked."""

    line: int
    cells: dict[str, str]
    """Column -> text, white space around it taken off."""
    told: frozenset[str] = frozenset()
    """Columns that were already complained of."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says, before anything is checked."""

    line: int
    """Of the header."""
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(data: bytes, file: Path, complaints: Complaints) -> Table | None:
    """Read a table; None (and complaints) where it has no usable header.

    The cells are separated by tabs if the header holds one, else by commas; a quoted cell may hold either,
    and line breaks.
    """
    text = decode_text(data, file, complaints)
    if text is None:
        return None
    delimiter = "\t" if "\t" in text.lstrip().splitlines()[0] else ","
    records = _records(text, delimiter, file, complaints)
    first = next(records, None)
    if first is None:
        complaints.add(file, 1, "the file has no header. Its first line names the columns: file,label")
        return None
    line, header = first
    if not _header_is_sound(header, line, file, complaints):
        return None
    rows = []
    for number, cells in records:
        if len(cells) == len(header):
            rows.append(Row(number, dict(zip(header, cells, strict=True))))
        else:
            complaints.add(file, number, _wrong_width(len(cells), len(header)))
    return Table(line, tuple(header), tuple(rows))


def _records(text: str, delimiter: str, file: Path, complaints: Complaints) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not blank, with the number of their first line; end at broken quoting."""
    # strict: an unclosed quote is an error and does not swallow the rest of the file
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(stripped := [cell.strip() for cell in cells]):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        complaints.add(file, line, f"broken row: {error}. Look for a double quote too many or too few")


def _header_is_sound(header: list[str], line: int, file: Path, complaints: Complaints) -> bool:
    sound = True
    for number, name in enumerate(header, start=1):
        if not name:
            complaints.add(file, line, f"column {number} of the header has no name. Name or remove it")
            sound = False
        elif name in header[: number - 1]:
            complaints.add(file, line, f"the header has the column {quoted(name)} twice. Remove one")
            sound = False
    return sound


def _wrong_width(cells: int, columns: int) -> str:
    advice = 'Put a text with commas in double quotes: "a, b"' if cells > columns else "Keep empty cells' commas"
    return f"the row has {cells} {'cell' if cells == 1 else 'cells'}, the header {columns}. {advice}"
