"""Paired comparisons against statsmodels, published examples, brute force, and the papers' formulas as loops."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm, t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from pytest_cosmos.measure.paired import (
    effect_on,
    figure_interval,
    figure_test,
    holm,
    share_interval,
    share_test,
    tango,
)

Z = float(norm.ppf(0.975))
seldom = settings(max_examples=60, deadline=None)
Rows = list[tuple[int, int]]
"""Of each pair its cluster, and 1 where it was fixed, -1 where it was broken, else 0."""
changes_in_clusters = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([0, 0, 1, -1])), min_size=2, max_size=40)


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[1] for row in rows], dtype=np.float64), np.array([row[0] for row in rows], dtype=np.int64)


def loglikelihood(fixed: float, broken: float, cases: float, gain: float, broken_share: float) -> float:
    """Of a multinomial in which fixed pairs are `gain` more frequent than broken ones."""
    shares = (broken_share + gain, broken_share, 1 - 2 * broken_share - gain)
    counts = (fixed, broken, cases - fixed - broken)
    return sum(n * math.log(max(share, 1e-300)) for n, share in zip(counts, shares, strict=True) if n > 0)


def score_by_search(fixed: float, broken: float, cases: float, gain: float) -> float:
    """Tango's statistic with its restricted estimate found by maximising the likelihood, not by his formula."""
    span = (max(0.0, -gain), (1 - gain) / 2)
    found = minimize_scalar(
        lambda share: -loglikelihood(fixed, broken, cases, gain, share),
        bounds=span,
        method="bounded",
        options={"xatol": 1e-12},
    )
    best = min((*span, float(found.x)), key=lambda share: -loglikelihood(fixed, broken, cases, gain, share))
    spread = cases * (2 * best + gain * (1 - gain))
    return (fixed - broken - cases * gain) / math.sqrt(max(spread, 1e-300))


@seldom
@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 60))
def test_tango_solves_the_score_equation(fixed: int, broken: int, rest: int) -> None:
    cases = fixed + broken + rest
    low, high = tango(fixed, broken, cases, Z)
    assert -1 <= low <= (fixed - broken) / cases <= high <= 1
    if low > -1 + 1e-6:
        assert score_by_search(fixed, broken, cases, low) == pytest.approx(Z, abs=1e-3)
    if high < 1 - 1e-6:
        assert score_by_search(fixed, broken, cases, high) == pytest.approx(-Z, abs=1e-3)


def test_tango_without_a_changed_pair_is_wilsons_rule() -> None:
    assert tango(0, 0, 100, Z) == pytest.approx((-(Z**2) / (100 + Z**2), Z**2 / (100 + Z**2)))


def test_tango_of_published_examples() -> None:
    """Fagerland, Lydersen, Laake (2014), table 2 (airway hyper-responsiveness: 1 and 7 of 21 changed)."""
    assert tango(1, 7, 21, Z) == pytest.approx((-0.517, -0.026), abs=1e-3)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_that_of_statsmodels(fixed: int, broken: int, same: int) -> None:
    change = np.array([1.0] * fixed + [-1.0] * broken + [0.0] * (same + 1))
    expected = mcnemar([[0, fixed], [broken, 0]], exact=True).pvalue if fixed + broken else 1.0
    assert share_test(change, np.arange(len(change))) == pytest.approx(min(1.0, float(expected)))


@seldom
@given(changes_in_clusters)
def test_sign_flips_are_those_of_brute_force(rows: Rows) -> None:
    change, cluster = columns(rows)
    sums = [float(change[cluster == one].sum()) for one in sorted(set(cluster))]
    flipped = [
        abs(sum(s * f for s, f in zip(sums, signs, strict=True))) for signs in product((1, -1), repeat=len(sums))
    ]
    expected = sum(total >= abs(sum(sums)) - 1e-9 for total in flipped) / len(flipped)
    assert share_test(change, cluster) == pytest.approx(expected)


@settings(max_examples=15, deadline=None)
@given(changes_in_clusters)
def test_a_figures_sign_flips_are_those_of_brute_force(rows: Rows) -> None:
    """Few clusters are tried out in full."""
    change, cluster = columns(rows)
    found = figure_test(change / len(change), cluster)
    assert found == pytest.approx(share_test(change, cluster), abs=1e-9)


@settings(max_examples=15, deadline=None)  # multipletests takes a sixth of a second
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def paired_clustered_error(change: np.ndarray, cluster: np.ndarray) -> float:
    """Miller (2024), section 4: the clustered standard error of the differences, as a double loop; C / (C - 1)."""
    mean, n = float(change.mean()), len(change)
    total = 0.0
    for i in range(n):
        for j in range(n):
            if cluster[i] == cluster[j]:
                total += (change[i] - mean) * (change[j] - mean)
    clusters = len(set(cluster))
    correction = clusters / (clusters - 1) if clusters < n else 1.0
    return math.sqrt(max(total, 0.0) * correction) / n


@seldom
@given(changes_in_clusters)
def test_the_interval_of_figures_is_the_papers_and_what_no_change_leaves_open(rows: Rows) -> None:
    change, cluster = columns(rows)
    clusters, value = len(set(cluster)), float(change.mean())
    if clusters < 2:
        return
    quantile = float(t.ppf(0.975, clusters - 1))
    z = Z if clusters == len(rows) else quantile
    half = math.hypot(quantile * paired_clustered_error(change, cluster), z**2 / (clusters + z**2))
    found = figure_interval(value, (change - value) / len(change), cluster, 0.95)
    assert found == pytest.approx((max(-1, value - half), min(1, value + half)))


@seldom
@given(changes_in_clusters)
def test_the_interval_of_shares_is_tangos_on_the_documented_number_of_pairs(rows: Rows) -> None:
    """docs/statistics.md, written out: counts / design effect with one imagined cluster, t on clusters - 1."""
    change, cluster = columns(rows)
    sizes = [int((cluster == one).sum()) for one in sorted(set(cluster))]
    n, clusters, value = len(rows), len(sizes), float(change.mean())
    if clusters < 2:
        return
    simple = float(((change - value) ** 2).sum())
    if simple == 0:
        effect = n / clusters
    else:
        sums = [float((change - value)[cluster == one].sum()) for one in sorted(set(cluster))]
        seen = sum(total**2 for total in sums) * (clusters / (clusters - 1) if clusters < n else 1)
        size = sum(one**2 for one in sizes) / n
        effect = max(1.0, seen / simple, (seen + size**2) / (simple + size))
    assert effect_on(change, cluster) == pytest.approx(effect)
    z = Z if clusters == n else float(t.ppf(0.975, clusters - 1))
    fixed, broken, cases = float((change > 0).sum()) / effect, float((change < 0).sum()) / effect, n / effect
    low, high = share_interval(change, cluster, 0.95)
    for end, sign in ((low, 1), (high, -1)):
        if abs(end) < 1 - 1e-6:
            assert score_by_search(fixed, broken, cases, end) == pytest.approx(sign * z, rel=1e-3)


def test_score_by_search_is_itself_right_where_the_answer_is_known() -> None:
    """Of no difference the statistic is McNemar's: (fixed - broken) / sqrt(fixed + broken)."""
    for fixed, broken in ((3, 1), (10, 2), (5, 5)):
        expected = (fixed - broken) / math.sqrt(fixed + broken)
        assert score_by_search(fixed, broken, 50, 0.0) == pytest.approx(expected, abs=1e-4)
    assert brentq(lambda gain: score_by_search(3, 1, 50, gain), -0.5, 0.5) == pytest.approx(0.04, abs=1e-6)
