from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.records import AnswerKind, Case, Prompt, Sample
from pytest_cosmos.suites import limit_samples

PROMPTS = tuple(Prompt(name=name, text="?", kind=AnswerKind.YES_NO, choices=("Yes", "No")) for name in ("one", "two"))

STRATA = st.tuples(st.sampled_from(("cracked", "whole")), st.sampled_from(("hazard", "safe", "hard")))
SUITES = st.lists(STRATA, max_size=40)


def cases(strata: list[tuple[str, str]]) -> tuple[Case, ...]:
    return tuple(
        Case(
            suite="floor",
            sample=Sample(id=f"s{number}", media=(f"{number}.png",), label=label, category=category),
            prompt=prompt,
            expected="Yes",
        )
        for number, (label, category) in enumerate(strata)
        for prompt in PROMPTS
    )


def strata_of(chosen: tuple[Case, ...]) -> Counter[tuple[str, str]]:
    samples = {case.sample.id: (case.sample.label, case.sample.category) for case in chosen}
    return Counter(samples.values())


@given(SUITES, st.integers(0, 45), st.integers(0, 3))
def test_n_samples_with_all_their_cases_in_their_order(strata: list[tuple[str, str]], n: int, seed: int) -> None:
    every = cases(strata)
    chosen = limit_samples(every, n, seed)
    assert len(chosen) == 2 * min(n, len(strata))
    assert list(chosen) == [case for case in every if case in chosen]
    assert set(Counter(case.sample.id for case in chosen).values()) <= {2}
    assert chosen == limit_samples(every, n, seed)


@given(SUITES, st.integers(1, 45))
def test_every_stratum_keeps_its_share(strata: list[tuple[str, str]], n: int) -> None:
    sizes, kept = Counter(strata), strata_of(limit_samples(cases(strata), n, 0))
    if n >= len(sizes):
        assert set(kept) == set(sizes)
    spoilt = sum(max(0.0, 1 - size * n / len(strata)) for size in sizes.values())
    for stratum, size in sizes.items():
        assert kept[stratum] <= size
        if n <= len(strata):
            # largest remainder stays within one of the share, but for the seats given to tiny strata
            assert abs(kept[stratum] - size * n / len(strata)) < 1 + spoilt


def test_proportions_where_they_come_out_even() -> None:
    strata = [("cracked", "hazard")] * 20 + [("whole", "safe")] * 10 + [("whole", "hard")] * 30
    kept = strata_of(limit_samples(cases(strata), 12, seed=1))
    assert kept == {("cracked", "hazard"): 4, ("whole", "safe"): 2, ("whole", "hard"): 6}


def test_a_tiny_stratum_keeps_one() -> None:
    strata = [("cracked", "hazard")] * 98 + [("whole", "safe")] * 2
    assert strata_of(limit_samples(cases(strata), 5, seed=0)) == {("cracked", "hazard"): 4, ("whole", "safe"): 1}


def test_seeds_draw_differently() -> None:
    every = cases([("cracked", "hazard")] * 30)
    draws = {tuple(case.id for case in limit_samples(every, 5, seed)) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize("n", [3, 4, 1000])
def test_as_many_as_there_are_is_all(n: int) -> None:
    every = cases([("cracked", "hazard")] * 3)
    assert limit_samples(every, n, seed=0) == every
