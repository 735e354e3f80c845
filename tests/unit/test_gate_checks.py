"""Each threshold held against the outcomes: which apply, when they are met, and what is said about it."""

from __future__ import annotations

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import Thresholds, check
from pytest_cosmos.gate.checks import status_of
from pytest_cosmos.records import ERROR, UNPARSED, Check, CheckStatus, Metric, Outcome, Threshold
from tests.unit.builders import SEVERITY, TRAVERSAL, outcome, outcomes_of, run_of

MET, NOT_MET, NO_DATA = CheckStatus.MET, CheckStatus.NOT_MET, CheckStatus.NO_DATA


def bar(metric: str = "accuracy", at_least: float | None = None, **rest: object) -> Threshold:
    return Threshold.model_validate({"suite": "floor", "metric": metric, "at_least": at_least, **rest})


def one(threshold: Threshold, outcomes: list[Outcome]) -> Check:
    (result,) = check(Thresholds(release=(threshold,)), outcomes, run_of(outcomes, model="reason2"))
    return result


@pytest.mark.parametrize(
    ("correct", "wrong", "status"),
    [(17, 3, MET), (85, 15, MET), (850, 150, MET), (849, 151, NOT_MET), (16, 4, NOT_MET), (1, 0, MET), (0, 1, NOT_MET)],
)
def test_exactly_the_bar_meets_it_and_one_case_below_does_not(correct: int, wrong: int, status: CheckStatus) -> None:
    assert one(bar(at_least=0.85), outcomes_of(correct, wrong)).status is status


@pytest.mark.parametrize("n", range(1, 200))
def test_any_share_meets_a_bar_of_its_own_value(n: int) -> None:
    measured = Metric(suite="floor", name="accuracy", value=n / 200, cases=200)
    assert status_of(bar(at_least=float(f"{n / 200:.3f}")), measured) is MET


@pytest.mark.parametrize("value", [0.8499999, 0.84999999999, 0.0, -0.0])
def test_what_only_rounds_to_the_bar_does_not_meet_it(value: float) -> None:
    assert status_of(bar(at_least=0.85), Metric(suite="floor", name="accuracy", value=value, cases=9)) is NOT_MET


def test_rounding_of_a_mean_does_not_miss_the_bar() -> None:
    measured = Metric(suite="floor", name="f1", value=0.1 + 0.2 - 1e-16, cases=9)
    assert status_of(bar("f1", at_least=0.3), measured) is MET


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("threshold", [bar(at_least=0.0), bar(at_most=1.0)], ids=lambda one: one.bar)
def test_no_number_is_no_data(value: float | None, threshold: Threshold) -> None:
    measured = Metric(suite="floor", name="accuracy", value=value, cases=9)
    assert status_of(threshold, measured) is NO_DATA


def test_negative_zero_is_zero() -> None:
    measured = Metric(suite="floor", name="error_rate", value=0.0, cases=9)
    assert status_of(bar("error_rate", at_most=-0.0), measured) is MET


@pytest.mark.parametrize(("cases", "status"), [(9, NO_DATA), (10, MET), (11, MET)])
def test_fewer_than_min_cases_is_no_data(cases: int, status: CheckStatus) -> None:
    assert one(bar(at_least=0.5, min_cases=10), outcomes_of(cases, 0)).status is status


def test_min_cases_counts_what_the_figure_is_made_of() -> None:
    cases = [outcome(f"s{n}", expected="No") for n in range(20)] + [outcome("hazard")]
    assert one(bar("recall", at_least=0.5, min_cases=2), cases).status is NO_DATA


def test_both_bars_must_be_met() -> None:
    threshold = bar(at_least=0.5, at_most=0.8)
    assert [one(threshold, outcomes_of(n, 10 - n)).status for n in (4, 5, 8, 9)] == [NOT_MET, MET, MET, NOT_MET]


def test_unparsed_is_wrong_and_errors_have_a_rate() -> None:
    cases = [*outcomes_of(8, 0), outcome("mute", said=UNPARSED), outcome("broken", said=ERROR)]
    assert one(bar(at_least=0.9), cases).status is NOT_MET
    assert one(bar("error_rate", at_most=0.0), cases).status is NOT_MET


def test_a_slice_that_matches_nothing_is_no_data() -> None:
    result = one(bar("recall", at_least=0.0, slice={"category": "hazrd"}), outcomes_of(5, 0))
    assert result.status is NO_DATA
    assert result.message == "no data: 0 cases with category=hazrd to compute it from, 1 needed"


def test_a_suite_that_was_not_run_is_no_data() -> None:
    thresholds = Thresholds(release=(bar(at_least=0.5), Threshold(suite="spills", metric="accuracy", at_least=0.5)))
    results = check(thresholds, outcomes_of(3, 0), run_of(outcomes_of(3, 0), required=["floor", "spills"]))
    assert [result.status for result in results] == [MET, NO_DATA]


def test_no_outcomes_at_all_are_no_data_for_every_threshold() -> None:
    thresholds = Thresholds(release=(bar(at_least=0.0), bar("error_rate", at_most=1.0), bar("cases", at_least=0)))
    results = check(thresholds, [], run_of(planned={"floor": 12}))
    assert {result.status for result in results} == {NO_DATA}


def test_suites_the_run_does_not_answer_for_are_left_out() -> None:
    thresholds = Thresholds(release=(Threshold(suite="spills", metric="accuracy", at_least=0.5),))
    assert check(thresholds, outcomes_of(3, 0), run_of(outcomes_of(3, 0))) == ()


def test_a_suite_that_was_run_is_held_to_its_thresholds_though_not_required() -> None:
    cases = outcomes_of(0, 3)
    assert [c.status for c in check(Thresholds(release=(bar(at_least=0.5),)), cases, run_of(cases, required=[]))] == [
        NOT_MET
    ]


@pytest.mark.parametrize(
    ("model", "checks"),
    [
        ("tiny", [("guard", True), ("release", False)]),
        ("tiny@8f3a", [("guard", True), ("release", False)]),
        ("tiny2", [("release", True)]),
        ("TINY", [("release", True)]),
        ("reason2", [("release", True)]),
        ("draft-3@main", [("release", False)]),
    ],
)
def test_guards_by_model_and_release_targets_that_block_or_not(model: str, checks: list[tuple[str, bool]]) -> None:
    guard = bar(at_least=0.5, kind="guard")
    thresholds = Thresholds(
        release=(bar(at_least=0.9),), guards=(("tiny", guard),), not_for_release=("tiny", "draft-*")
    )
    results = check(thresholds, outcomes_of(3, 0), run_of(outcomes_of(3, 0), model=model))
    assert [(result.threshold.kind, result.blocking) for result in results] == checks


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (bar(at_least=0.85), "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) is below the 0.85 required"),
        (bar(at_least=0.75), "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) meets >= 0.75"),
        (
            bar(at_least=0.7500000001),
            "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) is below the 0.7500000001 required",
        ),
        (bar("missed_hazards", at_most=0), "1 (n=4 cases of 4 samples) is above the 0 allowed"),
        (bar("missed_hazards", at_most=2), "1 (n=4 cases of 4 samples) meets <= 2"),
        (bar("latency_p95", at_most=0.25), "0.500 s (n=4 cases of 4 samples) is above the 0.25 allowed"),
        (bar("cases_per_second", at_least=1), "10.000/s (n=4 cases of 4 samples) meets >= 1"),
        (bar("balanced_accuracy", at_least=0.5), "no data: it can't be computed from 4 cases"),
        (bar(at_least=0.5, min_cases=9), "no data: 4 cases to compute it from, 9 needed"),
    ],
)
def test_message(threshold: Threshold, message: str) -> None:
    assert one(threshold, outcomes_of(3, 1)).message == message


def test_message_shows_the_digits_by_which_a_bar_is_missed() -> None:
    assert one(bar(at_least=0.9), outcomes_of(8999, 1001)).message.startswith("0.8999 (")


def test_message_counts_samples_apart_from_cases() -> None:
    cases = [outcome("a"), outcome("a", TRAVERSAL, "No"), outcome("a", SEVERITY, "4")]
    assert "n=3 cases of 1 sample)" in one(bar(at_least=0.5), cases).message


def test_duplicated_cases_are_refused() -> None:
    with pytest.raises(RunFolderError, match="answered more than once"):
        one(bar(at_least=0.5), [*outcomes_of(1, 3), outcome("r0")])
