"""The interval of a proportion."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_cosmos.measure import METRICS, interval, measure
from tests.unit.builders import outcomes_of


def test_known_value() -> None:
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I


def test_nothing_has_no_interval() -> None:
    assert interval(0, 0) is None


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_holds_the_point_and_agrees_with_scipy(counts: tuple[int, int]) -> None:
    successes, n = counts
    bounds = interval(successes, n)
    assert bounds is not None
    low, high = bounds
    assert 0 <= low <= successes / n <= high <= 1
    reference = binomtest(successes, n).proportion_ci(method="wilson")
    assert math.isclose(low, reference.low, abs_tol=1e-9)
    assert math.isclose(high, reference.high, abs_tol=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_proportions_and_only_they_have_intervals(name: str) -> None:
    measured = measure(outcomes_of(3, 1), "floor", name)
    expected = METRICS[name].proportion and measured.value is not None
    assert (measured.low is not None) == (measured.high is not None) == expected
