"""What was demanded, and what a run came to."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import Record
from pytest_cosmos.records.comparisons import Difference
from pytest_cosmos.records.measures import Metric, metric_key

Bound = Literal["point", "lower", "upper"]


class Threshold(Record):
    """One line of thresholds.yaml."""

    suite: StrictStr
    metric: StrictStr
    slice: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    max_drop: float | None = None
    """Of a regression: how far below the baseline's figure it may be."""
    max_rise: float | None = None
    """Of a regression in a figure where lower is better: how far above the baseline's it may be."""
    max_ratio: float | None = None
    """Of a latency: how many times the baseline's it may be."""
    device: StrictStr = ""
    """Of a latency: on which devices (a glob) it holds; empty: on all."""
    bound: Bound = "point"
    """What is held against the bar: the figure, or the end of its interval that is harder to bring over it."""
    confidence: float = 0.95
    """Of the interval, both sides together."""
    cost: dict[StrictStr, float] = Field(default_factory=dict)
    """Of `expected_cost`: what a `missed_hazard` and a `false_alarm` cost."""
    abstain_below: float | None = None
    """Of `coverage` and `selective_accuracy`: with less confidence than this the model abstains."""
    min_cases: int = 1
    """With fewer cases than this there is no data."""
    kind: Literal["release", "guard", "regression", "latency"] = "release"
    where: StrictStr = ""
    """`file:line`."""

    @property
    def key(self) -> str:
        """The metric with its slice, as the file writes it."""
        return metric_key(self.metric, self.slice)

    @property
    def bar(self) -> str:
        """The bar in words: `>= 0.85`, `<= 0.01`, or both."""
        bounds = {">=": self.at_least, "<=": self.at_most}
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None)


class Waiver(Record):
    """A known failure of a must-pass case, let through until its date."""

    case: StrictStr
    """The key of the case, `suite/sample-prompt`."""
    reason: StrictStr
    owner: StrictStr
    expires: StrictStr
    """The last day on which it holds, `2026-12-31`."""
    where: StrictStr = ""
    """`file:line`."""


class CheckStatus(StrEnum):
    """What became of a threshold."""

    MET = "met"
    NOT_MET = "not_met"
    NO_EVIDENCE = "no_evidence"
    """The figure is on the right side, but so few cases cannot tell."""
    NO_DATA = "no_data"


class Check(Record):
    """A threshold held against what was measured."""

    threshold: Threshold
    metric: Metric
    difference: Difference | None = None
    """Of a regression: the candidate less the baseline."""
    status: CheckStatus
    blocking: bool
    """False: shown, but the run does not hang on it (release targets of a model not for release)."""
    doubt: StrictStr = ""
    """Met by the figure, while its interval reaches over the bar: why so few cases cannot tell; part of the message."""
    message: StrictStr
    """What was found, in one line without the verdict word."""


OutcomeWord = Literal["passed", "missed_bar", "errors", "partial", "no_data", "no_evidence"]


class Decision(Record):
    """What a run came to."""

    outcome: OutcomeWord
    exit_code: int
    answered: int
    """How many of the planned cases have an outcome."""
    planned: int
    """How many cases the suites that the run answers for have; of a shard, how many it meant to ask."""
    reasons: tuple[StrictStr, ...] = ()
    """Why, the weightiest first; says what to do."""
    would_release: bool | None = None
    """Whether every release target was met, and nothing else fails; None: there are none, or not enough data."""
