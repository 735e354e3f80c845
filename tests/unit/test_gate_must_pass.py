"""Must-pass cases that did not: found in the outcomes, let through by a waiver until its date."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pytest_cosmos.gate import Thresholds, check, decide, waived_cases
from pytest_cosmos.records import ERROR, UNPARSED, Decision, Outcome, Run, Threshold, Waiver
from tests.unit.builders import SEVERITY, outcome, outcomes_of, run_of

BARS = Thresholds(release=(Threshold(suite="floor", metric="accuracy", at_least=0.5),))
GOOD = outcomes_of(9, 0)
WRONG = outcome("m", said="No", must_pass=True)
KEY = WRONG.case.key
WAIVER = Waiver(case=KEY, reason="glare", owner="A. Name", expires="2026-06-30", where="thresholds.yaml:9")
IN_TIME, TOO_LATE = date(2026, 6, 30), date(2026, 7, 1)


def decided(*more: Outcome, waivers: tuple[Waiver, ...] = (WAIVER,), today: date = IN_TIME, **changes: Any) -> Decision:
    outcomes = [*GOOD, *more]
    run: Run = run_of(outcomes).model_copy(update=changes)
    return decide(run, outcomes, check(BARS, outcomes, run), waivers=waivers, today=today)


def test_a_wrong_must_pass_case_fails_though_no_test_says_so() -> None:
    decision = decided(WRONG, waivers=())
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("errors", 1, None)
    assert decision.reasons == (
        f"1 case that must pass did not: {KEY} (said No). Mend this, or let it through until a date, under waivers: in"
        " thresholds.yaml.",
    )


def test_an_unparsed_one_fails_too_and_many_are_told_in_part() -> None:
    decision = decided(*(outcome(f"m{n}", said=UNPARSED, must_pass=True) for n in range(5)), waivers=())
    assert decision.reasons[0].startswith(
        "5 cases that must pass did not: floor/m0-binary_safety (could not be read), "
    )
    assert " and 2 more. Mend" in decision.reasons[0]


def test_right_must_pass_cases_and_ratings_within_tolerance_pass() -> None:
    near = outcome("t", SEVERITY, "4", "5", must_pass=True)
    decision = decided(outcome("m", must_pass=True), near, waivers=())
    assert (decision.outcome, decision.reasons) == ("passed", ())


def test_a_waiver_lets_its_case_through_visibly() -> None:
    decision = decided(WRONG)
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("passed", 0, True)
    assert decision.reasons == (f"{KEY} must pass, but said No: waived until 2026-06-30: glare (A. Name).",)


def test_an_expired_waiver_does_not_and_says_since_when() -> None:
    decision = decided(WRONG, today=TOO_LATE)
    assert (decision.outcome, decision.exit_code) == ("errors", 1)
    assert decision.reasons == (
        f"{KEY} must pass, but said No, and its waiver expired on 2026-06-30: glare (A. Name). Mend it, or agree on"
        " another date.",
    )


def test_no_waiver_holds_on_a_day_that_is_not_told() -> None:
    outcomes = [*GOOD, WRONG]
    run = run_of(outcomes)
    assert decide(run, outcomes, check(BARS, outcomes, run), waivers=(WAIVER,)).exit_code == 1


@pytest.mark.parametrize("other", ["floor/m-severity", "floor/m", "floors/m-binary_safety", KEY + "x"])
def test_the_waiver_of_another_case_does_not_help(other: str) -> None:
    assert decided(WRONG, waivers=(WAIVER.model_copy(update={"case": other}),)).exit_code == 1


def test_a_waiver_lets_one_case_through_not_its_neighbour() -> None:
    decision = decided(WRONG, outcome("n", said="No", must_pass=True))
    assert decision.exit_code == 1
    assert "floor/n-binary_safety (said No)" in decision.reasons[0]


def test_a_waiver_lets_no_error_through() -> None:
    decision = decided(outcome("m", said=ERROR, must_pass=True))
    assert (decision.outcome, decision.exit_code) == ("errors", 1)
    assert "got no reply" in decision.reasons[0]


def test_a_waiver_lets_no_bar_through() -> None:
    outcomes = [WRONG, outcome("w", said="No")]
    run = run_of(outcomes)
    decision = decide(run, outcomes, check(BARS, outcomes, run), waivers=(WAIVER,), today=IN_TIME)
    assert (decision.outcome, decision.exit_code) == ("missed_bar", 1)


@pytest.mark.parametrize("today", [IN_TIME, TOO_LATE])
def test_a_waiver_that_is_no_longer_needed_is_told_and_fails_nothing(today: date) -> None:
    decision = decided(outcome("m", must_pass=True), today=today)
    assert (decision.outcome, decision.exit_code) == ("passed", 0)
    assert decision.reasons == (f"{KEY} passed: its waiver is no longer needed. Remove it (thresholds.yaml:9).",)


TEST = "test_floors.py::test_floors[m-binary_safety]"


def test_the_failed_test_of_a_case_that_is_waived_since_fails_no_more() -> None:
    failed: dict[str, Any] = {"failed_tests": (TEST,), "failed_cases": {TEST: KEY}}
    assert decided(WRONG, **failed).exit_code == 0
    assert decided(WRONG, today=TOO_LATE, **failed).exit_code == 1
    told = decided(WRONG, waivers=(), **failed)
    assert (told.exit_code, len(told.reasons)) == (1, 1)  # the case is named, not its test again


@pytest.mark.parametrize(
    "failed",
    [
        {"failed_tests": (TEST,)},
        {"failed_tests": (TEST,), "failed_cases": {TEST: "floor/other"}},
        {"failed_tests": (TEST, "another"), "failed_cases": {TEST: KEY}},
    ],
)
def test_any_other_failed_test_is_not_waived(failed: dict[str, Any]) -> None:
    assert decided(WRONG, **failed).exit_code == 1


def test_a_failed_test_whose_case_has_gone_from_the_outcomes_is_not_waived() -> None:
    assert decided(failed_tests=(TEST,), failed_cases={TEST: KEY}).exit_code == 1
    right = outcome("m", must_pass=True)
    assert decided(right, failed_tests=(TEST,), failed_cases={TEST: KEY}).exit_code == 1


@pytest.mark.parametrize(("today", "waived"), [(IN_TIME, (KEY,)), (TOO_LATE, ())])
def test_waived_cases_are_those_let_through_today(today: date, waived: tuple[str, ...]) -> None:
    assert waived_cases([*GOOD, WRONG], (WAIVER,), today) == waived
    assert waived_cases([*GOOD, outcome("m", must_pass=True)], (WAIVER,), today) == ()
    assert waived_cases([*GOOD, outcome("m", said="No")], (WAIVER,), today) == ()


@pytest.mark.parametrize("changes", [{"ungated": "--cosmos-no-gate"}, {"shard": "1/2"}])
def test_must_pass_is_no_bar_so_it_holds_where_no_bar_does(changes: dict[str, Any]) -> None:
    assert decided(WRONG, waivers=(), **changes).exit_code == 1
    assert decided(WRONG, **changes).exit_code == 0


def test_three_cases_are_told_in_full() -> None:
    decision = decided(*(outcome(f"m{n}", said="No", must_pass=True) for n in range(3)), waivers=())
    assert " and " not in decision.reasons[0].partition(". Mend")[0]


def test_a_waiver_of_no_file_is_told_without_a_place() -> None:
    decision = decided(outcome("m", must_pass=True), waivers=(WAIVER.model_copy(update={"where": ""}),))
    assert decision.reasons == (f"{KEY} passed: its waiver is no longer needed. Remove it.",)
