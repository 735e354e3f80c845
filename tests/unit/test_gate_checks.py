"""Each threshold held against the outcomes: which apply, when they are met, and what is said about it."""

from __future__ import annotations

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import Thresholds, answering, check
from pytest_cosmos.gate.checks import status_of
from pytest_cosmos.records import ERROR, UNPARSED, Check, CheckStatus, Metric, Outcome, Threshold
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL, outcome, outcomes_of, run_of

MATERIAL_YES = BINARY.model_copy(update={"name": "another"})
MET, NOT_MET, NO_DATA, NO_EVIDENCE = CheckStatus.MET, CheckStatus.NOT_MET, CheckStatus.NO_DATA, CheckStatus.NO_EVIDENCE


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
        (bar(at_least=0.3), "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) meets >= 0.3"),
        (
            bar(at_least=0.75),
            "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) meets >= 0.75, but too few cases to tell: even a"
            " figure of 1 on 4 samples proves only at least 0.510; so near to the bar not even 1,000,000 samples"
            " would tell",
        ),
        (
            bar(at_least=0.7, confidence=0.9),
            "0.750 (90 % CI 0.356-0.942, n=4 cases of 4 samples) meets >= 0.7, but too few cases to tell: even a"
            " figure of 1 on 4 samples proves only at least 0.597; it takes about 520 samples (4 asked)",
        ),
        (
            bar(at_least=0.5, bound="lower"),
            "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) is on the right side of >= 0.5, but the low end of"
            " its interval is below: it takes about 29 samples (4 asked)",
        ),
        (
            bar(at_least=0.3, bound="lower"),
            "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) meets >= 0.3, and so does the low end",
        ),
        (
            bar(at_least=0.8, bound="lower"),
            "0.750 (95 % CI 0.301-0.954, n=4 cases of 4 samples) is below the 0.8 required",
        ),
        (
            bar("missed_hazard_rate", at_most=0.4, bound="upper"),
            "0.250 (95 % CI 0.046-0.699, n=4 cases of 4 samples) is on the right side of <= 0.4, but the high end of"
            " its interval is above: even a figure of 0 on 4 samples proves only at most 0.490; it takes about 82"
            " samples (4 asked)",
        ),
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


@pytest.mark.parametrize(
    ("right", "status"), [(84, NOT_MET), (85, NO_EVIDENCE), (91, NO_EVIDENCE), (92, MET), (100, MET)]
)
def test_a_lower_bound_is_met_where_the_low_end_of_the_interval_is(right: int, status: CheckStatus) -> None:
    # Wilson: 91 of 100 reaches down to 0.838, 92 of 100 to 0.850
    found = one(bar(at_least=0.85, bound="lower"), outcomes_of(right, 100 - right))
    assert found.status is status
    assert one(bar(at_least=0.85), outcomes_of(right, 100 - right)).status is (NOT_MET if right < 85 else MET)


def test_the_confidence_asked_for_is_that_of_the_interval() -> None:
    outcomes = outcomes_of(90, 10)
    statuses = [one(bar(at_least=0.85, bound="lower", confidence=c), outcomes).status for c in (0.8, 0.85, 0.95)]
    assert statuses == [MET, NO_EVIDENCE, NO_EVIDENCE]
    assert one(bar(at_least=0.85, confidence=0.8), outcomes).metric.confidence == 0.8


@pytest.mark.parametrize(("wrong", "status"), [(0, MET), (1, NO_EVIDENCE), (3, NO_EVIDENCE), (4, NOT_MET)])
def test_an_upper_bound_holds_the_high_end(wrong: int, status: CheckStatus) -> None:
    # no wrong one of 150 reaches up to 0.025, one to 0.037
    threshold = bar("missed_hazard_rate", at_most=0.026, bound="upper")
    assert one(threshold, outcomes_of(150 - wrong, wrong)).status is status


def test_cases_of_one_sample_are_not_independent_evidence() -> None:
    threshold = bar(at_least=0.8, bound="lower")
    apart = [outcome(f"s{n}") for n in range(30)]
    together = [outcome(f"s{n}", prompt) for n in range(10) for prompt in (BINARY, TRAVERSAL, MATERIAL_YES)]
    assert [one(threshold, cases).status for cases in (apart, together)] == [MET, NO_EVIDENCE]


def test_several_groups_are_counted_in_the_message() -> None:
    cases = [outcome(f"s{n}", group=f"g{n // 5}") for n in range(20)]
    assert "n=20 cases of 20 samples in 4 clusters)" in one(bar(at_least=0.5), cases).message


@pytest.mark.parametrize("end", [None, float("nan"), float("inf"), float("-inf")])
def test_a_bound_without_an_interval_is_no_data(end: float | None) -> None:
    measured = Metric(suite="floor", name="accuracy", value=1.0, low=end, high=end, cases=9, samples=9, clusters=9)
    assert status_of(bar(at_least=0.5, bound="lower"), measured) is NO_DATA
    assert status_of(bar(at_most=0.5, bound="upper"), measured) is NO_DATA


def test_an_interval_of_another_confidence_is_no_data() -> None:
    measured = Metric(suite="floor", name="accuracy", value=0.9, low=0.8, high=1.0, confidence=0.5, cases=9)
    assert status_of(bar(at_least=0.5, bound="lower"), measured) is NO_DATA


def test_what_no_number_of_cases_could_prove_is_not_doubted() -> None:
    assert one(bar("error_rate", at_most=0), outcomes_of(3, 0)).doubt == ""
    assert one(bar("error_rate", at_most=0.1), outcomes_of(3, 0)).doubt.startswith("too few cases to tell: even")
    assert one(bar(at_least=1), outcomes_of(3, 0)).doubt == ""


def test_a_figure_that_is_no_share_says_about_how_many_samples_its_interval_needs() -> None:
    cases = [outcome(f"s{n}", SEVERITY, "4", "5" if n % 2 else "4") for n in range(40)]
    found = one(bar("mean_absolute_error", at_most=0.7, bound="upper"), cases)
    assert found.status is NO_EVIDENCE
    assert found.message.endswith(" samples (40 asked)")


def test_a_corridor_is_doubted_on_the_side_that_is_near() -> None:
    found = one(bar(at_least=0.7, at_most=0.9), outcomes_of(40, 10))
    assert found.doubt.startswith("too few cases to tell: it takes about ")


def test_a_cost_is_held_against_its_bar() -> None:
    cases = [*outcomes_of(8, 1), outcome("alarm", expected="No", said="Yes")]
    cost = {"missed_hazard": 10.0, "false_alarm": 1.0}
    assert one(bar("expected_cost", at_most=1.1, cost=cost), cases).status is MET
    found = one(bar("expected_cost", at_most=1.0, cost=cost), cases)
    assert found.status is NOT_MET
    assert found.metric.value == pytest.approx(1.1)
    assert found.message.startswith("1.100 (95 % CI ")
    assert one(bar("expected_cost", at_most=1.1), cases).status is NO_DATA


def test_coverage_and_accuracy_of_what_the_model_is_sure_of() -> None:
    cases = [
        *(outcome(f"s{n}", confidence=0.9) for n in range(6)),
        *(outcome(f"w{n}", said="No", confidence=0.5) for n in range(4)),
    ]
    assert one(bar("coverage", at_least=0.6, abstain_below=0.6), cases).status is MET
    assert one(bar("coverage", at_least=0.7, abstain_below=0.6), cases).status is NOT_MET
    assert one(bar("selective_accuracy", at_least=1.0, abstain_below=0.6), cases).status is MET
    assert one(bar("selective_accuracy", at_least=1.0, abstain_below=0.5), cases).status is NOT_MET
    assert one(bar("selective_accuracy", at_least=0.0, abstain_below=0.95), cases).status is NO_DATA


def test_a_bar_that_is_missed_is_not_doubted() -> None:
    assert one(bar(at_least=0.8), outcomes_of(3, 1)).doubt == ""
    assert one(bar(at_least=0.3, bound="lower"), outcomes_of(3, 1)).doubt == ""


def test_as_many_cases_as_asked_for_are_not_too_few() -> None:
    found = one(bar("balanced_accuracy", at_least=0.5, min_cases=4), outcomes_of(3, 1))
    assert found.message == "no data: it can't be computed from 4 cases"


NAMED = Thresholds(
    release=(Threshold(suite="floor", metric="accuracy"), Threshold(suite="stairs", metric="accuracy")),
    guards=(("tiny", Threshold(suite="ramps", metric="recall")), ("other", Threshold(suite="doors", metric="recall"))),
    regression=(Threshold(suite="roads", metric="recall", kind="regression", max_drop=0.1),),
)


def test_a_run_answers_for_every_suite_that_the_thresholds_name_for_its_model() -> None:
    run = run_of(outcomes_of(3, 0), required=["floor", "old"])
    assert answering(run, NAMED).required == ("floor", "old", "stairs", "ramps", "roads")
    assert answering(run, None) is run


@pytest.mark.parametrize("said", [{"limited": True}, {"gated": False}, {"shard": "1/2"}])
def test_a_run_of_some_suites_or_without_bars_answers_for_no_others(said: dict[str, object]) -> None:
    run = run_of(outcomes_of(3, 0)).model_copy(update=said)
    assert answering(run, NAMED) is run
