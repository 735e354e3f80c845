"""The names of all metrics: what thresholds.yaml may name and what reports print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["", "s", "1/s", "count", "points", "cost"]
Parameter = Literal["", "cost", "abstain_below"]


@dataclass(frozen=True, slots=True)
class MetricKind:
    """What a metric is called, measured in and good for."""

    name: str
    title: str
    """For people: the head of a table's column."""
    unit: Unit
    """Empty: a figure between 0 and 1; `points`: steps of a rating scale; `cost`: as thresholds.yaml counts it."""
    higher_is_better: bool | None
    """None: neither way is better, it describes."""
    proportion: bool
    """So many of so many cases."""
    description: str
    timing: bool = False
    """About how long replies took: replies asked in this run come first, see `timing`."""
    parameter: Parameter = ""
    """What it takes besides the cases: then only a threshold can say what it is, and a summary leaves it out."""
    has_interval: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which values it always lies, both included."""
        return (0.0, 1.0) if self.unit == "" else (0.0, float("inf"))


FIXED_SLICES = ("prompt", "category", "source", "label", "split", "group")
"""What every suite can be sliced by, besides its own declared columns."""


def _share(name: str, title: str, description: str, *, higher: bool, parameter: Parameter = "") -> MetricKind:
    return MetricKind(name, title, "", higher, proportion=True, description=description, parameter=parameter)


def _figure(
    name: str, title: str, unit: Unit, higher: bool | None, description: str, parameter: Parameter = ""
) -> MetricKind:
    return MetricKind(name, title, unit, higher, proportion=False, description=description, parameter=parameter)


def _plain(name: str, title: str, unit: Unit, higher: bool | None, description: str) -> MetricKind:
    """Describe a figure that has no interval."""
    return MetricKind(name, title, unit, higher, proportion=False, description=description, has_interval=False)


def _time(name: str, title: str, unit: Unit, description: str) -> MetricKind:
    return MetricKind(
        name, title, unit, unit == "1/s", proportion=False, description=description, timing=True, has_interval=False
    )


_KINDS = (
    _share(
        "accuracy",
        "Accuracy",
        "Share of the cases with a reply whose answer is correct; unparsed counts as wrong.",
        higher=True,
    ),
    _figure(
        "balanced_accuracy",
        "Balanced accuracy",
        "",
        True,
        "Share answered correctly of each expected answer, averaged: rare answers weigh as much.",
    ),
    _plain(
        "majority_baseline",
        "Majority baseline",
        "",
        None,
        "Accuracy of the best constant answer per prompt, such as 'always Yes': what blind guessing reaches.",
    ),
    _share(
        "precision",
        "Precision",
        "Share of the hazard answers that were right to say so.",
        higher=True,
    ),
    _share(
        "recall",
        "Recall",
        "Share of the hazards that were recognised; an unparsed answer misses its hazard.",
        higher=True,
    ),
    _figure("f1", "F1", "", True, "Harmonic mean of precision and recall on the hazard class."),
    _share(
        "specificity",
        "Specificity",
        "Share of the harmless cases recognised as such; an unparsed answer recognises nothing.",
        higher=True,
    ),
    _plain(
        "missed_hazards",
        "Missed hazards",
        "count",
        False,
        "Hazards not recognised: answered as harmless, or unparsed.",
    ),
    _share("missed_hazard_rate", "Missed hazard rate", "Share of the hazards not recognised.", higher=False),
    _plain("false_alarms", "False alarms", "count", False, "Harmless cases answered as a hazard."),
    _share(
        "false_alarm_rate",
        "False alarm rate",
        "Share of the harmless cases answered as a hazard.",
        higher=False,
    ),
    _share(
        "exact_accuracy",
        "Exact accuracy",
        "Accuracy without the tolerance of ratings.",
        higher=True,
    ),
    _figure(
        "mean_absolute_error",
        "Mean absolute error",
        "points",
        False,
        "Mean distance of the rating given from the rating expected, over parsed answers.",
    ),
    _share(
        "parse_rate",
        "Parse rate",
        "Share of the cases with a reply in which an answer was found.",
        higher=True,
    ),
    _share(
        "unparsed_rate",
        "Unparsed rate",
        "Share of the cases with a reply in which no answer was found.",
        higher=False,
    ),
    _share("error_rate", "Error rate", "Share of all cases that got no reply.", higher=False),
    _figure(
        "mean_confidence",
        "Mean confidence",
        "",
        None,
        "Mean probability of the answers given, where the engine tells it.",
    ),
    _figure(
        "brier",
        "Brier score",
        "",
        False,
        "Mean squared distance of the confidence from 1 where the answer is exact and from 0 where it is not.",
    ),
    _plain(
        "ece",
        "Calibration error",
        "",
        False,
        "Expected calibration error: how far confidence and share of exact answers are apart, in 15 bins of equally "
        "many cases.",
    ),
    _plain(
        "ece_noise_floor",
        "Calibration noise",
        "",
        None,
        "The calibration error that a perfectly calibrated model would show by chance on as many cases, simulated.",
    ),
    _figure(
        "auroc",
        "AUROC",
        "",
        True,
        "How often a correct answer has the higher confidence than a wrong one: 0.5 is chance.",
    ),
    _share(
        "accuracy_at_90_coverage",
        "Accuracy at 90 %",
        "Accuracy of the surest 90 % of the replies; without an answer or a confidence a reply is the least sure.",
        higher=True,
    ),
    _figure(
        "expected_cost",
        "Expected cost",
        "cost",
        False,
        "Mean cost per case of missed hazards and false alarms, as the threshold prices them.",
        "cost",
    ),
    _share(
        "coverage",
        "Coverage",
        "Share of the replies with an answer of at least the confidence asked for; on the others the model abstains.",
        higher=True,
        parameter="abstain_below",
    ),
    _share(
        "selective_accuracy",
        "Selective accuracy",
        "Accuracy of the answers of at least the confidence asked for.",
        higher=True,
        parameter="abstain_below",
    ),
    _time(
        "latency_p50",
        "Latency p50",
        "s",
        "Median time from handing a batch in to the reply: what a caller waits.",
    ),
    _time(
        "latency_p95",
        "Latency p95",
        "s",
        "Time from handing a batch in within which 95 % of the replies came.",
    ),
    _time(
        "cases_per_second",
        "Cases per second",
        "1/s",
        "Cases answered, divided by the sum of what each cost.",
    ),
    _time(
        "tokens_per_second",
        "Tokens per second",
        "1/s",
        "Tokens generated, divided by the sum of what each case cost.",
    ),
    _plain("cases", "Cases", "count", True, "Cases with an outcome, errors included."),
)

METRICS: dict[str, MetricKind] = {kind.name: kind for kind in _KINDS}
"""Every metric by name, in the order in which tables show them."""
