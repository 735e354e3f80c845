"""What one thresholds file lets through that another did not: two Thresholds -> lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.measure import METRICS
from pytest_cosmos.records import Threshold

_Bars = Mapping[tuple[str, ...], Threshold]

_FLOORS = ("at_least", "min_cases", "confidence")
"""The less of it, the more passes."""
_CEILINGS = ("at_most", "max_drop", "max_rise", "max_ratio")
"""The more of it, the more passes."""
_OF_CONFIDENCES = (
    "mean_confidence",
    "brier",
    "ece",
    "ece_noise_floor",
    "auroc",
    "selective_accuracy",
    "accuracy_at_90_coverage",
)


def looser(base: Thresholds, now: Thresholds) -> tuple[str, ...]:
    """Name every way in which `now` demands less than `base`; an empty tuple where it demands as much or more."""
    told = list(_missing_or_lower(_flat(base), _flat(now)))
    told += (
        f"{pattern} is newly not for release: release targets no longer block it"
        for pattern in now.not_for_release
        if pattern not in base.not_for_release
    )
    waived = {waiver.case: waiver for waiver in base.waivers}
    for waiver in now.waivers:
        until = f"until {waiver.expires}: {waiver.reason} ({waiver.owner})"
        if waiver.case not in waived:
            told.append(f"{waiver.case} is newly waived {until}")
        elif waiver.expires > waived[waiver.case].expires:
            told.append(f"{waiver.case} is waived {until}; it was until {waived[waiver.case].expires}")
    return tuple(told)


def _flat(thresholds: Thresholds) -> dict[tuple[str, ...], Threshold]:
    """Return every threshold by what it is held against."""
    flat: list[tuple[tuple[str, ...], Threshold]] = [((), t) for t in (*thresholds.release, *thresholds.regression)]
    flat += [((t.device,), t) for t in thresholds.latency]
    flat += [((pattern,), t) for pattern, t in thresholds.guards]
    return {(t.kind, *more, t.suite, t.metric, *_conditions(t)): t for more, t in flat}


def _conditions(threshold: Threshold) -> Iterator[str]:
    return (f"{key}={value}" for key, value in sorted(threshold.slice.items()))


def _missing_or_lower(base: _Bars, now: _Bars) -> Iterator[str]:
    for key, before in base.items():
        after = now.get(key)
        if after is None:
            yield f"{_name(before, key)} is gone ({_demand(before)})"
            continue
        for change in _changes(before, after):
            yield f"{_name(before, key)}: {change}"


def _changes(before: Threshold, after: Threshold) -> Iterator[str]:
    for name in (*_FLOORS, *_CEILINGS):
        was, now = getattr(before, name), getattr(after, name)
        if was is None or was == now:
            continue
        if now is None:
            yield f"{name} {was:g} is gone"
        elif (now < was) == (name in _FLOORS) and (name != "confidence" or _needs_interval(after)):
            yield f"{name} {now:g}, was {was:g}"
    if before.min_cases == 1 < after.min_cases and _leaves_out(after.metric):
        yield f"min_cases {after.min_cases}, was none: so many answers are enough, whatever is not known of others"
    if before.bound != "point" and after.bound != before.bound:
        yield f"bound {after.bound}, was {before.bound}"
    for name, was in before.cost.items():
        if after.cost.get(name, 0.0) < was:
            yield f"cost of a {name} {after.cost.get(name, 0.0):g}, was {was:g}"
    if before.abstain_below != after.abstain_below:
        yield f"abstain_below {_given(after.abstain_below)}, was {_given(before.abstain_below)}"


def _leaves_out(metric: str) -> bool:
    """Tell whether a figure is over those answers alone whose confidence, or time, is known."""
    return METRICS[metric].timing or metric in _OF_CONFIDENCES


def _needs_interval(threshold: Threshold) -> bool:
    return threshold.bound != "point" or threshold.kind in ("regression", "latency")


def _given(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _name(threshold: Threshold, key: Sequence[str]) -> str:
    model = f" of {key[1]}" if threshold.kind == "guard" else ""
    device = f" on {threshold.device}" if threshold.device else ""
    return f"{threshold.kind}{model} {threshold.suite} {threshold.key}{device}"


def _demand(threshold: Threshold) -> str:
    given = {name: getattr(threshold, name) for name in ("at_least", *_CEILINGS)}
    return ", ".join(f"{name} {value:g}" for name, value in given.items() if value is not None)
