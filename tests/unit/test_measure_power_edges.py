"""How many cases a claim needs: where the numbers are few, the bar is too high, or parts are missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from pytest_cosmos.measure.interval import wilson
from pytest_cosmos.measure.power import (
    INDEPENDENT,
    Design,
    bar_power,
    design_of,
    design_of_pairs,
    detectable,
    margin_power,
    mcnemar_power,
    pairs_for_difference,
    pairs_for_margin,
    samples_for_bar,
    tango_score,
)
from pytest_cosmos.records import Difference, Metric

TWO_ERRORS = float(2 * norm.cdf(2) - 1)
"""The confidence of which the quantile is 2."""


def share(value: float, cases: float, *, size: int = 3, clusters: int = 20) -> Metric:
    """Build a figure of so many effective cases."""
    low, high = wilson(value, cases, float(t.ppf(0.975, clusters - 1)))
    return Metric(suite="s", name="accuracy", value=value, low=low, high=high, cases=size * clusters, clusters=clusters)


PAIRS = Difference(
    suite="s", metric="accuracy", value=0.05, low=-0.1, high=0.2, cases=60, clusters=20, fixed=6, broken=3
)


def test_a_result_of_which_the_low_end_is_the_bar_itself_reaches_it() -> None:
    assert bar_power(16, 0.5, 0.8, confidence=TWO_ERRORS)[0] == pytest.approx(binom.sf(11, 16, 0.8))  # 8 + 2 sqrt(4)


@pytest.mark.parametrize(
    ("samples", "size", "effect", "bar", "expect"),
    [(100, 3, 1.0, 0.85, 0.9), (40, 3, 1.0, 0.7, 0.85), (80, 2, 1.5, 0.7, 0.8)],
)
def test_power_on_clusters_is_how_often_the_interval_clears_the_bar(
    samples: int, size: int, effect: float, bar: float, expect: float
) -> None:
    design, z, worth = Design(size, effect), float(t.ppf(0.975, samples - 1)), round(samples * size / effect)
    seen = [float(design.seen(np.array([samples]), v * (1 - v))[0]) for v in np.arange(worth + 1) / worth]
    clears = [k for k in range(worth + 1) if wilson(k / worth, seen[k], z)[0] >= bar]
    exact = float(np.sum(binom.pmf(clears, worth, expect)))
    assert bar_power(samples, bar, expect, design=design)[0] == pytest.approx(exact, abs=0.01)


def test_cases_that_are_worth_less_have_the_power_of_fewer() -> None:
    powers = bar_power(np.arange(300.0, 310.0), 0.85, 0.9, design=Design(1, 1.5))
    assert np.all(np.diff(powers) > 0)
    assert powers[0] == pytest.approx(bar_power(200, 0.85, 0.9)[0], abs=0.04)


@pytest.mark.parametrize(("samples", "size"), [(5, 3), (22, 3), (22, 10)])
def test_a_bar_that_not_even_the_best_result_reaches_is_never_proven(samples: int, size: int) -> None:
    assert bar_power(samples, 0.9, 1.0, design=Design(size, size))[0] == 0
    assert bar_power(15, 0.8, 0.99, design=Design(size, 1.0))[0] == 0


@pytest.mark.parametrize("confidence", [0.8, 0.99])
def test_needs_are_those_of_the_confidence_asked_for(confidence: float) -> None:
    samples = samples_for_bar(0.85, 0.9, confidence=confidence)
    assert samples is not None
    powers = bar_power(np.array([samples - 1.0, samples]), 0.85, 0.9, confidence=confidence)
    assert powers[0] < 0.8 <= powers[1]
    pairs = pairs_for_difference(0.05, 0.2, confidence=confidence)
    assert pairs is not None
    assert mcnemar_power(pairs, 0.05, 0.2, confidence=confidence) >= 0.8
    assert mcnemar_power(pairs // 2, 0.05, 0.2, confidence=confidence) < 0.8
    least = detectable(1200, 0.1, confidence=confidence)
    assert least is not None
    assert mcnemar_power(1200, least, 0.1, confidence=confidence) == pytest.approx(0.8, abs=0.01)


def test_a_single_case_may_do_for_a_modest_claim() -> None:
    assert samples_for_bar(0.1, 0.9) == 1
    assert pairs_for_margin(0.85, 0.1) == 1


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_pairs_in_clusters_are_as_many_as_the_interval_takes_them_for(confidence: float) -> None:
    design, needed = Design(3, 1.2), pairs_for_margin(0.1, 0.2, drop=0.02, confidence=confidence, design=Design(3, 1.2))
    assert needed is not None

    def power(samples: int) -> float:
        """Add up every number of pairs that differ, and every number of them that are fixed."""
        pairs = math.floor(float(design.seen(np.array([float(samples)]), 0.2)[0]))
        z, total = float(t.ppf((1 + confidence) / 2, samples - 1)), 0.0
        for number in range(pairs + 1):
            fixed = np.arange(number + 1)
            shown = tango_score(pairs, fixed, number - fixed, -0.1) > z
            total += binom.pmf(number, pairs, 0.2) * binom.pmf(fixed, number, 0.45)[shown].sum()
        return total

    assert power(needed) >= 0.8 > power(needed - 1)
    for samples in (needed, needed // 2):
        found = margin_power(samples, 0.1, 0.2, drop=0.02, confidence=confidence, design=design)
        assert found == pytest.approx(power(samples), abs=1e-9)


def test_cases_of_a_sample_find_what_so_many_fewer_would() -> None:
    triples = Design(3, 1.5)
    assert mcnemar_power(100, 0.05, 0.2, design=triples) == mcnemar_power(200, 0.05, 0.2)
    assert detectable(100, 0.2, design=triples) == detectable(200, 0.2)
    assert mcnemar_power(1, 0.05, 0.2, design=Design(1, 1.5)) == 0


def test_a_sample_that_is_worth_no_pair_shows_nothing() -> None:
    with np.errstate(divide="raise", invalid="raise"):
        assert (pairs_for_margin(0.1, 0.2, design=Design(1, 1.5)) or 0) > 100
        assert margin_power(1, 0.1, 0.2, design=Design(1, 1.5)) == 0


def test_the_largest_difference_is_found_with_the_confidence_asked_for() -> None:
    assert detectable(100, 0.09) is not None
    assert detectable(100, 0.09, confidence=0.99) is None


def test_where_no_pair_differs_the_score_is_that_of_the_margin_alone() -> None:
    nothing = np.zeros(1)
    assert tango_score(30, nothing, nothing, -0.01)[0] == pytest.approx(math.sqrt(30 * 0.01 / 0.99))


def test_a_margin_of_everything_is_kept_unless_all_are_broken() -> None:
    with np.errstate(divide="raise", invalid="raise"):
        assert margin_power(10, 1.0, 0.5) == pytest.approx(1, abs=1e-5)


def test_no_more_pairs_are_fixed_than_differ() -> None:
    assert margin_power(40, 0.1, 0.1, drop=-0.2) == margin_power(40, 0.1, 0.1, drop=-0.1)


@pytest.mark.parametrize("missing", [{"value": None}, {"low": None}, {"high": None}, {"clusters": 0}])
def test_without_an_interval_cases_are_taken_for_independent(missing: dict[str, None]) -> None:
    metric = share(0.8, 30)
    assert design_of(metric).effect == pytest.approx(2, abs=0.4)
    assert design_of(metric.model_copy(update=missing)) == INDEPENDENT


@pytest.mark.parametrize("missing", [{"fixed": None}, {"broken": None}, {"low": None}, {"high": None}, {"clusters": 0}])
def test_without_an_interval_of_pairs_all_of_them_may_differ(missing: dict[str, None]) -> None:
    design, differ = design_of_pairs(PAIRS)
    assert (design.cases_per_sample, differ) == (PAIRS.cases / PAIRS.clusters, 9 / 60)
    assert design_of_pairs(PAIRS.model_copy(update=missing)) == (INDEPENDENT, 1.0)


def test_an_interval_that_says_nothing_tells_no_design_effect() -> None:
    nothing = share(0.5, 30).model_copy(update={"low": 0.0, "high": 1.0})
    assert design_of(nothing) == Design(3, 1.0)


@pytest.mark.parametrize(("value", "cases", "effect"), [(1.0, 30, 2), (0.8, 10, 6), (1.0, 20, 3)])
def test_the_imagined_cluster_is_taken_out_only_where_it_was_put_in(value: float, cases: float, effect: float) -> None:
    """Neither where nothing varied, nor where clusters weigh more than their size."""
    assert design_of(share(value, cases)).effect == pytest.approx(effect)


def test_fewer_samples_find_a_difference_where_each_has_several_cases() -> None:
    alone, three = pairs_for_difference(0.1, 0.2), pairs_for_difference(0.1, 0.2, design=Design(3, 2.0))
    assert alone is not None
    assert three == math.ceil(alone / 1.5)
