"""Two runs of the same cases -> what changed: pairs, differences with their intervals, fixed and broken cases.

Only a case that both were asked alike, that is labelled alike, and that both replied to, is compared; every other one
is named with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pytest_cosmos.measure.catalogue import METRICS
from pytest_cosmos.measure.facts import Facts, Flags, joined, read_facts
from pytest_cosmos.measure.formulas import NO_PARAMETERS, Figure, Parameters, figure
from pytest_cosmos.measure.interval import CONFIDENCE, Values, distinct, rests_on
from pytest_cosmos.measure.paired import figure_interval, figure_test, holm, share_interval, share_test
from pytest_cosmos.records import Change, Comparison, Difference, Outcome, Run, Sample, Unpaired

PAIRED_SHARES = frozenset((
    "accuracy", "exact_accuracy", "recall", "specificity", "missed_hazard_rate", "false_alarm_rate",
    "parse_rate", "unparsed_rate", "coverage",
))  # fmt: skip
"""Shares of cases that are chosen by the expected answer alone: both runs' are of the same cases."""

COMPARED = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity", "exact_accuracy",
    "mean_absolute_error", "parse_rate", "unparsed_rate", "mean_confidence",
)  # fmt: skip
"""What is compared over each suite."""

SLICED = "accuracy"
"""What is compared over slices, too."""

SLICES = ("prompt", "category", "source")


@dataclass(frozen=True, slots=True)
class Pairs:
    """The cases that two runs share: by suite, both sides' rows in the same order."""

    baseline: Mapping[str, Facts]
    candidate: Mapping[str, Facts]
    unpaired: tuple[Unpaired, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.candidate.values()))

    def where(self, suite: str, conditions: Mapping[str, str]) -> tuple[Facts, Facts] | None:
        """Return both sides of the cases that meet every condition, in either run; None: no case.

        In one of them would let a run take its wrong cases out of a slice, by leaving a column or a group blank.
        """
        if suite not in self.candidate:
            return None
        before, after = self.baseline[suite], self.candidate[suite]
        rows: Flags = np.ones(len(after), dtype=bool)
        for key, value in conditions.items():
            rows &= (before.values_of(key) == value) | (after.values_of(key) == value)
        return before.take(rows), after.take(rows)

    def keys(self, *, right_before: bool, right_after: bool) -> tuple[str, ...]:
        """Return the cases that were and are answered so, sorted."""
        return tuple(
            sorted(
                outcome.case.key
                for suite, after in self.candidate.items()
                for outcome, was, is_ in zip(after.outcomes, self.baseline[suite].correct, after.correct, strict=True)
                if (was, is_) == (right_before, right_after)
            )
        )


def pair(baseline: Sequence[Outcome], candidate: Sequence[Outcome]) -> Pairs:
    """Match the cases of two runs.

    Raises `RunFolderError` where a run has a case twice, or one that contradicts itself.
    """
    before, after = read_facts(baseline), read_facts(candidate)
    reasons = _reasons(_by_key(before), _by_key(after))
    kept = {key for key, reason in reasons.items() if not reason}
    return Pairs(
        *_bound(_only(before, kept), _only(after, kept)),
        tuple(Unpaired(case=key, reason=reason) for key, reason in sorted(reasons.items()) if reason),
    )


def _by_key(facts: Mapping[str, Facts]) -> dict[str, Outcome]:
    return {outcome.case.key: outcome for one in facts.values() for outcome in one.outcomes}


def _only(facts: Mapping[str, Facts], keys: set[str]) -> dict[str, Facts]:
    rows = {suite: [outcome.case.key in keys for outcome in one.outcomes] for suite, one in facts.items()}
    return {suite: one.take(np.array(rows[suite])) for suite, one in facts.items() if any(rows[suite])}


def _bound(before: dict[str, Facts], after: dict[str, Facts]) -> tuple[dict[str, Facts], dict[str, Facts]]:
    """Make one cluster of what hangs together on either side: a run could look surer for want of its groups."""
    clusters = {suite: joined(before[suite].cluster, facts.cluster) for suite, facts in after.items()}
    was, is_ = (
        {suite: replace(one, cluster=clusters[suite]) for suite, one in side.items()} for side in (before, after)
    )
    return was, is_


def _reasons(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> dict[str, str]:
    """Say of every case why it can't be compared; empty: it can."""
    return {key: _reason(before.get(key), after.get(key)) for key in {**before, **after}}


def _reason(before: Outcome | None, after: Outcome | None) -> str:
    if before is None:
        return "only in the candidate"
    if after is None:
        return "only in the baseline"
    if before.case.sample.media_hash != after.case.sample.media_hash:
        return "other media"
    if before.case.prompt != after.case.prompt:
        return "other prompt"
    if before.case.expected != after.case.expected:
        return "other expected answer"
    if not _labelled_alike(before.case.sample, after.case.sample):
        return "other labels"
    silent = [side for side, one in (("baseline", before), ("candidate", after)) if one.reply.finish == "error"]
    return f"no reply of the {' and of the '.join(silent)}" if silent else ""


def _labelled_alike(before: Sample, after: Sample) -> bool:
    """Tell whether two samples are in the same slices; a suite may have got a column of its own since."""
    shared = before.fields.keys() & after.fields.keys()
    return all(getattr(before, name) == getattr(after, name) for name in ("category", "source", "label")) and all(
        before.fields[name] == after.fields[name] for name in shared
    )


def differences(pairs: Pairs, confidence: float = CONFIDENCE) -> tuple[Difference, ...]:
    """Return the difference of every figure over each suite, and of the accuracy over its slices."""
    found: list[Difference] = []
    for suite, facts in pairs.candidate.items():
        found += (difference(pairs, suite, name, confidence=confidence) for name in COMPARED)
        found += adjusted([difference(pairs, suite, SLICED, where, confidence) for where in _slices(facts)])
    return tuple(found)


def _slices(facts: Facts) -> Iterator[dict[str, str]]:
    """Yield the slices to compare; one that holds all cases says nothing new."""
    for key in SLICES:
        values = {str(value or "") for value in facts.values_of(key)}
        if len(values) > 1:
            yield from ({key: value} for value in sorted(values - {""}))


def difference(
    pairs: Pairs,
    suite: str,
    metric: str,
    where: Mapping[str, str] | None = None,
    confidence: float = CONFIDENCE,
    parameters: Parameters = NO_PARAMETERS,
) -> Difference:
    """Return the candidate's figure less the baseline's, over the pairs of a slice; value None: no data.

    There is none for a figure without an interval (a count, a time), nor for the error rate: a case without a reply
    is no pair. Nor where the candidate has lost confidences: it could look better for want of its worst ones. For the
    same reason ratings are compared only where both sides have one.
    """
    found = Difference(suite=suite, metric=metric, slice=dict(where or {}), confidence=confidence)
    sides = pairs.where(suite, where or {})
    if sides is None or metric == "error_rate":
        return found
    if metric == "mean_absolute_error":
        sides = _both_rated(*sides)
    before, after = (figure(metric, facts, parameters) for facts in sides)
    found = found.model_copy(update={"baseline": before.value, "candidate": after.value, **_basis(sides[1])})
    if after.unknown > before.unknown and METRICS[metric].higher_is_better is not None:
        return found
    if before.influence is None or after.influence is None:  # a count, a time, or no data
        return found
    assert before.value is not None
    assert after.value is not None
    measured = (
        _of_share(before, after, confidence, lower_is_better=METRICS[metric].higher_is_better is False)
        if metric in PAIRED_SHARES
        else _of_figure(after.value - before.value, before, after, sides[1], confidence)
    )
    if "p_value" not in measured:
        measured["p_value"] = figure_test(_added(metric, sides, parameters), sides[1].cluster)
    return _worded(found.model_copy(update=measured))


def _both_rated(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    rows = ~(np.isnan(before.error) | np.isnan(after.error))
    return before.take(rows), after.take(rows)


def _of_share(before: Figure, after: Figure, confidence: float, *, lower_is_better: bool) -> dict[str, Any]:
    """Compare the two case by case; what counts is bad where lower is better."""
    of = after.of
    was, is_ = _counted(before), _counted(after)
    change = np.subtract(is_, was, dtype=np.float64)
    low, high = share_interval(change, of.cluster, confidence)
    if lower_is_better:
        was, is_ = ~was, ~is_
    return {
        **_basis(of),
        "value": float(change.sum()) / len(of),
        "low": low,
        "high": high,
        "fixed": int((is_ & ~was).sum()),
        "broken": int((was & ~is_).sum()),
        "both": int((was & is_).sum()),
        "neither": int((~was & ~is_).sum()),
        "p_value": share_test(change, of.cluster),
    }


def _counted(share: Figure) -> Flags:
    """Return which cases a share counts: its influence on a case is (1 or 0 - value) / cases."""
    assert share.influence is not None
    assert share.value is not None
    counted: Flags = np.rint(share.influence * len(share.of) + share.value) == 1
    return counted


def _of_figure(value: float, before: Figure, after: Figure, facts: Facts, confidence: float) -> dict[str, Any]:
    """Compare the two by how much each case moves either; `facts` are all pairs, as the candidate has them."""
    moves = [_moves(figure, facts) for figure in (before, after)]
    counts = ~np.isnan(moves[0]) | ~np.isnan(moves[1])
    was, is_ = (np.nan_to_num(move[counts]) for move in moves)
    of = facts.take(counts)
    # no surer than the side that fewer cases count for: one case, such as a single alarm, shows no precision
    worth = min(_clusters_of(before), _clusters_of(after))
    low, high = figure_interval(value, is_ - was, of.cluster, confidence, top=max(before.top, after.top), worth=worth)
    return {**_basis(of), "value": value, "low": low, "high": high}


def _clusters_of(figure: Figure) -> float:
    """Return how many clusters a figure rests on."""
    assert figure.influence is not None
    counts = ~np.isnan(figure.influence)
    cluster = figure.of.cluster[counts]
    return float(distinct(cluster)) if figure.weight is None else rests_on(figure.weight[counts], cluster)


def _added(metric: str, sides: tuple[Facts, Facts], parameters: Parameters) -> Values:
    """Return what each case adds to the difference of a figure (half of it), linearised about both runs together.

    Were the two equally good, either's reply to a case could as well be the other's: then each sign is as likely.
    """
    both = _together(*sides)
    pooled = figure(metric, both, parameters)
    moves = np.zeros(len(both))
    if pooled.influence is not None:
        moves[pooled.of.row] = np.nan_to_num(pooled.influence)
    was, is_ = np.split(moves, 2)
    return is_ - was


def _together(before: Facts, after: Facts) -> Facts:
    """Return the rows of both sides as one, with the candidate's numbers of prompts; clusters can't be told."""
    columns = (one.name for one in fields(Facts) if one.name != "prompts")
    joined = {name: np.concatenate([getattr(before, name), getattr(after, name)]) for name in columns}
    own = {"prompt": np.tile(after.prompt, 2), "row": np.arange(2 * len(after))}
    return Facts(prompts=after.prompts, **{**joined, **own})


def _moves(figure: Figure, facts: Facts) -> Values:
    """Return how much each of `facts` moves a figure; NaN: it does not count."""
    assert figure.influence is not None
    place = {outcome.case.key: row for row, outcome in enumerate(facts.outcomes)}
    moves = np.full(len(facts), np.nan)
    moves[[place[outcome.case.key] for outcome in figure.of.outcomes]] = figure.influence
    return moves


def _basis(of: Facts) -> dict[str, Any]:
    return {"cases": len(of), "samples": of.samples, "clusters": of.clusters}


def _worded(difference: Difference) -> Difference:
    """Call it improved or worse where test and interval both say so: on few clusters they need not agree."""
    p_value = difference.p_value if difference.p_adjusted is None else difference.p_adjusted
    higher = METRICS[difference.metric].higher_is_better
    change: Change
    if p_value is None or difference.value is None:
        change = "no_data"
    elif p_value >= 1 - difference.confidence or not _excludes_none(difference):
        change = "no_evidence"
    elif higher is None:
        change = "changed"
    else:
        change = "improved" if (difference.value > 0) == higher else "worse"
    return difference.model_copy(update={"change": change})


def _excludes_none(difference: Difference) -> bool:
    return difference.low is not None and difference.high is not None and not difference.low <= 0 <= difference.high


def adjusted(slices: Sequence[Difference]) -> list[Difference]:
    """Adjust the p-values of one metric's slices for being several (Holm)."""
    told = [one for one in slices if one.p_value is not None]
    if len(told) < 2:
        return list(slices)
    p_values = iter(holm([one.p_value for one in told if one.p_value is not None]))
    return [
        one if one.p_value is None else _worded(one.model_copy(update={"p_adjusted": next(p_values)})) for one in slices
    ]


def compare(
    baseline: Run, candidate: Run, pairs: Pairs, *, faults: Sequence[str] = (), remarks: Sequence[str] = ()
) -> Comparison:
    """Say what changed from a baseline's run to a candidate's; `faults` and `remarks` are told with it."""
    return Comparison(
        baseline=baseline.id,
        candidate=candidate.id,
        baseline_model=baseline.model.label,
        candidate_model=candidate.model.label,
        pairs=len(pairs),
        right_before=sum(int(facts.correct.sum()) for facts in pairs.baseline.values()),
        right_after=sum(int(facts.correct.sum()) for facts in pairs.candidate.values()),
        differences=differences(pairs),
        fixed=pairs.keys(right_before=False, right_after=True),
        broken=pairs.keys(right_before=True, right_after=False),
        unpaired=pairs.unpaired,
        faults=tuple(faults),
        remarks=tuple(remarks),
    )
