"""Shards: every sample in exactly one, and always the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.suites import limit_samples, shard_of, shard_samples
from tests.unit.builders import BINARY, SEVERITY, case

IDS = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40)


@given(IDS, st.integers(1, 7))
def test_every_case_is_in_exactly_one_shard_and_samples_stay_together(ids: list[str], count: int) -> None:
    cases = [case(name, prompt, "1" if prompt is SEVERITY else "Yes") for name in ids for prompt in (BINARY, SEVERITY)]
    shards = [shard_samples(cases, (number, count)) for number in range(1, count + 1)]
    assert sorted(one.key for shard in shards for one in shard) == sorted(one.key for one in cases)
    for shard in shards:
        assert len(shard) == 2 * len({one.sample.id for one in shard})


@given(IDS, st.integers(1, 7), st.randoms(use_true_random=False))
def test_order_and_other_samples_move_nothing(ids: list[str], count: int, chance: random.Random) -> None:
    cases = [case(name) for name in ids]
    shuffled = chance.sample(cases, len(cases))
    fewer = shuffled[: len(cases) // 2]
    for number in range(1, count + 1):
        whole = {one.key for one in shard_samples(cases, (number, count))}
        assert {one.key for one in shard_samples(shuffled, (number, count))} == whole
        assert {one.key for one in shard_samples(fewer, (number, count))} == whole & {one.key for one in fewer}


@pytest.mark.parametrize(("suite", "sample", "part"), [("floor", "s1", 1), ("floor", "s2", 3), ("spills", "s1", 3)])
def test_the_division_is_a_promise_between_machines_and_versions(suite: str, sample: str, part: int) -> None:
    assert shard_of(suite, sample, 4) == part


def test_shards_are_about_equal() -> None:
    sizes = [len(shard_samples([case(f"s{n}") for n in range(1000)], (number, 4))) for number in range(1, 5)]
    assert min(sizes) > 200


def test_a_limited_draw_is_divided_not_drawn_anew() -> None:
    drawn = limit_samples([case(f"s{n}") for n in range(100)], 10, seed=0)
    assert sum(len(shard_samples(drawn, (number, 3))) for number in (1, 2, 3)) == 10
