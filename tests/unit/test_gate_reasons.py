"""The reasons of a decision in full, as people read them: what is wrong, of which suite, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_cosmos.gate import Thresholds, check, decide
from pytest_cosmos.records import ERROR, Check, CheckStatus, Decision, Metric, Outcome, Run, Threshold
from tests.unit.builders import outcome, outcomes_of, run_of
from tests.unit.latency_builders import latency_run

BAR = Threshold(suite="floor", metric="accuracy", at_least=0.85)
BARS = Thresholds(release=(BAR,))
GOOD = outcomes_of(9, 1)


def decided(run: Run, outcomes: Sequence[Outcome], thresholds: Thresholds = BARS) -> Decision:
    return decide(run, outcomes, check(thresholds, outcomes, run))


def checked(status: CheckStatus, kind: Any = "release", suite: str = "floor") -> Check:
    threshold = Threshold(suite=suite, metric="accuracy", kind=kind)
    measured = Metric(suite=suite, name="accuracy", value=0.9, cases=10)
    return Check(threshold=threshold, metric=measured, status=status, blocking=True, message=f"it is {status}")


def failed(sample: str, error: str) -> Outcome:
    one = outcome(sample, said=ERROR)
    return one.model_copy(update={"reply": one.reply.model_copy(update={"error": error})})


@pytest.mark.parametrize(
    ("run", "outcomes", "reasons"),
    [
        (run_of(), [], ["No suite was run. Name one with --suite, or a test file that asks for one."]),
        (
            run_of(required=["floor"]),
            [],
            ["floor: the suite was not run. Run its tests, or name others with --suite."],
        ),
        (
            run_of(planned={"floor": 0}),
            [],
            ["floor: the suite has no case to ask. Add samples to its test split."],
        ),
        # told once, not again for each bar that lacks its data
        (run_of(planned={"floor": 10}), [], ["floor: 0 of 10 cases answered, so there is no data."]),
        (
            run_of(planned={"floor": 10}, allow_partial=True),
            [],
            ["floor: 0 of 10 cases answered, so there is no data."],
        ),
        (
            run_of(planned={"floor": 9}),
            GOOD,
            [
                "floor: 10 cases answered, but 9 planned: these outcomes are not all of this run. Run again.",
            ],
        ),
        (
            run_of(GOOD),
            [*GOOD, outcome(suite="foreign")],
            [
                "foreign: 1 case answered, but 0 planned: these outcomes are not all of this run. Run again.",
                "foreign: no threshold in thresholds.yaml applies to model 'tiny', so there is no evidence. Write under"
                " release: {foreign: {accuracy: {at_least: 0.85}}} or measure only, with --cosmos-no-gate.",
            ],
        ),
        (
            run_of(GOOD, thresholds=""),
            GOOD,
            [
                "floor: there is no thresholds file, so there is no evidence. Write into thresholds.yaml: {version: 1,"
                " release: {floor: {accuracy: {at_least: 0.85}}}} or measure only, with --cosmos-no-gate.",
            ],
        ),
        (latency_run(), [], ["latency: no benchmark was collected. Run benchmarks/test_latency.py, without -k."]),
        (latency_run("image"), [], ["latency: 0 of 1 benchmarks timed, so there is no data."]),
    ],
)
def test_what_is_missing(run: Run, outcomes: list[Outcome], reasons: list[str]) -> None:
    bars = BARS if run.thresholds and not run.latency else Thresholds()
    assert list(decided(run, outcomes, bars).reasons) == reasons


def test_latency_that_is_timed_only_is_told() -> None:
    decision = decide(latency_run("image"), (), (), timed=("image",))
    assert decision.reasons == ("latency: timed only, held against no bar.",)


def test_a_suite_of_a_long_name_is_written_in_one_line() -> None:
    name = " ".join(["floors"] * 15)  # wider than a terminal
    (reason,) = decided(run_of(outcomes_of(2, 0, suite=name)), outcomes_of(2, 0, suite=name), Thresholds()).reasons
    assert f"{{{name}: {{accuracy: {{at_least: 0.85}}}}}}" in reason


def test_a_duplicate_is_named() -> None:
    decision = decide(run_of(GOOD), [*GOOD, GOOD[0]], check(BARS, GOOD, run_of(GOOD)))
    assert decision.reasons == ("floor: answered more than once: floor/r0-binary_safety. Run again, or merge once.",)


def test_the_first_error_by_key_is_told_up_to_200_characters() -> None:
    later, first = failed("b", "another"), failed("a", "x" * 300)
    for outcomes in ([later, first], [first, later]):
        assert decided(run_of(outcomes), outcomes, Thresholds()).reasons[0] == (
            "2 cases got no reply: floor/a-binary_safety, floor/b-binary_safety. The first: "
            f"{'x' * 200}. Mend this and run again."
        )


def test_an_error_that_says_nothing() -> None:
    silent = failed("a", "")
    assert "The first: no reason given. Mend" in decided(run_of([silent]), [silent]).reasons[0]


def test_three_failed_tests_are_named_in_full_and_in_one_line() -> None:
    assert decided(run_of(GOOD, failed_tests=["c", "b\nb", "a"]), GOOD).reasons == (
        "3 tests failed outright: a, b b, c.",
    )


def test_a_bar_of_no_file_is_told_without_a_place() -> None:
    outcomes = outcomes_of(8, 2)
    assert decided(run_of(outcomes, model="reason2"), outcomes).reasons == (
        "floor accuracy: 0.800 (95 % CI 0.490-0.943, n=10 cases of 10 samples) is below the 0.85 required",
    )


SHARD: dict[str, Any] = {"shard": "2/4"}


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        (True, "floor: 10 of 12 cases answered: the run is PARTIAL."),
        (
            False,
            "floor: 10 of 12 cases answered: the run is PARTIAL. Run --shard 2/4 again, or accept it with"
            " --allow-partial.",
        ),
    ],
)
def test_a_shard_that_lacks_cases_says_what_to_run_again(allowed: bool, told: str) -> None:
    run = run_of(GOOD, planned={"floor": 12}, allow_partial=allowed).model_copy(update=SHARD)
    assert decide(run, GOOD, ()).reasons[0] == told


def test_an_empty_part_of_one_suite_hides_no_other_suite_of_a_shard() -> None:
    run = run_of(planned={"floor": 0, "stairs": 5}).model_copy(update=SHARD)
    decision = decide(run, [], ())
    assert (decision.outcome, decision.exit_code) == ("no_data", 1)
    assert decision.reasons[0] == "stairs: 0 of 5 cases answered, so there is no data."


@pytest.mark.parametrize(
    ("checks", "would"),
    [
        ([checked(CheckStatus.MET)], True),
        ([checked(CheckStatus.MET), checked(CheckStatus.MET, "regression")], True),
        ([checked(CheckStatus.MET), checked(CheckStatus.NOT_MET, "regression")], False),
        ([checked(CheckStatus.MET), checked(CheckStatus.NO_EVIDENCE, "regression")], False),
        ([checked(CheckStatus.MET), checked(CheckStatus.NO_DATA)], None),
        ([checked(CheckStatus.MET), checked(CheckStatus.NO_DATA, "regression")], None),
        ([checked(CheckStatus.MET), checked(CheckStatus.NOT_MET, "guard")], False),
        ([checked(CheckStatus.MET), checked(CheckStatus.NO_DATA, "guard")], None),
        ([checked(CheckStatus.MET, "regression")], None),  # nothing says what it takes to release
        ([checked(CheckStatus.MET, "guard")], None),
    ],
)
def test_a_release_needs_its_targets_and_all_that_blocks(checks: list[Check], would: bool | None) -> None:
    assert decide(run_of(GOOD), GOOD, checks).would_release is would
    part = run_of(GOOD, planned={"floor": 11}, allow_partial=True)
    assert decide(part, GOOD, checks).would_release is None


def test_a_run_that_fails_for_want_of_latencies_releases_nothing() -> None:
    run = run_of(GOOD).model_copy(update={"latency": ("image", "video")})
    assert decide(run, GOOD, [checked(CheckStatus.MET)], timed=("image",)).would_release is None


def test_all_cases_of_a_suite_are_planned_however_few_were_selected() -> None:
    run = run_of(GOOD, planned={"floor": 48})
    fewer = run.model_copy(update={"suites": tuple(one.model_copy(update={"selected": 10}) for one in run.suites)})
    decision = decided(fewer, GOOD)
    assert (decision.outcome, decision.exit_code, decision.answered, decision.planned) == ("partial", 1, 10, 48)
