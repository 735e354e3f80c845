"""Whether a candidate is better than its baseline: goals, and what must not be worse.

Helped: a goal is improved with evidence (Holm over the goals) and nothing watched is worse with evidence (slices after
Holm; `regression:` thresholds, where there are any, all met).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_cosmos.deciding.evidence import Before, Evidence
from pytest_cosmos.deciding.targets import bar, lack, name_of
from pytest_cosmos.gate.too_few import rounded
from pytest_cosmos.measure import METRICS, Parameters, difference
from pytest_cosmos.measure.comparison import adjusted
from pytest_cosmos.measure.power import design_of_pairs, pairs_for_difference
from pytest_cosmos.records import Advice, CheckStatus, Difference, Target, Threshold, metric_key
from pytest_cosmos.report import text
from pytest_cosmos.report.figures import change_interval, signed

WATCHED = ("accuracy", "recall", "specificity", "unparsed_rate")
"""What must not be worse, besides what the release targets name: right answers, hazards found, no false alarms."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What changed, and what that comes to."""

    advice: Advice
    because: tuple[str, ...]
    goals: tuple[Difference, ...]
    watched: tuple[Difference, ...]


def weigh(evidence: Evidence, before: Before, targets: Sequence[Target]) -> Weighed:
    """Say whether the candidate is better than its baseline."""
    goals, watched = find_goals(before, targets), find_watched(before, targets)
    gains = [one for one in goals if one.change == "improved"]
    parts = [one for one in watched if one.change == "improved" and not _is_in(one, gains)]
    parts = [one for one in parts if not (gains and "prompt" in one.slice)]  # no news: the table tells them
    losses = [one for one in watched if one.change == "worse"]
    broken = [one for one in before.regressions if one.status is CheckStatus.NOT_MET]
    open_ = [one for one in before.regressions if one.status not in (CheckStatus.MET, CheckStatus.NOT_MET)]
    told = [*(f"Improved: {_told(one)}" for one in gains), *(f"Improved in part: {_told(one)}" for one in parts)]
    lost = [*(f"Worse: {_told(one)}" for one in losses)]
    lost += [f"Worse than regression: allows: {name_of(one.threshold)}: {one.message}." for one in broken]
    if lost:
        return Weighed("mixed" if gains or parts else "harmed", (*lost, *told), goals, watched)
    if gains and open_:
        unshown = [f"Not shown to be no worse: {name_of(one.threshold)}: {one.message}." for one in open_]
        return Weighed("no_evidence", (*unshown, *told), goals, watched)
    if gains:
        return Weighed("helped", (*told, _nothing_worse(before, watched)), goals, watched)
    short = list(_out_of_reach(goals, targets))
    unseen = [f"No evidence: {_told(one)} {_pairs_needed(one)}".rstrip() for one in goals]
    if short:
        return Weighed("not_helped", (*short, *told), goals, watched)
    return Weighed("no_evidence", (*unseen, *told), goals, watched)


def find_goals(before: Before, targets: Sequence[Target]) -> tuple[Difference, ...]:
    """Return the changes in accuracy, and in each release target that the baseline missed, adjusted for being several.

    Figures that cannot be compared case by case (counts, times) are no goals.
    """
    pairs = before.compared.pairs
    found = [difference(pairs, suite, "accuracy") for suite in pairs.candidate]
    found += [_difference(before, one.threshold) for one in targets if lack(one) is not None]
    return tuple(adjusted([one for one in _distinct(found) if one.change != "no_data"]))


def find_watched(before: Before, targets: Sequence[Target]) -> tuple[Difference, ...]:
    """Return the changes in all that must not be worse."""
    found = [one for one in before.compared.comparison.differences if one.metric in WATCHED]
    named = [
        _difference(before, one.threshold)
        for one in targets
        if METRICS[one.threshold.metric].has_interval and METRICS[one.threshold.metric].higher_is_better is not None
    ]
    return tuple(one for one in _distinct([*found, *named]) if one.change != "no_data")


def _difference(before: Before, threshold: Threshold) -> Difference:
    parameters = Parameters(cost=threshold.cost, abstain_below=threshold.abstain_below)
    return difference(before.compared.pairs, threshold.suite, threshold.metric, threshold.slice, parameters=parameters)


def _distinct(found: Sequence[Difference]) -> list[Difference]:
    """Keep the first of those that are about the same figure."""
    first: dict[tuple[str, str], Difference] = {}
    for one in found:
        first.setdefault((one.suite, metric_key(one.metric, dict(sorted(one.slice.items())))), one)
    return list(first.values())


def _is_in(one: Difference, others: Sequence[Difference]) -> bool:
    return any((one.suite, one.key) == (other.suite, other.key) for other in others)


def _told(one: Difference) -> str:
    """Write a change, e.g. `floor accuracy 75.9 % -> 83.2 %, +7.3 points [+5.1 to +9.5], p < 0.001.`."""
    share = " points" if text.unit(one.metric) == "share" else ""
    p_value = one.p_value if one.p_adjusted is None else one.p_adjusted
    p = "" if p_value is None else ", p < 0.001" if p_value < 0.001 else f", p = {p_value:.3f}"
    figures = f"{text.quantity(one.metric, one.baseline)} → {text.quantity(one.metric, one.candidate)}"
    change = f"{signed(one.metric, one.value)}{share} [{change_interval(one)}]"
    return f"{one.suite} {one.key} {figures}, {change}{p}."


def _nothing_worse(before: Before, watched: Sequence[Difference]) -> str:
    if before.regressions:
        return f"Every regression: bar is met, and none of {len(watched)} figures is worse with evidence."
    return (
        f"Nothing is worse with evidence, of {len(watched)} figures. That is no proof that nothing is worse: for one, "
        "write regression: bars into thresholds.yaml."
    )


def _out_of_reach(goals: Sequence[Difference], targets: Sequence[Target]) -> Iterator[str]:
    """Say by how much even the better end of each change falls short of a target; nothing unless all do."""
    told = []
    for one in targets:
        missing = lack(one)
        found = next((g for g in goals if (g.suite, g.key) == (one.threshold.suite, one.threshold.key)), None)
        if missing is None or found is None:
            continue
        best = _best(found)
        if best is None or best >= missing:
            return
        told.append(
            f"{name_of(one.threshold)} changed by {signed(found.metric, found.value)} [{change_interval(found)}]: not "
            f"even the better end makes up for the {signed(found.metric, missing).lstrip('+')} that the baseline lacks "
            f"to {bar(one)}."
        )
    yield from told


def _best(found: Difference) -> float | None:
    """Return the better end of the interval of a change, as a gain."""
    higher = METRICS[found.metric].higher_is_better
    return found.high if higher else None if found.low is None else -found.low


def _pairs_needed(found: Difference) -> str:
    """Say how many images would show a change as large as the one found."""
    if not found.value or found.fixed is None:
        return ""
    design, discordant = design_of_pairs(found)
    needed = pairs_for_difference(abs(found.value), discordant, confidence=found.confidence, design=design)
    unit = "image" if found.clusters == found.samples else "group"
    if needed is None:
        return f"No number of {unit}s in reach would show a change so small."
    needed = max(needed, found.clusters + 1)
    return f"If it is real, about {rounded(needed)} {unit}s would show it ({found.clusters:,} asked)."
