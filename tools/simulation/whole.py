"""The whole gate on whole runs: a thresholds file, outcomes, pairs, checks, and the exit code they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_cosmos.gate import Compared, Thresholds, check, check_regressions, decide
from pytest_cosmos.measure import pair
from pytest_cosmos.records import Comparison, ModelRecord, Outcome, Run, SuiteRecord
from tools.simulation.designs import INDEPENDENT, SUITE, Bond, Change, draw_pair, sizes_of, suite_of, thresholds_of
from tools.simulation.sections import Bar, Budget, Rate, Section

_BAR = "release: {floor: {accuracy: {at_least: 0.85, bound: lower}}}"
_MARGIN = "regression: {floor: {accuracy: {max_drop: 0.05}}}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Thresholds, and two models that they are held against."""

    what: str
    thresholds: str
    change: Change
    sizes: str
    bond: Bond
    clusters: int = 200


_DESIGNS: Sequence[tuple[str, Bond]] = (
    ("1", INDEPENDENT),
    ("3", Bond("beta", 0.5)),
    ("1-5", Bond("whole")),
)
AT_LIMIT = tuple(
    Cell(what, thresholds, change, sizes, bond)
    for what, thresholds, change in (
        ("accuracy just at the bar", _BAR, Change(0.85, 0.1, 0.0)),
        ("a drop of just the margin", _MARGIN, Change(0.9, 0.15, -0.05)),
        ("both", f"{_BAR}\n{_MARGIN}", Change(0.9, 0.15, -0.05)),
    )
    for sizes, bond in _DESIGNS
)
GOOD = tuple(
    Cell("better than the bar, no drop", f"{_BAR}\n{_MARGIN}", Change(0.95, 0.04, 0.0), sizes, bond)
    for sizes, bond in _DESIGNS
)


def passes(cell: Cell, budget: Budget) -> Rate:
    """Draw pairs of runs, and count how often the candidate's comes to exit code 0."""
    chance = budget.chance(cell)
    suite = suite_of(sizes_of(cell.clusters, cell.sizes, Budget(0, 1).chance(cell.clusters, cell.sizes)))
    thresholds = thresholds_of(cell.thresholds)
    hits = 0
    for _ in range(budget.repetitions):
        before, after = (suite.outcomes_of(side) for side in draw_pair(suite, cell.change, cell.bond, chance))
        hits += _exit_code(thresholds, before, after) == 0
    return Rate(hits, budget.repetitions)


def _exit_code(thresholds: Thresholds, before: Sequence[Outcome], after: Sequence[Outcome]) -> int:
    baseline, candidate = _run("before", len(before)), _run("after", len(after))
    pairs = pair(before, after)
    # without its list of differences, which only reports need, and which takes most of the time
    compared = Compared(
        pairs,
        Comparison(
            baseline=baseline.id,
            candidate=candidate.id,
            baseline_model=baseline.model.label,
            candidate_model=candidate.model.label,
            pairs=len(pairs),
            unpaired=pairs.unpaired,
        ),
    )
    absolute = check(thresholds, after, candidate)
    regressions = check_regressions(thresholds, after, candidate, [compared])
    return decide(candidate, after, (*absolute, *regressions), comparisons=[compared.comparison]).exit_code


def _run(name: str, cases: int) -> Run:
    suite = SuiteRecord(name=SUITE, path=SUITE, planned=cases, selected=cases)
    return Run(
        id=name,
        started="2026-01-02T03:04:05Z",
        model=ModelRecord(name=name, engine="scripted"),
        suites=(suite,),
        required=(SUITE,),
        thresholds="thresholds.yaml",
    )


def gate(budget: Budget) -> Section:
    """Simulate whole runs at their limits, and good ones."""
    found = [(cell, passes(cell, budget)) for cell in (*AT_LIMIT, *GOOD)]
    at_limit = found[: len(AT_LIMIT)]
    cell = max(at_limit, key=lambda one: one[1].value)[0]
    again = passes(cell, Budget(4 * budget.repetitions, budget.seed + 1))
    return Section(
        "gate",
        "The whole gate: exit code 0",
        "A thresholds file is read, two runs of 200 clusters are measured, paired, compared, checked and decided. The "
        "bar is accuracy 0.85 with `bound: lower`, the margin `max_drop: 0.05`. Good candidates pass as often as said.",
        ("candidate", "cases each", "bond", "exit code 0"),
        tuple((one.what, one.sizes, str(one.bond), str(rate)) for one, rate in found),
        (
            Bar(
                "a candidate just at its limit passes at most (1 - confidence) / 2 + 1 point of the time",
                again,
                at_most=0.035,
                where=f"{cell.what}, clusters of {cell.sizes}, {cell.bond}",
            ),
        ),
    )
