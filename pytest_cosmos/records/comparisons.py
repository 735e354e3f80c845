"""What changed from a baseline to a candidate, over the same cases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record
from pytest_cosmos.records.measures import metric_key

Change = Literal["improved", "worse", "changed", "no_evidence", "no_data"]
"""`changed`: there is evidence of a difference in a figure that has no better side."""


class Difference(Record):
    """One figure of the candidate less that of the baseline."""

    suite: StrictStr
    metric: StrictStr
    slice: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    baseline: float | None = None
    candidate: float | None = None
    value: float | None = None
    """Candidate - baseline; None: no data."""
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    """Of the interval, both sides together."""
    cases: int = 0
    """Pairs."""
    samples: int = 0
    clusters: int = 0
    fixed: int | None = None
    """Of a share: cases that are good only in the candidate; None: the figure is no share of the same cases.

    Good is to count, or where lower is better (unparsed, missed, false alarms) not to."""
    broken: int | None = None
    """Cases that are good only in the baseline."""
    both: int | None = None
    """Cases that are good in both."""
    neither: int | None = None
    p_value: float | None = None
    """Two-sided, of no difference: exact McNemar, or sign flips of whole clusters."""
    p_adjusted: float | None = None
    """Holm's over the slices of one metric, where there are several."""
    change: Change = "no_data"

    @property
    def key(self) -> str:
        """The metric with its slice, as thresholds.yaml writes it."""
        return metric_key(self.metric, self.slice)


class Unpaired(Record):
    """A case that could not be compared."""

    case: StrictStr
    """Its key."""
    reason: StrictStr


class Comparison(Record):
    """A candidate's run against a baseline's: comparison.json."""

    schema_version: int = SCHEMA_VERSION
    baseline: StrictStr
    """The run's id."""
    candidate: StrictStr
    baseline_model: StrictStr
    """The model as named, with the name of its adapter's folder."""
    candidate_model: StrictStr
    pairs: int = 0
    right_before: int = 0
    """Pairs that the baseline answered correctly."""
    right_after: int = 0
    differences: tuple[Difference, ...] = ()
    fixed: tuple[StrictStr, ...] = ()
    """Keys of the cases that only the candidate answered correctly."""
    broken: tuple[StrictStr, ...] = ()
    """Keys of the cases that only the baseline answered correctly."""
    unpaired: tuple[Unpaired, ...] = ()
    faults: tuple[StrictStr, ...] = ()
    """Why the comparison is void: an adapter that changed nothing, sides that were asked in different ways."""
    remarks: tuple[StrictStr, ...] = ()
    """What a reader must know: settings that differ, looser thresholds, how often this test split was compared on."""
