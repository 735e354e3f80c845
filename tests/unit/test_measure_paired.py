"""Intervals and tests of paired differences: published values, independent computations, properties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm, t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from pytest_cosmos.measure.interval import Codes, Values
from pytest_cosmos.measure.paired import (
    effect_on,
    figure_interval,
    figure_test,
    holm,
    share_interval,
    share_test,
    tango,
)

Z95 = float(norm.ppf(0.975))

pairs = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 200)).filter(lambda counts: sum(counts) > 0)
"""Fixed, broken, unchanged."""


def changes(fixed: int, broken: int, same: int) -> Values:
    return np.array([1.0] * fixed + [-1.0] * broken + [0.0] * same)


def alone(values: Values) -> Codes:
    return np.arange(len(values))


@pytest.mark.parametrize(
    ("fixed", "broken", "cases", "confidence", "low", "high"),
    [
        (6, 16, 161, 0.95, -0.1240, -0.0054),  # Cavo 2012, in Fagerland, Lydersen and Laake 2017, chapter 8
        (28, 25, 618, 0.90, -0.0148, 0.0247),  # by R's PropCIs, scoreci.mp(25, 28, 618)
    ],
)
def test_tango_agrees_with_published_intervals(
    fixed: int, broken: int, cases: int, confidence: float, low: float, high: float
) -> None:
    z = float(norm.ppf((1 + confidence) / 2))
    assert tango(fixed, broken, cases, z) == pytest.approx((low, high), abs=5e-5)


def score_by_likelihood(fixed: int, broken: int, cases: int, difference: float) -> float:
    """Compute Tango's statistic with the likelihood maximised numerically, not by its formula."""
    least = max(0.0, -difference)
    most = (1 - difference) / 2  # fixed + broken <= 1, where fixed = broken + difference

    def minus_likelihood(share: float) -> float:
        counts, shares = (
            (fixed, broken, cases - fixed - broken),
            (share + difference, share, 1 - 2 * share - difference),
        )
        return float(-sum(n * np.log(max(p, 1e-300)) for n, p in zip(counts, shares, strict=True) if n))

    found = minimize_scalar(minus_likelihood, bounds=(least, most), method="bounded", options={"xatol": 1e-12})
    variance = cases * (2 * found.x + difference - difference**2)
    return float((fixed - broken - cases * difference) / np.sqrt(variance))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 200))
@settings(max_examples=50, deadline=None)
def test_tango_agrees_with_the_score_test_of_a_maximised_likelihood(fixed: int, broken: int, same: int) -> None:
    cases = fixed + broken + same
    found = (fixed - broken) / cases
    low, high = (
        brentq(lambda d, sign=sign: score_by_likelihood(fixed, broken, cases, d) - sign * Z95, *inside)
        for sign, inside in ((1, (-0.9999, found)), (-1, (found, 0.9999)))
    )
    assert tango(fixed, broken, cases, Z95) == pytest.approx((low, high), abs=2e-5)


@given(pairs)
def test_tango_holds_the_point_and_is_mirrored_when_the_sides_change(counts: tuple[int, int, int]) -> None:
    fixed, broken, _ = counts
    low, high = tango(fixed, broken, sum(counts), Z95)
    assert -1 <= low < high <= 1
    assert low <= (fixed - broken) / sum(counts) <= high
    assert tango(broken, fixed, sum(counts), Z95) == (-high, -low)


@pytest.mark.parametrize("cases", [1, 7, 44, 1000])
def test_where_nothing_changed_tango_is_as_wide_as_a_zero_by_wilson(cases: int) -> None:
    half = Z95**2 / (cases + Z95**2)
    assert tango(0, 0, cases, Z95) == pytest.approx((-half, half), abs=1e-8)


@pytest.mark.parametrize("cases", [1, 5, 50])
def test_where_everything_changed_one_way_tango_ends_at_one(cases: int) -> None:
    low = (cases - Z95**2) / (cases + Z95**2)
    assert tango(cases, 0, cases, Z95) == pytest.approx((low, 1), abs=1e-8)
    assert tango(0, cases, cases, Z95) == pytest.approx((-1, -low), abs=1e-8)


@given(pairs)
def test_the_test_of_independent_cases_is_mcnemars(counts: tuple[int, int, int]) -> None:
    fixed, broken, same = counts
    change = changes(*counts)
    reference = mcnemar([[same, fixed], [broken, 0]], exact=True).pvalue
    assert share_test(change, alone(change)) == pytest.approx(min(1.0, reference), abs=1e-12)


def by_all_flips(sums: Values) -> float:
    flips = np.array(list(itertools.product((-1, 1), repeat=len(sums))))
    return float((np.abs(flips @ sums) >= abs(sums.sum()) - 1e-9).mean())


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_test_of_clusters_tries_every_flip(sums: list[int]) -> None:
    change = np.concatenate([np.full(max(1, abs(total)), np.sign(total), float) for total in sums])
    cluster = np.concatenate([np.full(max(1, abs(total)), number) for number, total in enumerate(sums)])
    assert share_test(change, cluster) == pytest.approx(by_all_flips(np.array(sums, float)))


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9))
@settings(max_examples=30, deadline=None)
def test_the_test_of_a_figure_tries_every_flip_of_few_clusters(values: list[int]) -> None:
    each = np.array(values, float)
    assert figure_test(each / len(each), alone(each)) == pytest.approx(by_all_flips(each / len(each)))


def test_the_test_of_a_figure_is_the_same_each_time_and_agrees_with_a_t_test() -> None:
    each = np.random.default_rng(4).normal(0.2, 1, 120)
    first, again = (figure_test(each / len(each), alone(each)) for _ in range(2))
    assert first == again
    assert first * 2000 == pytest.approx(round(first * 2000), abs=1e-9)  # 1999 flips, and the one that was seen
    statistic = each.mean() / (each.std(ddof=1) / np.sqrt(len(each)))
    assert first == pytest.approx(2 * t.sf(abs(statistic), len(each) - 1), abs=0.02) != pytest.approx(1, abs=0.8)


def test_without_any_change_there_is_no_evidence() -> None:
    assert figure_test(np.zeros(5), np.arange(5)) == 1
    assert share_test(np.zeros(5), np.arange(5)) == 1


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=20, deadline=None)
def test_holm_agrees_with_statsmodels_and_its_definition(p_values: list[float]) -> None:
    found = holm(p_values)
    if p_values:
        assert found == pytest.approx(multipletests(p_values, method="holm")[1])
    largest = 0.0
    for rank, (p, adjusted) in enumerate(sorted(zip(p_values, found, strict=True))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        assert adjusted == pytest.approx(largest)


def test_cases_that_change_together_count_as_one() -> None:
    once = changes(6, 2, 40)
    thrice, cluster = np.repeat(once, 3), np.repeat(np.arange(len(once)), 3)
    assert effect_on(thrice, cluster) == pytest.approx(3 * len(once) / (len(once) - 1))  # Liang and Zeger's C / (C - 1)
    assert share_test(thrice, cluster) == share_test(once, alone(once))
    (low, high), (low_once, high_once) = (
        share_interval(thrice, cluster, 0.95),
        share_interval(once, alone(once), 0.95),
    )
    assert low < low_once  # t in the place of z
    assert high > high_once
    assert (low, high) == pytest.approx((low_once, high_once), abs=0.02)


def test_a_design_effect_is_never_below_one() -> None:
    change = np.tile([1.0, -1.0], 20)  # the two of a cluster cancel out
    assert effect_on(change, np.repeat(np.arange(20), 2)) == 1


@pytest.mark.parametrize("same", [0.0, 1.0, -1.0])
def test_without_variance_the_cases_of_a_cluster_count_as_one(same: float) -> None:
    change, cluster = np.full(40, same), np.repeat(np.arange(10), 4)
    assert effect_on(change, cluster) == 4
    assert share_interval(change, cluster, 0.95)[0] == pytest.approx(
        tango(10 * (same > 0), 10 * (same < 0), 10, float(t.ppf(0.975, 9)))[0]
    )


def test_one_cluster_is_one_case() -> None:
    change = changes(3, 1, 6)
    assert effect_on(change, np.zeros(10, dtype=np.int64)) == 10


def test_independent_cases_have_tangos_own_interval() -> None:
    change = changes(9, 4, 100)
    assert share_interval(change, alone(change), 0.95) == pytest.approx(tango(9, 4, 113, Z95))


def test_a_figures_interval_is_students_on_cluster_sums() -> None:
    each, cluster = np.random.default_rng(3).normal(0.5, 0.3, 60), np.repeat(np.arange(20), 3)
    influence = (each - each.mean()) / 60
    low, high = figure_interval(0.1, influence, cluster, 0.9, top=4)
    sums = np.bincount(cluster, influence)
    half = t.ppf(0.95, 19) * np.sqrt(20 / 19 * (sums**2).sum())
    floor = 4 * t.ppf(0.95, 19) ** 2 / (20 + t.ppf(0.95, 19) ** 2)
    assert (low, high) == pytest.approx((0.1 - np.hypot(half, floor), 0.1 + np.hypot(half, floor)))


@pytest.mark.parametrize(("worth", "rests_on"), [(None, 25), (7.5, 7.5), (100.0, 25)])
def test_a_figure_is_never_surer_than_shares_without_a_change(worth: float | None, rests_on: float) -> None:
    low, high = figure_interval(0.0, np.zeros(25), np.arange(25), 0.95, worth=worth)
    half = Z95**2 / (rests_on + Z95**2)
    assert (low, high) == pytest.approx((-half, half))


def test_a_figures_interval_stays_where_differences_can_be() -> None:
    influence = np.array([0.5, -0.5, 0.4, -0.4])
    assert figure_interval(0.5, influence, np.arange(4), 0.95) == (-1, 1)
    half = Z95**2 / (1 + Z95**2)  # a single cluster shows no variance, whatever is in it
    assert figure_interval(0.0, np.zeros(1), np.zeros(1, dtype=np.int64), 0.95) == pytest.approx((-half, half))
    assert figure_interval(0.0, influence, np.zeros(4, dtype=np.int64), 0.95) == pytest.approx((-half, half))


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=40), st.integers(1, 5))
def test_a_share_that_changes_sides_is_mirrored(values: list[float], size: int) -> None:
    change, cluster = np.array(values), np.arange(len(values)) // size
    low, high = share_interval(change, cluster, 0.95)
    assert -1 <= low < high <= 1
    assert low - 1e-9 <= change.mean() <= high + 1e-9
    assert share_interval(-change, cluster, 0.95) == pytest.approx((-high, -low))
    assert share_test(-change, cluster) == share_test(change, cluster)


def test_runs_of_the_same_model_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(11)
    alarms = missed = 0
    for _ in range(400):
        cluster = np.repeat(np.arange(120), 3)
        common = np.repeat(rng.random(120) < 0.5, 3)  # the whole cluster changes its mind, or each case by itself
        flips = [np.where(common, np.repeat(rng.random(120), 3), rng.random(360)) < 0.85 for _ in range(2)]
        change = flips[1].astype(float) - flips[0]
        alarms += share_test(change, cluster) < 0.05
        low, high = share_interval(change, cluster, 0.95)
        missed += not low <= 0 <= high
    assert 0 < alarms <= 32  # 5 % of 400 and 2.8 standard errors
    assert 0 < missed <= 32
