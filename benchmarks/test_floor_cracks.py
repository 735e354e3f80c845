"""Is the floor cracked, can a robot cross it, how bad is it: every image of cases/floor_cracks, every prompt."""

from __future__ import annotations

import pytest

from pytest_cosmos.plugin import CosmosAnswer


@pytest.mark.cosmos(suite="floor_cracks")
def test_floor_cracks(cosmos_answer: CosmosAnswer) -> None:
    """The model's answer is the one the label calls for."""
    assert cosmos_answer.correct, cosmos_answer.explanation
