"""What a confidence is worth: is it the share that is right, and does it tell right from wrong?

Arrays in, numbers out: `confidence` is between 0 and 1, `right` says whether that very answer was the expected one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_cosmos.measure.interval import Codes, Values

Flags = NDArray[np.bool_]

BINS = 15
"""Of the expected calibration error; each holds as many cases, where ties allow it."""

DRAWS = 400
SEED = 20250101

_SURE = 1e-6
"""Nearer to 0 and 1 log-odds say more of the float than of the model."""

_COLDEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True, slots=True)
class Bins:
    """Cases of about the same confidence, bin by bin, the least confident first."""

    of: Codes
    """The bin of each case."""
    cases: Codes
    confidence: Values
    """Its mean."""
    accuracy: Values

    @property
    def error(self) -> float:
        """The expected calibration error: |accuracy - confidence| of the bins, weighed by their cases."""
        return float((self.cases * np.abs(self.accuracy - self.confidence)).sum() / self.cases.sum())


def bins(confidence: Values, right: Flags) -> Bins:
    """Sort cases into bins of equal numbers, equal confidences together; there must be one case at least.

    Bins of equal width would leave most of them nearly empty, as models are sure of most answers, and what is in these
    few cases is noise (Nixon et al. 2019; Roelofs et al. 2022 find equal numbers less biased).
    """
    edges = np.quantile(confidence, np.arange(1, BINS) / BINS, method="inverted_cdf")
    _, of, cases = np.unique(np.searchsorted(edges, confidence, side="right"), return_inverse=True, return_counts=True)
    return Bins(of, cases, np.bincount(of, confidence) / cases, np.bincount(of, right) / cases)


def noise_floor(found: Bins, effect: float = 1.0) -> tuple[float, float]:
    """Return the calibration error a perfectly calibrated model would show by chance: the mean, and the 95 % point.

    Simulated: as often right in each bin as a binomial of its mean confidence draws. `effect`: the design effect of
    cases that come in clusters.
    """
    drawn = np.random.default_rng(SEED).binomial(found.cases, found.confidence.clip(0, 1), (DRAWS, len(found.cases)))
    errors = math.sqrt(effect) * np.abs(drawn - found.cases * found.confidence).sum(axis=1) / found.cases.sum()
    return float(errors.mean()), float(max(errors.mean(), np.quantile(errors, 0.95)))


def auroc(score: Values, right: Flags) -> tuple[float, Values]:
    """Return how often a right answer has the higher score than a wrong one, ties half, and each case's influence.

    Influence from placement values: DeLong et al. 1988, summed over clusters by Obuchowski (1997).
    There must be a right and a wrong one.
    """
    good, bad = np.sort(score[right]), np.sort(score[~right])
    area = float(_below(bad, score[right]).mean())
    influence = np.empty(len(score))
    influence[right] = (_below(bad, score[right]) - area) / len(good)
    influence[~right] = (1 - _below(good, score[~right]) - area) / len(bad)
    return area, influence


def _below(ordered: Values, values: Values) -> Values:
    """Return which part of `ordered` each value exceeds, ties half."""
    ties = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(ties / (2 * len(ordered)), dtype=np.float64)


def surest(confidence: Values, part: float) -> Values:
    """Return how much of each case belongs to the surest `part` of all; NaN is the least sure, ties share alike."""
    ranked = np.where(np.isnan(confidence), -1.0, confidence)
    _, of, counts = np.unique(-ranked, return_inverse=True, return_counts=True)
    room = math.ceil(part * len(confidence) - 1e-9)
    before = np.cumsum(counts) - counts
    return np.asarray(((room - before) / counts).clip(0, 1)[of], dtype=np.float64)


def temperature_of(confidence: Values, right: Flags) -> float:
    """Return the temperature that makes these confidences the likeliest: over 1 where they are too high.

    Temperature scaling (Guo et al. 2017) on the log-odds of the answer given, by maximum likelihood, between 0.05 and
    20. Confidences that are NaN are left out. 1 where all are right or all are wrong, which tells no temperature.
    """
    from scipy.optimize import minimize_scalar

    known = ~np.isnan(confidence)
    odds, sign = _log_odds(confidence[known]), np.where(right[known], 1.0, -1.0)
    if not len(sign) or abs(sign.sum()) == len(sign):
        return 1.0

    def surprise(log_temperature: float) -> float:
        return float(np.logaddexp(0, -sign * odds / math.exp(log_temperature)).sum())

    span = (math.log(_COLDEST), math.log(_HOTTEST))
    return math.exp(minimize_scalar(surprise, bounds=span, method="bounded").x)


def scaled(confidence: Values, temperature: float) -> Values:
    """Return the confidences at another temperature, see `temperature_of`; NaN stays NaN."""
    from scipy.special import expit

    return np.asarray(expit(_log_odds(confidence) / temperature), dtype=np.float64)


def _log_odds(confidence: Values) -> Values:
    kept = np.clip(np.asarray(confidence, dtype=np.float64), _SURE, 1 - _SURE)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)
