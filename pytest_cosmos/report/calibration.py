"""What the confidences are worth, in words for the terminal and in charts for the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pytest_cosmos.records import Calibration, Metric, Outcome, ReliabilityBin, Summary
from pytest_cosmos.report import text
from pytest_cosmos.report.figures import Figures, Style
from pytest_cosmos.report.view import BinRow, CalibrationView, Chart, Dot, Fact, Tick

_WHOLE = (0.0, 0.2)
"""The axis from 0 to 1."""

LEAST_SURE = 3
"""Cases of the least confidence that the terminal names; the page shows more."""


def verdict(found: Calibration) -> tuple[str, Style]:
    """Say whether the confidences are right, as far as so many answers can tell."""
    says = f"it says {text.percent(found.gap + _exact(found))} % and is right in {text.percent(_exact(found))} %"
    if found.gap_low > 0:
        return f"overconfident: {says}", "warn"
    if found.gap_high < 0:
        return f"underconfident: {says}", "warn"
    if found.error > found.limit:
        return "right on average, but too sure of some answers and not sure enough of others", "warn"
    return f"calibrated, as far as {_answers(found)} can tell", "good"


def _answers(found: Calibration) -> str:
    return f"{text.plural(found.cases, 'answer')} of {text.images(found.samples, found.clusters)}"


def _exact(found: Calibration) -> float:
    return sum(one.cases * one.accuracy for one in found.bins) / found.cases


def by_chance(found: Calibration) -> str:
    """Write the calibration error with what chance alone would make of it."""
    return (
        f"{text.percent(found.error)} % (by chance {text.percent(found.floor)} %, "
        f"in 1 of 20 runs over {text.percent(found.limit)} %)"
    )


def calibration_told(summary: Summary, suite: str, figures: Figures) -> tuple[str, ...]:
    """Return the sentences of the terminal on a suite's confidences."""
    for found in summary.calibrations:
        if found.suite == suite and not found.prompt:
            told = [f"confidence: {verdict(found)[0]}", f"calibration error {by_chance(found)}"]
            return *told, "; ".join(f"{fact.name} {fact.value}" for fact in _scores(figures, suite, {}))
    return ()


def least_sure(summary: Summary, outcomes: Sequence[Outcome]) -> str:
    """Name the cases answered with the least confidence, lowest first; empty: no confidence is known."""
    found = {outcome.case.key: outcome.reply.confidence for outcome in outcomes}
    keys = [key for key in summary.low_confidence if key in found][:LEAST_SURE]
    return ", ".join(f"{key} {text.number(found[key])}" for key in keys)


def _scores(figures: Figures, suite: str, where: dict[str, str]) -> list[Fact]:
    names = (("Brier score", "brier"), ("AUROC", "auroc"), ("accuracy at 90 % coverage", "accuracy_at_90_coverage"))
    return [Fact(title, with_interval(figures.get(suite, name, **where))) for title, name in names]


def with_interval(metric: Metric | None) -> str:
    """Write a figure with its unit and interval: `75.7 % [71.3–79.6]`."""
    if metric is None or metric.value is None:
        return text.NO_DATA
    interval = text.interval(metric)
    return text.quantity(metric.name, metric.value) + (f" [{interval}]" if interval else "")


def calibration_views(summary: Summary, suite: str, figures: Figures) -> tuple[CalibrationView, ...]:
    """Build a suite's calibration, all of it first, then by prompt where there are several."""
    found = [one for one in summary.calibrations if one.suite == suite]
    return tuple(_view(one, figures) for one in (found if len(found) > 2 else found[:1]))


def _view(found: Calibration, figures: Figures) -> CalibrationView:
    told, style = verdict(found)
    where = {"prompt": found.prompt} if found.prompt else {}
    unknown = found.replies - found.cases
    without = f"; {text.plural(unknown, 'reply', 'replies')} without an answer or a confidence" if unknown else ""
    facts = (
        Fact("Calibration error", by_chance(found)),
        *_scores(figures, found.suite, where),
        Fact("Answers", _answers(found) + without),
    )
    return CalibrationView(
        title=found.prompt or "All answers",
        verdict=told,
        style=style,
        facts=tuple(Fact(fact.name[:1].upper() + fact.name[1:], fact.value) for fact in facts),
        reliability=reliability_chart(found),
        coverage=coverage_chart(found),
        bins=tuple(
            BinRow(f"{one.cases:,}", *map(text.percent, (one.confidence, one.accuracy, one.low, one.high)))
            for one in found.bins
        ),
    )


def reliability_chart(found: Calibration) -> Chart:
    """Draw each bin: across its confidence, upwards the share answered exactly as expected; both axes are alike."""
    axis = _axis(value for one in found.bins for value in (one.confidence, one.low))
    fewest, most = min(one.cases for one in found.bins), max(one.cases for one in found.bins)
    each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return Chart(
        x=_ticks(axis),
        y=_ticks(axis),
        dots=tuple(_dot(one, axis, one.cases / most) for one in found.bins),
        note=f"{text.plural(len(found.bins), 'bin')} of {each} answers",
    )


def _dot(one: ReliabilityBin, axis: tuple[float, float], full: float) -> Dot:
    interval = f"{text.percent(one.low)}–{text.percent(one.high)}"
    return Dot(
        x=_place(one.confidence, axis),
        y=_place(one.accuracy, axis),
        low=_place(one.low, axis),
        high=_place(one.high, axis),
        size=2 + 3 * math.sqrt(full),
        title=f"{text.plural(one.cases, 'answer')}: confidence {text.percent(one.confidence)} %, "
        f"right {text.percent(one.accuracy)} % [{interval}]",
    )


def coverage_chart(found: Calibration) -> Chart:
    """Draw the risk-coverage curve: across which part of the replies is answered, upwards what part of it correctly."""
    # the first few answers say next to nothing, and would stretch the axis
    shown = [point for point in found.curve if point.coverage * found.replies >= 10] or list(found.curve)
    axis = _axis(point.accuracy for point in shown)
    spots = [(_place(point.coverage, _WHOLE), _place(point.accuracy, axis)) for point in shown]
    marked = min(shown, key=lambda point: abs(point.coverage - 0.9))
    return Chart(
        x=_ticks(_WHOLE),
        y=_ticks(axis),
        line=" ".join(f"{x:.2f},{100 - y:.2f}" for x, y in spots),
        mark=_place(0.9, _WHOLE),
        note=f"90 % coverage: abstain below {marked.confidence:.2f}" if abs(marked.coverage - 0.9) < 0.05 else "",
    )


def _axis(values: Iterable[float]) -> tuple[float, float]:
    """Return the axis: its first tick, below the lowest value, and the step between ticks; the last tick is at 1."""
    span = 1 - min(values)
    step = 0.1 if span <= 0.5 else 0.2
    return 1 - step * max(2, math.ceil(span / step - 1e-9)), step


def _place(value: float, axis: tuple[float, float]) -> float:
    """Return where on an axis of length 100 a value lies."""
    return 100 * (value - axis[0]) / (1 - axis[0])


def _ticks(axis: tuple[float, float]) -> tuple[Tick, ...]:
    low, step = axis
    values = [low + number * step for number in range(round((1 - low) / step) + 1)]
    return tuple(Tick(_place(value, axis), f"{100 * value:.0f}") for value in values)
