"""Facts about this machine -> Findings: can it run this model, or reach this endpoint? Every check is a pure function.

facts (the only part with effects) -> checks -> tuple of Finding; `examine` is the way through.
"""

from __future__ import annotations

from pytest_cosmos.doctor.examine import examine, examine_endpoint
from pytest_cosmos.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "examine", "examine_endpoint"]
