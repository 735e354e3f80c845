"""What changed from a baseline, in words and figures: shared by terminal and page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_cosmos.records import Comparison, Difference, Outcome, Recommendation
from pytest_cosmos.report import text
from pytest_cosmos.report.figures import CHANGE_WORDS, Style, change_interval, kind, said, signed
from pytest_cosmos.report.recommendation import Words, words_of

LISTED = 12
"""How many fixed or broken cases are shown each; comparison.json names all."""

REASONING = 400
"""Characters of a reasoning that are shown beside its answer."""

_NAMES = {"mean_absolute_error": "mean abs. error", "unparsed_rate": "not readable"}


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """A comparison, and what the baseline said."""

    comparison: Comparison
    said_before: Mapping[str, Outcome]
    """By case key."""
    recommendation: Recommendation | None = None
    """What it comes to."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One figure before and after, written out."""

    suite: str
    metric: str
    where: tuple[str, ...]
    """The values of the slice; empty: all cases of the suite."""
    before: str
    after: str
    change: str
    interval: str
    moved: str
    """`12 / 20`: cases that became good, and that became bad."""
    cases: str
    p_value: str
    word: str
    style: Style

    @property
    def name(self) -> str:
        """The figure, or the slice of it."""
        return " · ".join(self.where) or _NAMES.get(self.metric, self.metric.replace("_", " "))


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case that was right and is wrong, or the other way round."""

    key: str
    id: str
    media_hash: str
    expected: str
    before: str
    after: str
    word: str
    style: Style
    confidence: str
    question: str
    thought_before: str
    """Its reasoning, shortened."""
    thought: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A comparison, as the page shows it."""

    title: str
    baseline: str
    pairs: str
    words: Words | None
    """What it comes to; None: nothing can be decided, which `faults` and `unpaired` tell."""
    rows: tuple[ChangeRow, ...]
    broken: tuple[ChangedCase, ...]
    fixed: tuple[ChangedCase, ...]
    broken_count: int
    fixed_count: int
    unpaired: tuple[str, ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...]


def change_view(change: BeforeAfter, outcomes: Mapping[str, Outcome]) -> ChangeView:
    """Build what the page says of a comparison; `outcomes` are the candidate's, by case key."""
    comparison = change.comparison
    broken, fixed = (
        tuple(_case(key, change.said_before, outcomes) for key in look_first(keys, outcomes)[:LISTED])
        for keys in (comparison.broken, comparison.fixed)
    )
    return ChangeView(
        title=f"{comparison.baseline_model} → {comparison.candidate_model}",
        baseline=comparison.baseline,
        pairs=text.plural(comparison.pairs, "case"),
        words=words_of(change.recommendation),
        rows=change_rows(comparison),
        broken=tuple(case for case in broken if case is not None),
        fixed=tuple(case for case in fixed if case is not None),
        broken_count=len(comparison.broken),
        fixed_count=len(comparison.fixed),
        unpaired=unpaired_lines(comparison),
        faults=comparison.faults,
        remarks=comparison.remarks,
    )


def look_first(keys: Iterable[str], outcomes: Mapping[str, Outcome]) -> tuple[str, ...]:
    """Order cases for the eye: hazards first, and every image once before any a second time."""
    there = sorted((key for key in keys if key in outcomes), key=lambda key: (not outcomes[key].case.is_hazard, key))
    first: dict[tuple[str, str], str] = {}
    for key in there:
        first.setdefault((outcomes[key].case.suite, outcomes[key].case.sample.id), key)
    return (*first.values(), *(key for key in there if key not in set(first.values())))


def change_rows(comparison: Comparison) -> tuple[ChangeRow, ...]:
    """Write every difference that says something of its own; the slices of the accuracy right behind it."""
    told = [one for one in comparison.differences if not _repeats(one, comparison)]
    suites = list(dict.fromkeys(one.suite for one in told))
    told.sort(key=lambda one: (suites.index(one.suite), one.metric != "accuracy"))
    return tuple(_row(one) for one in told)


def _repeats(one: Difference, comparison: Comparison) -> bool:
    """Tell whether a figure has nothing to say: not measured, or another one's twin."""
    if one.baseline is None and one.candidate is None:
        return True
    if one.metric == "unparsed_rate":
        return one.baseline == one.candidate == 0
    if one.metric == "parse_rate":  # the unparsed rate says it
        return True
    whole = (other for other in comparison.differences if other.suite == one.suite and other.key == "accuracy")
    figures = (one.baseline, one.candidate, one.value)
    return one.metric == "exact_accuracy" and any(figures == (w.baseline, w.candidate, w.value) for w in whole)


def _row(one: Difference) -> ChangeRow:
    word, style = CHANGE_WORDS[one.change]
    adjusted = one.p_value if one.p_adjusted is None else one.p_adjusted
    return ChangeRow(
        suite=one.suite,
        metric=one.metric,
        where=tuple(one.slice.values()),
        before=text.quantity(one.metric, one.baseline),
        after=text.quantity(one.metric, one.candidate),
        change=signed(one.metric, one.value),
        interval=change_interval(one),
        moved="" if one.fixed is None else f"{one.fixed:,} / {one.broken:,}",
        cases=f"{one.cases:,}",
        p_value="" if adjusted is None else f"{adjusted:.3f}" if adjusted >= 0.001 else "<0.001",
        word=word,
        style=style,
    )


def unpaired_lines(comparison: Comparison) -> tuple[str, ...]:
    """Say how many cases could not be compared, by reason, with the first of them."""
    counts = Counter(one.reason for one in comparison.unpaired)
    first = {one.reason: one.case for one in reversed(comparison.unpaired)}
    return tuple(f"{text.plural(n, 'case')} {reason}, such as {first[reason]}" for reason, n in counts.most_common())


def _case(key: str, before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> ChangedCase | None:
    was, is_ = before.get(key), after.get(key)
    if was is None or is_ is None:  # one of the runs was changed since
        return None
    word, style = kind(is_)
    return ChangedCase(
        key=key,
        id=is_.case.id,
        media_hash=is_.case.sample.media_hash,
        expected=is_.case.expected,
        before=text.one_line(said(was), 60),
        after=text.one_line(said(is_), 60),
        word=word,
        style=style,
        confidence=f"{text.number(was.reply.confidence)} → {text.number(is_.reply.confidence)}",
        question=is_.case.prompt.text,
        thought_before=text.one_line(was.reply.reasoning, REASONING),
        thought=text.one_line(is_.reply.reasoning, REASONING),
    )
