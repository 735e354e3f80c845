"""The reliability diagram and the risk-coverage curve, as records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from pytest_cosmos.measure import measure, summarise
from pytest_cosmos.records import UNPARSED, Calibration, Outcome
from tests.unit.builders import BINARY, TRAVERSAL, outcome
from tests.unit.test_measure_properties import PROMPTS, many


def answered(n: int, told: float = 0.0, *, group: int = 0) -> list[Outcome]:
    """Build answers right as often as their confidence says, less `told`; each stands `group` + 1 times."""
    chance = np.random.default_rng(4)
    confidence = chance.uniform(0.6, 0.95, n)
    right = chance.random(n) < confidence - told
    return [
        outcome(f"s{i}c{copy}", said="Yes" if right[i] else "No", confidence=float(confidence[i]), media_hash=f"{i}")
        for i in range(n)
        for copy in range(group + 1)
    ]


def of_suite(outcomes: list[Outcome]) -> Calibration:
    return summarise(outcomes).calibrations[0]


def test_a_suite_and_each_of_its_prompts_have_one() -> None:
    cases = [outcome("a"), outcome("a", TRAVERSAL, "No", "Yes"), outcome("b", BINARY), outcome("b", suite="other")]
    found = [(one.suite, one.prompt, one.cases) for one in summarise(cases).calibrations]
    assert found == [("floor", "", 3), ("floor", "binary_safety", 2), ("floor", "traversal", 1),
                     ("other", "", 1), ("other", "binary_safety", 1)]  # fmt: skip


def test_without_confidences_there_is_none() -> None:
    assert summarise([outcome("a", confidence=None), outcome("b", said=UNPARSED)]).calibrations == ()


def test_bins_and_curve_are_of_the_same_answers_and_agree_with_the_metrics() -> None:
    cases = [*answered(600), outcome("mute", said=UNPARSED), outcome("odd", confidence=None)]
    found = of_suite(cases)
    assert sum(one.cases for one in found.bins) == found.cases == 600
    assert found.replies == 602
    assert found.error == measure(cases, "floor", "ece").value
    assert found.floor == measure(cases, "floor", "ece_noise_floor").value
    assert len(found.curve) == 100
    last = found.curve[-1]
    assert last.coverage == pytest.approx(600 / 602)
    right = sum(case.judgement.verdict == "correct" and case.reply.confidence is not None for case in cases)
    assert last.accuracy == pytest.approx(right / 600)


def test_a_curve_point_is_what_abstaining_below_it_gives() -> None:
    cases = [outcome("a", confidence=0.9), outcome("b", confidence=0.8, said="No"), outcome("c", confidence=0.8)]
    points = [(point.confidence, point.coverage, point.accuracy) for point in of_suite(cases).curve]
    assert points == [(0.9, pytest.approx(1 / 3), 1), (0.8, 1, pytest.approx(2 / 3))]


def test_calibrated_and_overconfident_answers_are_told_apart() -> None:
    good, bad = of_suite(answered(1500)), of_suite(answered(1500, told=0.1))
    assert good.error <= good.limit
    assert good.gap_low < 0 < good.gap_high
    assert bad.error > bad.limit
    assert bad.gap == pytest.approx(0.1, abs=0.04)
    assert bad.gap_low > 0


def test_copies_of_the_same_pictures_make_more_noise_not_more_evidence() -> None:
    alone, copied = of_suite(answered(300)), of_suite(answered(300, group=3))
    assert (copied.cases, copied.clusters) == (1200, 300)
    assert copied.error == pytest.approx(alone.error, abs=0.01)
    assert copied.floor == pytest.approx(alone.floor, rel=0.1)
    assert copied.gap_high - copied.gap_low >= 0.99 * (alone.gap_high - alone.gap_low)


@given(many(*PROMPTS))
@settings(max_examples=20, deadline=None)
def test_whatever_the_outcomes_the_diagrams_are_in_bounds(outcomes: list[Outcome]) -> None:
    for found in summarise(outcomes).calibrations:
        assert 0 <= found.floor <= found.limit
        assert 0 <= found.error <= 1
        assert -1 <= found.gap_low <= found.gap <= found.gap_high <= 1
        for one in found.bins:
            assert 0 <= one.low <= one.accuracy <= one.high <= 1
        coverages = [point.coverage for point in found.curve]
        assert coverages == sorted(coverages)
        assert 0 < coverages[-1] <= 1
