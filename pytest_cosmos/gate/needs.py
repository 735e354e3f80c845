"""How many samples each threshold needs to be shown as met: Thresholds, Outcomes, Comparisons -> Needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_cosmos.gate.checks import check, suites_answered_for
from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.gate.too_few import pairs_needed, samples_needed
from pytest_cosmos.measure import METRICS, metric, read_facts
from pytest_cosmos.measure.power import POWER, Design, design_of, design_of_pairs, pairs_for_margin
from pytest_cosmos.records import Check, CheckStatus, Comparison, Difference, Metric, Outcome, Run, Threshold

ASSUMED_DISCORDANT = 0.1
"""Share of the pairs that differ, where no comparison has told."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one threshold needs, beside what there is."""

    threshold: Threshold
    value: float | None
    """The figure, or of a regression the difference; None: no data, or no comparison."""
    have: int
    """Samples, or clusters of them where the suite groups them."""
    cases: int
    design: Design
    need: int | None
    """As many of them show that the threshold is met, with the power asked for; None: see `note`."""
    note: str


def needs(
    thresholds: Thresholds,
    outcomes: Sequence[Outcome],
    run: Run,
    comparisons: Sequence[Comparison] = (),
    power: float = POWER,
) -> tuple[Need, ...]:
    """Say for every bar and every margin that applies to a run how many samples it needs."""
    held = check(thresholds, outcomes, run)
    return (*(_of_bar(one, power) for one in held), *_of_margins(thresholds, outcomes, run, comparisons, power))


def _of_bar(held: Check, power: float) -> Need:
    threshold, measured = held.threshold, held.metric
    kind, design = METRICS[threshold.metric], design_of(measured)
    have = (measured.value, measured.clusters, measured.cases, design)
    if held.status is CheckStatus.NO_DATA:
        return Need(threshold, *have, None, "no data")
    if not kind.has_interval:
        return Need(threshold, *have, None, "has no interval: no number of samples proves it")
    if threshold.at_least == kind.bounds[1] or threshold.at_most == kind.bounds[0]:
        return Need(threshold, *have, None, "no number of samples proves it; it is held as a point")
    if held.status is CheckStatus.NOT_MET:
        return Need(threshold, *have, None, "the figure is on the wrong side of the bar")
    needed = samples_needed(threshold, measured, power)
    return Need(threshold, *have, needed, "" if needed else "too near to the bar for any number of samples")


def _of_margins(
    thresholds: Thresholds, outcomes: Sequence[Outcome], run: Run, comparisons: Sequence[Comparison], power: float
) -> Iterator[Need]:
    facts, suites = read_facts(outcomes), suites_answered_for(run, outcomes)
    for threshold in thresholds.regression:
        if threshold.suite not in suites:
            continue
        found = [d for one in comparisons for d in one.differences if _same(d, threshold)]
        for one in found:
            yield _of_difference(threshold, one, power)
        if not found:
            yield _of_assumption(threshold, metric(facts, threshold.suite, threshold.metric, threshold.slice), power)


def _same(found: Difference, threshold: Threshold) -> bool:
    return (found.suite, found.metric, found.slice) == (threshold.suite, threshold.metric, threshold.slice)


def _of_difference(threshold: Threshold, found: Difference, power: float) -> Need:
    if found.fixed is None:
        note = "no share of the same cases: how many it needs can't be told"
        return Need(threshold, found.value, found.clusters, found.cases, Design(), None, note)
    design, discordant = design_of_pairs(found)
    needed = pairs_needed(threshold, found, power)
    note = f"{discordant:.1%} of the pairs differ; both equally good" if needed else "out of reach"
    return Need(threshold, found.value, found.clusters, found.cases, design, needed, note)


def _of_assumption(threshold: Threshold, measured: Metric, power: float) -> Need:
    """Return the need of a margin that nothing was compared for; what is known is how the cases hang together."""
    margin = threshold.max_drop if threshold.max_drop is not None else threshold.max_rise
    needed, design = None, design_of(measured)
    if margin is not None and METRICS[threshold.metric].proportion:
        needed = pairs_for_margin(
            margin, ASSUMED_DISCORDANT, confidence=threshold.confidence, power=power, design=design
        )
    note = "no comparison tells how many pairs differ"
    assumed = f"{note}; {ASSUMED_DISCORDANT:.0%} assumed, both equally good"
    return Need(threshold, None, measured.clusters, measured.cases, design, needed, assumed if needed else note)
