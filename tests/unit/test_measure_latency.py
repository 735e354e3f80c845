"""The ratio of two medians: right where it can be known, and seldom surer than it may be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cosmos.measure import latency
from pytest_cosmos.measure.latency import MIN_ROUNDS, ratio_of_medians, usable

TIMES = st.lists(st.floats(1e-4, 1e3), min_size=MIN_ROUNDS, max_size=40)


def test_a_ratio_of_medians_and_an_interval_around_it() -> None:
    slow, fast = [2.0, 2.1, 1.9, 2.0, 2.2] * 4, [1.0, 1.1, 0.9, 1.0, 9.0] * 4
    ratio = ratio_of_medians(slow, fast)
    assert ratio is not None
    assert (ratio.candidate, ratio.baseline) == (2.0, 1.0)
    assert ratio.value == pytest.approx(2.0)
    assert 1.7 < ratio.low < 2.0 < ratio.high < 2.4


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_no_time_makes_no_ratio(wrong: float) -> None:
    good = [1.0] * 20
    assert usable(good)
    assert ratio_of_medians([*good, wrong], good) is None
    assert ratio_of_medians(good, [*good, wrong]) is None


def test_too_few_rounds_make_no_ratio() -> None:
    assert ratio_of_medians([1.0] * (MIN_ROUNDS - 1), [1.0] * 20) is None
    assert ratio_of_medians([1.0] * MIN_ROUNDS, [1.0] * 20) is not None


def test_the_same_seed_gives_the_same_interval() -> None:
    one, other = list(np.linspace(1, 2, 20)), list(np.linspace(1.1, 2.3, 20))
    assert ratio_of_medians(one, other, seed=3) == ratio_of_medians(one, other, seed=3)
    assert ratio_of_medians(one, other, seed=3) != ratio_of_medians(one, other, seed=4)


@settings(max_examples=25, deadline=None)
@given(TIMES, TIMES, st.floats(0.1, 10))
def test_the_unit_does_not_matter_and_the_interval_holds_the_ratio(
    now: list[float], then: list[float], unit: float
) -> None:
    ratio, scaled = ratio_of_medians(now, then), ratio_of_medians([unit * x for x in now], [unit * x for x in then])
    assert ratio is not None
    assert scaled is not None
    assert ratio.low <= ratio.value <= ratio.high
    assert scaled.low == pytest.approx(ratio.low, rel=1e-6)
    assert scaled.high == pytest.approx(ratio.high, rel=1e-6)


def test_more_confidence_is_a_wider_interval() -> None:
    draw = np.random.default_rng(0)
    now, then = draw.lognormal(0, 0.1, 30).tolist(), draw.lognormal(0, 0.1, 30).tolist()
    sure, less = ratio_of_medians(now, then, 0.99), ratio_of_medians(now, then, 0.8)
    assert sure is not None
    assert less is not None
    assert sure.low < less.low < less.high < sure.high


@pytest.mark.parametrize("carried", [0.0, 0.5])
def test_it_is_wrong_no_more_often_than_it_says(carried: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of one speed, each round like the one before it to the degree `carried`: 300 times, seeded."""
    monkeypatch.setattr(latency, "_RESAMPLES", 499)
    draw, misses, tries = np.random.default_rng(11), 0, 300

    def drifting() -> list[float]:
        noise = [draw.normal() / math.sqrt(1 - carried**2)]
        for _ in range(19):
            noise.append(carried * noise[-1] + draw.normal())
        return [math.exp(0.05 * value) for value in noise]

    for _ in range(tries):
        ratio = ratio_of_medians(drifting(), drifting())
        assert ratio is not None
        misses += not ratio.low <= 1 <= ratio.high
    assert misses / tries <= 0.06
