"""Confidences that are honest, times that did not change, and the whole gate on whole runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_cosmos.measure.calibration import bins, noise_floor
from pytest_cosmos.measure.latency import ratio_of_medians
from tools.simulation.sections import Bar, Budget, Rate, Section

_KINDS = {"sure": (8.0, 1.0), "even": (1.0, 1.0), "unsure": (3.0, 3.0), "one value": (0.0, 0.0)}
"""Of beta distributions of confidences above one half; of one value: all 0.9."""


def above_noise(cases: int, kind: str, budget: Budget) -> Rate:
    """Draw confidences and answers that are right just as often; count calibration errors above their noise level."""
    chance = budget.chance(cases, kind)
    hits = 0
    for _ in range(budget.repetitions):
        first, second = _KINDS[kind]
        confidence = 0.5 + chance.beta(first, second, cases) / 2 if first else np.full(cases, 0.9)
        found = bins(confidence, chance.random(cases) < confidence)
        hits += found.error > noise_floor(found)[1]
    return Rate(hits, budget.repetitions)


def calibration(budget: Budget) -> Section:
    """Simulate perfectly calibrated models."""
    found = {(cases, kind): above_noise(cases, kind, budget) for cases in (50, 200, 1000) for kind in _KINDS}
    rows = tuple((str(cases), kind, str(rate)) for (cases, kind), rate in found.items())
    (cases, kind), highest = max(found.items(), key=lambda pair: pair[1].value)
    mean = sum(list(found.values())[1:], next(iter(found.values())))
    return Section(
        "calibration",
        "Calibration error: the noise level",
        "A perfectly calibrated model: how often is its calibration error above the 95 % noise level, which should be "
        "5 % of the time?",
        ("cases", "confidences", "above the level"),
        rows,
        (
            Bar("it is above the 95 % noise level 3 to 7 % of the time on average", mean, 0.03, 0.07),
            Bar("in the worst cell at most 8 %", highest, at_most=0.08, where=f"{cases} cases, {kind}"),
        ),
    )


def slower(rounds: int, drift: float, truth: float, budget: Budget) -> tuple[Rate, Rate]:
    """Draw two series of times, the second truly `truth` times slower; count wrong passes and wrong alarms.

    Times are lognormal with 5 % spread, one in 20 is half as long again, and `drift` ties each to the one before.
    A bar of `truth` should hardly ever be passed; it is missed for sure where the whole interval is above it.
    """
    chance = budget.chance(rounds, drift, truth)
    passed = alarmed = 0
    for _ in range(budget.repetitions):
        series = [np.exp(_noise(rounds, drift, chance)) for _ in range(2)]
        ratio = ratio_of_medians(list(truth * series[0]), list(series[1]))
        if ratio is None:
            raise ValueError("no ratio of good times")
        passed += ratio.high <= truth
        alarmed += ratio.low > truth
    return Rate(passed, budget.repetitions), Rate(alarmed, budget.repetitions)


def _noise(rounds: int, drift: float, chance: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    fresh = chance.normal(0, 0.05, rounds)
    tied = np.empty(rounds)
    tied[0] = fresh[0]
    for number in range(1, rounds):
        tied[number] = drift * tied[number - 1] + np.sqrt(1 - drift**2) * fresh[number]
    return np.asarray(tied + 0.4 * (chance.random(rounds) < 0.05))


def latency(budget: Budget) -> Section:
    """Simulate times that are exactly at their bar."""
    designs: Sequence[tuple[int, float]] = ((20, 0.0), (20, 0.4), (50, 0.0), (50, 0.4))
    found = {design: slower(*design, 1.1, budget) for design in designs}
    rows = tuple((str(rounds), f"{drift:g}", str(one), str(two)) for (rounds, drift), (one, two) in found.items())
    (rounds, drift), highest = max(
        ((design, max(rates, key=lambda rate: rate.value)) for design, rates in found.items()),
        key=lambda pair: pair[1].value,
    )
    claim = "the interval lies wholly on the wrong side at most (1 - confidence) / 2 + 2 points of the time"
    return Section(
        "latency",
        "Latency: the ratio of medians",
        "The candidate is truly 1.1 times slower, `max_ratio: 1.1`: it should neither pass nor be slower for sure. "
        "Times vary by 5 %, one in 20 is half as long again; correlated with the one before by 0 and 0.4.",
        ("rounds", "correlation", "passed", "slower for sure"),
        rows,
        (Bar(claim, highest, at_most=0.045, where=f"{rounds} rounds, correlation {drift:g}"),),
    )
