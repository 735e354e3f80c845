"""How many cases a claim needs: the power of what the gate does, computed from the distributions it rests on.

Of independent cases all sums are exact (binomial). Cases in clusters count as cases / design effect (Kish 1965), and
their quantile is Student's on clusters - 1, as in `interval`; there the lattice of results is so fine that the beta
distribution takes the place of the binomial one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pytest_cosmos.measure.interval import CONFIDENCE, Values
from pytest_cosmos.measure.paired import tango
from pytest_cosmos.records import Difference, Metric

POWER = 0.8
"""How often what is so shall be shown to be so, unless asked for otherwise."""

MOST = 1_000_000
"""Above so many samples a claim is as good as out of reach."""

_TAIL = 1e-12
"""Probability of the numbers of discordant pairs that sums leave out, on each side."""


@dataclass(frozen=True, slots=True)
class Design:
    """How the cases hang together."""

    cases_per_sample: float = 1.0
    """Cases in a cluster: prompts per sample, frames per video."""
    effect: float = 1.0
    """The design effect: how many cases in clusters are worth one independent case."""

    @property
    def clustered(self) -> bool:
        """Whether cases share a cluster."""
        return self.cases_per_sample > 1

    def worth(self, samples: Values) -> Values:
        """Return how many independent cases would be as good."""
        return samples * self.cases_per_sample / max(1.0, self.effect)

    def seen(self, samples: Values, spread: Values | float) -> Values:
        """Return how many independent cases the interval will take them for, `spread` being the variance of a case.

        Fewer: `interval.design_effect` imagines one more cluster of which all cases differ, to be on the safe side.
        """
        if not self.clustered:
            return self.worth(samples)
        imagined = (self.effect * spread + self.cases_per_sample / samples) / (spread + 1 / samples)
        return samples * self.cases_per_sample / np.maximum(max(1.0, self.effect), imagined)


INDEPENDENT = Design()


def bar_power(
    samples: int | Values, bar: float, expect: float, *, confidence: float = CONFIDENCE, design: Design = INDEPENDENT
) -> Values:
    """Return the probability that the interval's low end reaches `bar` where `expect` is the truth.

    Wilson's low end reaches p0 exactly where the score statistic of p0 reaches z, so from k >= n p0 + z
    sqrt(n p0 (1 - p0)) right answers on. For an upper bound ask the same of the complements.
    """
    from scipy.special import betainc
    from scipy.stats import binom

    number = np.atleast_1d(samples)
    cases, z = design.worth(number), _quantile(number, confidence, design)
    if not design.clustered and design.effect <= 1:
        needed = cases * bar + z * np.sqrt(cases * bar * (1 - bar))
        return np.asarray(binom.sf(np.ceil(needed - 1e-9) - 1, cases, expect))
    share = np.full(len(number), expect)
    for _ in range(4):  # from which share of right answers on; how many cases it is taken to rest on depends on it
        share = np.minimum(bar + z * np.sqrt(bar * (1 - bar) / design.seen(number, share * (1 - share))), 1.0)
    needed = share * cases
    return np.where(share < 1, betainc(needed + 0.5, cases - needed + 0.5, expect), 0.0)


def samples_for_bar(
    bar: float,
    expect: float,
    *,
    confidence: float = CONFIDENCE,
    power: float = POWER,
    design: Design = INDEPENDENT,
) -> int | None:
    """Return from how many samples on a bar is proven with this power; None: more than MOST, or never."""
    shown = partial(bar_power, bar=bar, expect=expect, confidence=confidence, design=design)
    if not bar < expect <= 1 or shown(MOST)[0] < power:
        return None
    high = 1000
    while shown(high)[0] < power:
        high *= 2
    low = 1 if high == 1000 else high // 2
    # exact power rises like a saw: what counts is where it falls short for the last time
    weak = np.flatnonzero(shown(np.arange(low, 1.2 * high)) < power)
    return low + int(weak[-1]) + 1 if len(weak) else low


def proves_at_best(cases: int, clusters: int, confidence: float = CONFIDENCE) -> float:
    """Return the low end of the interval where every answer is right: no bar above it can be proven on so many."""
    design = Design(cases / clusters) if clusters else INDEPENDENT
    z = float(_quantile(np.array([float(clusters)]), confidence, design)[0])
    return clusters / (clusters + z * z)


def design_of(metric: Metric) -> Design:
    """Return how the cases of a figure between 0 and 1 hang together, read off its interval.

    Wilson's half width w at n effective cases solves (w^2 - 1/4) s^2 + (2 w^2 - v (1 - v)) s + w^2 = 0, s = z^2 / n.
    """
    if metric.value is None or metric.low is None or metric.high is None or not metric.clusters:
        return INDEPENDENT
    design = Design(metric.cases / metric.clusters)
    half = (metric.high - metric.low) / 2
    square, spread = half * half, metric.value * (1 - metric.value)
    a, b = square - 0.25, 2 * square - spread
    s = (-b - math.sqrt(max(b * b - 4 * a * square, 0.0))) / (2 * a) if a < 0 else 0.0
    z = float(_quantile(np.array([float(metric.clusters)]), metric.confidence, design)[0])
    return Design(
        design.cases_per_sample, _true_effect(float(metric.cases * s / (z * z)), metric.clusters, spread, design)
    )


def _true_effect(seen: float, samples: int, spread: float, design: Design) -> float:
    """Take out the cluster that the interval has imagined, see `Design.seen`."""
    size = design.cases_per_sample
    if seen < size and spread > 0:
        seen = (seen * (spread + 1 / samples) - size / samples) / spread
    # rounding must not make clusters of independent cases
    return seen if seen > 1 + 1e-6 else 1.0


def design_of_pairs(found: Difference) -> tuple[Design, float]:
    """Return how the pairs of a difference of shares hang together, read off its interval, and how many differ.

    The share of discordant pairs is no less than one half of a pair: none seen does not mean that there are none.
    """
    if found.fixed is None or found.broken is None or found.low is None or found.high is None or not found.clusters:
        return INDEPENDENT, 1.0
    design = Design(found.cases / found.clusters)
    z = float(_quantile(np.array([float(found.clusters)]), found.confidence, design)[0])
    discordant = max(found.fixed + found.broken, 0.5) / found.cases
    low, high = 1.0, float(found.cases)
    for _ in range(30):  # the interval grows with the effect
        effect = (low + high) / 2
        ends = tango(found.fixed / effect, found.broken / effect, found.cases / effect, z)
        low, high = (effect, high) if ends[1] - ends[0] < found.high - found.low else (low, effect)
    spread = discordant - ((found.fixed - found.broken) / found.cases) ** 2
    return Design(design.cases_per_sample, _true_effect(low, found.clusters, spread, design)), discordant


def _quantile(samples: Values, confidence: float, design: Design) -> Values:
    from scipy.special import ndtri, stdtrit

    tail = (1 + confidence) / 2
    normal = float(ndtri(tail))
    if not design.clustered:
        return np.full(len(samples), normal)
    return np.where(samples > 1, stdtrit(np.maximum(samples - 1, 1), tail), normal)


def margin_power(
    samples: int,
    margin: float,
    discordant: float,
    *,
    drop: float = 0.0,
    confidence: float = CONFIDENCE,
    design: Design = INDEPENDENT,
) -> float:
    """Return the probability that Tango's interval of the paired difference stays above -margin.

    `discordant`: share of the pairs in which only one of both is right; `drop`: how much worse the candidate really
    is. A sum over the number of discordant pairs, and over who is right in them; of independent pairs it is exact.
    """
    number = np.array([float(samples)])
    z = float(_quantile(number, confidence, design)[0])
    pairs = math.floor(design.seen(number, discordant)[0] + 1e-9)
    if not pairs:
        return 0.0
    return _over_discordant(
        pairs, discordant, drop, lambda number: _fixed_needed(pairs, number, margin, z), two_sided=False
    )


def pairs_for_margin(
    margin: float,
    discordant: float,
    *,
    drop: float = 0.0,
    confidence: float = CONFIDENCE,
    power: float = POWER,
    design: Design = INDEPENDENT,
) -> int | None:
    """Return how many paired samples show with this power that a drop is smaller than the margin; None: too many."""
    if drop >= margin:
        return None

    def enough(samples: int) -> bool:
        return margin_power(samples, margin, discordant, drop=drop, confidence=confidence, design=design) >= power

    return _first(enough)


def mcnemar_power(
    samples: int, difference: float, discordant: float, *, confidence: float = CONFIDENCE, design: Design = INDEPENDENT
) -> float:
    """Return the probability that the exact, two-sided McNemar test finds a difference, in either direction.

    Sum over the number of discordant pairs: Duffy (1984), Biometrics 40, 1005-1015.
    """
    from scipy.stats import binom

    def needed(number: NDArray[np.int64]) -> NDArray[np.int64]:
        # the smallest k with 2 P(X >= k) <= alpha
        return np.asarray(binom.isf((1 - confidence) / 2, number, 0.5) + 1)

    pairs = math.floor(design.worth(np.array([float(samples)]))[0] + 1e-9)
    return _over_discordant(pairs, discordant, difference, needed, two_sided=True)


def pairs_for_difference(
    difference: float,
    discordant: float,
    *,
    confidence: float = CONFIDENCE,
    power: float = POWER,
    design: Design = INDEPENDENT,
) -> int | None:
    """Return how many paired samples find a difference with this power, by McNemar's test; None: too many."""

    def enough(samples: int) -> bool:
        return mcnemar_power(samples, difference, discordant, confidence=confidence, design=design) >= power

    return _first(enough)


def detectable(
    samples: int,
    discordant: float,
    *,
    confidence: float = CONFIDENCE,
    power: float = POWER,
    design: Design = INDEPENDENT,
) -> float | None:
    """Return the smallest difference that McNemar's test finds with this power; None: not even the largest."""
    found = partial(mcnemar_power, samples, discordant=discordant, confidence=confidence, design=design)
    if found(difference=discordant) < power:
        return None
    low, high = 0.0, discordant
    for _ in range(40):
        middle = (low + high) / 2
        if found(difference=middle) >= power:
            high = middle
        else:
            low = middle
    return high


def _over_discordant(
    pairs: int,
    discordant: float,
    drop: float,
    needed: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    *,
    two_sided: bool,
) -> float:
    """Sum over the numbers of discordant pairs how probable it is that enough of them speak for the candidate."""
    from scipy.stats import binom

    first, last = (int(binom.ppf(tail, pairs, discordant)) for tail in (_TAIL, 1 - _TAIL))
    number = np.arange(max(first, 0), last + 1)
    fixed = min(max((1 - drop / discordant) / 2, 0.0), 1.0)
    least = needed(number)
    found = binom.sf(least - 1, number, fixed)
    if two_sided:
        found = found + binom.cdf(number - least, number, fixed)
    return float((binom.pmf(number, pairs, discordant) * found).sum())


def _fixed_needed(pairs: int, discordant: NDArray[np.int64], margin: float, z: float) -> NDArray[np.int64]:
    """Return in how many of the discordant pairs the candidate must be right; more than there are: never enough."""
    low, high = np.full(len(discordant), -1), discordant + 1
    while np.any(high - low > 1):
        middle = (low + high) // 2
        enough = tango_score(pairs, middle, discordant - middle, -margin) > z
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return high


def tango_score(
    pairs: int, fixed: Values | NDArray[np.int64], broken: Values | NDArray[np.int64], difference: float
) -> Values:
    """Return the score statistic of a paired difference of shares, fixed - broken: Tango (1998), Stat. Med. 17, 891.

    Its restricted estimate of the probability of a broken pair is the larger root of a x^2 + b x + c.
    """
    a = 2.0 * pairs
    b = -fixed - broken + (2.0 * pairs - fixed + broken) * difference
    c = -broken * difference * (1 - difference)
    root = (np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    spread = pairs * (2 * root + difference * (1 - difference))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((fixed - broken - pairs * difference) / np.sqrt(spread))


def _first(enough: Callable[[int], bool]) -> int | None:
    """Return the first number from which on `enough` holds, by halving; None: not up to MOST."""
    high = 1
    while not enough(high):
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
