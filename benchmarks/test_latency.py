"""How long one case takes, on a picture and on a clip: `pytest benchmarks/test_latency.py`, or `--suite latency`."""

from __future__ import annotations

import pytest

from pytest_cosmos.plugin import CosmosLatency


@pytest.mark.cosmos_latency
def test_latency(cosmos_latency: CosmosLatency) -> None:
    """It was timed in every round; how long is right is for thresholds.yaml, or pytest-benchmark, to say."""
    assert cosmos_latency.seconds
