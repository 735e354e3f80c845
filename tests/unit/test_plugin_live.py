"""The live line's words."""

from __future__ import annotations

import pytest

from pytest_cosmos.engines import Progress
from pytest_cosmos.plugin.live import describe, duration


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(0, 1200, 0.0), "cosmos: 0/1200 answered, loading the model"),
        (Progress(0, 1200, 2.0), "cosmos: 0/1200 answered"),
        (Progress(96, 1200, 0.5), "cosmos: 96/1200 answered, 192/s, 6 s left"),
        (Progress(3, 1200, 6.0), "cosmos: 3/1200 answered, 0.5/s, 40 min left"),
    ],
)
def test_describe(progress: Progress, text: str) -> None:
    assert describe(progress) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5940, "99 min"), (7500, "2 h 5 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
