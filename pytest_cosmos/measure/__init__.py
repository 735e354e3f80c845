"""Outcomes -> Metrics: figures with their intervals and the cases behind them, whatever their order."""

from __future__ import annotations

from pytest_cosmos.measure.calibration import scaled, temperature_of
from pytest_cosmos.measure.catalogue import FIXED_SLICES, METRICS, MetricKind
from pytest_cosmos.measure.comparison import Pairs, compare, difference, differences, pair
from pytest_cosmos.measure.facts import Facts, read_facts
from pytest_cosmos.measure.formulas import Parameters
from pytest_cosmos.measure.interval import interval
from pytest_cosmos.measure.scaling import fit, scale
from pytest_cosmos.measure.stability import determinism, stability
from pytest_cosmos.measure.summary import measure, metric, summarise, warm_imports

__all__ = [
    "FIXED_SLICES",
    "METRICS",
    "Facts",
    "MetricKind",
    "Pairs",
    "Parameters",
    "compare",
    "determinism",
    "difference",
    "differences",
    "fit",
    "interval",
    "measure",
    "metric",
    "pair",
    "read_facts",
    "scale",
    "scaled",
    "stability",
    "summarise",
    "temperature_of",
    "warm_imports",
]
