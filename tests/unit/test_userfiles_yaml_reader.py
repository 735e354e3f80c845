"""Values taken out of nodes: what has not the form asked for is complained of."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.userfiles import Complaints, Node, YamlReader, read_yaml

FILE = Path("file.yaml")


def reader_of(text: str) -> tuple[YamlReader, Node]:
    reader = YamlReader(FILE, Complaints())
    node = read_yaml(text.encode(), FILE, reader.complaints)
    assert node is not None, reader.complaints.lines()
    return reader, node


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**9), 10**9)))
def test_finite_numbers_are_read(value: float) -> None:
    written = f"{value:.20f}"
    reader, node = reader_of(written)
    assert reader.number(node, "x") == float(written)
    assert not reader.complaints


@pytest.mark.parametrize(
    "written", [".nan", ".inf", "-.inf", "0x1F", "1:30", "'1'", "1e-1", "yes", "~", "[1]", "!!float nan", "9" * 400]
)
def test_all_else_is_no_number(written: str) -> None:
    reader, node = reader_of(written)
    assert reader.number(node, "x") is None
    (line,) = reader.complaints.lines()
    assert line.startswith("file.yaml:1: x is ")
    assert line.endswith(", but must be a number without quotes, such as 0.85")
    assert len(line) < 200


def test_zero_has_no_sign() -> None:
    reader, node = reader_of("-0.0")
    assert str(reader.number(node, "x")) == "0.0"


@pytest.mark.parametrize("written", ["0", "-3", "1.5", "true", "'900'", "1234567890"])
def test_whole_numbers_from_1_on(written: str) -> None:
    reader, node = reader_of(written)
    assert reader.integer(node, "x", least=1) is None
    assert reader.complaints.lines()[0].endswith(", but must be a whole number of at least 1")


@pytest.mark.parametrize("written", ["{}", "[]", "[a]", "a", "~"])
def test_a_mapping_holds_something(written: str) -> None:
    reader, node = reader_of(written)
    assert reader.mapping(node, "x", "{a: b}") == {}
    assert reader.complaints.lines()[0].endswith(", but must be a mapping such as {a: b}")


def test_values_carry_the_line_of_their_key() -> None:
    reader, node = reader_of("a:\n  b\nc:\n  - d\n")
    assert {name: value.line for name, value in reader.mapping(node, "x", "").items()} == {"a": 1, "c": 3}


def test_a_key_that_stands_twice_is_refused() -> None:
    reader, node = reader_of('a: 1\nb: 2\n"a ": 3\n')
    assert set(reader.mapping(node, "x", "")) == {"a", "b"}
    assert reader.complaints.lines() == ("file.yaml:3: x: 'a' is already given in line 1. Remove one",)
