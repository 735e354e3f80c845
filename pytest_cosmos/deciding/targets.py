"""Release targets with evidence: reached by the whole interval, whether or not they block for this model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_cosmos.deciding.evidence import Evidence
from pytest_cosmos.gate import Thresholds, check
from pytest_cosmos.gate.must_pass import must_pass_failures
from pytest_cosmos.gate.too_few import samples_needed, too_few
from pytest_cosmos.measure import METRICS, metric
from pytest_cosmos.records import Check, CheckStatus, Metric, Outcome, Run, Target, TargetFigure, Threshold
from pytest_cosmos.report import text

WEAKEST = 3
"""How many slices are named."""

_SLICES = ("prompt", "category", "source")


def targets(evidence: Evidence) -> tuple[Target, ...]:
    """Hold the run, and its baseline, against the release targets of its suites."""
    if evidence.thresholds is None:
        return ()
    held = _held(evidence.thresholds, evidence.outcomes, evidence.run)
    if evidence.before is None:
        return tuple(Target(threshold=one.threshold, now=figure_of(one)) for one in held)
    before = _held(evidence.thresholds, evidence.before.outcomes, evidence.run)
    return tuple(
        Target(threshold=now.threshold, now=figure_of(now), before=figure_of(was))
        for now, was in zip(held, before, strict=True)
    )


def _held(thresholds: Thresholds, outcomes: Sequence[Outcome], run: Run) -> tuple[Check, ...]:
    return check(replace(thresholds, guards=()), outcomes, run)


def figure_of(held: Check) -> TargetFigure:
    """Say with how much evidence a target is reached; one that nothing could prove is held by its figure."""
    if held.status is CheckStatus.NO_DATA:
        return TargetFigure(metric=held.metric, status="no_data")
    if held.status is CheckStatus.NOT_MET:
        return TargetFigure(metric=held.metric, status="missed")
    if held.status is CheckStatus.NO_EVIDENCE or held.doubt:
        return TargetFigure(metric=held.metric, status="unproven", needed=samples_needed(held.threshold, held.metric))
    return TargetFigure(metric=held.metric, status="reached")


def lacks_targets(thresholds: Thresholds | None, suites: Sequence[str]) -> tuple[str, ...]:
    """Say of which suites nothing tells what good enough is, and what to write."""
    known = {threshold.suite for threshold in thresholds.release} if thresholds is not None else set()
    where = thresholds.path if thresholds is not None else "thresholds.yaml"
    return tuple(
        f"{suite}: {where} has no release target for it, so nothing says what good enough is. Write under release: "
        f"{{{suite}: {{accuracy: {{at_least: 0.85}}}}}}"
        for suite in suites
        if suite not in known
    )


def shortfalls(evidence: Evidence, found: Sequence[Target]) -> Iterator[str]:
    """Say which targets are missed, by how much, and which cases that must pass did not."""
    for one in found:
        if one.now.status == "missed":
            yield f"{name_of(one.threshold)} is {written(one.now.metric)}, {_gap(one)} its target of {bar(one)}."
    yield from unpassed(evidence)


def unpassed(evidence: Evidence) -> tuple[str, ...]:
    """Say which cases that must pass did not."""
    waivers = evidence.thresholds.waivers if evidence.thresholds is not None else ()
    return tuple(must_pass_failures(evidence.outcomes, waivers, evidence.today))


def doubts(found: Sequence[Target]) -> Iterator[str]:
    """Say which targets so few cases cannot show to be reached, and how many would."""
    for one in found:
        if one.now.status == "unproven":
            yield (
                f"{name_of(one.threshold)} is {written(one.now.metric)}: its figure reaches {bar(one)}, the end of its "
                f"interval does not. {_sentence(too_few(one.threshold, one.now.metric))}"
            )
        elif one.now.status == "no_data":
            yield (
                f"{name_of(one.threshold)}: no data ({text.plural(one.now.metric.cases, 'case')}, "
                f"{one.threshold.min_cases:,} needed) to hold against {bar(one)}."
            )


def proofs(found: Sequence[Target]) -> Iterator[str]:
    """Say which targets are reached, and by which end of the interval."""
    for one in found:
        if one.now.status == "reached":
            metric = one.now.metric
            end = "high" if one.threshold.at_least is None else "low"
            by = f" with the {end} end of its interval" if metric.low is not None and _is_provable(one) else ""
            yield f"{name_of(one.threshold)} is {written(metric)} and reaches {bar(one)}{by}."


def _is_provable(one: Target) -> bool:
    low, high = METRICS[one.threshold.metric].bounds
    return one.threshold.at_least != high and one.threshold.at_most != low


def lack(one: Target) -> float | None:
    """Return how far the baseline's figure is from a target that it missed; None: it did not miss it."""
    if one.before is None or one.before.status != "missed" or one.before.metric.value is None:
        return None
    value, low, high = one.before.metric.value, one.threshold.at_least, one.threshold.at_most
    if low is not None and value < low:
        return low - value
    return value - high if high is not None else None


def _gap(one: Target) -> str:
    """Write by how much a target is missed, e.g. `9.1 points below`."""
    value, low, high = one.now.metric.value or 0.0, one.threshold.at_least, one.threshold.at_most
    below = low is not None and value < low
    distance = abs(value - ((low if below else high) or 0.0))
    share = text.unit(one.threshold.metric) == "share"
    amount = f"{100 * distance:.1f} points" if share else text.quantity(one.threshold.metric, distance)
    return f"{amount} {'below' if below else 'above'}"


def weakest(evidence: Evidence) -> tuple[Metric, ...]:
    """Name the slices whose accuracy is worse than the whole suite's with evidence, the worst first."""
    facts, found = evidence.facts, []
    for suite, of in facts.items():
        whole = metric(facts, suite, "accuracy", {})
        for key in _SLICES:
            values = sorted({str(value) for value in of.values_of(key) if value})
            slices = (metric(facts, suite, "accuracy", {key: value}) for value in values if len(values) > 1)
            found += [one for one in slices if _is_worse(one, whole)]
    return tuple(sorted(found, key=lambda one: one.value or 0.0)[:WEAKEST])


def _is_worse(one: Metric, whole: Metric) -> bool:
    return one.high is not None and whole.value is not None and one.high < whole.value


def name_of(what: Threshold | Metric) -> str:
    """Write suite and metric, as thresholds.yaml names them."""
    return f"{what.suite} {what.key}"


def written(metric: Metric) -> str:
    """Write a figure with its unit and its interval: `75.9 % [73.1–78.5]`."""
    interval = text.interval(metric)
    return text.quantity(metric.name, metric.value) + (f" [{interval}]" if interval else "")


def bar(one: Target) -> str:
    """Write the bar of a target in the unit of its metric: `>= 85 %`."""
    return text.bar(one.threshold.metric, one.threshold.at_least, one.threshold.at_most)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""
