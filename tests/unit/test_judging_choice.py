from __future__ import annotations

import pytest

from pytest_cosmos.judging import choice
from pytest_cosmos.records import AnswerKind, Prompt
from tests.unit.builders import MATERIAL

NONE, SEVERAL, DENIED = "none of the options", "several of the options", "only denies an option"

STATE = Prompt(
    name="state",
    text="What is on this floor?\n(A) dry floor\n(B) wet floor\n(C) oil spill",
    kind=AnswerKind.CHOICE,
    choices=("dry floor", "wet floor", "oil spill"),
)
CRACK = Prompt(
    name="crack",
    text="Describe the floor: cracked or not cracked.",
    kind=AnswerKind.CHOICE,
    choices=("cracked", "not cracked"),
)

STATED = [
    ("text", "wet floor", "wet floor"),
    ("text-capitals", "WET FLOOR.", "wet floor"),
    ("text-bold", "**Wet floor**", "wet floor"),
    ("text-underscore", "wet_floor", "wet floor"),
    ("text-over-lines", "wet\nfloor", "wet floor"),
    ("letter", "B", "wet floor"),
    ("letter-full-stop", "B.", "wet floor"),
    ("letter-parentheses", "(B)", "wet floor"),
    ("letter-parenthesis", "B)", "wet floor"),
    ("letter-bold", "**C**", "oil spill"),
    ("letter-small-alone", "b", "wet floor"),
    ("letter-a-alone", "A", "dry floor"),
    ("letter-and-text", "B. wet floor", "wet floor"),
    ("letter-in-parentheses-and-text", "(C) oil spill", "oil spill"),
    ("letter-colon-text", "A: dry floor", "dry floor"),
    ("letter-answer", "Answer: B", "wet floor"),
    ("letter-the-answer-is", "The answer is (A).", "dry floor"),
    ("letter-because", "The answer is C because of the sheen", "oil spill"),
    ("letter-option", "Option B", "wet floor"),
    ("letter-boxed", r"\boxed{B}", "wet floor"),
    ("letter-json", '{"answer": "C"}', "oil spill"),
    ("letter-reason", "B, as the surface reflects", "wet floor"),
    ("article-a", "A wet floor", "wet floor"),
    ("prose", "The picture shows a wet floor near the door.", "wet floor"),
    ("prose-repeated", "A wet floor. The wet floor is slippery.", "wet floor"),
    ("marker-text", "The answer is oil spill.", "oil spill"),
    ("marker-over-mention", "It is no dry floor but shiny. Answer: wet floor", "wet floor"),
    ("last-marker", "Answer: A. On reflection, final answer: C", "oil spill"),
    ("echo-then-letter", f"{STATE.text}\nB", "wet floor"),
    ("options-echoed-then-answer", "(A) dry floor\n(B) wet floor\n(C) oil spill\nAnswer: B", "wet floor"),
    ("question-then-text", "Is it a dry floor? It is a wet floor.", "wet floor"),
]

UNPARSED = [
    ("only-question", STATE.text, NONE),
    ("two-options", "wet floor or dry floor", SEVERAL),
    ("two-in-prose", "A wet floor beside an oil spill", SEVERAL),
    ("rather-than", "It is a wet floor rather than a dry floor", SEVERAL),
    ("two-letters", "A or B", NONE),
    ("two-letters-comma", "A, B", SEVERAL),
    ("neither", "Neither A nor B", NONE),
    ("letter-against-text", "A. wet floor", SEVERAL),
    ("unknown-letter", "D", NONE),
    ("denied", "It is not a wet floor.", DENIED),
    ("denied-isnt", "This isn't an oil spill", DENIED),
    ("denied-after", "A wet floor it is not.", DENIED),
    ("article-only", "A puddle", NONE),
    ("i-as-pronoun", "I see a puddle", NONE),
    ("part-of-a-word", "wet floors", NONE),
    ("half-of-an-option", "wet", NONE),
    ("question-back", "wet floor?", NONE),
    ("wrong-language", "nasser Boden", NONE),
    ("punctuation", "!!", NONE),
]

NESTED = [
    ("longer", "not cracked", "not cracked"),
    ("shorter", "cracked", "cracked"),
    ("longer-in-prose", "The floor is not cracked.", "not cracked"),
    ("shorter-in-prose", "The floor is cracked.", "cracked"),
    ("contraction", "The floor isn't cracked.", None),
    ("not-really", "It is not really cracked", None),
    ("uncracked", "uncracked", None),
    ("both", "cracked, not not cracked", None),
    ("echo", "Describe the floor: cracked or not cracked. not cracked", "not cracked"),
]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=i) for i, t, e in STATED])
def test_an_option_that_is_stated_is_found(text: str, expected: str) -> None:
    assert choice.read(text, STATE).answer == expected


@pytest.mark.parametrize(("text", "reason"), [pytest.param(t, r, id=i) for i, t, r in UNPARSED])
def test_what_is_no_clear_option_is_not_guessed(text: str, reason: str) -> None:
    found = choice.read(text, STATE)

    assert found.answer is None
    assert found.reason == reason


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=i) for i, t, e in NESTED])
def test_an_option_inside_another_is_not_taken_for_it(text: str, expected: str | None) -> None:
    assert choice.read(text, CRACK).answer == expected


def test_letters_count_only_where_the_question_gives_them() -> None:
    assert choice.read("B", MATERIAL).answer is None
    assert choice.read("wood", MATERIAL).answer == "wood"


def test_letters_stand_for_what_the_question_says_they_do() -> None:
    prompt = STATE.model_copy(update={"text": "(A) wet floor (B) dry floor (C) oil spill?"})

    assert choice.read("A", prompt).answer == "wet floor"


def test_options_that_are_letters_answer_for_themselves() -> None:
    prompt = MATERIAL.model_copy(update={"choices": ("A", "B", "C")})

    assert choice.read("The answer is B.", prompt).answer == "B"
    assert choice.read("A crack", prompt).answer is None


def test_everyday_words_are_options_only_where_put_forward() -> None:
    prompt = MATERIAL.model_copy(update={"choices": ("Yes", "No", "Not visible")})

    assert choice.read("No", prompt).answer == "No"
    assert choice.read("The crack is not visible", prompt).answer == "Not visible"
    assert choice.read("There is no crack", prompt).answer is None
