"""Everything measured in a run: metrics of suites and slices, confusion matrices, the cases to look at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from pytest_cosmos.measure.catalogue import METRICS
from pytest_cosmos.measure.facts import NO_ANSWER, NO_REPLY, Facts, read_facts
from pytest_cosmos.measure.formulas import FORMULAS, NO_PARAMETERS, Figure, Parameters, figure
from pytest_cosmos.measure.interval import CONFIDENCE, interval
from pytest_cosmos.measure.reliability import calibration
from pytest_cosmos.measure.timing import asked_on, timed
from pytest_cosmos.records import ERROR, UNPARSED, Confusion, Metric, Outcome, Summary, Verdict

SUMMARY_SLICES: tuple[tuple[str, ...], ...] = (
    (),
    ("prompt",),
    ("category",),
    ("source",),
    ("prompt", "category"),
)
"""By what a summary is broken down; a blank category or source makes no slice."""

LISTED = 20
"""How many cases the lists of a summary hold."""


def measure(
    outcomes: Sequence[Outcome],
    suite: str,
    name: str,
    where: Mapping[str, str] | None = None,
    parameters: Parameters = NO_PARAMETERS,
) -> Metric:
    """Compute one metric over the cases of `suite` that meet every condition; value None: no data.

    Conditions are on prompt, category, source, label, split, group or a declared column.
    Raises `RunFolderError` where a case occurs twice or contradicts itself.
    For several metrics of the same outcomes, `read_facts` once and `metric` for each.
    """
    return metric(read_facts(outcomes), suite, name, where or {}, parameters=parameters)


def metric(
    facts: Mapping[str, Facts],
    suite: str,
    name: str,
    where: Mapping[str, str],
    min_cases: int = 1,
    confidence: float = CONFIDENCE,
    parameters: Parameters = NO_PARAMETERS,
) -> Metric:
    """Compute one metric from outcomes already taken apart; a time of `min_cases` replies asked now needs no others."""
    if suite not in facts:
        return Metric(suite=suite, name=name, slice=dict(where), value=None, confidence=confidence)
    return _metric(facts[suite].where(where), suite, name, where, min_cases, confidence, parameters)


def _metric(
    facts: Facts,
    suite: str,
    name: str,
    where: Mapping[str, str],
    min_cases: int = 1,
    confidence: float = CONFIDENCE,
    parameters: Parameters = NO_PARAMETERS,
) -> Metric:
    timing = METRICS[name].timing
    found = figure(name, timed(facts, min_cases) if timing else facts, parameters)
    low, high = _bounds(found, confidence) or (None, None)
    return Metric(
        suite=suite,
        name=name,
        slice=dict(where),
        value=found.value,
        low=low,
        high=high,
        confidence=confidence,
        cases=len(found.of),
        samples=found.of.samples,
        clusters=found.of.clusters,
        unknown=found.unknown,
        asked_on=asked_on(found.of) if timing else "",
    )


def _bounds(figure: Figure, confidence: float) -> tuple[float, float] | None:
    if figure.value is None or figure.influence is None:
        return None
    counts = ~np.isnan(figure.influence)
    influence, cluster = figure.influence[counts] / figure.top, figure.of.cluster[counts]
    weight = None if figure.weight is None else figure.weight[counts]
    found = interval(figure.value / figure.top, influence, cluster, confidence=confidence, weight=weight)
    return (found[0] * figure.top, found[1] * figure.top) if found else None


def summarise(outcomes: Iterable[Outcome]) -> Summary:
    """Measure all there is: a function of the set of outcomes, whatever their order.

    Raises `RunFolderError` where a case occurs twice or contradicts itself.
    """
    by_suite = read_facts(outcomes)
    everything = [outcome for facts in by_suite.values() for outcome in facts.outcomes]
    return Summary(
        metrics=tuple(
            _metric(part, suite, name, where)
            for suite, facts in by_suite.items()
            for keys in SUMMARY_SLICES
            for where, part in _parts(facts, keys)
            for name in FORMULAS
        ),
        confusions=tuple(
            _confusion(part, suite) for suite, facts in by_suite.items() for _, part in _parts(facts, ("prompt",))
        ),
        calibrations=tuple(
            calibration(part, suite, where.get("prompt", ""))
            for suite, facts in by_suite.items()
            for keys in ((), ("prompt",))
            for where, part in _parts(facts, keys)
            if len(part.rated)
        ),
        low_confidence=_low_confidence(everything),
        worst=_worst(everything),
    )


def _parts(facts: Facts, keys: Sequence[str]) -> Iterator[tuple[dict[str, str], Facts]]:
    """Split by every combination of the values of `keys` that occurs, in alphabetical order."""
    if not keys:
        yield {}, facts
        return
    key, *rest = keys
    values = facts.values_of(key)
    for value in sorted({str(value) for value in values if value}):
        for where, part in _parts(facts.take(values == value), rest):
            yield {key: value, **where}, part


def _confusion(facts: Facts, suite: str) -> Confusion:
    """Count the answers to the one prompt of `facts`: rows and columns in the order of its choices."""
    from sklearn.metrics import confusion_matrix

    prompt = facts.prompts[int(facts.prompt[0])]
    choices = range(len(prompt.choices))
    labels = [*choices, NO_ANSWER, NO_REPLY]
    counts = confusion_matrix(facts.expected, facts.answer, labels=labels)[: len(choices)]
    return Confusion(
        suite=suite,
        prompt=prompt.name,
        rows=prompt.choices,
        columns=(*prompt.choices, UNPARSED, ERROR),
        counts=tuple(tuple(int(n) for n in row) for row in counts),
    )


def _low_confidence(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    rated = [
        (confidence, outcome.case.key)
        for outcome in outcomes
        if outcome.judgement.answer is not None and (confidence := _confidence(outcome)) is not None
    ]
    return tuple(key for _, key in sorted(rated)[:LISTED])


def _worst(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Put errors first, then missed hazards, false alarms, others wrong; surest first."""
    bad = [outcome for outcome in outcomes if outcome.judgement.verdict is not Verdict.CORRECT]
    ranked = sorted(bad, key=lambda outcome: (_rank(outcome), -(_confidence(outcome) or 0.0), outcome.case.key))
    return tuple(outcome.case.key for outcome in ranked[:LISTED])


def _rank(outcome: Outcome) -> int:
    if outcome.judgement.verdict is Verdict.ERROR:
        return 0
    if outcome.case.is_hazard and not outcome.said_hazard:
        return 1
    return 2 if outcome.said_hazard and outcome.case.is_hazard is False else 3


def _confidence(outcome: Outcome) -> float | None:
    confidence = outcome.reply.confidence
    return confidence if confidence is not None and math.isfinite(confidence) and confidence >= 0 else None


def warm_imports() -> None:
    """Import what the formulas need (a second or more), e.g. in a thread while the model answers."""
    import sklearn.metrics  # noqa: F401
