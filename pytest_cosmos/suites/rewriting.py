"""Put another split into the rows of a table, and leave every other byte as it is."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence

from pytest_cosmos.suites.columns import column_for


def with_splits(data: bytes, splits: Sequence[str]) -> bytes:
    """Return the bytes of a table whose rows, in their order, have these splits; it was read without complaint.

    A table without the column gets it as its last one.
    """
    mark, text = (codecs.BOM_UTF8, data[3:]) if data.startswith(codecs.BOM_UTF8) else (b"", data)
    whole = text.decode()
    delimiter = "\t" if "\t" in whole.lstrip().splitlines()[0] else ","
    changed = "".join(_rewritten(whole, delimiter, splits))
    assert _without_split(changed, delimiter) == _without_split(whole, delimiter), "another cell would be changed"
    return mark + changed.encode()


def _rewritten(text: str, delimiter: str, splits: Sequence[str]) -> Iterator[str]:
    """Yield the text in pieces, the cells of the column replaced."""
    column: int | None = None
    waiting = iter(splits)
    header = True
    for cells, ends in _records(text, delimiter):
        if not any(_value(cell) for cell in cells):  # a blank line, which is no row
            yield from _joined(cells, ends)
            continue
        if header:
            column = _split_column([_value(cell) for cell in cells])
        word = ("split" if column is None else cells[column]) if header else next(waiting)
        if column is None:
            cells[-1] += delimiter + word
        else:
            cells[column] = word
        header = False
        yield from _joined(cells, ends)
    assert next(waiting, None) is None, "the table has fewer rows than there are samples"


def _records(text: str, delimiter: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the cells of each record as they are written, and what ends each: a delimiter, or the line's end."""
    pattern = re.compile(rf'("(?:[^"]|"")*"[^{delimiter}\r\n]*|[^{delimiter}\r\n]*)({delimiter}|\r\n|\n|\r|\Z)')
    cells: list[str] = []
    ends: list[str] = []
    place = 0
    while place < len(text) or cells:
        match = pattern.match(text, place)
        assert match is not None, "every text matches"
        cells.append(match[1])
        ends.append(match[2])
        place = match.end()
        if match[2] != delimiter:
            yield cells, ends
            cells, ends = [], []


def _joined(cells: Sequence[str], ends: Sequence[str]) -> Iterator[str]:
    for cell, end in zip(cells, ends, strict=True):
        yield cell
        yield end


def _value(cell: str) -> str:
    return next(csv.reader([cell]), [""])[0].strip() if cell.startswith('"') else cell.strip()


def _split_column(header: Sequence[str]) -> int | None:
    return next((number for number, name in enumerate(header) if column_for(name, ()) == "split"), None)


def _without_split(text: str, delimiter: str) -> list[list[str]]:
    """Read a table as anyone would, its column of splits left out."""
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(map(str.strip, row))]
    column = _split_column(rows[0])
    return rows if column is None else [row[:column] + row[column + 1 :] for row in rows]
