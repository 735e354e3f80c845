"""Short options: what is taken off the command line before pytest looks for conftests."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.plugin.options import OPTIONS, positive, seconds, without_aliases


@pytest.mark.parametrize(
    ("args", "kept", "values"),
    [
        (["--model", "./ckpt", "tests"], ["tests"], ["./ckpt"]),
        (["--model=./ckpt", "tests"], ["tests"], []),
        (["tests", "--allow-partial", "-k", "x"], ["tests", "-k", "x"], []),
        (["--suite", "a", "--suite", "b"], [], ["a", "b"]),
        (["--", "--model", "x"], ["--", "--model", "x"], []),
        (["--model"], [], [""]),
        (["--cosmos-model", "./ckpt"], ["--cosmos-model", "./ckpt"], []),
    ],
)
def test_aliases_and_their_values_are_taken_off(args: list[str], kept: list[str], values: list[str]) -> None:
    assert without_aliases(args) == (kept, values)


@given(
    st.lists(st.sampled_from(["tests", "-k", "--model", "--model=x", "--limit", "3", "--", "--allow-partial", "-n2"]))
)
def test_nothing_else_is_lost_or_reordered(args: list[str]) -> None:
    kept, values = without_aliases(args)
    rest = iter(args)
    assert all(word in rest for word in kept)  # kept is a subsequence
    assert len(kept) + len(values) <= len(args) + 1


def test_every_option_has_help_that_starts_with_a_capital() -> None:
    for option in OPTIONS:
        assert option.keywords["help"][0].isupper()


def test_short_names_are_unique_and_few() -> None:
    names = ["model", "suite", "limit", "engine", "endpoint", "allow-partial"]
    assert [option.name for option in OPTIONS if option.short] == names


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many"])
def test_a_count_must_be_positive(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number of at least 1"):
        positive(text)


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "", "5s"])
def test_a_time_span_must_be_above_nothing_and_end(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="number of seconds above 0"):
        seconds(text)


def test_a_time_span_may_be_a_fraction() -> None:
    assert seconds("0.5") == 0.5
