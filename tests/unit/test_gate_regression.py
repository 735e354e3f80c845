"""Regression thresholds: met only where the whole interval is on the right side of the margin, and closed otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.gate import Compared, Thresholds, check_regressions, decide, read_thresholds, remark_on_none
from pytest_cosmos.gate.regression import status_of
from pytest_cosmos.measure import compare, pair
from pytest_cosmos.records import Check, Decision, Difference, Outcome, Run, Threshold
from tests.unit.builders import outcome, run_of

DROP = Threshold(suite="floor", metric="accuracy", max_drop=0.05, kind="regression", where="thresholds.yaml:4")
RISE = Threshold(suite="floor", metric="unparsed_rate", max_rise=0.05, kind="regression", where="thresholds.yaml:5")
BARS = Thresholds(regression=(DROP,), path="thresholds.yaml")


def answers(right: str) -> list[Outcome]:
    """Build an outcome per letter: `+` right, `-` wrong."""
    return [outcome(f"s{n}", said="Yes" if letter == "+" else "No") for n, letter in enumerate(right)]


def beside(before: Sequence[Outcome], after: Sequence[Outcome], run: Run | None = None) -> Compared:
    pairs = pair(before, after)
    return Compared(pairs, compare(run_of(before, model="old"), run or run_of(after), pairs))


def checked(before: Sequence[Outcome], after: Sequence[Outcome], threshold: Threshold = DROP) -> Check:
    bars = Thresholds(regression=(threshold,))
    (check,) = check_regressions(bars, after, run_of(after), [beside(before, after)])
    return check


def decided(before: Sequence[Outcome], after: Sequence[Outcome], **run: Any) -> Decision:
    of = run_of(after, **run)
    compared = beside(before, after, of)
    checks = check_regressions(BARS, after, of, [compared])
    return decide(of, after, checks, comparisons=[compared.comparison])


def found(low: float | None, high: float | None, cases: int = 100) -> Difference:
    value = None if low is None or high is None else (low + high) / 2
    return Difference(suite="floor", metric="accuracy", value=value, low=low, high=high, cases=cases)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (-0.049, 0.01, "met"),
        (0.01, 0.02, "met"),
        (-0.05, 0.01, "no_evidence"),  # the end itself is not above the margin
        (-0.08, 0.30, "no_evidence"),
        (-0.20, -0.05, "no_evidence"),
        (-0.20, -0.051, "not_met"),
        (None, None, "no_data"),
        (NAN, NAN, "no_data"),
        (NAN, 0.1, "no_data"),
        (-0.01, INF, "no_data"),
    ],
)
def test_the_whole_interval_must_be_above_the_margin(low: float | None, high: float | None, status: str) -> None:
    assert status_of(DROP, found(low, high)) == status
    # where lower is better all is mirrored
    mirrored = found(None if high is None else -high, None if low is None else -low)
    assert status_of(RISE, mirrored) == status


def test_fewer_pairs_than_asked_for_are_no_data() -> None:
    threshold = DROP.model_copy(update={"min_cases": 101})
    assert status_of(threshold, found(0.0, 0.1, cases=100)) == "no_data"
    assert status_of(threshold, found(0.0, 0.1, cases=101)) == "met"


def test_a_run_as_good_as_its_baseline_meets_a_margin_that_so_many_cases_can_tell() -> None:
    run = answers("+" * 90 + "-" * 10)
    check = checked(run, run)
    assert (check.status, check.blocking) == ("met", True)
    assert check.difference is not None
    assert check.difference.value == 0
    assert check.metric.value == 0.9
    assert "+0.000 (0.900 before, 0.900 now, 95 % CI -0.037 to +0.037, n=100 pairs of 100 samples)" in check.message


def test_few_cases_are_no_evidence_even_without_any_change() -> None:
    run = answers("+" * 20)
    assert checked(run, run).status == "no_evidence"


def test_a_clear_drop_is_not_met_and_says_against_what() -> None:
    check = checked(answers("+" * 60), answers("-" * 20 + "+" * 40))
    assert check.status == "not_met"
    assert check.message.startswith("-0.333 (1.000 before, 0.667 now")
    assert "with its whole interval" in check.message
    assert "2026-01-02T03-04-05-old" in check.message


def test_costs_are_compared_as_the_threshold_prices_them() -> None:
    hazards, harmless = answers("+" * 400), [outcome(f"n{n}", expected="No") for n in range(400)]
    worse = [*hazards, *(outcome(f"n{n}", expected="No", said="Yes" if n < 80 else "No") for n in range(400))]
    cost = {"missed_hazard": 10.0, "false_alarm": 1.0}
    priced = Threshold(suite="floor", metric="expected_cost", max_rise=0.5, cost=cost, kind="regression")
    held = checked([*hazards, *harmless], worse, priced)
    assert held.difference is not None
    assert held.difference.value == pytest.approx(0.1)
    assert held.status == "met"
    dear = priced.model_copy(update={"cost": {"missed_hazard": 10.0, "false_alarm": 10.0}})
    assert checked([*hazards, *harmless], worse, dear).status == "not_met"
    assert checked([*hazards, *harmless], worse, priced.model_copy(update={"cost": {}})).status == "no_data"


def test_few_pairs_say_how_many_would_tell() -> None:
    held = checked(answers("+" * 95 + "-" * 5), answers("+" * 90 + "-" * 10))
    assert held.status == "no_evidence"
    assert "too few cases to tell: it takes about " in held.message
    assert " samples, if both are equally good (100 asked)" in held.message


def test_the_confidence_of_the_threshold_is_that_of_the_interval() -> None:
    run = answers("+" * 90)
    assert checked(run, run).status == "met"
    assert checked(run, run, DROP.model_copy(update={"confidence": 0.99})).status == "no_evidence"


def test_a_slice_has_its_own_pairs() -> None:
    run = answers("+" * 100)
    sliced = DROP.model_copy(update={"slice": {"category": "hazard"}})
    assert checked(run, run, sliced).status == "met"
    check = checked(run, run, DROP.model_copy(update={"slice": {"category": "safe"}, "min_cases": 3}))
    assert check.status == "no_data"
    assert "0 pairs with category=safe to compare, 3 needed" in check.message


def test_without_a_baseline_there_is_no_data_and_the_run_fails() -> None:
    after = answers("+" * 10)
    for allow in (False, True):
        run = run_of(after, allow_partial=allow, planned={"floor": 10 + allow})
        checks = check_regressions(BARS, after, run, [])
        decision = decide(run, after, checks)
        assert (decision.outcome, decision.exit_code) == ("no_data", 1)
        assert "Name one with --baseline RUN or NAME, or go without: --baseline none" in decision.reasons[-1]


def test_no_baseline_on_purpose_leaves_them_out_and_says_so() -> None:
    after = answers("+" * 10)
    run = run_of(after).model_copy(update={"baseline": "none"})
    assert check_regressions(BARS, after, run, []) == ()
    assert check_regressions(BARS, after, run, [beside(after, after)]) == ()
    assert remark_on_none(BARS, run) == ("regression: 1 threshold left out: --baseline none.",)
    assert remark_on_none(BARS, run_of(after)) == ()
    assert remark_on_none(Thresholds(), run) == ()


def test_every_baseline_is_held_against() -> None:
    before, after = answers("+" * 100), answers("-" * 30 + "+" * 70)
    compared = [beside(after, after), beside(before, after)]
    checks = check_regressions(BARS, after, run_of(after), compared)
    assert [check.status for check in checks] == ["met", "not_met"]
    decision = decide(run_of(after), after, checks, comparisons=[one.comparison for one in compared])
    assert (decision.outcome, decision.exit_code) == ("missed_bar", 1)


def test_suites_that_the_run_does_not_answer_for_are_left_alone() -> None:
    after = answers("+" * 10)
    bars = Thresholds(regression=(DROP.model_copy(update={"suite": "elsewhere"}),))
    assert check_regressions(bars, after, run_of(after), []) == ()
    (check,) = check_regressions(bars, after, run_of(after, required=["elsewhere"]), [beside(after, after)])
    assert check.status == "no_data"


@pytest.mark.parametrize(
    ("doctor", "reason"),
    [
        (lambda run: run[:-3], "3 only in the candidate"),
        (lambda run: [swapped(run[0]), *run[1:]], "1 other media"),
        (lambda run: [*run, outcome("extra")], "1 only in the baseline"),
    ],
)
def test_a_case_that_cannot_be_compared_makes_the_run_partial(doctor: Any, reason: str) -> None:
    after = answers("+" * 100)
    before = doctor(after)
    decision = decided(before, after)
    assert (decision.outcome, decision.exit_code) == ("partial", 1)
    assert reason in decision.reasons[0]
    allowed = decided(before, after, allow_partial=True)
    assert (allowed.outcome, allowed.exit_code) == ("partial", 0)


def swapped(one: Outcome) -> Outcome:
    case = one.case.model_copy(update={"sample": one.case.sample.model_copy(update={"media_hash": "ff"})})
    return one.model_copy(update={"case": case})


def test_an_emptied_suite_is_no_data_whatever_is_allowed() -> None:
    after = answers("+" * 100)
    for allow in (False, True):
        decision = decided([], after, allow_partial=allow)
        assert decision.exit_code == 1
        assert decision.outcome == ("no_data" if allow else "partial")


def test_a_void_comparison_is_an_error_also_when_nothing_is_gated() -> None:
    after = answers("+" * 10)
    run = run_of(after)
    comparison = beside(after, after).comparison.model_copy(update={"faults": ("the adapter changed nothing.",)})
    for gated in (True, False):
        decision = decide(run.model_copy(update={"gated": gated}), after, (), comparisons=[comparison])
        assert (decision.outcome, decision.exit_code) == ("errors", 1)
        assert decision.reasons[0].endswith("-old: the adapter changed nothing.")


def test_what_the_file_says_is_what_is_held(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.yaml"
    file.write_text(
        "version: 1\nregression:\n  floor:\n    accuracy: {max_drop: 0.05}\n    unparsed_rate: {max_rise: 0.05}\n"
    )
    run = answers("+" * 100)
    checks = check_regressions(read_thresholds(file), run, run_of(run), [beside(run, run)])
    assert [(check.threshold.key, check.status) for check in checks] == [("accuracy", "met"), ("unparsed_rate", "met")]


def test_it_says_how_many_cases_would_tell() -> None:
    run = answers("+" * 20)
    assert "samples" in checked(run, run).message.partition("may be below")[2]


@pytest.mark.parametrize("metric", ["expected_cost", "coverage"])
def test_metrics_with_parameters_are_held_with_them(metric: str) -> None:
    asked: dict[str, Any] = (
        {"max_rise": 2.0, "cost": {"missed_hazard": 10, "false_alarm": 1}}
        if metric == "expected_cost"
        else {"max_drop": 0.2, "abstain_below": 0.6}
    )
    threshold = Threshold(suite="floor", metric=metric, kind="regression", **asked)
    run = answers("+" * 100)
    assert checked(run, run, threshold).status == "met"
