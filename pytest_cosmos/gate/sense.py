"""Whether a threshold makes sense: one that everything would pass, or nothing could, is a mistake in the file."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_cosmos.measure import METRICS, MetricKind
from pytest_cosmos.records import Threshold

HIGHEST_RATIO = 10.0
"""Of a latency; above it a per cent was meant."""

_EXAMPLES = {"cost": "cost: {missed_hazard: 10, false_alarm: 1}", "abstain_below": "abstain_below: 0.6"}
_RATES = {"missed_hazards": "missed_hazard_rate", "false_alarms": "false_alarm_rate"}


def problems_of(threshold: Threshold) -> Iterator[str]:
    """Yield what is wrong with a threshold whose values could all be read, as ends of a sentence on its name."""
    if threshold.kind == "latency":
        yield from _ratio(threshold)
        return
    kind = METRICS.get(threshold.metric)
    if kind is None:  # told already
        return
    yield from _parameters(kind, threshold)
    if threshold.kind == "regression":
        yield from _margin(kind, threshold)
    else:
        yield from _bars(kind, threshold)
        yield from _bound(kind, threshold)


def _parameters(metric: MetricKind, threshold: Threshold) -> Iterator[str]:
    for name, given in (("cost", bool(threshold.cost)), ("abstain_below", threshold.abstain_below is not None)):
        if name == metric.parameter and not given:
            yield f"needs {name}. Add e.g. {_EXAMPLES[name]}"
        elif given and name != metric.parameter:
            users = " and ".join(other.name for other in METRICS.values() if other.parameter == name)
            yield f"has {name}, which is only for {users}. Remove it."


def _bars(metric: MetricKind, threshold: Threshold) -> Iterator[str]:
    """Tell of bars that every figure would pass, or none could."""
    at_least, at_most = threshold.at_least, threshold.at_most
    low, high = metric.bounds
    for name, bar in (("at_least", at_least), ("at_most", at_most)):
        if bar is not None and not low <= bar <= high:
            span = "from 0 to 1" if high == 1 else "0 or more"
            yield f"has {name} {bar:g}, which is out of range: {metric.name} is {span}."
    if at_least is None and at_most is None:
        yield f"has no bar. Write {{{'at_most' if metric.higher_is_better is False else 'at_least'}: …}}."
    elif metric.higher_is_better is True and at_least is None:
        yield "has only at_most, but higher is better: any low figure would pass. Write at_least."
    elif metric.higher_is_better is False and at_most is None:
        yield "has only at_least, but lower is better: any high figure would pass. Write at_most."
    elif at_least is not None and at_most is not None and at_least > at_most:
        yield f"has at_least {at_least:g} above at_most {at_most:g}: nothing meets both."
    elif metric.higher_is_better is not False and at_least == low and at_most in (None, high):
        yield f"has at_least {low:g}: everything would pass."
    elif metric.higher_is_better is not True and at_most == high and at_least in (None, low):
        yield f"has at_most {high:g}: everything would pass."
    if at_most is not None and threshold.cost and at_most >= (dearest := max(threshold.cost.values())):
        yield f"has at_most {at_most:g}, but no case costs more than {dearest:g}: everything would pass."


def _bound(metric: MetricKind, threshold: Threshold) -> Iterator[str]:
    """Tell of a bound that is no end of any interval, or that no number of cases brings over the bar."""
    bound = threshold.bound
    if bound == "point":
        return
    if not metric.has_interval:
        rate = f"{_RATES[metric.name]}, or " if metric.name in _RATES else ""
        yield f"has bound: {bound}, but {metric.name} has no interval. Write {rate}bound: point."
        return
    own, other, end = ("at_least", "at_most", "low") if bound == "lower" else ("at_most", "at_least", "high")
    if getattr(threshold, other) is not None:
        fitting = "upper" if bound == "lower" else "lower"
        alone = getattr(threshold, own) is None
        advice = f"Write bound: {fitting}." if alone else f"Leave out {other}, or bound."
        yield f"has {other} with bound: {bound}, which holds the {end} end of the interval against {own}. {advice}"
    bar, last = (threshold.at_least, metric.bounds[1]) if bound == "lower" else (threshold.at_most, metric.bounds[0])
    if bar is not None and bar == last:
        yield f"has bound: {bound} with {own} {bar:g}: no number of cases proves that. Write bound: point."


def _margin(metric: MetricKind, threshold: Threshold) -> Iterator[str]:
    """Tell of a regression that can't be measured, or that everything or nothing would pass."""
    if not metric.has_interval or metric.higher_is_better is None or metric.name == "error_rate":
        yield f"can't be compared with a baseline's, case by case. {_instead(metric)}"
        return
    right, wrong = ("max_drop", "max_rise") if metric.higher_is_better else ("max_rise", "max_drop")
    margin = getattr(threshold, right)
    if getattr(threshold, wrong) is not None:
        better = "higher" if metric.higher_is_better else "lower"
        yield f"has {wrong}, but {better} is better: write {right}."
    elif margin is None:
        yield f"has no margin. Write {{{right}: …}}."
    elif margin <= 0:
        yield (
            f"has {right} {margin:g}: no number of cases proves that there is no difference at all. "
            f"Write a margin that does not matter to you, such as {right}: 0.02."
        )
    elif margin >= max(threshold.cost.values(), default=metric.bounds[1]):
        yield f"has {right} {margin:g}: everything would pass. Write a margin such as {right}: 0.02."


def _instead(metric: MetricKind) -> str:
    if metric.name in _RATES:
        return f"Write {_RATES[metric.name]}."
    if metric.name == "error_rate":
        return "A case without a reply is no pair, and fails the run anyway. Hold it against at_most, under release:."
    if metric.timing:
        return "Times are compared under latency:, per device."
    if metric.name == "cases":
        return "Hold how many there are against at_least, under release:."
    return "It says nothing of the model's answers. Compare accuracy or another metric of the answers."


def _ratio(threshold: Threshold) -> Iterator[str]:
    ratio = threshold.max_ratio
    if ratio is None:
        yield "has no bar. Write {max_ratio: 1.10}: at most 10 % slower than the baseline."
    elif ratio <= 1:
        yield f"has max_ratio {ratio:g}: repeats differ by more than nothing. Write a factor above 1, such as 1.10."
    elif ratio > HIGHEST_RATIO:
        yield f"has max_ratio {ratio:g}, but it is a factor, not per cent. Write e.g. 1.10: at most 10 % slower."
