"""How many samples each bar and each margin needs: whole needs, beside what there is, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_cosmos.gate.needs import Need, needs
from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.measure.power import Design
from pytest_cosmos.records import Comparison, Difference, Outcome, Threshold
from tests.unit.builders import BINARY, TRAVERSAL, outcome, outcomes_of, run_of

ALONE = Design()
ANSWERS = outcomes_of(95, 5)


def needed(threshold: Threshold, *found: Difference, answers: Sequence[Outcome] = ANSWERS, **asked: Any) -> Need:
    """Return the only need."""
    bars = Thresholds(release=(threshold,)) if threshold.kind == "release" else Thresholds(regression=(threshold,))
    (only,) = needs(bars, answers, run_of(answers), [compared(*found)] if found else (), **asked)
    return only


def compared(*found: Difference) -> Comparison:
    return Comparison(
        baseline="b", candidate="c", baseline_model="b", candidate_model="c", pairs=100, differences=found
    )


def bar(metric: str = "accuracy", **bars: Any) -> Threshold:
    return Threshold(suite="floor", metric=metric, **bars)


def margin(metric: str = "accuracy", **margins: Any) -> Threshold:
    return Threshold(suite="floor", metric=metric, kind="regression", **margins)


def difference(metric: str = "accuracy", **found: Any) -> Difference:
    usual: dict[str, Any] = {
        "value": -0.01, "low": -0.056, "high": 0.034, "fixed": 2, "broken": 3, "cases": 100, "samples": 100,
        "clusters": 100,
    }  # fmt: skip
    return Difference(suite="floor", metric=metric, **{**usual, **found})


def in_pairs(samples: int, right: int) -> list[Outcome]:
    """Build answers to two prompts a sample that go the same way."""
    return [
        outcome(f"s{n}", prompt, expected, said=None if n < right else {"Yes": "No", "No": "Yes"}[expected])
        for n in range(samples)
        for prompt, expected in ((BINARY, "Yes"), (TRAVERSAL, "No"))
    ]


def test_a_bar_that_can_be_shown() -> None:
    lower = bar(at_least=0.85)
    assert needed(lower) == Need(lower, 0.95, 100, 100, ALONE, 83, "")
    assert needed(lower, power=0.95) == Need(lower, 0.95, 100, 100, ALONE, 118, "")


@pytest.mark.parametrize(
    ("threshold", "value", "note"),
    [
        (bar(at_least=0.96), 0.95, "the figure is on the wrong side of the bar"),
        (bar(at_least=0.95), 0.95, "too near to the bar for any number of samples"),
        (bar("error_rate", at_most=0), 0.0, "no number of samples proves it; it is held as a point"),
        (bar("missed_hazards", at_most=50), 5.0, "has no interval: no number of samples proves it"),
    ],
)
def test_a_bar_that_no_number_of_samples_shows(threshold: Threshold, value: float, note: str) -> None:
    assert needed(threshold) == Need(threshold, value, 100, 100, ALONE, None, note)


def test_a_figure_that_leaves_answers_out_is_no_data() -> None:
    unsure = [*ANSWERS, outcome("x", confidence=None)]
    found = needed(bar("brier", at_most=0.2), answers=unsure)
    assert found.value == pytest.approx(0.05)
    assert (found.have, found.cases, found.need, found.note) == (100, 100, None, "no data")


def test_a_margin_of_what_was_compared() -> None:
    drop, rise = margin(max_drop=0.05), margin("unparsed_rate", max_rise=0.05)
    told = "5.0% of the pairs differ; both equally good"
    assert needed(drop, difference()) == Need(drop, -0.01, 100, 100, ALONE, 205, told)
    assert needed(rise, difference("unparsed_rate")) == Need(rise, -0.01, 100, 100, ALONE, 205, told)
    assert needed(drop, difference(), power=0.95).need == 316
    tiny = margin(max_drop=1e-5)
    assert needed(tiny, difference()) == Need(tiny, -0.01, 100, 100, ALONE, None, "out of reach")


def test_a_margin_of_what_is_no_share_of_the_same_cases() -> None:
    drop = margin("f1", max_drop=0.05)
    note = "no share of the same cases: how many it needs can't be told"
    found = difference("f1", fixed=None, broken=None, cases=90, clusters=80)
    assert needed(drop, found) == Need(drop, -0.01, 80, 90, ALONE, None, note)


def test_a_margin_that_nothing_was_compared_for() -> None:
    told = "no comparison tells how many pairs differ; 10% assumed, both equally good"
    for threshold in (margin(max_drop=0.05), margin(max_rise=0.05)):
        assert needed(threshold) == Need(threshold, None, 100, 100, ALONE, 339, told)
    drop = margin(max_drop=0.05)
    assert needed(drop, power=0.95).need == 551
    assert needed(margin(max_drop=0.05, confidence=0.99)).need == 512


def test_a_margin_that_nothing_was_compared_for_knows_that_the_cases_of_a_sample_go_the_same_way() -> None:
    found = needed(margin(max_drop=0.05), answers=in_pairs(50, 40))
    assert (found.have, found.cases, found.need) == (50, 100, 353)
    assert found.design.cases_per_sample == 2
    assert found.design.effect == pytest.approx(2.04, abs=0.005)


@pytest.mark.parametrize("threshold", [margin("f1", max_drop=0.05), margin(max_drop=1e-5)])
def test_a_margin_for_which_nothing_can_be_assumed(threshold: Threshold) -> None:
    note = "no comparison tells how many pairs differ"
    assert needed(threshold) == Need(threshold, None, 100, 100, ALONE, None, note)


def test_of_suites_that_were_not_asked_nothing_is_needed() -> None:
    drop = margin(max_drop=0.05)
    other = drop.model_copy(update={"suite": "stairs"})
    told = needs(Thresholds(regression=(other, drop)), ANSWERS, run_of(ANSWERS))
    assert [one.threshold for one in told] == [drop]
