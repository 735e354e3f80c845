"""What is said of a regression threshold: the change, how sure it is, what it is held against, and what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_cosmos.gate import Compared, Thresholds, check_regressions, decide
from pytest_cosmos.gate.regression import find_unpaired, lacks_baseline, remark_on_none, status_of
from pytest_cosmos.measure import compare, pair
from pytest_cosmos.records import UNPARSED, Check, Comparison, Difference, Outcome, Threshold, Unpaired
from tests.unit.builders import outcome, outcomes_of, run_of

DROP = Threshold(suite="floor", metric="accuracy", max_drop=0.05, kind="regression")
RISE = Threshold(suite="floor", metric="unparsed_rate", max_rise=0.05, kind="regression")
GOOD = [outcome(f"s{n}") for n in range(100)]
WORSE = [outcome(f"s{n}", said=UNPARSED if n < 20 else None) for n in range(100)]
OLD = "2026-01-02T03-04-05-old"


def held(threshold: Threshold, before: list[Outcome], after: list[Outcome]) -> Check:
    pairs = pair(before, after)
    compared = Compared(pairs, compare(run_of(before, model="old"), run_of(after), pairs))
    (found,) = check_regressions(Thresholds(regression=(threshold,)), after, run_of(after), [compared])
    return found


@pytest.mark.parametrize(
    ("threshold", "before", "after", "message"),
    [
        (
            DROP,
            GOOD,
            GOOD,
            "+0.000 (1.000 before, 1.000 now, 95 % CI -0.037 to +0.037, n=100 pairs of 100 samples) stays above -0.05"
            " with its whole interval",
        ),
        (
            DROP,
            GOOD,
            WORSE,
            "-0.200 (1.000 before, 0.800 now, 95 % CI -0.289 to -0.133, n=100 pairs of 100 samples) is below -0.05 with"
            " its whole interval",
        ),
        (
            DROP.model_copy(update={"max_drop": 0.2}),
            GOOD,
            WORSE,
            "-0.200 (1.000 before, 0.800 now, 95 % CI -0.289 to -0.133, n=100 pairs of 100 samples) may be below -0.2:"
            " too few cases to tell",
        ),
        (
            RISE,
            GOOD,
            GOOD,
            "+0.000 (0.000 before, 0.000 now, 95 % CI -0.037 to +0.037, n=100 pairs of 100 samples) stays below +0.05"
            " with its whole interval",
        ),
        (
            RISE.model_copy(update={"confidence": 0.9}),
            GOOD,
            WORSE,
            "+0.200 (0.000 before, 0.200 now, 90 % CI +0.143 to +0.273, n=100 pairs of 100 samples) is above +0.05 with"
            " its whole interval",
        ),
        (
            RISE.model_copy(update={"max_rise": 0.2}),
            GOOD,
            WORSE,
            "+0.200 (0.000 before, 0.200 now, 95 % CI +0.133 to +0.289, n=100 pairs of 100 samples) may be above +0.2:"
            " too few cases to tell",
        ),
        (DROP.model_copy(update={"min_cases": 101}), GOOD, GOOD, "no data: 100 pairs to compare, 101 needed"),
        (
            DROP.model_copy(update={"slice": {"category": "safe", "source": "real"}}),
            GOOD,
            GOOD,
            "no data: 0 pairs with category=safe, source=real to compare, 1 needed",
        ),
        (
            DROP.model_copy(update={"metric": "precision", "min_cases": 100}),
            GOOD,
            [outcome(f"s{n}", said="No") for n in range(100)],
            "no data: the difference can't be computed",
        ),
    ],
)
def test_message(threshold: Threshold, before: list[Outcome], after: list[Outcome], message: str) -> None:
    found = held(threshold, before, after)
    told, _, against = found.message.rpartition(" (against ")
    assert against == f"{OLD})"
    assert told.partition(": it takes")[0] == message


def test_the_figure_held_is_the_candidates() -> None:
    threshold = DROP.model_copy(update={"confidence": 0.9, "slice": {"category": "hazard"}})
    several = [outcome(f"s{n}", group=f"g{n // 5}", said="Yes" if n else "No") for n in range(100)]
    measured = held(threshold, GOOD, several).metric
    assert (measured.suite, measured.name, measured.slice) == ("floor", "accuracy", {"category": "hazard"})
    assert (measured.value, measured.confidence) == (0.99, 0.9)
    assert (measured.cases, measured.samples, measured.clusters) == (100, 100, 20)


def test_without_a_baseline_the_check_still_says_what_it_is_of() -> None:
    threshold = DROP.model_copy(update={"slice": {"category": "hazard"}})
    (check,) = check_regressions(Thresholds(regression=(threshold,)), GOOD, run_of(GOOD), [])
    assert (check.metric.suite, check.metric.name, check.metric.slice) == ("floor", "accuracy", threshold.slice)
    assert (check.metric.value, check.difference, check.blocking, check.status) == (None, None, True, "no_data")
    assert check.message == "no data: no baseline. Name one with --baseline RUN or NAME, or go without: --baseline none"
    assert lacks_baseline(check)
    assert not lacks_baseline(held(DROP, GOOD, GOOD))
    bar = check.model_copy(update={"threshold": threshold.model_copy(update={"kind": "release"})})
    assert not lacks_baseline(bar)


@pytest.mark.parametrize(
    ("low", "high", "status"), [(0.0, 0.1, "met"), (-0.3, 0.0, "no_evidence"), (0.0, 0.0, "met"), (-0.04, 0.0, "met")]
)
def test_an_end_at_no_difference_is_an_end_like_any_other(low: float, high: float, status: str) -> None:
    value = (low + high) / 2
    found = Difference(suite="floor", metric="accuracy", value=value, low=low, high=high, cases=9)
    assert status_of(DROP, found) == status
    mirrored = Difference(suite="floor", metric="unparsed_rate", value=-value, low=-high, high=-low, cases=9)
    assert status_of(RISE, mirrored) == status


def compared_with(*unpaired: tuple[str, str], **more: Any) -> Comparison:
    names = {"baseline": "base", "candidate": "now", "baseline_model": "a", "candidate_model": "b"}
    counts = {"pairs": 0, "right_before": 0, "right_after": 0}
    told = tuple(Unpaired(case=case, reason=reason) for case, reason in unpaired)
    return Comparison.model_validate({**names, **counts, "differences": (), "unpaired": told, **more})


def test_what_could_not_be_compared_is_told_by_suite_and_reason() -> None:
    comparison = compared_with(
        ("floor/a", "other media"),
        ("floor/b", "other prompt"),
        ("floor/c", "other prompt"),
        ("stairs/a/b", "other media"),
        *((f"walls/{name}", "other media") for name in "abcde"),
    )
    assert list(find_unpaired([comparison, compared_with()])) == [
        "floor: 3 cases could not be compared with base (2 other prompt, 1 other media): floor/a, floor/b, floor/c.",
        "stairs: 1 case could not be compared with base (1 other media): stairs/a/b.",
        "walls: 5 cases could not be compared with base (5 other media): walls/a, walls/b, walls/c and 2 more.",
    ]


def test_void_comparisons_are_errors_with_their_reason() -> None:
    run = run_of(GOOD)
    comparisons = [compared_with(faults=("the adapter changed nothing.",)), compared_with()]
    decision = decide(run, GOOD, (), comparisons=comparisons)
    assert decision.reasons[0] == "Compared with base: the adapter changed nothing."


def test_thresholds_that_were_left_out_are_counted() -> None:
    run = run_of(GOOD).model_copy(update={"baseline": "none"})
    bars = Thresholds(regression=(DROP, RISE))
    assert remark_on_none(bars, run) == ("regression: 2 thresholds left out: --baseline none.",)


def test_two_cases_less_are_not_told_as_evidence() -> None:
    few = outcomes_of(8, 0)
    assert held(DROP, few, few).status == "no_evidence"
