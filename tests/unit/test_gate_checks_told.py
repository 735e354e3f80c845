"""What is said of a bar, in the words people read, for figures as they may come."""

from __future__ import annotations

import pytest

from pytest_cosmos.gate.checks import message_of, status_of
from pytest_cosmos.records import CheckStatus, Metric, Threshold


def bar(metric: str = "accuracy", **rest: object) -> Threshold:
    return Threshold.model_validate({"suite": "floor", "metric": metric, **rest})


def measured(value: float | None = 0.75, **rest: object) -> Metric:
    return Metric.model_validate(
        {"suite": "floor", "name": "accuracy", "value": value, "cases": 8, "samples": 4, **rest}
    )


@pytest.mark.parametrize(
    ("threshold", "value"), [(bar(at_least=1), 1 - 1e-12), (bar(at_most=1), 1 + 1e-12), (bar(at_most=0), 1e-12)]
)
def test_what_rounding_alone_takes_from_a_figure_does_not_miss_the_bar(threshold: Threshold, value: float) -> None:
    assert status_of(threshold, measured(value)) is CheckStatus.MET


@pytest.mark.parametrize(
    ("threshold", "figure", "told"),
    [
        (
            bar(slice={"prompt": "severity", "category": "safe"}, at_least=0.5, min_cases=9),
            measured(),
            "no data: 8 cases with prompt=severity, category=safe to compute it from, 9 needed",
        ),
        (
            bar("mean_confidence", at_least=0.5),
            measured(unknown=1),
            "no data: the confidence of 1 answer is not known, only of 8 it is; where these are enough, say so with "
            "min_cases: 8",
        ),
        (
            bar("latency_p95", at_most=0.9),
            measured(unknown=2),
            "no data: the time of 2 answers is not known, only of 8 it is; where these are enough, say so with "
            "min_cases: 8",
        ),
        (bar(at_least=0.5, bound="lower"), measured(), "no data: 0.750 has no interval to hold against >= 0.5"),
        (
            bar("missed_hazards", at_most=2, bound="upper"),
            measured(1.0),
            "no data: 1 has no interval to hold against <= 2",
        ),
        (bar(at_least=0.5), measured(None), "no data: it can't be computed from 8 cases"),
        (bar(at_least=0.5), measured(float("nan")), "no data: it can't be computed from 8 cases"),
        (
            bar("latency_p95", at_most=0.9),
            measured(asked_on="2026-01-02"),
            "0.750 s (n=8 cases of 4 samples, asked on 2026-01-02) meets <= 0.9",
        ),
        (bar(at_least=0.5), measured(low=0.6), "0.750 (n=8 cases of 4 samples) meets >= 0.5"),
        (bar(at_least=0.5), measured(high=0.9), "0.750 (n=8 cases of 4 samples) meets >= 0.5"),
        (
            bar(at_least=0.5),
            measured(low=0.6, high=0.9, clusters=3),
            "0.750 (95 % CI 0.600-0.900, n=8 cases of 4 samples in 3 clusters) meets >= 0.5",
        ),
    ],
)
def test_the_words(threshold: Threshold, figure: Metric, told: str) -> None:
    assert message_of(threshold, figure) == told


def test_one_unknown_confidence_is_enough_to_ask() -> None:
    assert status_of(bar("mean_confidence", at_least=0.5), measured(unknown=1)) is CheckStatus.NO_DATA
    assert status_of(bar("mean_confidence", at_least=0.5, min_cases=8), measured(unknown=1)) is CheckStatus.MET


def test_a_figure_in_points_says_so() -> None:
    assert (
        message_of(bar("mean_absolute_error", at_most=1), measured())
        == "0.750 points (n=8 cases of 4 samples) meets <= 1"
    )
