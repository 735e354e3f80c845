"""How sure a difference between two figures of the same cases is: intervals and tests, on plain arrays.

`change` holds, per case, what counts for the candidate less what counts for the baseline; `cluster` which cases are
not independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pytest_cosmos.measure.interval import Codes, Values, design_effect, distinct, quantile, variance

RESAMPLES = 1999
"""Sign flips that are drawn where there are too many to try all."""

_NUDGE = 1e-9


def share_interval(change: Values, cluster: Codes, confidence: float) -> tuple[float, float]:
    """Return the interval of the difference of two shares of the same cases; `change` is -1, 0 or 1.

    Tango's (1998) score interval on the effective number of cases: counts / design effect, with Student's t in the
    place of the normal quantile where clusters have several cases.
    """
    effect = effect_on(change, cluster)
    fixed, broken = float((change > 0).sum()) / effect, float((change < 0).sum()) / effect
    return tango(fixed, broken, len(change) / effect, quantile(cluster, confidence))


def effect_on(change: Values, cluster: Codes) -> float:
    """Return by how much the clusters raise the variance of the mean change, 1 or more.

    Where no variance can be seen the cases of a cluster count as one: cases / clusters.
    """
    influence = (change - change.mean()) / len(change)
    simple = float((influence**2).sum())
    if simple <= 0:
        return len(change) / distinct(cluster)
    return design_effect(simple, influence, cluster, 1 / len(change))


def tango(fixed: float, broken: float, cases: float, z: float) -> tuple[float, float]:
    """Return the score interval of (fixed - broken) / cases (Tango 1998); counts need not be whole."""
    return _tango_low(fixed, broken, cases, z), -_tango_low(broken, fixed, cases, z)


def _tango_low(fixed: float, broken: float, cases: float, z: float) -> float:
    """Return the lowest difference that the score test does not reject."""
    from scipy.optimize import brentq

    found = (fixed - broken) / cases
    if found - _NUDGE <= -1:
        return -1.0

    def excess(difference: float) -> float:
        # the shares that are likeliest under this difference: root of a x^2 + b x + c (Tango 1998, eq. 6)
        a = 2 * cases
        b = -fixed - broken + (2 * cases - fixed + broken) * difference
        c = -broken * difference * (1 - difference)
        share = (np.sqrt(b * b - 4 * a * c) - b) / (2 * a)
        spread = cases * (2 * share + difference * (1 - difference))
        return float((fixed - broken - cases * difference) ** 2 - z * z * spread)

    # at the point itself the variance may be 0, which would be a root too
    return float(brentq(excess, -1.0, found - _NUDGE))


def figure_interval(
    value: float, change: Values, cluster: Codes, confidence: float, *, top: float = 1.0, worth: float | None = None
) -> tuple[float, float]:
    """Return the interval of the difference of any two figures, from how much each case moves it (sums to 0).

    Student's t on cluster sums; the reach of shares without a changed case on as many clusters is added as
    independent errors are: few changes are skewed, and none at all is no certainty. `worth`: how many clusters it
    rests on, where these are fewer.
    """
    from scipy.special import stdtrit

    clusters = distinct(cluster)
    z, sure = quantile(cluster, confidence), float(clusters) if worth is None else min(float(clusters), worth)
    half = top * z**2 / (sure + z**2)
    if clusters > 1:
        half = math.hypot(half, float(stdtrit(clusters - 1, (1 + confidence) / 2)) * variance(change, cluster) ** 0.5)
    return max(-top, value - half), min(top, value + half)


def share_test(change: Values, cluster: Codes) -> float:
    """Return the two-sided p of no difference of two shares: sign flips of whole clusters, all of them.

    Changes are whole numbers, so the chance of every sum is found without drawing: of the clusters that changed by
    the same number, how many point up is binomial. Of clusters of one case each it is McNemar's exact test.
    """
    from scipy.stats import binom

    sums = np.rint(np.bincount(cluster, change)).astype(np.int64)
    chances = np.ones(1)
    for size, count in np.column_stack(np.unique(np.abs(sums[sums != 0]), return_counts=True)):
        spread = np.zeros(2 * size * count + 1)
        spread[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, spread)
    as_large = len(chances) // 2 + abs(int(sums.sum()))
    return min(1.0, 2 * float(chances[as_large:].sum()))


def figure_test(change: Values, cluster: Codes) -> float:
    """Return the two-sided p of no difference of any two figures: sign flips of whole clusters, seeded.

    `change` is what each case adds to the difference, 0 where nothing changed.
    """
    from scipy.stats import permutation_test

    sums = np.bincount(cluster, change)
    sums = sums[sums != 0]
    if len(sums) < 2:  # either sign is as likely
        return 1.0
    tried = permutation_test(
        (sums,),
        lambda flipped, axis: np.round(flipped.sum(axis=axis), 12),  # sums that are equal but for rounding are ties
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=max(1, 1_000_000 // len(sums)),  # memory: a number for each cluster of each flip
        rng=np.random.default_rng(0),
    )
    return float(tried.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for being several (Holm 1979)."""
    order = np.argsort(p_values)
    left = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(left * np.asarray(p_values)[order]))
    return [float(p) for p in adjusted]
