"""What a decision rests on, and what stands in its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from pytest_cosmos.gate import Compared, Thresholds, mistrust, suites_answered_for, tallies
from pytest_cosmos.gate.likeness import is_base_of, is_same, unlike
from pytest_cosmos.measure import Facts, read_facts
from pytest_cosmos.records import Check, Outcome, Run
from pytest_cosmos.report import text


@dataclass(frozen=True, slots=True)
class Before:
    """What the run is compared with."""

    run: Run
    compared: Compared
    said: Mapping[str, Outcome]
    """By case key."""
    regressions: tuple[Check, ...] = ()
    """What became of `regression:` thresholds against it."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The baseline's side of the pairs."""
        return tuple(one for facts in self.compared.pairs.baseline.values() for one in facts.outcomes)


@dataclass(frozen=True)
class Evidence:
    """All that a decision is made of."""

    run: Run
    outcomes: tuple[Outcome, ...]
    thresholds: Thresholds | None
    before: Before | None = None
    today: date = date.max
    """Decides which waivers hold; no waiver holds unless it is told."""
    gate_passed: bool = False
    """Whether the run passes everything that blocks for its model."""
    compared_so_far: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def suites(self) -> tuple[str, ...]:
        """The suites that it is about."""
        return suites_answered_for(self.run, self.outcomes)

    @cached_property
    def facts(self) -> Mapping[str, Facts]:
        """The outcomes as columns, by suite."""
        return read_facts(self.outcomes)


def obstacles(evidence: Evidence) -> Iterator[str]:
    """Say why nothing can be decided: by part of the cases, by another split, by a void comparison."""
    run, outcomes = evidence.run, evidence.outcomes
    if run.split != "test":
        yield f"The run asked the {run.split} split, which is there to choose by. Run it on the test split."
    yield from _unfinished(run, "The run")
    yield from _incomplete(evidence)
    yield from mistrust(run, outcomes, tallies(run, outcomes))
    if evidence.before is not None:
        yield from _void(run, evidence.before)


def _unfinished(run: Run, what: str) -> Iterator[str]:
    if not run.finished:
        yield f"{what} did not finish ({run.id}). Run it again: what was answered is in the reply store."


def _incomplete(evidence: Evidence) -> Iterator[str]:
    planned = {suite.name: suite.planned for suite in evidence.run.suites}
    answered = Counter(outcome.case.suite for outcome in evidence.outcomes)
    if not evidence.suites:
        yield "No suite was run."
    for suite in evidence.suites:
        if suite not in planned and not answered[suite]:
            yield f"{suite}: the suite was not run."
        elif not planned.get(suite):
            yield f"{suite}: the suite has no case to ask in this split."
        elif answered[suite] != planned[suite]:
            yield (
                f"{suite}: {answered[suite]:,} of {planned[suite]:,} cases answered: the run is PARTIAL. Leave out -k, "
                "--limit and the like, and run it again."
            )


def _void(run: Run, before: Before) -> Iterator[str]:
    comparison = before.compared.comparison
    yield from _unfinished(before.run, "The baseline")
    yield from (f"The comparison is void: {fault}" for fault in comparison.faults)
    if not comparison.pairs:
        yield f"No case can be compared with {comparison.baseline}."
    if comparison.unpaired:
        reasons = Counter(one.reason for one in comparison.unpaired)
        told = ", ".join(f"{n:,} {reason}" for reason, n in reasons.most_common())
        many = text.plural(len(comparison.unpaired), "case")
        yield f"{many} could not be compared with {comparison.baseline} ({told}). Run both again, asked alike."
    if is_same(before.run.model, run.model):
        yield f"Baseline and candidate are the same model, {run.model.label}: there is nothing that could have helped."
    elif is_base_of(before.run, run) and (differing := unlike(before.run.model, run.model)) and not comparison.faults:
        yield f"Base and adapter were not asked alike ({'; '.join(differing)}). Run both in the same way."
