"""How sure a figure is: the one seam through which every interval comes.

A figure is described by its *influence*: how much each case moves it (the linearised figure, Deville 1999; of a
proportion (y - p) / n). The influences sum to 0; their sum of squares, cases of one cluster taken together, is the
figure's variance. All the rest is Wilson's interval on the effective number of cases.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.int64]

CONFIDENCE = 0.95
"""Of every interval, unless a threshold asks for another."""


def interval(
    value: float, influence: Values, cluster: Codes, *, confidence: float = CONFIDENCE, weight: Values | None = None
) -> tuple[float, float] | None:
    """Return the interval of a figure between 0 and 1; None where there is no case.

    `influence` and `cluster` (small numbers, not negative) have an entry per case. Of independent cases and a
    proportion it is Wilson's (1927); else Wilson's on the effective number of cases, with Student's t on clusters - 1
    in the place of the normal quantile. A cluster-robust t interval would be of length 0 where every answer is right.
    """
    if not len(influence):
        return None
    return wilson(value, effective_cases(value, influence, cluster, weight), quantile(cluster, confidence))


def effective_cases(value: float, influence: Values, cluster: Codes, weight: Values | None = None) -> float:
    """Return how many independent cases would be as good as these: cases / design effect.

    Where no variance can be seen (everything right, or wrong) the cases of a cluster count as one. `weight`: of each
    case, where these do not weigh alike; the figure then rests on fewer cases. One whose cases differ less than right
    and wrong do (the error of a rating, AUROC) is as sure as they show, one more cluster imagined that is as far off
    as can be.
    """
    cases = len(influence) if weight is None else rests_on(weight, np.arange(len(weight)))
    simple, most = float((influence**2).sum()), value * (1 - value)
    if simple <= 0 or most <= 0:
        return float(distinct(cluster)) if weight is None else rests_on(weight, cluster)
    independent = max(min(cases, most / simple), most / (simple + _size(cluster) / cases**2))
    return independent / design_effect(simple, influence, cluster, 1 / cases)


def design_effect(simple: float, influence: Values, cluster: Codes, weight: float) -> float:
    """Return by how much the clusters raise a variance, that of independent cases being `simple`; 1 or more.

    A ratio of two estimates (Kish 1965), and a poor one where few cases differ from the rest: one wrong answer shows
    no clustering, whatever there is. So one more cluster is imagined of which all cases differ, each by `weight`.
    """
    if distinct(cluster) < 2:
        return float(len(cluster))
    seen = variance(influence, cluster)
    size = _size(cluster)
    imagined = (seen + (size * weight) ** 2) / (simple + size * weight**2)
    return max(1.0, seen / simple if simple > 0 else 1.0, imagined)


def _size(cluster: Codes) -> float:
    """Return the size of the cluster that a case is in, on average over the cases."""
    return float((np.bincount(cluster) ** 2).sum() / len(cluster))


def variance(influence: Values, cluster: Codes) -> float:
    """Return the variance of a figure: Liang and Zeger (1986), with C / (C - 1) where clusters have several cases."""
    clusters = distinct(cluster)
    correction = clusters / (clusters - 1) if 1 < clusters < len(cluster) else 1.0
    return float(correction * (np.bincount(cluster, influence) ** 2).sum())


def quantile(cluster: Codes, confidence: float) -> float:
    """Return how many standard errors wide to look: normal for independent cases, t for clusters of several."""
    from scipy.special import ndtri, stdtrit

    clusters = distinct(cluster)
    tail = (1 + confidence) / 2
    if clusters == len(cluster) or clusters < 2:
        return float(ndtri(tail))
    return float(stdtrit(clusters - 1, tail))


def distinct(codes: Codes) -> int:
    """Return how many different codes there are: small numbers, not negative."""
    return int(np.count_nonzero(np.bincount(codes)))


def rests_on(weight: Values, cluster: Codes) -> float:
    """Return how many clusters of equal weight would be as good (Kish 1965): of a rare class they are few."""
    sums = np.bincount(cluster, weight)
    return float(sums.sum() ** 2 / (sums**2).sum())


def wilson(value: float, cases: float, z: float) -> tuple[float, float]:
    """Return Wilson's score interval of `value` (0 to 1) on a number of cases that need not be whole.

    statsmodels takes no quantile, only alpha, which of Student's t on few clusters is too small for a float.
    """
    share = z * z / cases
    centre = (value + share / 2) / (1 + share)
    reach = math.sqrt(value * (1 - value) * share + share * share / 4) / (1 + share)
    # rounding must not leave the point itself outside at 0 and 1
    return max(0.0, min(centre - reach, value)), min(1.0, max(centre + reach, value))
