from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.prompting import FAMILIES, Spoken, split_reply

THINK = [
    ("as-asked", "<think>\nA gap.\n</think>\n\nYes", Spoken("A gap.", "Yes", True)),
    ("opening-given-by-the-template", "A gap.\n</think>\n\nYes", Spoken("A gap.", "Yes", True)),
    ("words-before", "Let me see. <think>A gap.</think>Yes", Spoken("Let me see. <think>A gap.", "Yes", True)),
    ("unclosed", "<think>\nA gap. Yes", Spoken("A gap. Yes", "", False)),
    ("nothing-after", "<think>A gap.</think>\n", Spoken("A gap.", "", True)),
    (
        "tag-quoted",
        "<think>I answer after </think> now.</think>Yes",
        Spoken("I answer after </think> now.", "Yes", True),
    ),
    ("stray-closing", "<think>A gap.</think>Yes</think>", Spoken("A gap.", "Yes", True)),
    ("thinks-again", "<think>A gap.</think>Yes <think>Or", Spoken("A gap.\nYes Or", "", False)),
    ("twice", "<think>A.</think>Yes<think>B.</think>No", Spoken("A.</think>Yes<think>B.", "No", True)),
    ("empty-reasoning", "<think></think>Yes", Spoken("", "Yes", True)),
    ("no-tags", " Yes ", Spoken("", "Yes", False)),
    ("empty", "", Spoken("", "", False)),
]

TAGGED = [
    ("as-asked", "<think>\nA gap.\n</think>\n\n<answer>\nYes\n</answer>.", Spoken("A gap.", "Yes", True)),
    ("no-answer-tag", "<think>A gap.</think>\nYes", Spoken("A gap.", "Yes", True)),
    ("answer-unclosed", "<think>A gap.</think><answer>Yes, the", Spoken("A gap.", "Yes, the", False)),
    ("only-answer-tag", "<answer>Yes</answer>", Spoken("", "Yes", True)),
    ("words-then-answer-tag", "A gap. <answer>Yes</answer>", Spoken("A gap.", "Yes", True)),
    ("last-tag", "<answer>Yes</answer> or <answer>No</answer>", Spoken("<answer>Yes</answer> or", "No", True)),
    ("think-unclosed", "<think>A gap. Yes", Spoken("A gap. Yes", "", False)),
    ("think-unclosed-whole-answer", "<think>A gap. <answer>Yes</answer>.", Spoken("A gap.", "Yes", True)),
    (
        "think-unclosed-tag-quoted",
        "<think>In <answer>x</answer> I say",
        Spoken("In <answer>x</answer> I say", "", False),
    ),
    ("tag-in-the-reasoning", "<think>an <answer> is due</think>Yes", Spoken("an <answer> is due", "Yes", True)),
    ("empty-answer", "<think>A.</think><answer></answer>", Spoken("A.", "", True)),
    ("no-tags", "Yes", Spoken("", "Yes", False)),
]


@pytest.mark.parametrize(("raw", "expected"), [pytest.param(raw, e, id=i) for i, raw, e in THINK])
def test_reason2_answers_after_its_reasoning(raw: str, expected: Spoken) -> None:
    assert split_reply(FAMILIES["reason2"], raw, asked_reasoning=True) == expected


@pytest.mark.parametrize("name", ["reason1", "generic"])
@pytest.mark.parametrize(("raw", "expected"), [pytest.param(raw, e, id=i) for i, raw, e in TAGGED])
def test_reason1_answers_in_a_tag_and_generic_may(name: str, raw: str, expected: Spoken) -> None:
    assert split_reply(FAMILIES[name], raw, asked_reasoning=True) == expected


@pytest.mark.parametrize("name", FAMILIES)
def test_without_reasoning_asked_for_text_without_tags_is_a_complete_answer(name: str) -> None:
    assert split_reply(FAMILIES[name], "Yes\n", asked_reasoning=False) == Spoken("", "Yes", True)


def test_reason2_knows_no_answer_tag() -> None:
    raw = "<think>A gap.</think><answer>Yes</answer>"

    assert split_reply(FAMILIES["reason2"], raw, asked_reasoning=True).answer == "<answer>Yes</answer>"


PIECES = st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", "Yes", " ", "\n", "."])


@given(st.sampled_from(sorted(FAMILIES)), st.lists(PIECES | st.text(max_size=3)).map("".join), st.booleans())
def test_any_text_is_taken_apart_into_pieces_of_itself(name: str, raw: str, asked: bool) -> None:
    spoken = split_reply(FAMILIES[name], raw, asked_reasoning=asked)

    assert spoken.answer in raw
    assert spoken.answer == spoken.answer.strip()
    assert spoken.reasoning == spoken.reasoning.strip()


@given(st.text(alphabet="ab .\n", min_size=1).map(str.strip), st.text(alphabet="ab .\n").map(str.strip))
def test_what_a_model_says_as_asked_is_read_back(reasoning: str, answer: str) -> None:
    after_think = f"<think>\n{reasoning}\n</think>\n\n{answer}"
    tagged = f"<think>\n{reasoning}\n</think>\n\n<answer>\n{answer}\n</answer>"

    for name, raw in [("reason2", after_think), ("generic", after_think), ("generic", tagged), ("reason1", tagged)]:
        assert split_reply(FAMILIES[name], raw, asked_reasoning=True) == Spoken(reasoning, answer, True)
