"""A run's records made into the report's view model: pure functions, nothing is read or written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pytest_cosmos.records import (
    ERROR,
    UNPARSED,
    AnswerKind,
    Check,
    Confusion,
    Metric,
    Outcome,
    Prompt,
    Run,
    Summary,
)
from pytest_cosmos.report import text
from pytest_cosmos.report.calibration import calibration_views
from pytest_cosmos.report.changes import BeforeAfter, change_view
from pytest_cosmos.report.figures import (
    Figures,
    by_key,
    check_interval,
    check_note,
    check_word,
    hazard_error,
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
from pytest_cosmos.report.stability import determinism_lines, scaled_by, stability_views
from pytest_cosmos.report.view import (
    HEAT_LEVELS,
    Card,
    CaseRow,
    Cell,
    CheckRow,
    ConfusionCell,
    ConfusionView,
    Fact,
    Figure,
    Headline,
    MetricGroup,
    MetricRow,
    ReportView,
    Share,
    SuiteView,
    TimeRow,
)

CARDS = 6
LEAST_CONFIDENT = 10


def build_view(
    run: Run,
    summary: Summary,
    checks: Sequence[Check],
    outcomes: Sequence[Outcome],
    changes: Sequence[BeforeAfter] = (),
) -> ReportView:
    """Build the report of a run. What a model said is harmless in it; escaping is left to the page."""
    found, figures = by_key(outcomes), Figures(summary.metrics)
    prompts = {(o.case.suite, o.case.prompt.name): o.case.prompt.unfilled for o in outcomes}
    return ReportView(
        title=f"{run.model.label}: {headline(run).text}",
        headline=_headline(run),
        facts=_facts(run, summary, outcomes),
        simulated_only=simulated_only(run),
        checks=tuple(check_row(check) for check in sorted(checks, key=lambda c: not c.blocking)),
        changes=tuple(change_view(change, found) for change in changes),
        suites=_suites(run, summary, figures, prompts),
        worst=tuple(card(found[key]) for key in summary.worst if key in found)[:CARDS],
        low_confidence=tuple(card(found[key]) for key in summary.low_confidence if key in found)[:LEAST_CONFIDENT],
        scaled=scaled_by(run),
        stability=stability_views(summary.stability),
        determinism=determinism_lines(run, summary),
        times=_times(run),
        failed_tests=run.failed_tests,
        cases=tuple(case_row(outcome) for outcome in outcomes),
        footer=_footer(run),
    )


def _headline(run: Run) -> Headline:
    decision = run.decision
    return Headline(
        word=headline(run),
        reasons=decision.reasons if decision else (),
        release=release_note(run),
        answered=decision.answered if decision else 0,
        planned=decision.planned if decision else 0,
    )


def _facts(run: Run, summary: Summary, outcomes: Sequence[Outcome]) -> tuple[Fact, ...]:
    model = run.model
    samples = len({(o.case.suite, o.case.sample.id) for o in outcomes})
    prompts = len({(o.case.suite, o.case.prompt.name) for o in outcomes})
    size = f", {model.parameters / 1e6:,.1f} M parameters" if model.parameters else ""
    split = "" if run.split == "test" else f" (the {run.split} split)"
    data = [text.plural(samples, "image"), text.plural(prompts, "prompt"), text.plural(len(outcomes), "case")]
    facts = [
        Fact("Model", model.label + size),
        Fact(
            "Data",
            (" × ".join(data[:2]) + f" = {data[2]}" if samples * prompts == len(outcomes) else ", ".join(data)) + split,
        ),
        Fact("Suites" if len(run.suites) > 1 else "Suite", ", ".join(s.title or s.name for s in run.suites)),
        Fact("Date", text.when(run.started)),
        Fact("Replies", replies(run, summary, outcomes)),
        Fact("Device", " · ".join(part for part in (model.device, model.dtype, model.engine) if part)),
    ]
    return tuple(fact for fact in facts if fact.value)


def check_row(check: Check) -> CheckRow:
    """Build the row of one check."""
    threshold, metric = check.threshold, check.metric
    word, style = check_word(check)
    value, bar = value_and_bar(check)
    return CheckRow(
        word=word,
        style=style,
        suite=threshold.suite,
        key=threshold.key,
        value=value,
        interval=check_interval(check),
        bar=bar.replace(">=", "≥").replace("<=", "≤"),
        cases=f"{metric.cases:,} / {metric.samples:,}" if metric.samples else f"{metric.cases:,}",
        message=check_note(check),
        where=threshold.where,
        blocking=check.blocking,
    )


def share(metric: Metric | None) -> Share:
    """Build a share from a metric that may not have been measured."""
    if metric is None:
        return Share(text.NO_DATA, "", None, None, None, 0, 0, 0)
    return Share(
        written=text.percent(metric.value),
        interval=text.interval(metric),
        value=metric.value,
        low=metric.low,
        high=metric.high,
        cases=metric.cases,
        samples=metric.samples,
        clusters=metric.clusters,
    )


def _suites(
    run: Run, summary: Summary, figures: Figures, prompts: Mapping[tuple[str, str], Prompt]
) -> tuple[SuiteView, ...]:
    return tuple(
        SuiteView(
            name=suite.name,
            title=suite.title or suite.name,
            figures=_headline_figures(suite.name, figures),
            columns=tuple(title for title, _ in _columns(suite.name, figures)),
            groups=_groups(suite.name, figures),
            confusions=tuple(
                confusion_view(table, prompts.get((suite.name, table.prompt)))
                for table in summary.confusions
                if table.suite == suite.name
            ),
            calibrations=calibration_views(summary, suite.name, figures),
            blank=suite.blank,
        )
        for suite in run.suites
    )


def _headline_figures(suite: str, figures: Figures) -> tuple[Figure, ...]:
    """Build the figures at the top, each with the cases behind it."""
    accuracy, recall, precision, parsed = (
        share(figures.get(suite, name)) for name in ("accuracy", "recall", "precision", "parse_rate")
    )
    missed = _count(figures.value(suite, "missed_hazards"), "missed")
    alarms = _count(figures.value(suite, "false_alarms"), "false")
    return (
        Figure("Accuracy", accuracy, f"of {text.plural(accuracy.cases, 'case')}, {_images(accuracy)}"),
        Figure(
            "Hazards found (recall)", recall, f"{missed} of {text.plural(recall.cases, 'hazard')}, {_images(recall)}"
        ),
        Figure(
            "Alarms that were right (precision)",
            precision,
            f"{alarms} of {text.plural(precision.cases, 'alarm')}, {_images(precision)}",
        ),
        Figure(
            "Answers that could be read",
            parsed,
            f"of {text.plural(parsed.cases, 'reply', 'replies')}, {_images(parsed)}",
        ),
    )


def _images(share: Share) -> str:
    return text.images(share.samples, share.clusters)


def _count(value: float | None, word: str) -> str:
    return "" if value is None else f"{value:,.0f} {word}"


_COLUMNS = (
    ("Recall", "recall"),
    ("Precision", "precision"),
    ("F1", "f1"),
    ("Balanced accuracy", "balanced_accuracy"),
    ("Majority baseline", "majority_baseline"),
    ("Exact rating", "exact_accuracy"),
    ("Mean abs. error", "mean_absolute_error"),
    ("Could be read", "parse_rate"),
    ("No reply", "error_rate"),
    ("p50 seconds", "latency_p50"),
    ("p95 seconds", "latency_p95"),
    ("Mean confid.", "mean_confidence"),
)


def _columns(suite: str, figures: Figures) -> tuple[tuple[str, str], ...]:
    """Return the columns in which this suite has anything to show."""
    wheres: list[dict[str, str]] = [{}, *figures.slices(suite, "prompt")]
    return tuple(
        (title, name)
        for title, name in _COLUMNS
        if any(figures.value(suite, name, **where) is not None for where in wheres)
    )


def _groups(suite: str, figures: Figures) -> tuple[MetricGroup, ...]:
    kinds = (("All cases", ()), ("By prompt", ("prompt",)), ("By category", ("category",)), ("By source", ("source",)),
             ("By prompt and category", ("prompt", "category")))  # fmt: skip
    groups = []
    for title, keys in kinds:
        wheres = figures.slices(suite, *keys)
        if keys == ("source",) and len(wheres) < 2:
            continue
        groups.append(MetricGroup(title, tuple(_metric_row(suite, figures, where) for where in wheres)))
    return tuple(group for group in groups if group.rows)


def _metric_row(suite: str, figures: Figures, where: dict[str, str]) -> MetricRow:
    return MetricRow(
        name=" · ".join(value or "(none)" for value in where.values()) or "all",
        accuracy=share(figures.get(suite, "accuracy", **where)),
        baseline=figures.value(suite, "majority_baseline", **where),
        cells=tuple(_cell(name, suite, figures, where) for _, name in _columns(suite, figures)),
    )


def _cell(name: str, suite: str, figures: Figures, where: dict[str, str]) -> Cell:
    metric = figures.get(suite, name, **where)
    repeats = name == "exact_accuracy" and figures.value(suite, "mean_absolute_error", **where) is None
    if metric is None or metric.value is None or repeats:  # without ratings it only repeats the accuracy
        return Cell(text.NO_DATA, "")
    interval = f"95 %: {text.interval(metric)}, " if metric.low is not None else ""
    hint = f"{interval}{text.plural(metric.cases, 'case')} of {text.images(metric.samples, metric.clusters)}"
    return Cell(text.bare(name, metric.value), hint)


def confusion_view(table: Confusion, prompt: Prompt | None) -> ConfusionView:
    """Build one prompt's confusion matrix; `prompt` tells which cells are right and which miss a hazard."""
    rows = []
    for expected, counts in zip(table.rows, table.counts, strict=True):
        total = max(sum(counts), 1)
        cells = tuple(
            ConfusionCell(count, _cell_kind(expected, answer, prompt), _heat(count, total))
            for answer, count in zip(table.columns, counts, strict=True)
        )
        rows.append((expected, cells))
    question, hazard = (prompt.text, prompt.hazard) if prompt else ("", "")
    return ConfusionView(table.prompt, question, hazard, table.columns, tuple(rows))


def _heat(count: int, total: int) -> int:
    return 0 if count == 0 else 1 + min(HEAT_LEVELS - 2, int(count / total * (HEAT_LEVELS - 1)))


def _cell_kind(expected: str, answer: str, prompt: Prompt | None) -> str:
    if answer in (UNPARSED, ERROR):
        return "none"
    if prompt is not None and expected in prompt.choices and answer in prompt.choices:
        hazard, alarm = prompt.is_hazard(expected), prompt.is_hazard(answer)
        if hazard != alarm:
            return "missed" if hazard else "alarm"
        if prompt.kind is AnswerKind.RATING:
            return "right" if abs(int(expected) - int(answer)) <= prompt.tolerance else "wrong"
    return "right" if expected == answer else "wrong"


def card(outcome: Outcome) -> Card:
    """Build the card of one case."""
    case, reply = outcome.case, outcome.reply
    told, style = kind(outcome)
    return Card(
        key=case.key,
        id=case.id,
        suite=case.suite,
        media_hash=case.sample.media_hash,
        question=case.prompt.text,
        expected=case.expected,
        said=text.one_line(said(outcome), 120),
        said_word=said_word(outcome),
        kind=told,
        style=style,
        confidence=text.number(reply.confidence),
        reasoning=text.one_line(reply.reasoning, 240),
    )


def _times(run: Run) -> tuple[TimeRow, ...]:
    rows = times(run)
    longest = max((value for _, value in rows), default=0) or 1
    return tuple(TimeRow(name, text.duration(value), value / longest) for name, value in rows)


def case_row(outcome: Outcome) -> CaseRow:
    """Build one row of the case table."""
    case, reply, judgement, sample = outcome.case, outcome.reply, outcome.judgement, outcome.case.sample
    told, style = kind(outcome)
    reasoning = text.paragraph(reply.reasoning)
    return CaseRow(
        key=case.key,
        suite=case.suite,
        id=case.id,
        prompt=case.prompt.name,
        category=sample.category,
        expected=case.expected,
        said=text.one_line(said(outcome), 200),
        verdict=judgement.verdict.value,
        hazard=hazard_error(outcome),
        told=told,
        style=style,
        confidence=_finite(reply.confidence),
        seconds=_finite(reply.seconds),
        media=sample.media_hash,
        file=", ".join(sample.media),
        label=sample.label,
        group=sample.group,
        source=sample.source,
        must_pass=sample.must_pass,
        fields=sample.fields,
        reasoning=reasoning,
        raw=_without(text.paragraph(reply.raw), reasoning),
        reason=text.visible(judgement.reason or reply.error),
        asked=text.paragraph(reply.prompt_text or case.prompt.text),
        finish=reply.finish,
        timestamp=reply.timestamp,
        batch=reply.batch,
        batch_size=reply.batch_size,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _finite(value: float | None) -> float | None:
    # JSON knows no NaN: one of them would keep the page from reading any case
    return round(value, 4) if value is not None and math.isfinite(value) else None


def _without(raw: str, reasoning: str) -> tuple[str, ...]:
    """Split the raw text at its reasoning, so that a page of thousands of cases holds each only once."""
    return tuple(raw.split(reasoning)) if reasoning else (raw,)


def _footer(run: Run) -> tuple[Fact, ...]:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    generation = ", ".join(f"{key} {value}" for key, value in run.model.generation.items())
    digests = ", ".join(f"{suite.name} {suite.digest[:12]}" for suite in run.suites if suite.digest)
    facts = (
        Fact("Run", run.id),
        Fact("Command", run.command),
        Fact("Model fingerprint", run.model.fingerprint[:16]),
        Fact("Generation", generation),
        Fact("Seed", str(run.seed)),
        Fact("Confidences", scaled_by(run)),
        Fact("Versions", versions),
        Fact("Git commit", run.git_commit),
        Fact("Thresholds", f"{run.thresholds} {run.thresholds_digest[:12]}".strip()),
        Fact("Suites", digests),
        Fact("Started", run.started),
        Fact("Finished", run.finished),
    )
    return tuple(fact for fact in facts if fact.value)
