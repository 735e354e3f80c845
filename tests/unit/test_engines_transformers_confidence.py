"""How sure the model was: which tokens tell the alternatives apart, where the answer stands, how likely it was."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pytest_cosmos.engines.transformers_confidence import (
    Alternatives,
    alternatives,
    answer_start,
    answer_step,
    probability,
)
from pytest_cosmos.tiny import CHECKPOINT


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(CHECKPOINT)


def owner_of(found: Alternatives | None, tokenizer: Any, text: str) -> int | None:
    assert found is not None
    token = tokenizer(text, add_special_tokens=False)["input_ids"][0]
    return dict(zip(found.tokens, found.owners, strict=True)).get(token)


def test_forms_of_a_choice_are_one_alternative(tokenizer: Any) -> None:
    found = alternatives(tokenizer, ("Yes", "No"))
    assert [owner_of(found, tokenizer, text) for text in ("Yes", " Yes", "No", " No", "no")] == [0, 0, 1, 1, 1]


def test_ratings_are_told_apart_after_a_space_too(tokenizer: Any) -> None:
    found = alternatives(tokenizer, tuple("12345"))
    assert found is not None
    assert set(found.owners) == set(range(5))
    assert [owner_of(found, tokenizer, digit) for digit in "12345"] == list(range(5))


@pytest.mark.parametrize("choices", [("cracked", "cracked floor"), ("1", "10"), ("only",), ()])
def test_choices_that_begin_alike_are_not_told_apart(tokenizer: Any, choices: tuple[str, ...]) -> None:
    assert alternatives(tokenizer, choices) is None


def step_of(tokenizer: Any, raw: str, answer: str, said: str) -> int | None:
    """Return the step of `said` in a reply, end token included."""
    tokens = tokenizer(raw, add_special_tokens=False)["input_ids"]
    found = alternatives(tokenizer, ("Yes", "No"))
    assert found is not None

    def piece(token: int) -> str:
        return str(tokenizer.decode([token], skip_special_tokens=True))

    start = answer_start([*tokens, tokenizer.eos_token_id], piece, raw, answer)
    if start is None:
        return None
    step = answer_step(tokens, start, found.of(("Yes", "No").index(said)), piece)
    return None if step is None else len(tokenizer.decode(tokens[:step]))


@pytest.mark.parametrize(
    ("raw", "answer", "said", "place"),
    [
        ("Yes", "Yes", "Yes", 0),
        ("<think>\nNo crack? Yes.\n</think>\n\nNo", "No", "No", 33),
        ("<think>Yes.</think>No, there is no crack, no.", "No, there is no crack, no.", "No", 19),
        ("<think>x</think>**Yes**", "**Yes**", "Yes", 18),
        ("Is it cracked, Yes or No: Yes", "Is it cracked, Yes or No: Yes", "Yes", 25),
        ("<answer>\nNo\n</answer>", "No", "No", 9),
        ("<think>Ünï–cödé 裂缝</think>Yes", "Yes", "Yes", 26),
        ("never said", "never said", "Yes", None),
        ("<think>Yes", "", "Yes", None),
    ],
)
def test_the_step_at_which_the_answer_was_written(
    tokenizer: Any, raw: str, answer: str, said: str, place: int | None
) -> None:
    assert step_of(tokenizer, raw, answer, said) == place


def test_an_answer_that_is_not_in_the_text_has_no_place() -> None:
    assert answer_start([1, 2], lambda _: "a", "aa", "b") is None


SCORES = st.lists(st.floats(-50, 50), min_size=2, max_size=8)


@given(SCORES)
def test_probabilities_of_all_alternatives_add_up_to_one(scores: list[float]) -> None:
    owners = [index // 2 for index in range(len(scores))]
    shares = [probability(scores, owners, choice) for choice in set(owners)]
    assert math.isclose(sum(share for share in shares if share is not None), 1.0)


@given(SCORES, st.floats(-1000, 1000))
def test_probability_knows_no_common_offset(scores: list[float], offset: float) -> None:
    owners = list(range(len(scores)))
    shifted = [score + offset for score in scores]
    assert probability(shifted, owners, 0) == pytest.approx(probability(scores, owners, 0), abs=1e-9)


def test_probability_is_the_softmax() -> None:
    assert probability([math.log(3), 0.0], [0, 1], 0) == pytest.approx(0.75)
    assert probability([math.log(2), 0.0, 0.0], [0, 0, 1], 0) == pytest.approx(0.75)


@pytest.mark.parametrize("scores", [[math.nan, 0.0], [-math.inf, -math.inf], [math.inf, 0.0]])
def test_scores_that_are_no_numbers_give_no_confidence(scores: list[float]) -> None:
    assert probability(scores, [0, 1], 0) is None
