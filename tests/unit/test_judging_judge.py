from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_cosmos.judging import judge, rating_distance
from pytest_cosmos.records import Case, Judgement, Prompt, Reply, Verdict
from tests.unit.builders import BINARY, MATERIAL, SEVERITY, case

LETTERED = MATERIAL.model_copy(update={"text": "What is the floor made of? (A) concrete (B) wood (C) tile"})
PROMPTS = (BINARY, SEVERITY, MATERIAL, LETTERED)


def said(text: str, **fields: object) -> Reply:
    return Reply.model_validate({"case_key": "k", "raw": text, "answer": text, **fields})


def asked(prompt: Prompt, expected: str | None = None) -> Case:
    return case(prompt=prompt, expected=expected or prompt.choices[0])


@pytest.mark.parametrize(
    ("prompt", "expected", "text", "verdict"),
    [
        (BINARY, "Yes", "Yes, it is.", Verdict.CORRECT),
        (BINARY, "Yes", "No.", Verdict.WRONG),
        (BINARY, "Yes", "Perhaps.", Verdict.UNPARSED),
        (MATERIAL, "wood", "It is wood.", Verdict.CORRECT),
        (MATERIAL, "wood", "It is tile.", Verdict.WRONG),
        (SEVERITY, "3", "Rating: 3", Verdict.CORRECT),
        (SEVERITY, "3", "4", Verdict.CORRECT),
        (SEVERITY, "3", "2", Verdict.CORRECT),
        (SEVERITY, "3", "5", Verdict.WRONG),
        (SEVERITY, "3", "6", Verdict.UNPARSED),
    ],
)
def test_an_answer_is_held_against_what_is_expected(prompt: Prompt, expected: str, text: str, verdict: Verdict) -> None:
    assert judge(asked(prompt, expected), said(text)).verdict is verdict


def test_a_rating_without_tolerance_has_to_be_exact() -> None:
    exact = SEVERITY.model_copy(update={"tolerance": 0})

    assert judge(asked(exact, "3"), said("4")).verdict is Verdict.WRONG


def test_an_error_is_never_an_answer() -> None:
    judgement = judge(asked(BINARY), said("Yes", finish="error", error="out of memory"))

    assert judgement == Judgement(verdict=Verdict.ERROR, reason="out of memory")


CUT_OFF = "cut off before an answer"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"raw": "", "answer": ""}, "empty reply", id="empty"),
        pytest.param({"raw": " \n\t", "answer": ""}, "empty reply", id="white-space"),
        pytest.param({"raw": "<think>I see Yes", "answer": ""}, "reasoning never ended", id="unclosed"),
        pytest.param(
            {"raw": "<think>I see", "answer": "", "finish": "length"}, "reasoning never ended", id="unclosed-cut"
        ),
        pytest.param(
            {"raw": "<think>I see</think>", "answer": "", "reasoning": "I see"},
            "nothing after the reasoning",
            id="only-reasoning",
        ),
        pytest.param({"raw": "<answer></answer>", "answer": ""}, "empty answer", id="empty-tag"),
        pytest.param({"raw": "I see Yes", "finish": "length"}, CUT_OFF, id="maybe-reasoning"),
        pytest.param({"answer": "No", "finish": "length", "reasoning": "I see"}, CUT_OFF, id="maybe-nothing"),
    ],
)
def test_a_reply_without_an_answer_says_why(fields: dict[str, str], reason: str) -> None:
    judgement = judge(asked(BINARY), said(fields.get("raw", "x")).model_copy(update=fields))

    assert judgement == Judgement(verdict=Verdict.UNPARSED, reason=reason)


@pytest.mark.parametrize(
    ("prompt", "text", "answer"),
    [
        (BINARY, "Yes, the flo", "Yes"),
        (BINARY, "Yes.", "Yes"),
        (BINARY, "No", None),
        (SEVERITY, "4 because the cra", "4"),
        (SEVERITY, "4.", None),
        (SEVERITY, "4", None),
        (SEVERITY, "4/", None),
        (LETTERED, "B) woo", "wood"),
        (LETTERED, "A", None),
    ],
)
def test_of_a_reply_cut_off_only_whole_words_count(prompt: Prompt, text: str, answer: str | None) -> None:
    reply = said(text, finish="length", reasoning="I see")

    assert judge(asked(prompt), reply).answer == answer


def test_without_a_request_for_reasoning_a_reply_cut_off_is_all_answer() -> None:
    prompt = BINARY.model_copy(update={"reasoning": False})

    assert judge(asked(prompt), said("No, the lines are joi", finish="length")).answer == "No"


@pytest.mark.parametrize(
    ("prompt", "answer", "distance"),
    [(SEVERITY, "5", 2), (SEVERITY, "3", 0), (SEVERITY, None, None), (BINARY, "Yes", None)],
)
def test_the_distance_of_a_rating(prompt: Prompt, answer: str | None, distance: int | None) -> None:
    judgement = Judgement(verdict=Verdict.WRONG, answer=answer)

    assert rating_distance(asked(prompt, "3" if prompt is SEVERITY else None), judgement) == distance


# Arbitrary characters alone hardly ever meet the readers' words, so their own pieces are thrown in.
PIECES = st.sampled_from(
    ["yes", "No", "answer", "is", "not", "4", "/5", "3.5", "-", "1 to 5", "wood", "B", "(", ")", "\n", ". ", "?", ":"]
)
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=30).map(" ".join)


@given(st.sampled_from(PROMPTS), TEXTS, st.sampled_from(["stop", "length"]))
@example(SEVERITY, "9" * 5000, "stop")
@example(SEVERITY, "²", "stop")
@example(SEVERITY, "Rating: ৪", "stop")
@example(MATERIAL, "\U000f0000", "stop")
@example(LETTERED, "ẞ", "length")
def test_any_text_is_judged_and_answers_are_choices(prompt: Prompt, text: str, finish: str) -> None:
    judgement = judge(asked(prompt), said(text, finish=finish))

    assert judgement.answer is None or judgement.answer in prompt.choices
    assert (judgement.answer is None) == bool(judgement.reason)
    assert len(judgement.reason) < 50


SPACES = st.text(alphabet=" \t\r\n\u00a0\u2003\u3000\u200b\ufeff", max_size=5)
EMPHASES = st.sampled_from(["", "*", "**", "***", "_", "__", "`", "~", "#", "$", '"', "“", "'"])


@given(st.sampled_from(PROMPTS), st.data(), SPACES, SPACES, EMPHASES)
def test_a_choice_answers_for_itself_however_it_is_set(
    prompt: Prompt, data: st.DataObject, before: str, after: str, emphasis: str
) -> None:
    expected = data.draw(st.sampled_from(prompt.choices))
    spelled = data.draw(st.sampled_from([expected, expected.upper(), expected.lower()]))

    assert judge(asked(prompt), said(f"{before}{emphasis}{spelled}{emphasis}{after}")).answer == expected


@given(st.sampled_from(PROMPTS), st.data())
def test_the_answer_behind_the_echoed_question_counts(prompt: Prompt, data: st.DataObject) -> None:
    expected = data.draw(st.sampled_from(prompt.choices))

    assert judge(asked(prompt), said(f"{prompt.text}\n{expected}")).answer == expected
    assert judge(asked(prompt), said(prompt.text)).answer is None


HOSTILE = [
    "9",
    "1 ",
    "1.",
    "-1",
    "1 = ",
    "1 (",
    "4/",
    "yes ",
    "no, ",
    "Yes. ",
    "No\n",
    "answer ",
    "the ",
    "a",
    " ",
    "\n",
]
HOSTILE += [
    "(",
    "<a",
    "~~",
    "\\boxed{",
    "wood ",
    "A ",
    "B) ",
    "é",
    "\u200b",
    "?",
    "Is this floor ",
    "one to ",
    "- ",
    "'a",
]
HOSTILE += ["1. a\n", "1 to 5 ", "ﷺ", "not "]


@pytest.mark.parametrize("prompt", PROMPTS[:3], ids=lambda prompt: prompt.name)
@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_hostile_text_takes_no_time(prompt: Prompt, piece: str) -> None:
    text = (piece * 100_000)[:99_999] + "!"

    started = time.process_time()
    judge(asked(prompt), said(text))

    assert time.process_time() - started < 3  # measured: at most 0.9; anything quadratic takes minutes


def test_a_text_that_ran_wild_is_not_read() -> None:
    started = time.process_time()
    judgement = judge(asked(SEVERITY), said("1. " * 400_000))

    assert judgement.reason == "longer than 100,000 characters"
    assert time.process_time() - started < 1
