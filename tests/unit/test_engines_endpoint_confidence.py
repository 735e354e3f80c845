"""Confidence from token texts: the same measure as of the engine that sees all scores."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_cosmos.engines.endpoint_confidence import confidence

YES_NO = ("Yes", "No")


def logprobs(*steps: tuple[str, dict[str, float]]) -> dict[str, Any]:
    """Build what a server sends: each step is the token said, and probabilities of those considered."""
    content = []
    for token, probabilities in steps:
        top = [{"token": text, "logprob": math.log(p), "bytes": None} for text, p in probabilities.items()]
        content.append({"token": token, "logprob": math.log(probabilities.get(token, 0.5)), "top_logprobs": top})
    return {"content": content}


def sure(token: str) -> tuple[str, dict[str, float]]:
    return token, {token: 0.99}


ANSWER = ("Yes", {"Yes": 0.6, "No": 0.2, "yes": 0.1, " no": 0.05, "Maybe": 0.05})


def test_the_softmax_over_the_alternatives() -> None:
    assert confidence(logprobs(ANSWER), YES_NO, "Yes", "Yes") == pytest.approx(0.7 / 0.95)


def test_the_step_of_the_answer_counts_not_one_of_the_reasoning() -> None:
    steps = [sure("<think>"), ("No", {"No": 0.9, "Yes": 0.1}), sure(" crack"), sure("</think>"), sure("\n\n"), ANSWER]
    assert confidence(logprobs(*steps), YES_NO, "Yes", "Yes") == pytest.approx(0.7 / 0.95)
    # whether the server keeps the reasoning's tokens or takes them out
    assert confidence(logprobs(*steps[4:], sure("<|im_end|>")), YES_NO, "Yes", "Yes") == pytest.approx(0.7 / 0.95)


def test_the_answer_may_come_after_other_words() -> None:
    steps = [sure("So"), sure(":"), (" Yes", {" Yes": 0.8, " No": 0.2})]
    assert confidence(logprobs(*steps), YES_NO, "Yes", "So: Yes") == pytest.approx(0.8)


def test_a_token_may_begin_a_longer_alternative() -> None:
    choices = ("concrete", "wood", "tile")
    steps = [("con", {"con": 0.5, "wood": 0.25, " t": 0.15, "c": 0.1}), sure("crete")]
    assert confidence(logprobs(*steps), choices, "concrete", "concrete") == pytest.approx(0.6)


def test_a_token_that_can_begin_two_alternatives_tells_nothing() -> None:
    steps = ("10", {"1": 0.4, "10": 0.4, "2": 0.2})
    assert confidence(logprobs(steps), ("1", "2", "10"), "10", "10") == pytest.approx(0.4 / 0.6)


def test_an_alternative_that_is_not_among_the_likeliest_counts_as_impossible() -> None:
    assert confidence(logprobs(("Yes", {"Yes": 0.9, "Hm": 0.1})), YES_NO, "Yes", "Yes") == 1.0


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        [],
        "none",
        {"content": None},
        {"content": []},
        {"content": [None]},
        {"content": [{"token": 7, "logprob": -1}]},
        {"content": [{"token": "Yes", "logprob": "high"}]},
        {"content": [{"token": "token_id:9454", "logprob": -0.1, "top_logprobs": []}]},
        {"content": [{"token": "Yes", "logprob": float("-inf"), "top_logprobs": None}]},
        {"content": [{"token": "something else", "logprob": -0.1, "top_logprobs": [3]}]},
    ],
)
def test_what_is_of_no_use_gives_none(given: object) -> None:
    assert confidence(given, YES_NO, "Yes", "Yes") is None


def test_without_an_answer_there_is_none() -> None:
    assert confidence(logprobs(ANSWER), YES_NO, None, "Yes") is None
    assert confidence(logprobs(ANSWER), YES_NO, "Yes", "") is None
    assert confidence(logprobs(ANSWER), ("Yes",), "Yes", "Yes") is None
