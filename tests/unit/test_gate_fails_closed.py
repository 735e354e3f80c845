"""One test per way in which a gate could fail open: every one of these runs must exit 1."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import Thresholds, check, decide
from pytest_cosmos.gate.checks import status_of
from pytest_cosmos.records import (
    ERROR,
    UNPARSED,
    Check,
    CheckStatus,
    Decision,
    Judgement,
    Metric,
    Outcome,
    Run,
    Threshold,
    Verdict,
    Waiver,
)
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL, outcome, outcomes_of, run_of

ACCURACY = Threshold(suite="floor", metric="accuracy", at_least=0.85)
RECALL = Threshold(suite="floor", metric="recall", slice={"category": "hazard"}, at_least=0.9)
ERRORS = Threshold(suite="floor", metric="error_rate", at_most=0.0)
BARS = Thresholds(release=(ACCURACY, RECALL, ERRORS))
PERFECT = outcomes_of(20, 0)


def decided(run: Run, outcomes: Sequence[Outcome], thresholds: Thresholds = BARS) -> Decision:
    return decide(run, outcomes, check(thresholds, outcomes, run))


def fails(decision: Decision, word: str) -> bool:
    return (decision.exit_code, decision.outcome) == (1, word)


def test_the_run_they_all_start_from_passes() -> None:
    assert decided(run_of(PERFECT), PERFECT).exit_code == 0


def test_no_outcomes() -> None:
    assert fails(decided(run_of(planned={"floor": 20}), []), "no_data")


def test_no_outcomes_though_a_part_is_allowed() -> None:
    assert fails(decided(run_of(planned={"floor": 20}, allow_partial=True), []), "no_data")


def test_nothing_asked_at_all() -> None:
    assert fails(decided(run_of(), []), "no_data")


@pytest.mark.parametrize("allow_partial", [False, True])
def test_an_empty_suite(allow_partial: bool) -> None:
    assert fails(decided(run_of(planned={"floor": 0}, allow_partial=allow_partial), []), "no_data")


@pytest.mark.parametrize("allow_partial", [False, True])
def test_a_required_suite_that_was_not_run(allow_partial: bool) -> None:
    run = run_of(PERFECT, required=["floor", "spills"], allow_partial=allow_partial)
    decision = decided(run, PERFECT, Thresholds(release=(ACCURACY, Threshold(suite="spills", metric="recall"))))
    assert fails(decision, "no_data")
    assert decision.reasons[0].startswith("spills: the suite was not run.")


@pytest.mark.parametrize("allow_partial", [False, True])
def test_a_required_suite_without_any_outcome(allow_partial: bool) -> None:
    run = run_of(PERFECT, planned={"floor": 20, "spills": 5}, allow_partial=allow_partial)
    assert fails(decided(run, PERFECT), "no_data")


def test_dropped_outcomes() -> None:
    assert fails(decided(run_of(PERFECT), PERFECT[:-1]), "partial")


def test_wrong_cases_dropped() -> None:
    outcomes = outcomes_of(10, 10)
    assert fails(decided(run_of(outcomes), outcomes[:10]), "partial")


def test_a_lost_worker() -> None:
    run = run_of(PERFECT, failed_tests=["worker gw1 crashed"], allow_partial=True)
    assert fails(decided(run, PERFECT[:10]), "errors")


def test_duplicated_cases_instead_of_wrong_ones() -> None:
    outcomes = [*PERFECT[:10], *PERFECT[:10]]
    with pytest.raises(RunFolderError):
        check(BARS, outcomes, run_of(PERFECT))
    met = check(BARS, PERFECT, run_of(PERFECT))
    assert fails(decide(run_of(PERFECT), outcomes, met), "errors")


def test_duplicates_besides_a_complete_run() -> None:
    met = check(BARS, PERFECT, run_of(PERFECT))
    assert fails(decide(run_of(PERFECT), [*PERFECT, PERFECT[0]], met), "errors")


def test_more_outcomes_than_planned() -> None:
    assert fails(decided(run_of(PERFECT, planned={"floor": 19}), PERFECT), "errors")


def test_fewer_planned_than_were_selected() -> None:
    run = run_of(PERFECT)
    (suite,) = run.suites
    edited = run.model_copy(update={"suites": (suite.model_copy(update={"planned": 10}),)})
    decision = decided(edited, PERFECT[:10])
    assert fails(decision, "errors")
    assert decision.reasons[0].startswith("floor: 20 cases selected of 10 planned, says run.json")


def test_a_suite_that_run_json_has_twice() -> None:
    run = run_of(PERFECT)
    fewer = run.suites[0].model_copy(update={"planned": 10, "selected": 10})
    edited = run.model_copy(update={"suites": (*run.suites, fewer)})
    decision = decided(edited, PERFECT[:10])
    assert fails(decision, "errors")
    assert decision.reasons[0] == "floor: run.json has it 2 times. Run again."


def test_wrong_cases_moved_out_of_their_slice() -> None:
    """A sample is of one category, whatever it is asked; so it is with its media and whether it must pass."""
    other = outcomes_of(10, 10, prompt=TRAVERSAL)
    wrong = [one for one in outcomes_of(10, 10) if one.judgement.verdict is Verdict.WRONG]
    for edit in ({"category": "safe"}, {"media_hash": "ab"}, {"must_pass": True}):
        cases = [one.case.model_copy(update={"sample": one.case.sample.model_copy(update=edit)}) for one in wrong]
        moved = [one.model_copy(update={"case": case}) for one, case in zip(wrong, cases, strict=True)]
        outcomes = [*outcomes_of(10, 0), *moved, *other]
        with pytest.raises(RunFolderError, match=f"has another {next(iter(edit))} than with its other prompts"):
            check(BARS, outcomes, run_of(outcomes))


def test_outcomes_of_a_suite_the_run_does_not_know() -> None:
    outcomes = [*PERFECT, outcome("s", suite="foreign")]
    assert fails(decided(run_of(PERFECT), outcomes), "errors")


def test_verdicts_edited_where_the_replies_were_not() -> None:
    wrong = outcomes_of(10, 10)
    edited = [one.model_copy(update={"judgement": PERFECT[0].judgement}) for one in wrong]
    decision = decided(run_of(edited), edited)
    assert fails(decision, "errors")
    assert decision.reasons[0] == (
        "10 cases whose verdict is not what the reply says: floor/w0-binary_safety, floor/w1-binary_safety, "
        "floor/w2-binary_safety and 7 more. outcomes.jsonl was changed, or written by another version. Run again: what "
        "was answered is in the reply store."
    )


def test_expected_answers_edited_where_the_labels_were_not() -> None:
    prompt = BINARY.model_copy(update={"expected": {"cracked": "Yes"}})
    right = [outcome(f"s{n}", prompt) for n in range(10)]
    edited = [*right, outcome("s10", prompt, "No"), outcome("s11", prompt, "No", label="not cracked")]
    assert not fails(decided(run_of(right), right), "errors")
    decision = decided(run_of(edited), edited)
    assert fails(decision, "errors")
    assert decision.reasons[0].startswith("1 case whose expected answer is not what the label says: floor/s10-")


def test_fewer_outcomes_and_fewer_planned_than_when_the_run_ended() -> None:
    run = run_of(PERFECT).model_copy(update={"decision": decided(run_of(PERFECT), PERFECT)})
    assert decided(run, PERFECT).exit_code == 0
    half = PERFECT[:10]
    decision = decided(run.model_copy(update={"suites": run_of(half).suites}), half)
    assert fails(decision, "errors")
    assert decision.reasons[0] == (
        "10 cases in outcomes.jsonl, but 20 when the run ended: the file was changed or cut off. Run again: what was "
        "answered is in the reply store."
    )


def test_an_error_though_all_else_is_right() -> None:
    outcomes = [*PERFECT, outcome("broken", said=ERROR)]
    for allow_partial in (False, True):
        decision = decided(run_of(outcomes, allow_partial=allow_partial), outcomes, Thresholds(release=(ACCURACY,)))
        assert fails(decision, "errors")


def test_an_error_dressed_up_as_an_answer() -> None:
    broken = outcome("broken", said=ERROR)
    hidden = broken.model_copy(update={"judgement": Judgement(verdict=Verdict.CORRECT, answer="Yes")})
    outcomes = [*PERFECT, hidden]
    with pytest.raises(RunFolderError):
        check(BARS, outcomes, run_of(outcomes))
    assert fails(decide(run_of(outcomes), outcomes, check(BARS, PERFECT, run_of(PERFECT))), "errors")


def test_all_replies_are_errors() -> None:
    outcomes = [outcome(f"s{n}", said=ERROR) for n in range(20)]
    assert fails(decided(run_of(outcomes), outcomes), "errors")


def test_all_replies_are_unparsed() -> None:
    outcomes = [outcome(f"s{n}", said=UNPARSED) for n in range(20)]
    assert fails(decided(run_of(outcomes), outcomes), "missed_bar")


def test_unparsed_replies_of_hazards_are_missed_hazards() -> None:
    outcomes = [*PERFECT, *(outcome(f"u{n}", said=UNPARSED) for n in range(3))]
    assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(RECALL,))), "missed_bar")


def test_precision_of_a_model_that_never_warns() -> None:
    outcomes = [*outcomes_of(0, 3), *(outcome(f"n{n}", expected="No") for n in range(97))]
    bars = Thresholds(release=(Threshold(suite="floor", metric="precision", at_least=0.0),))
    assert fails(decided(run_of(outcomes), outcomes, bars), "no_data")


def test_missed_hazards_where_no_hazard_was_asked() -> None:
    outcomes = [outcome(f"n{n}", expected="No") for n in range(9)]
    bars = Thresholds(release=(Threshold(suite="floor", metric="missed_hazards", at_most=0),))
    assert fails(decided(run_of(outcomes), outcomes, bars), "no_data")


def test_one_case_below_the_bar() -> None:
    outcomes = outcomes_of(849, 151)
    assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(ACCURACY,))), "missed_bar")


def test_one_case_fewer_than_min_cases() -> None:
    bars = Thresholds(release=(ACCURACY.model_copy(update={"min_cases": 21}),))
    assert fails(decided(run_of(PERFECT), PERFECT, bars), "no_data")


def test_a_slice_that_matches_nothing() -> None:
    bars = Thresholds(release=(RECALL.model_copy(update={"slice": {"category": "hazrd"}}),))
    assert fails(decided(run_of(PERFECT), PERFECT, bars), "no_data")


def test_a_metric_the_suite_has_no_data_for() -> None:
    bars = Thresholds(release=(Threshold(suite="floor", metric="mean_absolute_error", at_most=5),))
    assert fails(decided(run_of(PERFECT), PERFECT, bars), "no_data")


def test_confidences_that_are_no_number() -> None:
    outcomes = [outcome("a", confidence=float("nan"))]
    bars = Thresholds(release=(Threshold(suite="floor", metric="mean_confidence", at_least=0.0),))
    assert fails(decided(run_of(outcomes), outcomes, bars), "no_data")


def test_a_check_without_data_on_a_complete_run_though_a_part_is_allowed() -> None:
    bars = Thresholds(release=(RECALL.model_copy(update={"slice": {"category": "hazrd"}}),))
    assert fails(decided(run_of(PERFECT, allow_partial=True), PERFECT, bars), "no_data")


def test_no_thresholds_file_at_all() -> None:
    run = run_of(PERFECT, required=[], thresholds="")
    assert fails(decide(run, PERFECT, ()), "no_evidence")


def test_thresholds_that_name_another_model() -> None:
    guard = ACCURACY.model_copy(update={"kind": "guard"})
    for pattern in ("reason2", "Tiny", "tiny?", "tiny@*"):
        assert fails(decided(run_of(PERFECT), PERFECT, Thresholds(guards=((pattern, guard),))), "no_evidence")


def test_a_guard_applies_to_a_pinned_revision() -> None:
    outcomes = outcomes_of(1, 9)
    guard = ACCURACY.model_copy(update={"kind": "guard"})
    run = run_of(outcomes, model="tiny@8f3a")
    assert fails(decided(run, outcomes, Thresholds(guards=(("tiny", guard),))), "missed_bar")


def test_a_suite_that_was_run_but_that_nothing_demands_anything_of() -> None:
    outcomes = [*PERFECT, outcome("s", suite="spills")]
    assert fails(decided(run_of(outcomes, required=["floor"]), outcomes), "no_evidence")


def test_an_allowed_part_of_a_suite_without_thresholds() -> None:
    run = run_of(PERFECT, planned={"floor": 48}, allow_partial=True)
    assert fails(decided(run, PERFECT, Thresholds()), "no_evidence")


def test_one_suite_does_not_answer_for_another() -> None:
    outcomes = [*outcomes_of(18, 0), *outcomes_of(0, 2, suite="spills")]
    bars = Thresholds(release=(ACCURACY, ACCURACY.model_copy(update={"suite": "spills"})))
    assert fails(decided(run_of(outcomes), outcomes, bars), "missed_bar")


def test_release_stays_unproven_while_anything_is_missing() -> None:
    check_met = Check(
        threshold=ACCURACY,
        metric=Metric(suite="floor", name="accuracy", value=1.0, cases=20),
        status=CheckStatus.MET,
        blocking=True,
        message="",
    )
    assert decide(run_of(PERFECT), PERFECT, [check_met]).would_release is True
    assert decide(run_of(PERFECT, planned={"floor": 21}), PERFECT, [check_met]).would_release is None
    assert decide(run_of(PERFECT, failed_tests=["t"]), PERFECT, [check_met]).would_release is None
    assert decide(run_of(PERFECT, required=["floor", "x"]), PERFECT, [check_met]).would_release is None


ANSWERS = st.lists(
    st.tuples(st.sampled_from(["Yes", "No"]), st.sampled_from(["Yes", "No", "Yes", "No", UNPARSED, ERROR])), max_size=8
)


def _outcomes(answers: list[tuple[str, str]]) -> list[Outcome]:
    return [outcome(f"s{n}", expected=expected, said=said) for n, (expected, said) in enumerate(answers)]


LENIENT = Thresholds(release=(Threshold(suite="floor", metric="accuracy", at_least=0.4),))


@given(ANSWERS.filter(bool), st.data(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_removing_an_outcome_never_turns_a_failure_into_a_pass(
    answers: list[tuple[str, str]], data: st.DataObject, complete: bool
) -> None:
    outcomes = _outcomes(answers)
    run = run_of(planned={"floor": len(outcomes) + (not complete)})
    removed = data.draw(st.integers(0, len(outcomes) - 1))
    fewer = outcomes[:removed] + outcomes[removed + 1 :]
    if decided(run, outcomes, LENIENT).exit_code == 1:
        assert decided(run, fewer, LENIENT).exit_code == 1


@given(ANSWERS, st.randoms(use_true_random=False), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_order_of_outcomes_changes_nothing(
    answers: list[tuple[str, str]], chance: random.Random, allow_partial: bool, gated: bool
) -> None:
    outcomes = _outcomes(answers)
    run = run_of(planned={"floor": 8}, allow_partial=allow_partial, gated=gated)
    shuffled = list(outcomes)
    chance.shuffle(shuffled)
    assert decided(run, shuffled, BARS) == decided(run, outcomes, BARS)


@given(ANSWERS, st.integers(0, 10), st.booleans())
@settings(max_examples=80, deadline=None)
def test_exit_0_means_every_bar_met_or_an_allowed_part(
    answers: list[tuple[str, str]], planned: int, allow_partial: bool
) -> None:
    outcomes = _outcomes(answers)
    run = run_of(planned={"floor": planned}, allow_partial=allow_partial)
    checks = check(LENIENT, outcomes, run)
    decision = decide(run, outcomes, checks)
    if decision.exit_code == 0:
        assert all(one.status is CheckStatus.MET for one in checks)
        assert len(outcomes) == planned or (allow_partial and 0 < len(outcomes) < planned)
        assert ERROR not in [said for _, said in answers]
    assert (decision.exit_code == 0) == (
        decision.outcome == "passed" or (decision.outcome == "partial" and allow_partial)
    )


def test_a_rating_beyond_its_tolerance_is_not_saved_by_its_hazard_class() -> None:
    outcomes = [outcome("a", SEVERITY, "3", "5")]
    assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(ACCURACY,))), "missed_bar")


LOWER = ACCURACY.model_copy(update={"bound": "lower"})


@pytest.mark.parametrize("allow_partial", [False, True])
def test_a_figure_over_the_bar_by_luck(allow_partial: bool) -> None:
    outcomes = outcomes_of(45, 5)
    decision = decided(run_of(outcomes, allow_partial=allow_partial), outcomes, Thresholds(release=(LOWER,)))
    assert fails(decision, "no_evidence")
    assert decision.would_release is False


def test_everything_right_on_too_few_cases() -> None:
    assert fails(decided(run_of(PERFECT), PERFECT, Thresholds(release=(LOWER,))), "no_evidence")


def test_everything_right_on_many_cases_of_few_samples() -> None:
    prompts = [BINARY.model_copy(update={"name": f"p{n}"}) for n in range(20)]
    outcomes = [outcome(f"s{n}", prompt) for n in range(5) for prompt in prompts]
    assert decided(run_of(outcomes), outcomes).exit_code == 0
    assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(LOWER,))), "no_evidence")


def test_a_bar_missed_weighs_more_than_one_without_evidence() -> None:
    outcomes = outcomes_of(45, 5)
    bars = Thresholds(release=(LOWER, RECALL.model_copy(update={"at_least": 0.95})))
    assert fails(decided(run_of(outcomes), outcomes, bars), "missed_bar")


def test_a_bar_without_evidence_weighs_more_than_one_without_data() -> None:
    outcomes = outcomes_of(45, 5)
    nothing = RECALL.model_copy(update={"slice": {"category": "x"}})
    decision = decided(run_of(outcomes), outcomes, Thresholds(release=(nothing, LOWER)))
    assert fails(decision, "no_evidence")
    assert [("no data" in reason) for reason in decision.reasons] == [False, True]


def test_no_evidence_of_a_model_not_for_release_does_not_block_and_is_told() -> None:
    outcomes = outcomes_of(45, 5)
    decision = decided(run_of(outcomes), outcomes, Thresholds(release=(LOWER,), not_for_release=("tiny",)))
    assert (decision.outcome, decision.exit_code, decision.would_release) == ("passed", 0, False)
    assert decision.reasons[0].startswith("1 of 1 release targets not met")


def test_a_check_without_data_of_a_suite_that_nobody_counts() -> None:
    ghost = Check(
        threshold=ACCURACY.model_copy(update={"suite": "elsewhere"}),
        metric=Metric(suite="elsewhere", name="accuracy", value=None),
        status=CheckStatus.NO_DATA,
        blocking=True,
        message="no data",
    )
    for allow_partial in (False, True):
        run = run_of(PERFECT, allow_partial=allow_partial)
        assert fails(decide(run, PERFECT, [*check(BARS, PERFECT, run), ghost]), "no_data")


@given(st.integers(1, 400), st.integers(0, 400), st.floats(0.55, 0.999), st.floats(0.05, 0.99))
@settings(max_examples=60, deadline=None)
def test_a_lower_bound_is_never_easier_than_the_point(
    right: int, wrong: int, confidence: float, at_least: float
) -> None:
    outcomes = outcomes_of(right, wrong)
    point = Thresholds(release=(ACCURACY.model_copy(update={"at_least": at_least}),))
    lower = Thresholds(release=(LOWER.model_copy(update={"at_least": at_least, "confidence": confidence}),))
    run = run_of(outcomes)
    assert decided(run, outcomes, lower).exit_code >= decided(run, outcomes, point).exit_code


MUST = outcome("must", said="No", must_pass=True)
WAIVER = Waiver(case=MUST.case.key, reason="glare", owner="A", expires="2026-06-30")


def waived(run: Run, outcomes: Sequence[Outcome], today: date, *waivers: Waiver) -> Decision:
    return decide(run, outcomes, check(BARS, outcomes, run), waivers=waivers, today=today)


def test_a_failed_must_pass_case_that_the_run_does_not_mention() -> None:
    outcomes = [*PERFECT, MUST]
    assert fails(waived(run_of(outcomes), outcomes, date(2026, 1, 1)), "errors")


def test_a_failed_must_pass_case_though_a_part_is_allowed_and_nothing_gated() -> None:
    outcomes = [*PERFECT, MUST]
    for run in (
        run_of(outcomes, allow_partial=True),
        run_of(outcomes).model_copy(update={"ungated": "--cosmos-no-gate"}),
        run_of(outcomes).model_copy(update={"waived": (MUST.case.key,)}),
    ):
        assert fails(waived(run, outcomes, date(2026, 1, 1)), "errors")


def test_an_expired_waiver() -> None:
    outcomes = [*PERFECT, MUST]
    assert waived(run_of(outcomes), outcomes, date(2026, 6, 30), WAIVER).exit_code == 0
    assert fails(waived(run_of(outcomes), outcomes, date(2026, 7, 1), WAIVER), "errors")


def test_a_waiver_whose_day_nobody_told() -> None:
    outcomes = [*PERFECT, MUST]
    run = run_of(outcomes)
    assert fails(decide(run, outcomes, check(BARS, outcomes, run), waivers=[WAIVER]), "errors")


def test_a_waiver_for_a_case_without_a_reply() -> None:
    outcomes = [*PERFECT, outcome("must", said=ERROR, must_pass=True)]
    assert fails(waived(run_of(outcomes), outcomes, date(2026, 1, 1), WAIVER), "errors")


def test_a_waived_case_dropped_from_the_outcomes() -> None:
    run = run_of([*PERFECT, MUST])
    assert fails(waived(run, PERFECT, date(2026, 1, 1), WAIVER), "partial")


def test_waiving_one_case_in_the_name_of_another_test() -> None:
    outcomes = [*PERFECT, MUST]
    run = run_of(outcomes, failed_tests=["t.py::broken"]).model_copy(
        update={"failed_cases": {"t.py::broken": "floor/r0-binary_safety"}}
    )
    assert fails(waived(run, outcomes, date(2026, 1, 1), WAIVER), "errors")


@pytest.mark.parametrize("end", [None, float("nan"), float("inf")])
def test_a_bound_on_a_figure_whose_interval_is_no_number(end: float | None) -> None:
    for threshold in (LOWER, ERRORS.model_copy(update={"at_most": 0.5, "bound": "upper"})):
        measured = Metric(suite="floor", name=threshold.metric, value=0.9, low=end, high=end, cases=20, samples=20)
        assert status_of(threshold, measured) is not CheckStatus.MET


def test_an_accuracy_of_the_few_cases_that_the_model_is_sure_of() -> None:
    outcomes = [outcome("a", confidence=0.99), *(outcome(f"w{n}", said="No", confidence=0.3) for n in range(19))]
    sure = Threshold(suite="floor", metric="selective_accuracy", at_least=0.9, abstain_below=0.9)
    kept = Threshold(suite="floor", metric="coverage", at_least=0.5, abstain_below=0.9)
    assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(sure, kept))), "missed_bar")
    proven = sure.model_copy(update={"bound": "lower"})
    assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(proven,))), "no_evidence")


def test_confidences_that_are_none_or_no_number_are_not_sure() -> None:
    for confidence in (None, float("nan"), float("inf"), -1.0):
        outcomes = [outcome(f"s{n}", confidence=confidence) for n in range(20)]
        kept = Threshold(suite="floor", metric="coverage", at_least=0.0, abstain_below=0.5)
        assert fails(decided(run_of(outcomes), outcomes, Thresholds(release=(kept,))), "no_data")


def test_a_cost_without_prices() -> None:
    free = Threshold(suite="floor", metric="expected_cost", at_most=0.5)
    assert fails(decided(run_of(PERFECT), PERFECT, Thresholds(release=(free,))), "no_data")


def test_confidences_lost_where_the_model_was_wrong_are_not_the_least_sure() -> None:
    sure = [outcome(f"r{n}") for n in range(90)]
    wrong = [outcome(f"w{n}", said="No", confidence=None) for n in range(10)]
    bars = Thresholds(release=(Threshold(suite="floor", metric="accuracy_at_90_coverage", at_least=0.99),))
    assert fails(decided(run_of(sure + wrong), sure + wrong, bars), "no_data")
    assert decided(run_of(sure), sure, bars).exit_code == 0


@pytest.mark.parametrize(
    ("metric", "bar"),
    [
        ("latency_p50", {"at_most": 1}),
        ("latency_p95", {"at_most": 1}),
        ("cases_per_second", {"at_least": 5}),
        ("tokens_per_second", {"at_least": 5}),
    ],
)
def test_times_lost_where_the_model_was_slow(metric: str, bar: dict[str, float]) -> None:
    quick = [outcome(f"q{n}") for n in range(90)]
    slow = [outcome(f"s{n}", waited=None, seconds=None) for n in range(10)]
    held = Threshold.model_validate({"suite": "floor", "metric": metric, **bar})
    decision = decided(run_of(quick + slow), quick + slow, Thresholds(release=(held,)))
    assert fails(decision, "no_data")
    assert "the time of 10 answers is not known" in decision.reasons[0]
    enough = held.model_copy(update={"min_cases": 90})
    assert decided(run_of(quick + slow), quick + slow, Thresholds(release=(enough,))).exit_code == 0


@pytest.mark.parametrize("metric", ["brier", "ece"])
def test_confidences_lost_where_the_model_was_wrong_and_sure(metric: str) -> None:
    sure = [outcome(f"r{n}", confidence=0.9) for n in range(90)]
    wrong = [outcome(f"w{n}", said="No", confidence=None) for n in range(10)]
    bars = Thresholds(release=(Threshold(suite="floor", metric=metric, at_most=0.15),))
    assert fails(decided(run_of(sure + wrong), sure + wrong, bars), "no_data")
    assert decided(run_of(sure), sure, bars).exit_code == 0
    enough = Thresholds(release=(Threshold(suite="floor", metric=metric, at_most=0.15, min_cases=90),))
    assert decided(run_of(sure + wrong), sure + wrong, enough).exit_code == 0
