"""What is made of a response: where servers put the reasoning, what is cut off, refused or empty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_cosmos.engines.endpoint_reply import Answered, reply_of
from pytest_cosmos.judging import judge
from pytest_cosmos.prompting import FAMILIES
from pytest_cosmos.records import Reply, Verdict
from tests.endpoint_server import Answer, says
from tests.unit.builders import BINARY, case
from tests.unit.test_engines_endpoint_confidence import logprobs

ASKED = case()


def heard(answer: Answer, family: str = "reason2") -> Reply:
    return reply_of(ASKED, FAMILIES[family], Answered(answer.data().decode(), 1.5, "http://x/v1", {}, 0))


@pytest.mark.parametrize(
    "answer",
    [
        says("<think>\nA crack.\n</think>\n\nYes"),
        says("A crack.\n</think>\n\nYes"),
        says("\n\nYes", reasoning_content="\nA crack.\n"),
        says("Yes", reasoning="A crack."),
        says("Yes", reasoning="A crack.", reasoning_content=None),
    ],
)
def test_the_reasoning_wherever_the_server_puts_it(answer: Answer) -> None:
    reply = heard(answer)
    assert (reply.reasoning, reply.answer, reply.finish) == ("A crack.", "Yes", "stop")
    assert judge(ASKED, reply).verdict is Verdict.CORRECT


def test_reasoning_taken_apart_by_the_server_makes_the_same_raw_text() -> None:
    assert heard(says("Yes", reasoning="A crack.")).raw == "<think>\nA crack.\n</think>\n\nYes"


def test_reason1_has_its_answer_in_a_tag() -> None:
    reply = heard(says("<answer>\nYes\n</answer>", reasoning_content="No, wait."), "reason1")
    assert (reply.reasoning, reply.answer) == ("No, wait.", "Yes")


@pytest.mark.parametrize(
    ("answer", "raw", "reason"),
    [
        (says(None), "", "empty reply"),
        (says(""), "", "empty reply"),
        (says("   "), "   ", "empty reply"),
        (says(None, finish="length"), "", "empty reply"),
        (says(None, reasoning="Yes, a crack"), "<think>\nYes, a crack", "reasoning never ended"),
        (says(None, reasoning="Yes", finish="length"), "<think>\nYes", "reasoning never ended"),
        (says("<think>Yes, because", finish="length"), "<think>Yes, because", "reasoning never ended"),
        (says("Yes, bec", finish="length"), "Yes, bec", "cut off before an answer"),
        (says(None, refusal="No, I can't help."), "No, I can't help.", "empty answer"),
        (says("No", finish="content_filter"), "No", "empty answer"),
        (says(None, finish="content_filter"), "", "empty reply"),
        (says(None, finish="tool_calls", tool_calls=[{"id": "1"}]), "", "empty reply"),
    ],
)
def test_a_reply_that_is_no_answer_is_unparsed(answer: Answer, raw: str, reason: str) -> None:
    reply = heard(answer)
    judgement = judge(ASKED, reply)
    assert (reply.raw, reply.error) == (raw, "")
    assert (judgement.verdict, judgement.reason) == (Verdict.UNPARSED, reason)


def test_cut_off_after_the_answer() -> None:
    reply = heard(says("<think>\nA crack.\n</think>\n\nYes, the floor is cr", finish="length"))
    assert reply.finish == "length"
    assert judge(ASKED, reply).verdict is Verdict.CORRECT


def test_confidence_where_it_is_offered() -> None:
    given = logprobs(("Yes", {"Yes": 0.75, "No": 0.25}))
    plain = BINARY.model_copy(update={"reasoning": False})
    asked = ASKED.model_copy(update={"prompt": plain})
    body = says("Yes", logprobs=given).data().decode()
    reply = reply_of(asked, FAMILIES["reason2"], Answered(body, 1.0, "http://x/v1", {}, 0))
    assert reply.confidence == pytest.approx(0.75)
    assert heard(says("Yes")).confidence is None


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": "72"}, {"prompt_tokens": -1}, {"prompt_tokens": True}]
)
def test_odd_usage_does_not_spoil_an_answer(usage: object) -> None:
    body: dict[str, Any] = {**json.loads(says("Yes").data()), "usage": usage}
    reply = heard(Answer(body=body))
    assert (reply.answer, reply.input_tokens, reply.output_tokens) == ("Yes", None, None)


def test_halves_of_characters_are_replaced() -> None:
    text = json.dumps({"choices": [{"message": {"content": "Yes \ud83d"}, "finish_reason": "stop"}]})
    reply = heard(Answer(body=text))
    assert reply.raw == "Yes \ufffd"
    assert reply.model_dump_json()
