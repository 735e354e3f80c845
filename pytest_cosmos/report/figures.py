"""What both renderings share: metrics found by name and slice, the words of a verdict, media counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_cosmos.records import (
    Change,
    Check,
    CheckStatus,
    Difference,
    Metric,
    Outcome,
    OutcomeWord,
    Run,
    Summary,
    Threshold,
    Verdict,
)
from pytest_cosmos.report import text

Style = Literal["", "good", "bad", "warn", "strong", "dim", "head"]

USUAL = 0.95
"""The confidence of intervals of which nothing else is said."""

Slice = frozenset[tuple[str, str]]


class Figures:
    """The metrics of a run, found by suite, name and slice."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = {(m.suite, m.name, frozenset(m.slice.items())): m for m in metrics}

    def get(self, suite: str, name: str, **where: str) -> Metric | None:
        """Return one metric; None where it was not measured."""
        return self._metrics.get((suite, name, frozenset(where.items())))

    def value(self, suite: str, name: str, **where: str) -> float | None:
        """Return one metric's value; None where it was not measured or there is no data."""
        metric = self.get(suite, name, **where)
        return None if metric is None else metric.value

    def slices(self, suite: str, *keys: str) -> tuple[dict[str, str], ...]:
        """Return the slices of exactly these keys, in the order in which they were measured."""
        found = {where: None for s, _, where in self._metrics if s == suite and {k for k, _ in where} == set(keys)}
        return tuple({key: dict(where)[key] for key in keys} for where in found)


@dataclass(frozen=True, slots=True)
class Word:
    """A verdict as it is said: never by its colour alone."""

    text: str
    gloss: str
    style: Style
    icon: str


OUTCOME_WORDS: dict[OutcomeWord, Word] = {
    "passed": Word("Passed", "Every blocking bar is met.", "good", "✓"),
    "missed_bar": Word("Failed", "At least one blocking bar is not met.", "bad", "✗"),
    "errors": Word("Errors", "Some cases or tests could not be carried out.", "bad", "✗"),
    "partial": Word("Partial", "Not every planned case was answered, so the bars do not decide.", "warn", "◐"),
    "no_data": Word("No data", "There is nothing to hold against the bars.", "bad", "∅"),
    "no_evidence": Word("No evidence", "Nothing here shows that the model is good enough.", "warn", "≈"),
}
CHANGE_WORDS: dict[Change, tuple[str, Style]] = {
    "improved": ("improved", "good"),
    "worse": ("worse", "bad"),
    "changed": ("changed", "warn"),
    "no_evidence": ("no evidence", ""),
    "no_data": ("no data", "dim"),
}
"""What is said of a change, and how it is coloured."""

UNDECIDED = Word("Undecided", "This run has not been held against any bar.", "warn", "?")
MEASURED = Word("Measured", "Measured only: this run was not gated.", "warn", "•")


def headline(run: Run) -> Word:
    """Return the run's decision as a word and a sentence."""
    if run.decision is None:
        return UNDECIDED
    if run.shard and run.decision.outcome == "no_evidence":
        return Word(f"Shard {run.shard}", "This part is answered; merged with the others it is held against the bars.",
                    "warn", "◔")  # fmt: skip
    if run.ungated and run.decision.exit_code == 0:
        return MEASURED
    return OUTCOME_WORDS[run.decision.outcome]


def release_note(run: Run) -> str:
    """Say whether this model would be released, so that a green run of guards is not read as a release."""
    if run.decision is None or run.decision.would_release is None:
        return ""
    return "would be released" if run.decision.would_release else "would not be released"


def check_word(check: Check) -> tuple[str, Style]:
    """Return the verdict word of a check."""
    if check.status is CheckStatus.MET:
        return "met", "good"
    if check.status is CheckStatus.NO_DATA:
        return "no data", "bad" if check.blocking else "warn"
    if check.status is CheckStatus.NO_EVIDENCE:
        return "no evidence", "bad" if check.blocking else "warn"
    return ("NOT MET", "bad") if check.blocking else ("not met: would not be released", "warn")


def value_and_bar(check: Check) -> tuple[str, str]:
    """Write what was measured and the bar it is held against, in the unit of the metric."""
    bounds, value = check.threshold, check.metric.value
    if bounds.kind == "regression":
        return signed(bounds.metric, check.difference.value if check.difference else None), margin(bounds)
    if bounds.kind == "latency":
        return text.ratio(value), f"<= {text.ratio(bounds.max_ratio, 2)}"
    bars = tuple(b for b in (bounds.at_least, bounds.at_most) if b is not None)
    end = {"point": "", "lower": ", low end", "upper": ", high end"}[bounds.bound]
    return text.against(bounds.metric, value, bars), text.bar(bounds.metric, bounds.at_least, bounds.at_most) + end


def check_note(check: Check) -> str:
    """Say what the figures of a check do not: why there is no data or no evidence, or what so few cases cannot tell."""
    told = check.status in (CheckStatus.NO_DATA, CheckStatus.NO_EVIDENCE) or check.metric.asked_on
    return check.message if told or check.threshold.kind in ("latency", "regression") else check.doubt


def check_interval(check: Check) -> str:
    """Write the interval of what was measured; empty where there is none."""
    metric = check.metric
    if check.difference is not None:
        return change_interval(check.difference)
    if check.threshold.kind == "latency" and metric.low is not None and metric.high is not None:
        return f"{metric.low:.3f}–{metric.high:.3f}"
    usual = not text.interval(metric) or metric.confidence == USUAL
    return text.interval(metric) + ("" if usual else f" at {100 * metric.confidence:g} %")


def signed(metric: str, value: float | None, digits: int = 1) -> str:
    """Write a change: of a share in points of a hundred, `+1.3`."""
    if value is None:
        return text.NO_DATA
    share = text.unit(metric) == "share"
    places = digits if share else digits + 1
    return f"{round(100 * value if share else value, places) + 0.0:+.{places}f}"


def change_interval(one: Difference) -> str:
    """Write the interval of a change, `-3.1 to +0.5`; empty where there is none."""
    if one.low is None or one.high is None:
        return ""
    return f"{signed(one.metric, one.low)} to {signed(one.metric, one.high)}"


def margin(threshold: Threshold) -> str:
    """Write what a change must stay on this side of: `> -2` or `< +1`, of a share in points of a hundred."""
    scale = 100 if text.unit(threshold.metric) == "share" else 1
    if threshold.max_drop is not None:
        return f"> {-scale * threshold.max_drop:+g}"
    return f"< {scale * (threshold.max_rise or 0.0):+g}"


def hazard_error(outcome: Outcome) -> str:
    """Name an error on the hazard class: `missed hazard`, `false alarm`, or nothing.

    An unparsed answer misses its hazard. A rating within its tolerance may be correct and miss it all the same.
    """
    expected, told = outcome.case.is_hazard, outcome.said_hazard
    if expected is None or outcome.judgement.verdict is Verdict.ERROR:
        return ""
    if expected:
        return "" if told else "missed hazard"
    return "false alarm" if told else ""


def kind(outcome: Outcome) -> tuple[str, Style]:
    """Say in words what became of a case: its verdict, and the hazard that it missed or raised for nothing."""
    verdict, hazard = outcome.judgement.verdict, hazard_error(outcome)
    if verdict is Verdict.ERROR or (hazard == "missed hazard" and verdict is not Verdict.CORRECT):
        style: Style = "bad"
    else:
        style = "good" if verdict is Verdict.CORRECT and not hazard else "warn"
    if verdict is Verdict.WRONG and hazard:
        return hazard, style
    return ", ".join(part for part in (verdict.value, hazard) if part), style


def said(outcome: Outcome) -> str:
    """Return the answer found, or what stood in its place."""
    match outcome.judgement.verdict:
        case Verdict.ERROR:
            return outcome.reply.error or outcome.judgement.reason or "no reply"
        case Verdict.UNPARSED:
            return outcome.reply.answer or outcome.reply.raw or "(nothing)"
        case _:
            return outcome.judgement.answer or ""


def said_word(outcome: Outcome) -> str:
    """Introduce what `said` returns."""
    return "no reply:" if outcome.judgement.verdict is Verdict.ERROR else "said"


def by_key(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    """Return the outcomes by the key of their case."""
    return {outcome.case.key: outcome for outcome in outcomes}


def simulated_only(run: Run) -> bool:
    """Tell whether all that was asked is of simulated origin."""
    sources = {source for suite in run.suites if suite.selected for source in suite.sources}
    return sources == {"simulation"}


TIME_WORDS = {
    "collect": "collecting the cases",
    "import": "importing libraries",
    "load": "loading the model",
    "answer": "answering",
    "again": "asking again",
    "report": "writing the report",
    "total": "total",
}


def replies(run: Run, summary: Summary, outcomes: Sequence[Outcome]) -> str:
    """Say how many replies were asked now and how many were stored, and of when the times are; empty: none stored."""
    if not run.stored:
        return ""
    asked = len(outcomes) - run.stored
    days = sorted({day for metric in summary.metrics for day in metric.asked_on.split(" to ") if day})
    when = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""
    where = "where none was asked now, " if asked else ""
    return f"{asked:,} asked now, {run.stored:,} from the reply store" + (
        f"; {where}times are of {when}" if days else ""
    )


def times(run: Run) -> tuple[tuple[str, float], ...]:
    """Return where the time went, in words, the total last."""
    known = [(TIME_WORDS[key], run.seconds[key]) for key in TIME_WORDS if key in run.seconds]
    other = [(key, value) for key, value in run.seconds.items() if key not in TIME_WORDS]
    total = known[-1:] if "total" in run.seconds else []
    return tuple(known[: len(known) - len(total)] + other + total)
