"""What is to be done with a model: a run, and perhaps a comparison -> Recommendation. Pure: no file, no model.

obstacles ──► void
no baseline:  release targets ──► sufficient | not_sufficient | no_evidence
a baseline:   goals, what must not be worse ──► helped | mixed | harmed | not_helped | no_evidence
"""

from __future__ import annotations

from pytest_cosmos.deciding.evidence import Before, Evidence
from pytest_cosmos.deciding.recommend import recommend
from pytest_cosmos.deciding.targets import lacks_targets

__all__ = ["Before", "Evidence", "lacks_targets", "recommend"]
