"""Outcomes + thresholds -> Checks -> Decision: walks thresholds, never metrics, and fails closed."""

from __future__ import annotations

from pytest_cosmos.gate.checks import answering, check, suites_answered_for
from pytest_cosmos.gate.decision import decide
from pytest_cosmos.gate.latency import Held, Timed, check_latency
from pytest_cosmos.gate.likeness import faults, remarks
from pytest_cosmos.gate.looser import looser
from pytest_cosmos.gate.must_pass import waived_cases, waived_until
from pytest_cosmos.gate.names import name_problems
from pytest_cosmos.gate.regression import Compared, check_regressions, remark_on_none
from pytest_cosmos.gate.tally import tallies
from pytest_cosmos.gate.thresholds import Thresholds, matches, read_thresholds
from pytest_cosmos.gate.trust import edited, mistrust
from pytest_cosmos.gate.waivers import holds, waiver_of

__all__ = [
    "Compared",
    "Held",
    "Thresholds",
    "Timed",
    "answering",
    "check",
    "check_latency",
    "check_regressions",
    "decide",
    "edited",
    "faults",
    "holds",
    "looser",
    "matches",
    "mistrust",
    "name_problems",
    "read_thresholds",
    "remark_on_none",
    "remarks",
    "suites_answered_for",
    "tallies",
    "waived_cases",
    "waived_until",
    "waiver_of",
]
