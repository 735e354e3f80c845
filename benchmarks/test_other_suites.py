"""Every suite under cases/ that has no test file of its own: a new suite needs no Python."""

from __future__ import annotations

import pytest

from pytest_cosmos.plugin import CosmosAnswer


@pytest.mark.cosmos
def test_suite(cosmos_answer: CosmosAnswer) -> None:
    """The model's answer is the one the label calls for."""
    assert cosmos_answer.correct, cosmos_answer.explanation
