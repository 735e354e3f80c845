"""Intervals of figures that are no shares: simulated, seeded, against the truth that the draws were made with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from pytest_cosmos.measure.calibration import auroc
from pytest_cosmos.measure.interval import Codes, Values, interval

Draw = Callable[[np.random.Generator], tuple[float, Values, Codes, Values | None]]
"""A figure, its influence, clusters and weights."""

RUNS = 600


def mean_of(values: Values, cluster: Codes) -> tuple[float, Values, Codes, None]:
    value = float(values.mean())
    return value, (values - value) / len(values), cluster, None


def rating_errors(chance: np.random.Generator) -> tuple[float, Values, Codes, None]:
    """Half of 300 ratings exact, most others off by one; of a scale of four steps."""
    return mean_of(chance.choice([0, 0.25, 0.5, 1.0], 300, p=[0.5, 0.4, 0.075, 0.025]), np.arange(300))


def clustered_errors(chance: np.random.Generator) -> tuple[float, Values, Codes, None]:
    """The same, three of each picture, half of these errors the picture's own."""
    own, shared = (chance.choice([0, 0.25, 0.5, 1.0], (150, n), p=[0.5, 0.4, 0.075, 0.025]) for n in (3, 1))
    errors = np.where(chance.random((150, 3)) < 0.5, own, shared)
    return mean_of(errors.ravel(), np.repeat(np.arange(150), 3))


def costs(chance: np.random.Generator) -> tuple[float, Values, Codes, None]:
    """Of 600 cases 2.5 % missed hazards at a cost of 1, 15 % false alarms at 0.1."""
    return mean_of(chance.choice([0, 0.1, 1.0], 600, p=[0.825, 0.15, 0.025]), np.arange(600))


def separation(chance: np.random.Generator) -> tuple[float, Values, Codes, Values]:
    """Answers of which 80 % are right, and these have a confidence higher by one standard deviation."""
    right = chance.random(400) < 0.8
    area, influence = auroc(chance.normal(size=400) + right, right)
    return area, influence, np.arange(400), (~right).astype(float)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (rating_errors, 0.4 * 0.25 + 0.075 * 0.5 + 0.025),
        (clustered_errors, 0.4 * 0.25 + 0.075 * 0.5 + 0.025),
        (costs, 0.15 * 0.1 + 0.025),
        (separation, norm.cdf(1 / np.sqrt(2))),
    ],
)
def test_it_covers_the_truth_about_as_often_as_it_says(draw: Draw, truth: float) -> None:
    chance, missed_low, missed_high = np.random.default_rng(20), 0, 0
    for _ in range(RUNS):
        value, influence, cluster, weight = draw(chance)
        low, high = interval(value, influence, cluster, weight=weight) or (1, 0)
        missed_low, missed_high = missed_low + (truth < low), missed_high + (truth > high)
    assert 0.93 <= 1 - (missed_low + missed_high) / RUNS <= 0.985
    assert max(missed_low, missed_high) / RUNS <= 0.05


@pytest.mark.parametrize("odd", [0, 1, 2])
def test_but_what_has_not_been_seen_is_not_ruled_out(odd: int) -> None:
    """Squared errors that are all next to nothing: a wrong answer at full confidence may still be met, cost 1."""
    values = np.full(100, 1e-6)
    values[:odd] = 2e-6
    _, influence, cluster, _ = mean_of(values, np.arange(100))
    _, high = interval(float(values.mean()), influence, cluster) or (0, 0)
    assert 0.03 < high < 0.04  # as of 0 of 100
