"""Outcomes + thresholds -> Checks -> Decision: walks thresholds, never metrics, and fails closed."""

from __future__ import annotations

from pytest_cosmos.gate.checks import check
from pytest_cosmos.gate.decision import decide
from pytest_cosmos.gate.latency import Held, Timed, check_latency
from pytest_cosmos.gate.looser import looser
from pytest_cosmos.gate.names import name_problems
from pytest_cosmos.gate.thresholds import Thresholds, matches, read_thresholds

__all__ = [
    "Held",
    "Thresholds",
    "Timed",
    "check",
    "check_latency",
    "decide",
    "looser",
    "matches",
    "name_problems",
    "read_thresholds",
]
