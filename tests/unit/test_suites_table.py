from __future__ import annotations

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.suites.table import Row, Table, read_table
from pytest_cosmos.userfiles import Complaints

FILE = Path("samples.csv")

# What a cell can hold: anything but control characters, no white space at its ends, not nothing.
CELLS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=8)


def read(data: bytes) -> tuple[Table | None, tuple[str, ...]]:
    complaints = Complaints()
    return read_table(data, FILE, complaints), complaints.lines()


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_a_complaint(data: bytes) -> None:
    table, complaints = read(data)
    assert table is not None or complaints
    assert all(line.startswith("samples.csv:") for line in complaints)
    assert all("\n" not in line for line in complaints)


@given(st.text("\t\r\n ,;\"'ab\0\x1c\x85\u2028", max_size=40).map(str.encode))
def test_any_mixture_of_separators_quotes_and_line_ends(data: bytes) -> None:
    table, complaints = read(data)
    assert table is not None or complaints
    if table:
        assert all(tuple(row.cells) == table.header for row in table.rows)


@given(st.lists(CELLS, min_size=2, max_size=4, unique=True), st.lists(st.lists(CELLS, min_size=4, max_size=4)))
def test_what_a_spreadsheet_writes_is_read_back(header: list[str], rows: list[list[str]]) -> None:
    target = io.StringIO(newline="")
    csv.writer(target).writerows([header, *(row[: len(header)] for row in rows)])
    table, complaints = read(target.getvalue().encode())
    assert complaints == ()
    assert table is not None
    assert [list(row.cells.values()) for row in table.rows] == [row[: len(header)] for row in rows]


def test_rows_know_their_lines_despite_blank_ones_and_line_breaks_in_quotes() -> None:
    table, _ = read(b'\nfile,label\n\nx,"a\nb"\ny,c\n')
    assert table == Table(
        2, ("file", "label"), (Row(4, {"file": "x", "label": "a\nb"}), Row(6, {"file": "y", "label": "c"}))
    )


def test_white_space_around_cells_is_no_part_of_them() -> None:
    table, _ = read(b" file ,\tlabel\n".replace(b"\t", b" ") + b" a b ,  c\n")
    assert table is not None
    assert table.rows[0].cells == {"file": "a b", "label": "c"}
