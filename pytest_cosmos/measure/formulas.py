"""The formula of each metric: Facts -> Figure.

Shares are counted here, because their interval needs both counts; scikit-learn computes what is more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pytest_cosmos.measure.calibration import auroc, surest
from pytest_cosmos.measure.facts import NO_REPLY, Facts, Flags
from pytest_cosmos.measure.interval import Values
from pytest_cosmos.measure.reliability import chance_error, reliability
from pytest_cosmos.records import AnswerKind, Prompt


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, and the cases it was computed from."""

    value: float | None
    """None: no data."""
    of: Facts
    influence: Values | None = None
    """How much each of the cases moves the value, see `interval`; NaN: not at all. None: there is no interval."""
    top: float = 1.0
    """The highest value there could be."""
    weight: Values | None = None
    """How much each of the cases counts, where they do not count alike, see `rests_on`."""
    unknown: int = 0
    """Answers left out because their confidence, or their time, is not known."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What some metrics take besides the cases; without it they are no data."""

    cost: Mapping[str, float] = field(default_factory=dict)
    """Of `expected_cost`: what a `missed_hazard` and a `false_alarm` cost; what is not named costs nothing."""
    abstain_below: float | None = None
    """Of `coverage` and `selective_accuracy`: with less confidence than this the model abstains."""


NO_PARAMETERS = Parameters()

Formula = Callable[[Facts], Figure]


def share(of: Facts, successes: Flags) -> Figure:
    """Return which part of the cases `of` are successes."""
    return mean(of, successes.astype(np.float64))


def mean(of: Facts, values: Values, top: float = 1.0) -> Figure:
    """Return the mean of a value per case, between 0 and `top`."""
    if not len(of):
        return Figure(None, of)
    value = float(values.mean())
    return Figure(value, of, (values - value) / len(of), top)


def ratio(of: Facts, over: Values, under: Values) -> Figure:
    """Return the ratio of two sums; only the cases that count in it carry its interval."""
    total = float(under.sum())
    if total <= 0:
        return Figure(None, of)
    value = float(over.sum()) / total
    return Figure(value, of, np.where(under > 0, (over - value * under) / total, np.nan))


def count(of: Facts, counted: Flags) -> Figure:
    """Return how many cases are counted; None where no case could have been."""
    return Figure(float(counted.sum()), of) if len(of) else Figure(None, of)


def accuracy(facts: Facts) -> Figure:
    """Return correct / replied: unparsed is wrong; an error is no answer, has its own rate, fails the run."""
    return share(facts.replied, facts.replied.correct)


def exact_accuracy(facts: Facts) -> Figure:
    """Return the accuracy with no tolerance for ratings."""
    return share(facts.replied, facts.replied.answer == facts.replied.expected)


def balanced_accuracy(facts: Facts) -> Figure:
    """Return recall averaged over all (prompt, expected answer); None of one class alone: it says nothing."""
    of = facts.replied
    width = 1 + max((len(prompt.choices) for prompt in facts.prompts), default=0)
    classes = of.prompt * width + of.expected
    present, index, counts = np.unique(classes, return_inverse=True, return_counts=True)
    if len(present) < 2:
        return Figure(None, of)
    from sklearn.metrics import recall_score

    said = np.where(of.correct, classes, -1)
    recalls = recall_score(classes, said, labels=present, average=None)
    weight = 1 / (len(present) * counts[index])
    return Figure(float(recalls.mean()), of, (of.correct - recalls[index]) * weight, weight=weight)


def majority_baseline(facts: Facts) -> Figure:
    """Return the accuracy of the best constant answer per prompt, judged as the model is."""
    of = facts.replied
    if not len(of):
        return Figure(None, of)
    numbers = np.unique(of.prompt)
    best = sum(_best_constant(of.prompts[n], np.bincount(of.expected[of.prompt == n])) for n in numbers)
    return Figure(best / len(of), of)


def _best_constant(prompt: Prompt, counts: np.ndarray[tuple[int], np.dtype[np.intp]]) -> int:
    if prompt.kind is not AnswerKind.RATING:
        return int(counts.max())
    ratings = np.array([int(choice) for choice in prompt.choices])
    near = np.abs(ratings[:, None] - ratings[None, : len(counts)]) <= prompt.tolerance
    return int((near * counts).sum(axis=1).max())


def precision(facts: Facts) -> Figure:
    """Return TP / (TP + FP) on the hazard class; None where no hazard was said."""
    said = facts.graded.take(facts.graded.alarm)
    return share(said, said.hazard)


def recall(facts: Facts) -> Figure:
    """Return TP / (TP + FN) on the hazard class; None where there is no hazard."""
    return share(facts.hazards, facts.hazards.alarm)


def f1(facts: Facts) -> Figure:
    """Return 2 TP / (2 TP + FP + FN) on the hazard class; None where there is no hazard."""
    of = facts.graded
    if not len(facts.hazards):
        return Figure(None, of)
    hits = (of.hazard & of.alarm).astype(np.float64)
    return ratio(of, 2 * hits, of.hazard.astype(np.float64) + of.alarm)


def specificity(facts: Facts) -> Figure:
    """Return which part of the harmless cases was answered as harmless."""
    of = facts.harmless
    return share(of, (of.answer >= 0) & ~of.alarm)


def missed_hazards(facts: Facts) -> Figure:
    """Count the hazards answered as harmless or not parsed."""
    return count(facts.hazards, ~facts.hazards.alarm)


def missed_hazard_rate(facts: Facts) -> Figure:
    """Return 1 - recall."""
    return share(facts.hazards, ~facts.hazards.alarm)


def false_alarms(facts: Facts) -> Figure:
    """Count the harmless cases answered as a hazard; an unparsed answer is wrong, but no alarm."""
    return count(facts.harmless, facts.harmless.alarm)


def false_alarm_rate(facts: Facts) -> Figure:
    """Return which part of the harmless cases was answered as a hazard."""
    return share(facts.harmless, facts.harmless.alarm)


def mean_absolute_error(facts: Facts) -> Figure:
    """Return the mean distance of parsed ratings from the expected ones."""
    of = facts.take(~np.isnan(facts.error))
    if not len(of):
        return Figure(None, of)
    scales = [int(of.prompts[n].choices[-1]) - int(of.prompts[n].choices[0]) for n in np.unique(of.prompt)]
    return mean(of, of.error, top=max(scales))


def parse_rate(facts: Facts) -> Figure:
    """Return parsed / replied."""
    return share(facts.replied, facts.replied.answer >= 0)


def unparsed_rate(facts: Facts) -> Figure:
    """Return unparsed / replied."""
    return share(facts.replied, facts.replied.answer < 0)


def error_rate(facts: Facts) -> Figure:
    """Return errors / all cases with an outcome."""
    return share(facts, facts.answer == NO_REPLY)


def mean_confidence(facts: Facts) -> Figure:
    """Return the mean probability of the answers given, of those that have one."""
    return _of_rated(facts, mean(facts.rated, facts.rated.confidence))


def _of_rated(facts: Facts, found: Figure) -> Figure:
    """Note how many answers a figure over those of known confidence leaves out."""
    return replace(found, unknown=len(facts.parsed) - len(facts.rated))


def brier(facts: Facts) -> Figure:
    """Return the mean squared distance of the confidence from 1 where the answer is exact, else from 0."""
    return _of_rated(facts, mean(facts.rated, (facts.rated.confidence - facts.rated.exact) ** 2))


def ece(facts: Facts) -> Figure:
    """Return the expected calibration error; noise only ever raises it, so it has no interval but a noise floor."""
    of = facts.rated
    return _of_rated(facts, Figure(reliability(of).error if len(of) else None, of))


def ece_noise_floor(facts: Facts) -> Figure:
    """Return the calibration error that a perfectly calibrated model would show by chance."""
    of = facts.rated
    return _of_rated(facts, Figure(chance_error(of)[0] if len(of) else None, of))


def confidence_auroc(facts: Facts) -> Figure:
    """Return how often a correct answer has the higher confidence than a wrong one; None where there are not both."""
    of, right = facts.rated, int(facts.rated.correct.sum())
    if right in (0, len(of)):
        return Figure(None, of)
    value, influence = auroc(of.confidence, of.correct)
    rarer = of.correct == (2 * right <= len(of))
    return _of_rated(facts, Figure(value, of, influence, weight=rarer.astype(np.float64)))


def accuracy_at_90_coverage(facts: Facts) -> Figure:
    """Return the accuracy of the surest 90 % of the replies; None where no confidence is known.

    A reply without an answer or a confidence is the least sure: were the wrong ones' lost, it would look better.
    """
    of = facts.replied
    if not len(facts.rated):
        return Figure(None, of)
    kept = surest(np.where(of.answer >= 0, of.confidence, np.nan), 0.9)
    return _of_rated(facts, ratio(of.take(kept > 0), (kept * of.correct)[kept > 0], kept[kept > 0]))


def expected_cost(facts: Facts, parameters: Parameters) -> Figure:
    """Return the mean cost of the cases with a hazard class; an unparsed answer misses a hazard, and alarms nobody."""
    of, cost = facts.graded, parameters.cost
    dearest = max(cost.values(), default=0.0)
    if dearest <= 0:
        return Figure(None, of)
    missed, alarm = of.hazard & ~of.alarm, ~of.hazard & of.alarm
    return mean(of, cost.get("missed_hazard", 0.0) * missed + cost.get("false_alarm", 0.0) * alarm, top=dearest)


def coverage(facts: Facts, parameters: Parameters) -> Figure:
    """Return which part of the replies is an answer of enough confidence; unparsed or unknown, the model abstained."""
    of, least = facts.replied, parameters.abstain_below
    if least is None or not len(facts.rated):
        return Figure(None, of)
    return share(of, (of.answer >= 0) & (of.confidence >= least))


def selective_accuracy(facts: Facts, parameters: Parameters) -> Figure:
    """Return the accuracy of the answers of enough confidence; None where there are none."""
    least = parameters.abstain_below
    of = facts.rated.take(facts.rated.confidence >= (np.inf if least is None else least))
    return _of_rated(facts, share(of, of.correct))


def latency(percent: float) -> Formula:
    """Return the formula of a percentile of the time a caller waits, linearly interpolated."""

    def formula(facts: Facts) -> Figure:
        of = facts.replied.take(~np.isnan(facts.replied.waited))
        lost = len(facts.replied) - len(of)
        return Figure(float(np.percentile(of.waited, percent)) if len(of) else None, of, unknown=lost)

    return formula


def cases_per_second(facts: Facts) -> Figure:
    """Return cases / seconds, over the replies whose cost is known."""
    of = facts.replied.take(~np.isnan(facts.replied.seconds))
    return Figure(_rate(len(of), of.seconds), of, unknown=len(facts.replied) - len(of))


def tokens_per_second(facts: Facts) -> Figure:
    """Return generated tokens / seconds, over the replies where both are known."""
    of = facts.replied.take(~np.isnan(facts.replied.seconds + facts.replied.tokens))
    return Figure(_rate(float(of.tokens.sum()), of.seconds), of, unknown=len(facts.replied) - len(of))


def _rate(amount: float, seconds: Values) -> float | None:
    total = float(seconds.sum())
    return amount / total if total > 0 else None


def cases(facts: Facts) -> Figure:
    """Count the cases with an outcome."""
    return count(facts, np.ones(len(facts), dtype=bool))


FORMULAS: dict[str, Formula] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "majority_baseline": majority_baseline,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "specificity": specificity,
    "missed_hazards": missed_hazards,
    "missed_hazard_rate": missed_hazard_rate,
    "false_alarms": false_alarms,
    "false_alarm_rate": false_alarm_rate,
    "exact_accuracy": exact_accuracy,
    "mean_absolute_error": mean_absolute_error,
    "parse_rate": parse_rate,
    "unparsed_rate": unparsed_rate,
    "error_rate": error_rate,
    "mean_confidence": mean_confidence,
    "brier": brier,
    "ece": ece,
    "ece_noise_floor": ece_noise_floor,
    "auroc": confidence_auroc,
    "accuracy_at_90_coverage": accuracy_at_90_coverage,
    "latency_p50": latency(50),
    "latency_p95": latency(95),
    "cases_per_second": cases_per_second,
    "tokens_per_second": tokens_per_second,
    "cases": cases,
}
"""The formula of every name in METRICS that takes no parameter."""

PARAMETRIC: dict[str, Callable[[Facts, Parameters], Figure]] = {
    "expected_cost": expected_cost,
    "coverage": coverage,
    "selective_accuracy": selective_accuracy,
}
"""The formula of every other."""


def figure(name: str, facts: Facts, parameters: Parameters = NO_PARAMETERS) -> Figure:
    """Compute the metric of this name."""
    return PARAMETRIC[name](facts, parameters) if name in PARAMETRIC else FORMULAS[name](facts)
