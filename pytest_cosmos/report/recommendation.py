"""The decision in words, shared by terminal, page and decision.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_cosmos.records import Advice, Difference, Metric, Recommendation, Risk
from pytest_cosmos.report import text
from pytest_cosmos.report.figures import CHANGE_WORDS, Style

BRIEF = 5
"""How many reasons the terminal tells."""

_TITLES: Final[dict[Advice, tuple[str, Style]]] = {
    "sufficient": ("Sufficient: fine-tuning is not warranted", "good"),
    "not_sufficient": ("Not sufficient: fine-tune", "bad"),
    "helped": ("Helped", "good"),
    "mixed": ("Mixed: helped in some, harmed in other. Not to be released without a look", "bad"),
    "harmed": ("Harmed", "bad"),
    "not_helped": ("Did not help", "bad"),
    "no_evidence": ("Not enough evidence", "warn"),
    "void": ("Void: nothing can be decided", "bad"),
}

_RISKS: Final = {
    "missed_hazard_rate": "hazards missed per 1,000 hazards",
    "false_alarm_rate": "false alarms per 1,000 safe",
}


@dataclass(frozen=True, slots=True)
class RiskRow:
    """A risk before and after, per thousand, written out."""

    name: str
    before: str
    now: str
    change: str
    word: str
    style: Style


@dataclass(frozen=True, slots=True)
class Words:
    """The decision, why, and what it means."""

    title: str
    style: Style
    because: tuple[str, ...]
    risks: tuple[str, ...]


def words_of(found: Recommendation | None) -> Words | None:
    """Write a decision for terminal and page; None where there is none."""
    if found is None or found.advice == "void":
        return None
    return Words(*title(found), found.because, risk_sentences(found))


def title(found: Recommendation) -> tuple[str, Style]:
    """Return the decision in a few words, and how it is coloured."""
    words, style = _TITLES[found.advice]
    if found.advice != "helped" or found.reaches_targets is None:
        return words, style
    if found.reaches_targets:
        return f"{words}, and reaches every release target", style
    return f"{words}, but does not reach every release target yet", "warn"


def recommendation_lines(found: Recommendation) -> Iterator[tuple[str, Style]]:
    """Yield the short form: the decision, its weightiest reasons, the risk."""
    words, style = title(found)
    yield (
        f"{words.upper()} ({found.model}" + (f" against {found.baseline_model}" if found.baseline else "") + ")",
        style,
    )
    yield from ((line, "") for line in found.because[:BRIEF])
    if len(found.because) > BRIEF:
        yield f"and {text.plural(len(found.because) - BRIEF, 'more reason')} (decision.md)", "dim"
    yield from ((line, "strong") for line in risk_sentences(found))
    yield from ((line, "dim") for line in found.remarks)
    if found.advice in ("sufficient", "helped"):
        may = "may be released" if found.may_release else "may not be released"
        yield f"This model {may}.", "good" if found.may_release else "warn"


def risk_sentences(found: Recommendation) -> tuple[str, ...]:
    """Say what it means: `Of 1,000 hazards, 40 [28–57] are missed; 64 [48–85] before.`."""
    return tuple(_sentence(risk, several=len(found.suites) > 1) for risk in found.risks if not risk.prompt)


def _sentence(risk: Risk, *, several: bool) -> str:
    missed = risk.metric == "missed_hazard_rate"
    of = "Of 1,000 hazards" if missed else "Of 1,000 safe cases"
    what = "are missed" if missed else "raise a false alarm"
    before = f"; {per_thousand(risk.before)} before" if risk.before is not None else ""
    word = f" ({CHANGE_WORDS[risk.change.change][0]})" if risk.change is not None and risk.before is not None else ""
    return f"{risk.suite}: " * several + f"{of}, {per_thousand(risk.now)} {what}{before}{word}."


def risk_rows(found: Recommendation) -> tuple[RiskRow, ...]:
    """Write every risk as a row."""
    several = len(found.suites) > 1
    return tuple(
        RiskRow(
            name=f"{risk.suite} " * several + _RISKS[risk.metric] + (f", {risk.prompt}" if risk.prompt else ""),
            before=per_thousand(risk.before),
            now=per_thousand(risk.now),
            change=_change_per_thousand(risk.change),
            word=CHANGE_WORDS[risk.change.change][0] if risk.change is not None else "",
            style=CHANGE_WORDS[risk.change.change][1] if risk.change is not None else "",
        )
        for risk in found.risks
    )


def per_thousand(metric: Metric | None) -> str:
    """Write a share as so many of a thousand, with its interval: `64 [48–85]`."""
    if metric is None or metric.value is None:
        return text.NO_DATA
    if metric.low is None or metric.high is None:
        return _thousand(metric.value)
    return f"{_thousand(metric.value)} [{_thousand(metric.low)}–{_thousand(metric.high)}]"


def _thousand(value: float) -> str:
    return f"{1000 * value:.1f}" if 0 < 1000 * value < 9.95 else f"{1000 * value:.0f}"


def _change_per_thousand(change: Difference | None) -> str:
    if change is None or change.value is None or change.low is None or change.high is None:
        return text.NO_DATA
    value, low, high = (f"{round(1000 * one) + 0:+d}" for one in (change.value, change.low, change.high))
    return f"{value} [{low} to {high}]"
