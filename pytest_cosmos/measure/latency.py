"""How many times slower: the ratio of two medians, with its interval by a bootstrap over blocks of rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_ROUNDS = 6
"""With fewer rounds no interval of their median holds 95 %: from the least to the largest of n, 1 - 2^(1-n) do."""

_RESAMPLES = 9_999


@dataclass(frozen=True, slots=True)
class Ratio:
    """The candidate's median over the baseline's."""

    value: float
    low: float
    high: float
    baseline: float
    """The medians, in seconds."""
    candidate: float


def usable(seconds: Sequence[float]) -> bool:
    """Tell whether these timings, one a round, are enough for an interval, and all of them times."""
    return len(seconds) >= MIN_ROUNDS and all(math.isfinite(value) and value > 0 for value in seconds)


def ratio_of_medians(
    candidate: Sequence[float], baseline: Sequence[float], confidence: float = 0.95, seed: int = 0
) -> Ratio | None:
    """Compare two series of timings (seconds, in the order of their rounds); None where one is not `usable`.

    Rounds that follow each other are alike, so blocks of them are drawn (circular block bootstrap: Politis & Romano
    1992; blocks of n^(1/3) rounds: Hall, Horowitz & Jing 1995), from either run on its own; the interval is that
    of the percentiles.
    """
    if not (usable(candidate) and usable(baseline)):
        return None
    draw = np.random.default_rng(seed)
    ratios = _medians(candidate, draw) / _medians(baseline, draw)
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    medians = float(np.median(candidate)), float(np.median(baseline))
    return Ratio(medians[0] / medians[1], float(low), float(high), candidate=medians[0], baseline=medians[1])


def _medians(seconds: Sequence[float], draw: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return (B,) medians of resampled rounds."""
    n = len(seconds)
    length = math.ceil(n ** (1 / 3))
    starts = draw.integers(n, size=(_RESAMPLES, math.ceil(n / length), 1))
    rounds = ((starts + np.arange(length)) % n).reshape(_RESAMPLES, -1)[:, :n]
    medians: np.ndarray[tuple[int], np.dtype[np.float64]] = np.median(np.asarray(seconds)[rounds], axis=1)
    return medians
