"""Complaints: one line each, in the order of the files and their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.userfiles import Complaints, decode_text, read_file

A, B = Path("a.yaml"), Path("b.yaml")


def test_they_come_file_by_file_then_line_by_line_each_once() -> None:
    complaints = Complaints()
    for file, line, text in ((B, 9, "late"), (A, 1, "other"), (B, 2, "early"), (B, 9, "late")):
        complaints.add(file, line, text)
    assert complaints.lines() == ("b.yaml:2: early", "b.yaml:9: late", "a.yaml:1: other")
    assert len(complaints) == 3
    with pytest.raises(Problems):
        complaints.raise_any()


def test_no_value_forges_a_line_or_tricks_a_terminal() -> None:
    complaints = Complaints()
    complaints.add(Path("a\n.yaml"), 1, "x\nb.yaml:1: all is well \x1b[32m\u2028")
    assert complaints.lines() == ("a\\n.yaml:1: x\\nb.yaml:1: all is well \\x1b[32m\\u2028",)


def test_nothing_is_raised_of_nothing() -> None:
    Complaints().raise_any()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a\n\xff", "a.yaml:2: not UTF-8 text (byte 0xff). Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"),
        ("a".encode("utf-16"), "a.yaml:1: not UTF-8 text (UTF-16). Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"),
        (b" \n", "a.yaml:1: the file is empty"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, said: str) -> None:
    complaints = Complaints()
    assert decode_text(data, A, complaints) is None
    assert complaints.lines() == (said,)


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode_text(b"\xef\xbb\xbfa", A, Complaints()) == "a"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"none\.yaml:1: the file cannot be read: No such file or directory"):
        read_file(tmp_path / "none.yaml")
