"""How many times slower: the ratio of two medians, with its interval by a bootstrap over blocks of rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_ROUNDS = 10
"""With fewer there are not even four blocks to draw from."""

_RESAMPLES = 9_999


@dataclass(frozen=True, slots=True)
class Ratio:
    """The candidate's median over the baseline's, and both medians in seconds."""

    value: float
    low: float
    high: float
    candidate: float
    baseline: float


def usable(seconds: Sequence[float]) -> bool:
    """Tell whether these timings, one a round, are enough for an interval, and all of them times."""
    return len(seconds) >= MIN_ROUNDS and all(math.isfinite(value) and value > 0 for value in seconds)


def ratio_of_medians(
    candidate: Sequence[float], baseline: Sequence[float], confidence: float = 0.95, seed: int = 0
) -> Ratio | None:
    """Compare two series of timings (seconds, in the order of their rounds); None where one is not `usable`.

    Rounds that follow each other are alike, so blocks of them are drawn (circular block bootstrap: Politis & Romano
    1992; blocks of n^(1/3) rounds: Hall, Horowitz & Jing 1995), from either run on its own. Percentiles of so few
    blocks lie too close together: their distance from the ratio is widened as for any few clusters, by sqrt(C/(C-1))
    and from the normal quantile to Student's with C-1 degrees of freedom, C blocks in the shorter run.
    `python tools/simulate_latency.py` prints what the interval covers.
    """
    if not (usable(candidate) and usable(baseline)):
        return None
    draw = np.random.default_rng(seed)
    logs = np.log(_medians(candidate, draw)) - np.log(_medians(baseline, draw))
    tail = (1 - confidence) / 2
    first, second = float(np.median(candidate)), float(np.median(baseline))
    centre, wider = math.log(first / second), _widening(min(len(candidate), len(baseline)), tail)
    low, high = (math.exp(centre + wider * (float(end) - centre)) for end in np.quantile(logs, [tail, 1 - tail]))
    return Ratio(first / second, min(low, first / second), max(high, first / second), first, second)


def _medians(seconds: Sequence[float], draw: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return (B,) medians of resampled rounds."""
    n, length = len(seconds), _block(len(seconds))
    starts = draw.integers(n, size=(_RESAMPLES, math.ceil(n / length), 1))
    rounds = ((starts + np.arange(length)) % n).reshape(_RESAMPLES, -1)[:, :n]
    medians: np.ndarray[tuple[int], np.dtype[np.float64]] = np.median(np.asarray(seconds)[rounds], axis=1)
    return medians


def _widening(rounds: int, tail: float) -> float:
    from scipy import stats

    blocks = rounds // _block(rounds)
    return float(stats.t.ppf(1 - tail, blocks - 1) / stats.norm.ppf(1 - tail)) * math.sqrt(blocks / (blocks - 1))


def _block(rounds: int) -> int:
    return math.ceil(math.cbrt(rounds))
