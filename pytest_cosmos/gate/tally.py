"""How far each suite of a run was answered: Run, Outcomes -> Tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pytest_cosmos.gate.checks import suites_answered_for
from pytest_cosmos.gate.entries import LATENCY_SUITE
from pytest_cosmos.records import Outcome, Run


@dataclass(frozen=True, slots=True)
class Tally:
    """How far one suite was answered."""

    suite: str
    planned: int | None
    """Of a shard: what it meant to ask. None: the run does not know the suite."""
    answered: int
    """Different cases with an outcome."""
    twice: tuple[str, ...]
    """Keys of cases with more than one."""

    @property
    def complete(self) -> bool:
        """Whether every case was answered, once."""
        return bool(self.planned) and self.answered == self.planned and not self.twice


def tallies(run: Run, outcomes: Sequence[Outcome]) -> tuple[Tally, ...]:
    """Count the cases of every suite that a run must answer for."""
    planned = {suite.name: suite.selected if run.shard else suite.planned for suite in run.suites}
    counts: dict[str, Counter[str]] = {suite: Counter() for suite in suites_answered_for(run, outcomes)}
    for outcome in outcomes:
        counts[outcome.case.suite][outcome.case.key] += 1
    return tuple(
        Tally(suite, planned.get(suite), len(count), tuple(key for key, n in sorted(count.items()) if n > 1))
        for suite, count in counts.items()
    )


def latency_tally(run: Run, timed: Collection[str]) -> Iterator[Tally]:
    """Count the benchmarks of latency as the cases of a suite, where the run was asked for them."""
    if run.latency is not None:
        names = Counter(run.latency)
        answered = len(set(names) & set(timed))
        yield Tally(LATENCY_SUITE, len(names), answered, tuple(name for name, n in sorted(names.items()) if n > 1))
