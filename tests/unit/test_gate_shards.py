"""A shard answers for its own part: held against no bar, but complete, and without failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_cosmos.gate import Thresholds, check, decide
from pytest_cosmos.records import ERROR, Outcome, Run, Threshold
from pytest_cosmos.report.figures import headline
from tests.unit.builders import outcome, outcomes_of, run_of

BARS = Thresholds(release=(Threshold(suite="floor", metric="accuracy", at_least=0.85),))
TERRIBLE = outcomes_of(1, 9)


def shard_of(outcomes: Sequence[Outcome], selected: int | None = None, *, planned: int = 40, **changes: Any) -> Run:
    """Build the second of four shards, which meant to ask `selected` of the `planned` cases of its suite."""
    run = run_of(outcomes, planned={"floor": planned})
    selected = len(outcomes) if selected is None else selected
    suites = tuple(suite.model_copy(update={"selected": selected}) for suite in run.suites)
    return run.model_copy(update={"shard": "2/4", "suites": suites, **changes})


def test_a_shard_that_answered_its_part_exits_0_whatever_the_bars_say() -> None:
    run = shard_of(TERRIBLE)
    decision = decide(run, TERRIBLE, check(BARS, TERRIBLE, run))
    assert (decision.outcome, decision.exit_code) == ("no_evidence", 0)
    assert (decision.answered, decision.planned) == (10, 10)
    assert decision.would_release is None
    assert decision.reasons == (
        "Shard 2/4: held against no bar. `pytest-cosmos merge` joins all shards and gates the whole.",
    )
    assert headline(run.model_copy(update={"decision": decision})).text == "Shard 2/4"


def test_an_empty_shard_exits_0() -> None:
    decision = decide(shard_of([], 0), [], ())
    assert (decision.outcome, decision.exit_code, decision.planned) == ("no_evidence", 0, 0)


@pytest.mark.parametrize(("answered", "word"), [(9, "partial"), (0, "no_data")])
def test_a_shard_that_lacks_cases_of_its_own_fails(answered: int, word: str) -> None:
    outcomes = TERRIBLE[:answered]
    decision = decide(shard_of(outcomes, 10), outcomes, ())
    assert (decision.outcome, decision.exit_code) == (word, 1)


def test_a_shard_that_may_lack_cases() -> None:
    decision = decide(shard_of(TERRIBLE, 12, allow_partial=True), TERRIBLE, ())
    assert (decision.outcome, decision.exit_code) == ("partial", 0)


@pytest.mark.parametrize("changes", [{"failed_tests": ("t.py::t",)}, {"failed_tests": ("t",), "allow_partial": True}])
def test_a_failed_test_fails_its_shard(changes: dict[str, Any]) -> None:
    decision = decide(shard_of(TERRIBLE, **changes), TERRIBLE, ())
    assert (decision.outcome, decision.exit_code) == ("errors", 1)


def test_a_case_without_reply_fails_its_shard() -> None:
    outcomes = [*TERRIBLE, outcome("broken", said=ERROR)]
    assert decide(shard_of(outcomes), outcomes, ()).outcome == "errors"


def test_more_answers_than_were_asked_for_fail_the_shard() -> None:
    assert decide(shard_of(TERRIBLE, 9), TERRIBLE, ()).outcome == "errors"


def test_a_suite_that_was_required_but_not_read_fails_the_shard() -> None:
    decision = decide(shard_of(TERRIBLE, required=("floor", "spills")), TERRIBLE, ())
    assert (decision.outcome, decision.exit_code) == ("no_data", 1)


def test_a_shard_of_a_run_that_only_measures() -> None:
    assert decide(shard_of(TERRIBLE, gated=False), TERRIBLE, ()).exit_code == 0


def test_the_order_of_failed_tests_changes_nothing() -> None:
    names = ("d", "a", "c", "b")
    one, other = (decide(shard_of(TERRIBLE, failed_tests=order), TERRIBLE, ()) for order in (names, names[::-1]))
    assert one == other
