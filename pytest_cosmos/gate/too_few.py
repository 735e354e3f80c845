"""What to say where so few cases cannot tell: what the best of results would prove on them, and how many it takes."""

from __future__ import annotations

import math
from statistics import NormalDist

from pytest_cosmos.measure import METRICS
from pytest_cosmos.measure.power import (
    MOST,
    POWER,
    design_of,
    design_of_pairs,
    pairs_for_margin,
    proves_at_best,
    samples_for_bar,
)
from pytest_cosmos.records import Difference, Metric, Threshold


def counted(n: int, noun: str) -> str:
    """Write `1 case`, `2 cases`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def too_few(threshold: Threshold, measured: Metric) -> str:
    """Say whether any result on so many cases could have proven the bar, and about how many samples would."""
    turned = _higher_is_better(threshold, measured)
    if turned is None:
        return _by_width(threshold, measured)
    told = (_best(threshold, measured, turned[0]), _needed(threshold, measured, turned))
    return "; ".join(part for part in told if part)


def _higher_is_better(threshold: Threshold, measured: Metric) -> tuple[float, float] | None:
    """Return bar and figure as if higher were better; None where both sides are held, or nothing was found."""
    value, at_least, at_most = measured.value, threshold.at_least, threshold.at_most
    if value is None or (at_least is None) == (at_most is None):
        return None
    if at_least is not None:
        return at_least, value
    return (1 - at_most, 1 - value) if at_most is not None and _is_share(threshold) else None


def _is_share(threshold: Threshold) -> bool:
    return METRICS[threshold.metric].bounds == (0.0, 1.0)


def _best(threshold: Threshold, measured: Metric, bar: float) -> str:
    best = proves_at_best(measured.cases, measured.clusters, threshold.confidence)
    if best >= bar:
        return ""
    at_least = threshold.at_least is not None
    perfect = "1" if at_least else "0"
    proven = f"at least {best:.3f}" if at_least else f"at most {1 - best:.3f}"
    return f"even a figure of {perfect} on {_units(measured.clusters, measured)} proves only {proven}"


def _needed(threshold: Threshold, measured: Metric, turned: tuple[float, float]) -> str:
    return _told(_samples_of_share(threshold, measured, turned), measured)


def _by_width(threshold: Threshold, measured: Metric) -> str:
    return _told(_samples_by_width(threshold, measured), measured)


def _told(needed: int | None, measured: Metric) -> str:
    if needed is None:
        return f"so near to the bar not even {_units(MOST, measured)} would tell"
    needed = max(needed, measured.clusters + 1)
    return f"it takes about {_units(needed, measured, rough=True)} ({measured.clusters:,} asked)"


def samples_needed(threshold: Threshold, measured: Metric, power: float = POWER) -> int | None:
    """Return how many samples (clusters) show that the bar is met, were the figure as measured; None: out of reach."""
    if measured.value is None or not measured.clusters:
        return None
    turned = _higher_is_better(threshold, measured)
    if turned is None:
        return _samples_by_width(threshold, measured, power)
    return _samples_of_share(threshold, measured, turned, power)


def pairs_needed(threshold: Threshold, found: Difference, power: float = POWER) -> int | None:
    """Return how many samples show that a margin is kept, were both models equally good; None: out of reach."""
    margin = threshold.max_drop if threshold.max_drop is not None else threshold.max_rise
    if margin is None or found.fixed is None:
        return None
    design, discordant = design_of_pairs(found)
    return pairs_for_margin(margin, discordant, confidence=threshold.confidence, power=power, design=design)


def too_few_pairs(threshold: Threshold, found: Difference) -> str:
    """Say about how many samples would tell that a margin is kept, were both models equally good; or nothing."""
    if found.fixed is None:
        return "too few cases changed or were asked to tell"
    needed = pairs_needed(threshold, found)
    if needed is None:
        return f"not even {_units(MOST, found)} would tell"
    many = f"it takes about {_units(needed, found, rough=True)}, if both are equally good ({found.clusters:,} asked)"
    return f"too few cases to tell: {many}" if needed > found.clusters else "too few cases to tell"


def _samples_of_share(
    threshold: Threshold, measured: Metric, turned: tuple[float, float], power: float = POWER
) -> int | None:
    bar, value = turned
    if value == 1:  # so far: half a case is taken off, but on few cases not down to the bar
        value = max(1 - 0.5 / measured.cases, (1 + bar) / 2)
    return samples_for_bar(bar, value, confidence=threshold.confidence, power=power, design=design_of(measured))


def _samples_by_width(threshold: Threshold, measured: Metric, power: float = POWER) -> int | None:
    """Return it for any other figure, whose interval narrows with the root of the number of samples."""
    value, reach = measured.value, 0.0
    for bar, end in ((threshold.at_least, measured.low), (threshold.at_most, measured.high)):
        if bar is not None and end is not None and value is not None and value != bar:
            reach = max(reach, (value - end) / (value - bar))
    extra = 1 + NormalDist().inv_cdf(power) / NormalDist().inv_cdf((1 + threshold.confidence) / 2)
    needed = math.ceil(measured.clusters * (reach * extra) ** 2)
    return needed if 0 < needed <= MOST else None


def _units(number: int, measured: Metric | Difference, *, rough: bool = False) -> str:
    noun = "sample" if measured.clusters == measured.samples else "cluster"
    return f"{rounded(number) if rough else format(number, ',')} {noun}{'' if number == 1 else 's'}"


def rounded(number: int) -> str:
    """Write a number that is only roughly known, with two significant digits and never too small: `380`, `12,000`."""
    step = 10 ** max(len(str(number)) - 2, 0)
    return f"{-(-number // step) * step:,}"
