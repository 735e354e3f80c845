"""`regression:` thresholds held against what changed from a baseline: tests of non-inferiority.

A margin is kept only if the whole interval of the paired difference is on the right side of it. Several thresholds
need no adjustment for being several: all of them must be met.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_cosmos.gate.checks import suites_answered_for
from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.gate.too_few import counted, too_few_pairs
from pytest_cosmos.measure import Pairs, Parameters, difference
from pytest_cosmos.records import (
    Check,
    CheckStatus,
    Comparison,
    Difference,
    Metric,
    Outcome,
    Run,
    Threshold,
    Unpaired,
)

NONE = "none"
"""As `--baseline`: there is none, on purpose."""

_LISTED = 3

NO_BASELINE = "no data: no baseline. Name one with --baseline RUN or NAME, or go without: --baseline none"


@dataclass(frozen=True, slots=True)
class Compared:
    """A run's cases beside those of a baseline, and what changed."""

    pairs: Pairs
    comparison: Comparison


def check_regressions(
    thresholds: Thresholds, outcomes: Sequence[Outcome], run: Run, compared: Sequence[Compared]
) -> tuple[Check, ...]:
    """Hold every regression threshold of the run's suites against every baseline; they block for every model.

    Without a baseline there is no data. With `--baseline none` they are left out.
    """
    suites = suites_answered_for(run, outcomes)
    asked = [threshold for threshold in thresholds.regression if threshold.suite in suites]
    if run.baseline == NONE:
        return ()
    if not compared:
        return tuple(_no_baseline(threshold) for threshold in asked)
    return tuple(_check(threshold, one) for one in compared for threshold in asked)


def _no_baseline(threshold: Threshold) -> Check:
    return Check(
        threshold=threshold,
        metric=Metric(suite=threshold.suite, name=threshold.metric, slice=threshold.slice, value=None),
        status=CheckStatus.NO_DATA,
        blocking=True,
        message=NO_BASELINE,
    )


def lacks_baseline(check: Check) -> bool:
    """Tell whether a regression had nothing to be held against, which no other choice of cases would mend."""
    return check.threshold.kind == "regression" and check.difference is None


def _check(threshold: Threshold, compared: Compared) -> Check:
    found = difference(
        compared.pairs,
        threshold.suite,
        threshold.metric,
        threshold.slice,
        threshold.confidence,
        Parameters(cost=threshold.cost, abstain_below=threshold.abstain_below),
    )
    status = status_of(threshold, found)
    return Check(
        threshold=threshold,
        metric=Metric(
            suite=threshold.suite,
            name=threshold.metric,
            slice=threshold.slice,
            value=found.candidate,
            confidence=found.confidence,
            cases=found.cases,
            samples=found.samples,
            clusters=found.clusters,
        ),
        difference=found,
        status=status,
        blocking=True,
        message=_message(threshold, found, status, compared.comparison.baseline),
    )


def status_of(threshold: Threshold, found: Difference) -> CheckStatus:
    """Compare the whole interval of a difference with the margin; without enough data nothing is met."""
    ends = (found.value, found.low, found.high)
    if any(end is None or not math.isfinite(end) for end in ends) or found.cases < threshold.min_cases:
        return CheckStatus.NO_DATA
    worst, best, margin = _turned(threshold, found)
    if worst > -margin:
        return CheckStatus.MET
    return CheckStatus.NOT_MET if best < -margin else CheckStatus.NO_EVIDENCE


def _turned(threshold: Threshold, found: Difference) -> tuple[float, float, float]:
    """Return the worse and the better end of the interval, as if higher were better, and the margin."""
    low, high = found.low or 0.0, found.high or 0.0
    if threshold.max_drop is not None:
        return low, high, threshold.max_drop
    assert threshold.max_rise is not None
    return -high, -low, threshold.max_rise


def _message(threshold: Threshold, found: Difference, status: CheckStatus, baseline: str) -> str:
    """Say what changed and how sure that is, e.g. `-0.013 (0.847 before, …) may be below -0.02`."""
    if status is CheckStatus.NO_DATA or found.value is None:
        return f"{_no_data(threshold, found)} (against {baseline})"
    drop = threshold.max_drop
    side, other, margin = ("below", "above", -drop) if drop is not None else ("above", "below", threshold.max_rise)
    words = {
        CheckStatus.MET: f"stays {other} {margin:+.12g} with its whole interval",
        CheckStatus.NOT_MET: f"is {side} {margin:+.12g} with its whole interval",
    }
    told = words.get(status) or f"may be {side} {margin:+.12g}: {too_few_pairs(threshold, found)}"
    return f"{found.value:+.3f} ({_basis(found)}) {told} (against {baseline})"


def _basis(found: Difference) -> str:
    told = [
        f"{found.baseline:.3f} before, {found.candidate:.3f} now",
        f"{100 * found.confidence:g} % CI {found.low:+.3f} to {found.high:+.3f}",
        f"n={counted(found.cases, 'pair')} of {counted(found.samples, 'sample')}",
    ]
    return ", ".join(told)


def _no_data(threshold: Threshold, found: Difference) -> str:
    if found.cases < threshold.min_cases:
        what = ", ".join(f"{key}={value}" for key, value in threshold.slice.items())
        of = f" with {what}" if what else ""
        return f"no data: {counted(found.cases, 'pair')}{of} to compare, {threshold.min_cases} needed"
    return "no data: the difference can't be computed"


def find_faults(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Find what makes comparisons void."""
    for comparison in comparisons:
        yield from (f"Compared with {comparison.baseline}: {fault}" for fault in comparison.faults)


def find_unpaired(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Find what could not be compared."""
    for comparison in comparisons:
        by_suite: dict[str, list[Unpaired]] = {}
        for one in comparison.unpaired:
            by_suite.setdefault(one.case.partition("/")[0], []).append(one)
        for suite, unpaired in by_suite.items():
            reasons = ", ".join(f"{n} {reason}" for reason, n in Counter(one.reason for one in unpaired).most_common())
            more = f" and {len(unpaired) - _LISTED} more" if len(unpaired) > _LISTED else ""
            keys = ", ".join(one.case for one in unpaired[:_LISTED])
            yield (
                f"{suite}: {counted(len(unpaired), 'case')} could not be compared with {comparison.baseline} "
                f"({reasons}): {keys}{more}."
            )


def remark_on_none(thresholds: Thresholds, run: Run) -> tuple[str, ...]:
    """Say that regression thresholds were left out because the user asked for it."""
    if run.baseline != NONE or not thresholds.regression:
        return ()
    return (f"regression: {counted(len(thresholds.regression), 'threshold')} left out: --baseline {NONE}.",)
