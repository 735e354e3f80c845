"""Short options: what is taken off the command line before pytest looks for conftests."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.plugin.options import OPTIONS, duration, positive, shard, without_aliases


@pytest.mark.parametrize(
    ("args", "kept", "values"),
    [
        (["--model", "./ckpt", "tests"], ["tests"], [("--model", "./ckpt")]),
        (["--model=./ckpt", "tests"], ["tests"], []),
        (["tests", "--allow-partial", "-k", "x"], ["tests", "-k", "x"], []),
        (["--suite", "a", "--suite", "b"], [], [("--suite", "a"), ("--suite", "b")]),
        (["--", "--model", "x"], ["--", "--model", "x"], []),
        (["--model"], [], [("--model", "")]),
        (["--cosmos-model", "./ckpt"], ["--cosmos-model", "./ckpt"], []),
    ],
)
def test_aliases_and_their_values_are_taken_off(
    args: list[str], kept: list[str], values: list[tuple[str, str]]
) -> None:
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
    assert [option.name for option in OPTIONS if option.short] == [
        "model",
        "adapter",
        "baseline",
        "suite",
        "limit",
        "shard",
        "engine",
        "endpoint",
        "allow-partial",
        "fresh",
    ]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many"])
def test_a_count_must_be_positive(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number of at least 1"):
        positive(text)


@pytest.mark.parametrize(("text", "parts"), [("1/1", (1, 1)), ("2/4", (2, 4)), ("10/10", (10, 10))])
def test_a_shard(text: str, parts: tuple[int, int]) -> None:
    assert shard(text) == parts


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("600", 600), ("0.5", 0.5), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("1h0m1.5s", 3601.5)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert duration(text) == seconds
