"""The nouns of this project, in the order in which the data meets them. Read this file first.

    Sample x Prompt -> Case -> (engine) -> Reply -> (judge) -> Judgement
    Case + Reply + Judgement = Outcome -> Metric, Confusion -> (threshold) -> Check -> Decision;  Run: all about one run
    two Runs -> Comparison;  a Run, and perhaps a Comparison -> Recommendation
    Benchmark -> (engine) -> Timing, round by round -> Latency

Whatever crosses a process or touches a disk is one of these frozen pydantic models.
"""

from __future__ import annotations

from pytest_cosmos.records.base import ERROR, SCHEMA_VERSION, UNPARSED, Record
from pytest_cosmos.records.cases import AnswerKind, Case, Prompt, Sample, Vision
from pytest_cosmos.records.comparisons import Change, Comparison, Difference, Unpaired
from pytest_cosmos.records.decisions import Bound, Check, CheckStatus, Decision, OutcomeWord, Threshold, Waiver
from pytest_cosmos.records.latency import Benchmark, Latency, Measure, Series, Timing
from pytest_cosmos.records.measures import (
    Calibration,
    Confusion,
    CoveragePoint,
    Determinism,
    Metric,
    ReliabilityBin,
    Stability,
    Summary,
    Unstable,
    metric_key,
)
from pytest_cosmos.records.recommendations import (
    Advice,
    Moved,
    Recommendation,
    Risk,
    Said,
    Target,
    TargetFigure,
    TargetStatus,
)
from pytest_cosmos.records.replies import Judgement, Outcome, Repeat, Reply, Verdict
from pytest_cosmos.records.runs import ModelRecord, Run, SuiteRecord, Temperature
from pytest_cosmos.records.temperatures import TemperatureFile

__all__ = [
    "ERROR",
    "SCHEMA_VERSION",
    "UNPARSED",
    "Advice",
    "AnswerKind",
    "Benchmark",
    "Bound",
    "Calibration",
    "Case",
    "Change",
    "Check",
    "CheckStatus",
    "Comparison",
    "Confusion",
    "CoveragePoint",
    "Decision",
    "Determinism",
    "Difference",
    "Judgement",
    "Latency",
    "Measure",
    "Metric",
    "ModelRecord",
    "Moved",
    "Outcome",
    "OutcomeWord",
    "Prompt",
    "Recommendation",
    "Record",
    "ReliabilityBin",
    "Repeat",
    "Reply",
    "Risk",
    "Run",
    "Said",
    "Sample",
    "Series",
    "Stability",
    "SuiteRecord",
    "Summary",
    "Target",
    "TargetFigure",
    "TargetStatus",
    "Temperature",
    "TemperatureFile",
    "Threshold",
    "Timing",
    "Unpaired",
    "Unstable",
    "Verdict",
    "Vision",
    "Waiver",
    "metric_key",
]
