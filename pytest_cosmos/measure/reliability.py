"""Facts -> Calibration: the reliability diagram and the risk-coverage curve of a suite or a prompt."""

from __future__ import annotations

import numpy as np

from pytest_cosmos.measure.calibration import Bins, bins, noise_floor
from pytest_cosmos.measure.facts import Facts
from pytest_cosmos.measure.interval import CONFIDENCE, Codes, Values, design_effect, interval
from pytest_cosmos.records import Calibration, CoveragePoint, ReliabilityBin

POINTS = 100
"""Of a risk-coverage curve at most."""


def reliability(rated: Facts) -> Bins:
    """Sort answers by their confidence; there must be one at least."""
    return bins(rated.confidence, rated.exact)


def chance_error(rated: Facts) -> tuple[float, float]:
    """Return the calibration error of a perfectly calibrated model: its mean, and what 1 in 20 runs exceeds."""
    influence = _influence(rated.confidence - rated.exact)
    effect = design_effect(float((influence**2).sum()), influence, rated.cluster, 1 / len(rated))
    return noise_floor(reliability(rated), effect)


def calibration(facts: Facts, suite: str, prompt: str = "") -> Calibration:
    """Say what the confidences of these cases are worth; there must be one at least."""
    rated = facts.rated
    found, (floor, limit) = reliability(rated), chance_error(rated)
    gap = rated.confidence - rated.exact
    low, high = _bounds((gap + 1) / 2, rated.cluster)
    return Calibration(
        suite=suite,
        prompt=prompt,
        cases=len(rated),
        samples=rated.samples,
        clusters=rated.clusters,
        replies=len(facts.replied),
        error=found.error,
        floor=floor,
        limit=limit,
        gap=float(gap.mean()),
        gap_low=2 * low - 1,
        gap_high=2 * high - 1,
        bins=_bins(rated, found),
        curve=_curve(rated, len(facts.replied)),
    )


def _bins(rated: Facts, found: Bins) -> tuple[ReliabilityBin, ...]:
    exact = rated.exact.astype(np.float64)
    ends = [_bounds(exact[found.of == number], rated.cluster[found.of == number]) for number in range(len(found.cases))]
    return tuple(
        ReliabilityBin(cases=int(cases), confidence=float(sure), accuracy=float(right), low=low, high=high)
        for cases, sure, right, (low, high) in zip(found.cases, found.confidence, found.accuracy, ends, strict=True)
    )


def _curve(rated: Facts, replies: int) -> tuple[CoveragePoint, ...]:
    """Lower the bar from the highest confidence met to the lowest; where there are many, some are left out."""
    order = np.argsort(-rated.confidence, kind="stable")
    confidence, right = rated.confidence[order], np.cumsum(rated.correct[order])
    steps = np.flatnonzero(np.append(confidence[1:] < confidence[:-1], True))  # the last of each confidence
    kept = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), POINTS)).round().astype(np.int64))
    return tuple(
        CoveragePoint(
            confidence=float(confidence[row]),
            coverage=float((row + 1) / replies),
            accuracy=float(right[row] / (row + 1)),
        )
        for row in steps[kept]
    )


def _influence(values: Values) -> Values:
    return np.asarray((values - values.mean()) / len(values))


def _bounds(values: Values, cluster: Codes) -> tuple[float, float]:
    found = interval(float(values.mean()), _influence(values), cluster, confidence=CONFIDENCE)
    return found or (0.0, 1.0)
