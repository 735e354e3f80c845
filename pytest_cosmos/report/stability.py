"""How stable the answers are, in words: for the terminal, and as a section of the page."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_cosmos.records import Determinism, Metric, Run, Stability, Summary, Unstable
from pytest_cosmos.report import text
from pytest_cosmos.report.figures import Style
from pytest_cosmos.report.view import StabilityRow, StabilityView, UnstableRow

NAMED = 3
"""How many of the least stable cases the terminal names."""


def stability_told(one: Stability) -> Iterator[tuple[str, Style]]:
    """Yield what repeats came to, a few lines of text."""
    asked = f"{one.repeats} repeats with sampling on"
    flips, unlike = one.metric("flip_rate"), one.metric("flip_from_greedy_rate")
    agree = _share(one.metric("answer_agreement"))
    unsteady = f"{_share(flips)} of {_cases(flips)} flip, {_share(unlike)} leave the greedy answer"
    yield f"{asked}: {agree} agree, {unsteady}", ""
    known = [share for share in one.accuracies if share is not None]
    across = f" ({text.percent(min(known))} to {text.percent(max(known))} %)" if len(known) > 1 else ""
    bits = one.metric("answer_entropy")
    entropy = text.number(bits.value if bits else None)
    yield f"accuracy of the repeats {_share(one.metric('repeat_accuracy'))}{across}, entropy {entropy} bits a case", ""
    if one.lost:
        yield f"{one.lost:,} of {one.repeats * one.cases:,} repeats got no reply: in none of these figures", "warn"
    if one.unstable:
        yield "least stable: " + "; ".join(f"{case.case} ({_answers(case)})" for case in one.unstable[:NAMED]), "dim"


def determinism_told(found: Determinism, *, batches: bool) -> Iterator[tuple[str, Style]]:
    """Yield what became of cases that were asked again alone; `batches`: the engine says in which it answered."""
    if not found.cases:
        yield f"asked again alone: no data, {text.plural(found.lost, 'case')} without a reply", "warn"
        return
    shift = f", confidence by {found.confidence:.4f} at most" if found.confidence is not None else ""
    yield (
        f"{text.plural(found.cases, 'case')} asked again alone: {_differ(found.answers, 'answer')}, "
        f"{_differ(found.texts, 'text')}{shift}; right {text.percent(found.accuracy_alone)} % alone, "
        f"{text.percent(found.accuracy_batched)} % in the run",
        "warn" if found.answers else "",
    )
    if found.answers:
        named = ", ".join(found.changed[:NAMED]) + (" …" if len(found.changed) > NAMED else "")
        yield f"WARNING: a batch changes answers: {named}", "warn"
    if found.lost:
        yield f"{text.plural(found.lost, 'case')} more got no reply, so could not be compared", "warn"
    if batches and found.unbatched:
        yield f"{found.unbatched} of them were in no batch at first either, so they show nothing", "warn"


def determinism_lines(run: Run, summary: Summary) -> tuple[tuple[str, Style], ...]:
    """Return what became of cases that were asked again alone; empty where none were meant to be."""
    if summary.determinism is None:
        return ()
    return tuple(determinism_told(summary.determinism, batches=run.model.engine == "transformers"))


def scaled_by(run: Run) -> str:
    """Say by which temperatures the confidences are scaled; empty where they are as the model said them."""
    if not run.temperatures:
        return f"not scaled: {run.calibration_refused}" if run.calibration_refused else ""
    each = ", ".join(f"{one.suite}/{one.prompt} {one.temperature:.2f}" for one in run.temperatures)
    return f"scaled by the temperatures of {run.calibration}: {each}"


def stability_views(stability: tuple[Stability, ...]) -> tuple[StabilityView, ...]:
    """Build the section about repeats, one for each suite."""
    return tuple(
        StabilityView(
            suite=one.suite,
            lines=tuple(line for line, style in stability_told(one) if style != "dim"),
            rows=tuple(_row(one, where) for where in _wheres(one)),
            unstable=tuple(
                UnstableRow(case.case, case.expected, case.greedy, _answers(case), text.number(case.entropy))
                for case in one.unstable
            ),
        )
        for one in stability
    )


def _wheres(one: Stability) -> list[dict[str, str]]:
    wheres: list[dict[str, str]] = []
    for metric in one.metrics:
        if metric.slice not in wheres:
            wheres.append(metric.slice)
    return wheres


def _row(one: Stability, where: dict[str, str]) -> StabilityRow:
    names = ("answer_agreement", "flip_rate", "flip_from_greedy_rate", "repeat_accuracy")
    bits, flips = one.metric("answer_entropy", **where), one.metric("flip_rate", **where)
    return StabilityRow(
        name=where.get("prompt", "all"),
        cells=tuple(_share(one.metric(name, **where)) for name in names),
        entropy=text.number(bits.value if bits else None),
        cases=f"{flips.cases:,}" if flips else text.NO_DATA,
    )


def _share(metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return text.NO_DATA
    interval = text.interval(metric)
    return f"{text.percent(metric.value)} %" + (f" [{interval}]" if interval else "")


def _cases(metric: Metric | None) -> str:
    return text.plural(metric.cases if metric else 0, "case")


def _answers(case: Unstable) -> str:
    return ", ".join(f"{answer} {count}×" for answer, count in case.answers.items())


def _differ(count: int, noun: str) -> str:
    return f"{text.plural(count, noun)} differ{'s' if count == 1 else ''}"
