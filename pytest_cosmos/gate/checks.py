"""Each threshold held against what was measured: Thresholds, Outcomes, Run -> Checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import count

from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.gate.too_few import counted, too_few
from pytest_cosmos.measure import METRICS, Facts, Parameters, metric, read_facts
from pytest_cosmos.records import Check, CheckStatus, Metric, Outcome, Run, Threshold

_ROUNDING = 1e-12
"""Far below what one case weighs, far above the rounding of a mean; a share of cases has none at all."""


def suites_answered_for(run: Run, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the suites a run must have evidence for: those required, and any other it asked about.

    Were the others left out, a suite without thresholds, or a run without any, would pass unseen.
    """
    asked = [suite.name for suite in run.suites if suite.selected]
    return tuple(dict.fromkeys([*run.required, *asked, *(outcome.case.suite for outcome in outcomes)]))


def answering(run: Run, thresholds: Thresholds | None) -> Run:
    """Let a run answer for every suite that a thresholds file names for its model, were it added since or misspelt.

    Not a run that was asked for some suites only, nor one that is held against no bar.
    """
    if thresholds is None or run.limited or run.ungated or run.shard:
        return run
    required = dict.fromkeys((*run.required, *thresholds.suites_for(run.model.name)))
    return run.model_copy(update={"required": tuple(required)})


def check(thresholds: Thresholds, outcomes: Sequence[Outcome], run: Run) -> tuple[Check, ...]:
    """Hold every threshold that applies to the run's model and suites against the outcomes.

    Guards come first. They block, and so do release targets, unless the model is one not for release.
    Raises `RunFolderError` where a case occurs twice or contradicts itself.
    """
    facts = read_facts(outcomes)
    suites = suites_answered_for(run, outcomes)
    model = run.model.name
    return tuple(
        _check(threshold, facts, blocking=threshold.kind == "guard" or thresholds.may_release(model))
        for threshold in (*thresholds.guards_for(model), *thresholds.release)
        if threshold.suite in suites
    )


def _check(threshold: Threshold, facts: Mapping[str, Facts], *, blocking: bool) -> Check:
    measured = metric(
        facts,
        threshold.suite,
        threshold.metric,
        threshold.slice,
        threshold.min_cases,
        threshold.confidence,
        Parameters(cost=threshold.cost, abstain_below=threshold.abstain_below),
    )
    return Check(
        threshold=threshold,
        metric=measured,
        status=status_of(threshold, measured),
        blocking=blocking,
        doubt=doubt(threshold, measured),
        message=message_of(threshold, measured),
    )


def status_of(threshold: Threshold, measured: Metric) -> CheckStatus:
    """Compare what was measured, unrounded, with the bar; without enough data nothing is met.

    Where a bound is asked for, the figure must be on the right side of the bar and that end of its interval too.
    """
    value = measured.value
    if value is None or not math.isfinite(value) or measured.cases < threshold.min_cases:
        return CheckStatus.NO_DATA
    if _partly_known(threshold, measured):
        return CheckStatus.NO_DATA
    end = _end(threshold, measured)
    if threshold.bound != "point" and (end is None or measured.confidence != threshold.confidence):
        return CheckStatus.NO_DATA
    if _misses(threshold, value):
        return CheckStatus.NOT_MET
    return CheckStatus.NO_EVIDENCE if end is not None and _misses(threshold, end) else CheckStatus.MET


def _partly_known(threshold: Threshold, measured: Metric) -> bool:
    """Tell whether confidences or times were lost, which must not help, where the file does not say how many do."""
    return measured.unknown > 0 and threshold.min_cases == 1


def doubt(threshold: Threshold, measured: Metric) -> str:
    """Say why so few cases cannot tell, where the figure meets its bar while its interval reaches over it.

    A bar at the end of what there can be, such as no error at all, is beyond any proof.
    """
    if threshold.bound != "point" or status_of(threshold, measured) is not CheckStatus.MET:
        return ""
    low, high = METRICS[threshold.metric].bounds
    ends = [end for end in (measured.low, measured.high) if end is not None and math.isfinite(end)]
    provable = threshold.at_least != high and threshold.at_most != low
    unsure = provable and any(_misses(threshold, end) for end in ends)
    return f"too few cases to tell: {too_few(threshold, measured)}" if unsure else ""


def _end(threshold: Threshold, measured: Metric) -> float | None:
    """Return the end of the interval that is held against the bar; None: a point is asked for, or there is none."""
    ends = {"point": None, "lower": measured.low, "upper": measured.high}
    end = ends[threshold.bound]
    return end if end is not None and math.isfinite(end) else None


def _misses(threshold: Threshold, value: float) -> bool:
    return _below(threshold, value) or _above(threshold, value)


def _below(threshold: Threshold, value: float) -> bool:
    return threshold.at_least is not None and value < threshold.at_least - _ROUNDING


def _above(threshold: Threshold, value: float) -> bool:
    return threshold.at_most is not None and value > threshold.at_most + _ROUNDING


def message_of(threshold: Threshold, measured: Metric) -> str:
    """Say what was found and how it compares, e.g. `0.712 (…) is below the 0.85 required`."""
    value, status = measured.value, status_of(threshold, measured)
    if status is CheckStatus.NO_DATA or value is None:
        return _no_data(threshold, measured)
    found = f"{_number(threshold, value)} ({_basis(measured)})"
    if _below(threshold, value):
        return f"{found} is below the {threshold.at_least:.12g} required"
    if _above(threshold, value):
        return f"{found} is above the {threshold.at_most:.12g} allowed"
    if status is CheckStatus.NO_EVIDENCE:
        return (
            f"{found} is on the right side of {threshold.bar}, but {_reach(threshold)}: {too_few(threshold, measured)}"
        )
    if unsure := doubt(threshold, measured):
        return f"{found} meets {threshold.bar}, but {unsure}"
    end = f", and so does the {_END[threshold.bound]} end" if threshold.bound != "point" else ""
    return f"{found} meets {threshold.bar}{end}"


_END = {"lower": "low", "upper": "high"}


def _reach(threshold: Threshold) -> str:
    side = "below" if threshold.bound == "lower" else "above"
    return f"the {_END[threshold.bound]} end of its interval is {side}"


def _no_data(threshold: Threshold, measured: Metric) -> str:
    if measured.cases < threshold.min_cases:
        what = ", ".join(f"{key}={value}" for key, value in threshold.slice.items())
        of = f" with {what}" if what else ""
        return f"no data: {counted(measured.cases, 'case')}{of} to compute it from, {threshold.min_cases} needed"
    if measured.value is not None and _partly_known(threshold, measured):
        what = "time" if METRICS[threshold.metric].timing else "confidence"
        return (
            f"no data: the {what} of {counted(measured.unknown, 'answer')} is not known, only of {measured.cases} "
            f"it is; where these are enough, say so with min_cases: {measured.cases}"
        )
    if measured.value is not None and math.isfinite(measured.value):
        return f"no data: {_number(threshold, measured.value)} has no interval to hold against {threshold.bar}"
    return f"no data: it can't be computed from {counted(measured.cases, 'case')}"


def _basis(measured: Metric) -> str:
    """Say how sure a figure is: `95 % CI 0.661-0.759, n=400 cases of 160 samples`."""
    n = f"n={counted(measured.cases, 'case')} of {counted(measured.samples, 'sample')}"
    if measured.clusters and measured.clusters != measured.samples:
        n += f" in {counted(measured.clusters, 'cluster')}"
    if measured.asked_on:
        n += f", asked on {measured.asked_on}"
    if measured.low is None or measured.high is None:
        return n
    return f"{100 * measured.confidence:g} % CI {measured.low:.3f}-{measured.high:.3f}, {n}"


def _number(threshold: Threshold, value: float) -> str:
    """Write a value with three decimals, or as many more as it takes to tell it from a bar it misses."""
    unit = METRICS[threshold.metric].unit
    if unit == "count":
        return f"{value:.0f}"
    bars = [bar for bar in (threshold.at_least, threshold.at_most) if bar is not None]
    missed = _misses(threshold, value)
    digits = next(n for n in count(3) if not missed or all(float(f"{value:.{n}f}") != bar for bar in bars))
    return f"{value:.{digits}f}" + (
        f" {unit}" if unit in ("s", "points") else "" if unit == "cost" else "/s" if unit else ""
    )
