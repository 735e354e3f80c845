"""What changed from a baseline, in words and figures: shared by terminal and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_cosmos.records import Comparison, Outcome


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """A comparison, and what the baseline said."""

    comparison: Comparison
    said_before: Mapping[str, Outcome]
    """By case key."""
