"""YAML -> nodes: they know their line and how they were written, and nothing is executed or blown up."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.userfiles import Complaints, Kind, Node, read_yaml

FILE = Path("file.yaml")


def parse(text: str | bytes) -> tuple[Node | None, tuple[str, ...]]:
    complaints = Complaints()
    return read_yaml(text if isinstance(text, bytes) else text.encode(), FILE, complaints), complaints.lines()


@given(st.one_of(st.binary(max_size=100), st.text(alphabet="ab:-[]{}&*!<>|'\"\\udu8 \n", max_size=40).map(str.encode)))
def test_any_bytes_give_a_node_or_one_complaint(data: bytes) -> None:
    node, complaints = parse(data)
    assert len(complaints) == (node is None)


@pytest.mark.parametrize(
    ("written", "kind"),
    [("yes", Kind.BOOLEAN), ("'yes'", Kind.TEXT), ("0x1F", Kind.NUMBER), ("1.50", Kind.NUMBER), ("~", Kind.NOTHING)],
)
def test_scalars_keep_how_they_were_written(written: str, kind: Kind) -> None:
    assert parse(f"\n{written}\n")[0] == Node(2, kind, raw=written.strip("'"))


def test_a_bomb_of_aliases_is_not_blown_up() -> None:
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    node, complaints = parse(text)
    assert node is not None
    assert complaints == ()


def test_a_control_character_has_its_line() -> None:
    assert parse("a: b\nc: \x07\n")[1] == ("file.yaml:2: not valid YAML: special characters are not allowed",)


@pytest.mark.parametrize("depth", [100, 400, 990])
def test_deep_nesting_ends_in_words(depth: int) -> None:
    with contextlib.suppress(RecursionError):
        node, complaints = parse("[" * depth + "]" * depth)
        assert node is not None or "nested too deeply" in complaints[0]
        return
    pytest.fail("RecursionError came through")


def test_merging_is_refused_for_it_would_hide_what_holds() -> None:
    said = "file.yaml:2: merging with << is not supported. Write the entries out"
    assert parse("a: &a {x: 1}\nb: {<<: *a}\n")[1] == (said,)
    assert parse('"<<": 1')[1] == ()


def test_characters_in_two_halves_are_joined_and_half_a_one_is_refused() -> None:
    assert parse(r'"\ud83d\ude00"')[0] == Node(1, Kind.TEXT, raw="\U0001f600")
    assert parse('a: b\nc: "\\ud83d"')[1] == ("file.yaml:2: '\\ud83d' holds half of a character (a lone surrogate)",)
