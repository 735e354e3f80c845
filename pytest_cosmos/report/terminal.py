"""The summary at the end of a run, as lines of text: testable without a terminal, readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap

from rich.cells import cell_len

from pytest_cosmos.records import Check, CheckStatus, Comparison, Metric, Outcome, Run, SuiteRecord, Summary
from pytest_cosmos.report import text
from pytest_cosmos.report.calibration import calibration_told, least_sure, with_interval
from pytest_cosmos.report.changes import BeforeAfter, ChangeRow, change_rows, unpaired_lines
from pytest_cosmos.report.figures import (
    Figures,
    Style,
    by_key,
    check_interval,
    check_note,
    check_word,
    headline,
    kind,
    release_note,
    replies,
    said,
    said_word,
    simulated_only,
    times,
    value_and_bar,
)
from pytest_cosmos.report.recommendation import words_of
from pytest_cosmos.report.stability import determinism_lines, scaled_by, stability_told

WORST = 5
BRIEF = ("accuracy", "recall", "precision", "unparsed_rate", "mean_absolute_error")
"""Which changes are told; the page tells all."""
_COLUMNS = ("accuracy % [95 %]", "recall", "prec.", "parse", "n/images", "p50 s", "p95 s")
_CHECK_COLUMNS = "measured [95 %], bar, cases/images"

NAMED = 10
"""Cases that changed, by name."""
REASONS = 3
"""Of what a comparison comes to."""
_CHANGE_COLUMNS = ("before", "after", "change [95 %]", "fixed/broken", "")

_Row = tuple[str, tuple[str, ...], Style]
"""Name, cells, style; a row without cells is a heading."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; the style is a meaning, which pytest's writer and rich each colour in their way."""

    text: str
    style: Style = ""


def summary_lines(
    run: Run,
    summary: Summary,
    checks: Sequence[Check],
    outcomes: Sequence[Outcome],
    *,
    changes: Sequence[BeforeAfter] = (),
    report_path: str,
    width: int = 80,
) -> Iterator[Line]:
    """Yield the end-of-run summary: metrics, changes, checks, worst cases, replies, time, decision, path of the report.

    No line is wider than `width` (taken as 72 at the least), except for the report's path.
    """
    width = max(width, 72)
    figures = Figures(summary.metrics)
    for suite in run.suites:
        yield from metric_lines(suite, figures, width, calibration_told(summary, suite.name, figures))
    for change in changes:
        yield from change_lines(change.comparison, width)
        yield from words_lines(change, width)
    yield from check_lines(checks, width)
    yield from worst_lines(summary, outcomes, width)
    if told := least_sure(summary, outcomes):
        yield from _wrapped(f"least sure: {told}", width, "dim", "")
    yield from stability_lines(run, summary, width)
    if told := scaled_by(run):
        yield from _wrapped(f"confidences: {told}", width, "dim", "")
    if told := replies(run, summary, outcomes):
        yield from _wrapped(f"replies: {told}", width, "dim", "")
    yield from time_lines(run, width)
    yield from decision_lines(run, width)
    if report_path:
        yield Line(f"report: {text.visible(report_path)}", "strong")


def metric_lines(suite: SuiteRecord, figures: Figures, width: int, confidence: Sequence[str] = ()) -> Iterator[Line]:
    """Yield one suite's table of metrics (all cases, each prompt, each category) and what it has no column for."""
    yield Line(text.one_line(suite.name, width), "head")
    if figures.get(suite.name, "accuracy") is None:
        yield Line("  no data", "warn")
        return
    rows: list[_Row] = [("", _COLUMNS, "dim"), ("all", _cells(suite.name, figures, {}), "strong")]
    for key in ("prompt", "category"):
        wheres = figures.slices(suite.name, key)
        rows += [(f"by {key}", (), "dim")] * bool(wheres)
        rows += [(f"  {where[key]}", _cells(suite.name, figures, where), "") for where in wheres]
    yield from _table(rows, width)
    for note in (*_notes(suite.name, figures), *confidence):
        yield from _wrapped(note, width, "dim")
    yield Line("")


def _cells(suite: str, figures: Figures, where: dict[str, str]) -> tuple[str, ...]:
    accuracy = figures.get(suite, "accuracy", **where)
    return (
        _with_interval(accuracy),
        *(text.percent(figures.value(suite, name, **where)) for name in ("recall", "precision", "parse_rate")),
        f"{accuracy.cases}/{accuracy.samples}" if accuracy else text.NO_DATA,
        *(text.seconds(figures.value(suite, name, **where)) for name in ("latency_p50", "latency_p95")),
    )


def _with_interval(metric: Metric | None) -> str:
    share, interval = text.percent(metric.value if metric else None), text.interval(metric)
    return f"{share} [{interval}]" if interval else share


def _table(rows: Sequence[_Row], width: int) -> Iterator[Line]:
    """Lay rows out: the first column takes what room is left, the others stand to the right of it."""
    widths = [max(map(cell_len, column)) for column in zip(*(cells for _, cells, _ in rows if cells), strict=True)]
    room = width - 2 - sum(widths) - len(widths)
    longest = max(cell_len(name) for name, _, _ in rows)
    gap = " " * (2 if longest + len(widths) <= room else 1)
    first = max(8, min(room, longest))
    for name, cells, style in rows:
        numbers = (gap + cell.rjust(wide) for cell, wide in zip(cells, widths, strict=False))
        yield Line(f"  {_fill(_cut(name, first), first)}{''.join(numbers)}".rstrip(), style)


def _cut(name: str, width: int) -> str:
    """Cut a name, its indent kept."""
    indent = len(name) - len(name.lstrip())
    return " " * indent + text.one_line(name, width - indent)


def _fill(shown: str, width: int) -> str:
    return shown + " " * max(width - cell_len(shown), 0)


def _notes(suite: str, figures: Figures) -> Iterator[str]:
    """Yield the intervals of the other headline figures, the majority baseline, and how far ratings were off."""
    for name, title in (("recall", "recall"), ("precision", "precision"), ("parse_rate", "answers read")):
        metric = figures.get(suite, name)
        if metric is not None and metric.value is not None:
            of = f"{text.plural(metric.cases, 'case')} of {text.images(metric.samples, metric.clusters)}"
            yield f"{title} {with_interval(metric)}, {of}"
    accuracy = figures.get(suite, "accuracy")
    if accuracy is not None and accuracy.clusters < accuracy.samples:
        groups = text.images(accuracy.samples, accuracy.clusters)
        yield f"{groups}: those of a group are not independent, so the intervals are wider"
    baseline = figures.value(suite, "majority_baseline")
    if baseline is not None:
        yield f"always giving each prompt's most frequent answer: {text.percent(baseline)} % accuracy"
    for where in figures.slices(suite, "prompt"):
        off = figures.value(suite, "mean_absolute_error", **where)
        if off is not None:
            exact = text.percent(figures.value(suite, "exact_accuracy", **where))
            yield f"{where['prompt']}: exact {exact} %, mean absolute error {text.number(off)}"


def _wrapped(line: str, width: int, style: Style = "", indent: str = "  ") -> Iterator[Line]:
    for part in wrap(text.visible(line), width, initial_indent=indent, subsequent_indent=indent + "  "):
        yield Line(part, style)


def change_lines(comparison: Comparison, width: int, *, brief: bool = True) -> Iterator[Line]:
    """Yield what changed from a baseline: figures before and after, what could not be compared, what to know.

    Not `brief`: every figure, n and p, and the cases that changed.
    """
    title = f"{comparison.baseline_model} -> {comparison.candidate_model}"
    pairs = text.plural(comparison.pairs, "case")
    yield Line(text.one_line(f"before and after: {title} ({pairs})", width), "head")
    rows = [row for row in change_rows(comparison) if row.metric in BRIEF or not brief]
    if rows:
        several = len({row.suite for row in rows}) > 1
        columns = _CHANGE_COLUMNS if brief else (*_CHANGE_COLUMNS, "n", "p")
        cells: list[_Row] = [("", columns, "dim")]
        cells += [(_change_name(row, several=several), _change_cells(row, brief=brief), row.style) for row in rows]
        yield from _table(cells, width)
    if not brief:
        yield from _changed_cases(comparison, width)
    for line in comparison.faults:
        yield from _wrapped(line, width, "bad")
    for line in unpaired_lines(comparison):
        yield from _wrapped(f"not compared: {line}", width, "warn")
    for line in comparison.remarks:
        yield from _wrapped(line, width, "dim")
    yield Line("")


def words_lines(change: BeforeAfter, width: int) -> Iterator[Line]:
    """Yield what a comparison comes to, the weightiest reasons and the risk."""
    words = words_of(change.recommendation)
    if words is None:
        return
    yield Line(text.one_line(words.title.upper(), width), words.style)
    for line in words.because[:REASONS]:
        yield from _wrapped(line, width)
    for line in words.risks:
        yield from _wrapped(line, width, "strong")
    yield from _wrapped("with all its evidence: pytest-cosmos decide", width, "dim")
    yield Line("")


def _change_name(row: ChangeRow, *, several: bool) -> str:
    return "  " * bool(row.where) + f"{row.suite} " * several + row.name


def _change_cells(row: ChangeRow, *, brief: bool) -> tuple[str, ...]:
    interval = f"{row.change} [{row.interval}]" if row.interval else row.change
    cells = (row.before, row.after, interval, row.moved, row.word)
    return cells if brief else (*cells, row.cases, row.p_value)


def _changed_cases(comparison: Comparison, width: int) -> Iterator[Line]:
    """Yield how the answers of all pairs stand to each other, and which cases changed."""
    fixed, broken = len(comparison.fixed), len(comparison.broken)
    both = comparison.right_after - fixed
    neither = comparison.pairs - both - fixed - broken
    yield Line(f"  fixed {fixed:,}, broken {broken:,}, both right {both:,}, both wrong {neither:,}", "strong")
    changed: tuple[tuple[str, tuple[str, ...], Style], ...] = (
        ("broken", comparison.broken, "bad"),
        ("fixed", comparison.fixed, "good"),
    )
    for word, keys, style in changed:
        more = f" and {len(keys) - NAMED} more (comparison.json)" if len(keys) > NAMED else ""
        if keys:
            yield from _wrapped(f"{word}: {', '.join(keys[:NAMED])}{more}", width, style)


def check_lines(checks: Sequence[Check], width: int) -> Iterator[Line]:
    """Yield each threshold with its verdict word, metric, value and bar; the ones that block come first."""
    ordered = sorted(checks, key=lambda check: not check.blocking)
    for blocking, group in groupby(ordered, key=lambda check: check.blocking):
        title = "checks" if blocking else "release targets (shown, not blocking)"
        yield Line(f"{title}{_CHECK_COLUMNS.rjust(width - len(title))}", "head")
        yield from _check_group(list(group), width)
        yield Line("")


def _check_group(checks: Sequence[Check], width: int) -> Iterator[Line]:
    words = [check_word(check) for check in checks]
    wide = max(len(word) for word, _ in words)
    several = len({check.threshold.suite for check in checks}) > 1
    for check, (word, style), shown in zip(checks, words, _measured(checks), strict=True):
        name, room = f"{check.threshold.suite} " * several + check.threshold.key, width - wide - 4
        start = f"  {word.ljust(wide)}  "
        if cell_len(name) + 2 + len(shown) <= room:
            yield Line(f"{start}{_fill(name, room - len(shown))}{shown}".rstrip(), style)
        else:
            yield Line(start + text.one_line(name, room), style)
            yield Line(shown.rjust(width).rstrip(), style)
        if note := check_note(check):
            quiet = check.status is CheckStatus.MET and not check.metric.asked_on
            yield from _wrapped(note, width, "dim" if quiet else style, " " * (wide + 4))


def _measured(checks: Sequence[Check]) -> Iterator[str]:
    """Yield for each check its figure, interval, bar, cases and images, in columns."""
    rows = []
    for check in checks:
        (value, bar), interval = value_and_bar(check), check_interval(check)
        images = f"/{check.metric.samples}" if check.threshold.kind != "latency" else " rounds"
        n = f"{check.metric.cases}{images}" if check.metric.cases else ""
        rows.append((value, f"[{interval}]" if interval else "", bar, n))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for value, interval, bar, n in rows:
        cells = (value.rjust(widths[0]), interval.ljust(widths[1]), bar.ljust(widths[2]), n.rjust(widths[3]))
        yield "  ".join(cell for cell, wide in zip(cells, widths, strict=True) if wide)


def worst_lines(summary: Summary, outcomes: Sequence[Outcome], width: int) -> Iterator[Line]:
    """Yield the cases to look at first."""
    found = by_key(outcomes)
    worst = [found[key] for key in summary.worst if key in found][:WORST]
    if not worst:
        return
    yield Line("worst cases", "head")
    for outcome in worst:
        yield from _worst(outcome, width)
    yield Line("")


def _worst(outcome: Outcome, width: int) -> Iterator[Line]:
    case, reply = outcome.case, outcome.reply
    told, style = kind(outcome)
    yield Line(f"  {text.one_line(case.id, width - len(told) - 4)}  {told}", style)
    confidence = f", confidence {text.number(reply.confidence)}" if reply.confidence is not None else ""
    start = f"    expected {text.one_line(case.expected, 24)}, {said_word(outcome)} "
    room = max(width - cell_len(start) - len(confidence) - 2, 8)
    yield Line(f'{start}"{text.one_line(said(outcome), room)}"{confidence}')
    if reply.reasoning:
        yield Line(f"    {text.one_line(reply.reasoning, width - 4)}", "dim")


def stability_lines(run: Run, summary: Summary, width: int) -> Iterator[Line]:
    """Yield what repeats came to, and what cases asked again alone did."""
    several = len(summary.stability) > 1
    told = [
        (f"{one.suite}: " * several + line, style) for one in summary.stability for line, style in stability_told(one)
    ]
    told += determinism_lines(run, summary)
    if not told:
        return
    yield Line("stability", "head")
    for line, style in told:
        yield from _wrapped(line, width, style)
    yield Line("")


def time_lines(run: Run, width: int) -> Iterator[Line]:
    """Yield where the time went, on one line where it fits."""
    parts = [f"{name} {text.duration(value)}" for name, value in times(run)]
    if parts:
        yield from _wrapped("time: " + ", ".join(parts), width, "dim", "")
        yield Line("")


def _of_split(run: Run) -> str:
    return "" if run.split == "test" else f" of the {run.split} split"


def decision_lines(run: Run, width: int) -> Iterator[Line]:
    """Yield the decision and its reasons."""
    word, note, decision = headline(run), release_note(run), run.decision
    count = f" ({decision.answered} of {decision.planned} cases{_of_split(run)})" if decision else ""
    simulated = ", simulated images only" if simulated_only(run) else ""
    told = f"{word.text.upper()}: {run.model.label}{count}{simulated}{'; ' + note if note else ''}"
    yield from _wrapped(told, width, word.style, "")
    for reason in decision.reasons if decision else ():
        yield from _wrapped(reason, width)
