"""Shards joined: what comes out is the undivided run, and every way to make it look better is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.gate import Thresholds, check, decide
from pytest_cosmos.measure import summarise
from pytest_cosmos.records import Decision, Outcome, Run, Threshold
from pytest_cosmos.runlog import Part, merge
from pytest_cosmos.suites import shard_of
from tests.unit.builders import BINARY, SEVERITY, outcome, run_of

ACCURACY = Threshold(suite="floor", metric="accuracy", at_least=0.75)
BARS = Thresholds(release=(ACCURACY,))
WHOLE = [
    outcome(f"s{n}", prompt, expected, said=said, seconds=0.25)
    for n in range(30)
    for prompt, expected, said in (
        (BINARY, "Yes", "No" if n % 4 == 0 else "Yes"),
        (SEVERITY, "4", "1" if n % 5 == 0 else "4"),
    )
]


def part_of(number: int, count: int, outcomes: Sequence[Outcome] = WHOLE, **changes: Any) -> Part:
    """Build one shard of a run as it would have ended."""
    mine = tuple(o for o in outcomes if shard_of(o.case.suite, o.case.sample.id, count) == number)
    whole = run_of(outcomes)
    suites = tuple(
        suite.model_copy(update={"selected": sum(o.case.suite == suite.name for o in mine)}) for suite in whole.suites
    )
    run = whole.model_copy(
        update={
            "shard": f"{number}/{count}",
            "suites": suites,
            "finished": f"2026-01-02T03:0{number}:00Z",
            "versions": {"pytest-cosmos": "1.0", "torch": "2.9"},
            "seconds": {"load": 2.0, "answer": 4.0 + number, "first verdict": 1.0},
            **changes,
        }
    )
    return Part(f"run{number}", run.model_copy(update={"decision": decide(run, mine, ())}), mine)


def parts_of(count: int, outcomes: Sequence[Outcome] = WHOLE) -> list[Part]:
    return [part_of(number, count, outcomes) for number in range(1, count + 1)]


def changed(part: Part, **changes: Any) -> Part:
    return Part(part.name, part.run.model_copy(update=changes), part.outcomes)


def problems_of(parts: Sequence[Part]) -> str:
    with pytest.raises(Problems) as caught:
        merge(parts, id="merged", command="pytest-cosmos merge")
    return str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_merged_is_the_undivided_run(count: int) -> None:
    run, outcomes = merge(parts_of(count)[::-1], id="merged", command="merge")
    plain = run_of(WHOLE)
    assert summarise(outcomes) == summarise(WHOLE)
    assert decide(run, outcomes, check(BARS, outcomes, run)) == decide(plain, WHOLE, check(BARS, WHOLE, plain))
    own = {"id", "command", "finished", "versions", "seconds"}
    assert run.model_dump(exclude=own) == plain.model_dump(exclude=own)


def test_times_are_the_sum_over_the_shards() -> None:
    run, outcomes = merge(parts_of(2), id="merged", command="merge")
    assert run.seconds == {"load": 4.0, "answer": 11.0}
    rate = next(m for m in summarise(outcomes).metrics if m.name == "cases_per_second" and not m.slice)
    assert rate.value == pytest.approx(4.0)  # 60 cases of 0.25 s each, whoever answered them
    assert (run.started, run.finished) == ("2026-01-02T03:04:05Z", "2026-01-02T03:02:00Z")


def test_more_shards_than_samples() -> None:
    few = WHOLE[:4]
    parts = parts_of(9, few)
    nothing = parts[0].run.model.model_copy(update={"name": "as asked", "fingerprint": ""})
    parts = [changed(part, model=nothing, required=("other",)) if part.is_empty else part for part in parts]
    assert sum(part.is_empty for part in parts) >= 7
    run, outcomes = merge(parts, id="merged", command="merge")
    assert len(outcomes) == 4
    assert (run.model.name, run.required) == ("tiny", ("floor",))


def test_a_shard_answered_from_the_reply_store_can_be_merged() -> None:
    one, two = part_of(1, 2, stored=7), part_of(2, 2)
    assert merge([one, two], id="merged", command="merge")[0].stored == 7


def test_failures_of_every_shard_are_kept() -> None:
    one, two = (part_of(number, 2, failed_tests=(f"t[{number}]",)) for number in (1, 2))
    run, outcomes = merge([one, two], id="merged", command="merge")
    assert run.failed_tests == ("t[1]", "t[2]")
    assert decide(run, outcomes, ()).outcome == "errors"


def test_devices_may_differ_and_are_named() -> None:
    one, two = parts_of(2)
    two = changed(two, model=two.run.model.model_copy(update={"device": "cuda:0 (B)"}))
    one = changed(one, model=one.run.model.model_copy(update={"device": "cuda:0 (A)"}))
    assert merge([one, two], id="merged", command="merge")[0].model.device == "cuda:0 (A), cuda:0 (B)"


def model(**changes: Any) -> Callable[[Run], dict[str, Any]]:
    return lambda run: {"model": run.model.model_copy(update=changes)}


def suite(**changes: Any) -> Callable[[Run], dict[str, Any]]:
    return lambda run: {"suites": tuple(suite.model_copy(update=changes) for suite in run.suites)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (model(name="reason2"), "model name differs: 'tiny' in run1, 'reason2' in run2"),
        (model(fingerprint="f00"), "model fingerprint differs"),
        (model(family="generic"), "model family differs"),
        (model(dtype="bfloat16"), "model dtype differs"),
        (model(engine="endpoint"), "model engine differs"),
        (model(generation={"max_new_tokens": "9"}), "model generation differs"),
        (suite(digest="0"), "suite floor: digest differs"),
        (suite(planned=61), "suite floor: planned differs"),
        (suite(name="other"), "suites differs"),
        (lambda run: {"thresholds_digest": "0"}, "thresholds digest differs"),
        (lambda run: {"thresholds": ""}, "thresholds file differs"),
        (lambda run: {"seed": 7}, "--seed differs: 0 in run1, 7 in run2"),
        (lambda run: {"limit": 7}, "--limit differs: None in run1, 7 in run2"),
        (lambda run: {"versions": {"pytest-cosmos": "2.0", "torch": "2.9"}}, "version of pytest-cosmos differs"),
        (lambda run: {"versions": {"pytest-cosmos": "1.0", "torch": "3.0"}}, "version of torch differs"),
        (lambda run: {"git_commit": "abc"}, "git commit differs"),
        (lambda run: {"gated": False}, "gated differs"),
        (lambda run: {"allow_partial": True}, "--allow-partial differs"),
        (lambda run: {"required": ()}, "required suites differs"),
    ],
)
def test_a_shard_of_another_run(change: Callable[[Run], dict[str, Any]], says: str) -> None:
    one, two = parts_of(2)
    assert says in problems_of([one, changed(two, **change(two.run))])


def test_another_prompt_of_the_same_name() -> None:
    other = BINARY.model_copy(update={"text": "Is it cracked?"})
    two = part_of(2, 2)
    edited = tuple(
        o.model_copy(update={"case": o.case.model_copy(update={"prompt": other})}) if o.case.prompt == BINARY else o
        for o in two.outcomes
    )
    problems = problems_of([part_of(1, 2), Part("run2", two.run, edited)])
    assert problems == "prompt floor/binary_safety differs: run1, run2. Run all shards alike."


def test_a_missing_shard() -> None:
    assert problems_of(parts_of(3)[:2]) == "shard 3/3 is missing. Run it with --shard 3/3."


def test_a_shard_given_twice() -> None:
    one, two = parts_of(2)
    problems = problems_of([one, two, Part("copy", two.run, two.outcomes)])
    assert "shard 2/2 is there 2 times: run2, copy" in problems
    assert "cases answered more than once" in problems


def test_the_same_shard_dressed_up_as_the_other() -> None:
    one, _ = parts_of(2)
    problems = problems_of([one, Part("forged", one.run.model_copy(update={"shard": "2/2"}), one.outcomes)])
    assert "forged: holds cases that are not of shard 2/2: floor/" in problems


def test_parts_of_different_divisions() -> None:
    problems = problems_of([part_of(1, 2), part_of(2, 3)])
    assert "these are parts of different divisions: run1: 1/2, run2: 2/3" in problems


def test_one_part_dressed_up_as_all_there_is_leaves_a_partial_run() -> None:
    run, outcomes = merge([changed(part_of(1, 2), shard="1/1")], id="merged", command="merge")
    decision = decide(run, outcomes, check(BARS, outcomes, run))
    assert (decision.outcome, decision.exit_code) == ("partial", 1)


@pytest.mark.parametrize("shard", ["", "0/2", "3/2", "x", "1/", "-1/2", "1/2/3"])
def test_what_is_no_shard(shard: str) -> None:
    one, two = parts_of(2)
    assert "run2: is no shard" in problems_of([one, changed(two, shard=shard)])


@pytest.mark.parametrize("allow_partial", [False, True])
def test_dropped_outcomes(allow_partial: bool) -> None:
    one, two = (part_of(number, 2, allow_partial=allow_partial) for number in (1, 2))
    right = tuple(o for o in two.outcomes if o.judgement.verdict == "correct")
    problems = problems_of([one, Part("run2", two.run, right)])
    assert f"run2: {len(right)} cases in outcomes.jsonl, but {len(two.outcomes)} when it ended" in problems


def test_outcomes_dropped_together_with_all_that_counts_them_leave_a_partial_run() -> None:
    one, two = parts_of(2)
    right = tuple(o for o in two.outcomes if o.judgement.verdict == "correct")
    suites = tuple(suite.model_copy(update={"selected": len(right)}) for suite in two.run.suites)
    run = two.run.model_copy(update={"suites": suites})
    forged = Part("run2", run.model_copy(update={"decision": decide(run, right, ())}), right)
    merged, outcomes = merge([one, forged], id="merged", command="merge")
    decision = decide(merged, outcomes, check(BARS, outcomes, merged))
    assert (decision.outcome, decision.exit_code) == ("partial", 1)


def test_a_shard_that_was_interrupted() -> None:
    one, two = parts_of(2)
    half = two.outcomes[: len(two.outcomes) // 2]
    decision = decide(two.run.model_copy(update={"decision": None}), half, ())
    assert decision.outcome == "partial"
    problems = problems_of([one, Part("run2", two.run.model_copy(update={"decision": decision}), half)])
    assert f"run2: floor: {len(half)} of the {len(two.outcomes)} cases that it meant to ask" in problems


def test_parts_that_may_lack_cases_make_a_whole_that_may() -> None:
    one, two = (part_of(number, 2, allow_partial=True) for number in (1, 2))
    half = two.outcomes[: len(two.outcomes) // 2]
    run = two.run.model_copy(update={"decision": decide(two.run, half, ())})
    merged, outcomes = merge([one, Part("run2", run, half)], id="merged", command="merge")
    decision = decide(merged, outcomes, check(BARS, outcomes, merged))
    assert (decision.outcome, decision.exit_code, decision.answered) == ("partial", 0, len(one.outcomes) + len(half))


def test_a_shard_that_was_killed() -> None:
    one, two = parts_of(2)
    assert "run2: did not finish" in problems_of([one, changed(two, finished="")])
    assert "run2: did not finish" in problems_of([one, changed(two, decision=None)])


def test_an_outcome_repeated_in_its_shard() -> None:
    one, two = parts_of(2)
    assert "cases answered more than once" in problems_of(
        [one, Part("run2", two.run, (*two.outcomes, two.outcomes[0]))]
    )


def test_outcomes_of_a_suite_nobody_knows() -> None:
    one, two = parts_of(2)
    name = next(f"x{n}" for n in range(99) if shard_of("foreign", f"x{n}", 2) == 2)
    assert "run2: holds outcomes of suites that its run.json does not name: foreign" in problems_of(
        [one, Part("run2", two.run, (*two.outcomes, outcome(name, suite="foreign")))]
    )


def test_every_problem_is_told_at_once() -> None:
    one, two, _ = parts_of(3)
    lines = problems_of([changed(one, seed=1), changed(two, decision=None)]).splitlines()
    assert len(lines) == 3
    assert isinstance(two.run.decision, Decision)
