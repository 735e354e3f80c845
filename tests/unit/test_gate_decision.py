"""What a run comes to: the word, the exit code, and reasons that say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_cosmos.gate import Thresholds, check, decide, read_thresholds
from pytest_cosmos.records import ERROR, Case, Decision, Outcome, Run, Threshold
from tests.unit.builders import outcome, outcomes_of, run_of

RELEASE = Threshold(suite="floor", metric="accuracy", at_least=0.85, where="thresholds.yaml:4")
GUARD = Threshold(suite="floor", metric="accuracy", at_least=0.5, kind="guard", where="thresholds.yaml:9")
BARS = Thresholds(release=(RELEASE,), guards=(("tiny", GUARD),), not_for_release=("tiny",))
GOOD = outcomes_of(9, 1)


def decided(run: Run, outcomes: Sequence[Outcome], thresholds: Thresholds = BARS) -> Decision:
    return decide(run, outcomes, check(thresholds, outcomes, run))


def test_all_bars_met_is_passed() -> None:
    decision = decided(run_of(GOOD, model="reason2"), GOOD)
    assert decision == Decision(outcome="passed", exit_code=0, answered=10, planned=10, would_release=True)


def test_a_missed_release_target_blocks() -> None:
    outcomes = outcomes_of(8, 2)
    decision = decided(run_of(outcomes, model="reason2"), outcomes)
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("missed_bar", 1, False)
    assert decision.reasons == (
        "floor accuracy: 0.800 (95 % CI 0.490-0.943, n=10 cases of 10 samples) is below the 0.85 required"
        " (thresholds.yaml:4)",
    )


def test_a_model_not_for_release_passes_on_its_guards_and_is_told_so() -> None:
    outcomes = outcomes_of(8, 2)
    decision = decided(run_of(outcomes, model="tiny"), outcomes)
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("passed", 0, False)
    assert decision.reasons == (
        "1 of 1 release targets not met: 'tiny' would not be released (it is not for release, so this does not block).",
    )


def test_a_missed_guard_blocks_a_model_not_for_release() -> None:
    outcomes = outcomes_of(4, 6)
    assert decided(run_of(outcomes, model="tiny@8f3a"), outcomes).outcome == "missed_bar"


def test_release_targets_shown_only_are_evidence_enough_for_a_model_not_for_release() -> None:
    thresholds = Thresholds(release=(RELEASE,), not_for_release=("tiny",))
    assert decided(run_of(GOOD), GOOD, thresholds).outcome == "passed"


def test_a_case_without_reply_is_an_error_and_says_why() -> None:
    outcomes = [*GOOD, outcome("broken", said=ERROR)]
    decision = decided(run_of(outcomes), outcomes)
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("errors", 1, None)
    assert decision.reasons == (
        "1 case got no reply: floor/broken-binary_safety. The first: out of memory. Mend this and run again.",
    )


def test_the_text_of_an_error_is_kept_to_one_short_line() -> None:
    broken = outcome("broken", said=ERROR)
    loud = broken.model_copy(update={"reply": broken.reply.model_copy(update={"error": "a\n\nb\t" + "x" * 999})})
    (reason, *_) = decided(run_of([loud]), [loud]).reasons
    assert "The first: a b xxx" in reason
    assert len(reason) < 320
    assert "\n" not in reason


def test_failed_tests_are_errors() -> None:
    decision = decided(run_of(GOOD, failed_tests=["a", "b", "c", "d"]), GOOD)
    assert (decision.outcome, decision.exit_code) == ("errors", 1)
    assert decision.reasons == ("4 tests failed outright: a, b, c and 1 more.",)


def test_a_partial_run_says_how_to_make_it_whole_or_accept_it() -> None:
    decision = decided(run_of(GOOD, planned={"floor": 48}), GOOD)
    assert (decision.outcome, decision.exit_code, decision.answered, decision.planned) == ("partial", 1, 10, 48)
    assert decision.reasons == (
        "floor: 10 of 48 cases answered: the run is PARTIAL. Leave out -k, --limit, --cosmos-only and "
        "--cosmos-time-budget, or accept it with --allow-partial.",
    )
    assert decision.would_release is None


def test_an_allowed_partial_run_stays_partial_but_exits_0() -> None:
    decision = decided(run_of(GOOD, planned={"floor": 48}, allow_partial=True), GOOD)
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("partial", 0, None)
    assert decision.reasons == ("floor: 10 of 48 cases answered: the run is PARTIAL.",)


def test_an_allowed_partial_run_below_a_bar_fails() -> None:
    outcomes = outcomes_of(1, 9)
    decision = decided(run_of(outcomes, planned={"floor": 48}, allow_partial=True), outcomes)
    assert (decision.outcome, decision.exit_code) == ("missed_bar", 1)
    assert len(decision.reasons) == 3  # the bar, PARTIAL, and what would not be released


def test_too_few_cases_are_tolerated_in_an_allowed_partial_run_alone() -> None:
    thresholds = Thresholds(release=(RELEASE.model_copy(update={"min_cases": 48}),))
    allowed = decided(run_of(GOOD, planned={"floor": 48}, allow_partial=True), GOOD, thresholds)
    assert (allowed.outcome, allowed.exit_code) == ("partial", 0)
    whole = decided(run_of(GOOD, allow_partial=True), GOOD, thresholds)
    assert (whole.outcome, whole.exit_code) == ("no_data", 1)
    assert whole.reasons == ("floor accuracy: no data: 10 cases to compute it from, 48 needed (thresholds.yaml:4)",)


def test_all_reasons_are_kept_weightiest_first() -> None:
    outcomes = [*outcomes_of(1, 8), outcome("broken", said=ERROR)]
    run = run_of(outcomes, model="reason2", planned={"floor": 48, "stairs": 5}, failed_tests=["t"])
    decision = decided(run, outcomes)
    assert decision.outcome == "errors"
    words = ("got no reply", "failed outright", "0 of 5", "PARTIAL", "is below", "stairs: no threshold")
    assert [word in reason for word, reason in zip(words, decision.reasons, strict=True)] == [True] * 6


@pytest.mark.parametrize("thresholds", ["", "bars.yaml"])
def test_without_a_threshold_there_is_no_evidence_and_the_yaml_to_add_works(tmp_path: Path, thresholds: str) -> None:
    decision = decided(run_of(GOOD, thresholds=thresholds), GOOD, Thresholds())
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("no_evidence", 1, None)
    (reason,) = decision.reasons
    assert "--cosmos-no-gate" in reason
    path = tmp_path / "thresholds.yaml"
    yaml = reason[reason.index("{") : reason.rindex("}") + 1]
    path.write_text(yaml if not thresholds else f"version: 1\nrelease: {yaml}\n")
    assert decided(run_of(GOOD), GOOD, read_thresholds(path)).outcome == "passed"


def test_measuring_only_does_not_look_like_a_pass() -> None:
    decision = decided(run_of(GOOD, gated=False), GOOD)
    assert (decision.outcome, decision.exit_code) == ("no_evidence", 0)
    assert decision.reasons == ("Measured only (--cosmos-no-gate): nothing was held against a bar.",)


def test_measuring_only_accepts_a_part_and_missed_bars_but_no_errors() -> None:
    outcomes = outcomes_of(0, 10)
    part = decided(run_of(outcomes, planned={"floor": 48}, gated=False), outcomes)
    assert (part.outcome, part.exit_code, len(part.reasons)) == ("no_evidence", 0, 2)
    broken = [*outcomes, outcome("broken", said=ERROR)]
    assert decided(run_of(broken, gated=False), broken).outcome == "errors"
    assert decided(run_of(planned={"floor": 48}, gated=False), []).outcome == "no_data"


def test_another_split_is_held_against_nothing_whatever_the_run_says_of_itself() -> None:
    outcomes = [one.model_copy(update={"case": _in_split(one.case, "validation")}) for one in GOOD]
    decision = decided(run_of(outcomes).model_copy(update={"split": "validation"}), outcomes)
    assert (decision.outcome, decision.exit_code) == ("no_evidence", 0)
    assert decision.reasons == ("Measured only (--cosmos-split validation): nothing was held against a bar.",)
    assert decision.would_release is None


def test_cases_of_another_split_cannot_stand_in_for_those_of_the_test_split() -> None:
    outcomes = [*GOOD[1:], GOOD[0].model_copy(update={"case": _in_split(GOOD[0].case, "train")})]
    decision = decided(run_of(outcomes), outcomes)
    assert (decision.outcome, decision.exit_code) == ("errors", 1)
    assert "Cases of the train split are among those of the test split" in decision.reasons[0]


def _in_split(case: Case, split: str) -> Case:
    return case.model_copy(update={"sample": case.sample.model_copy(update={"split": split})})


def test_temperatures_that_were_refused_are_an_error() -> None:
    run = run_of(GOOD, model="reason2").model_copy(
        update={"calibration": "calibration.json", "calibration_refused": "it is of another model"}
    )
    decision = decided(run, GOOD)
    assert (decision.outcome, decision.exit_code) == ("errors", 1)
    assert decision.reasons[0] == "calibration.json was not used: it is of another model."
