"""A reply written for training is read back as what it was made of, in every family."""

from __future__ import annotations

import pytest

from pytest_cosmos.prompting import FAMILIES, Family, reply_text, split_reply


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
@pytest.mark.parametrize("reasoning", ["A crack runs across.\nIt is wide.", ""])
def test_is_heard_as_it_was_said(family: Family, reasoning: str) -> None:
    spoken = split_reply(family, reply_text(family, reasoning, "Yes"), asked_reasoning=bool(reasoning))

    assert (spoken.reasoning, spoken.answer, spoken.complete) == (reasoning, "Yes", True)


def test_keeps_to_the_form_of_each_request() -> None:
    said = {name: reply_text(family, "Why.", "No") for name, family in FAMILIES.items()}

    assert said["reason2"] == "<think>\nWhy.\n</think>\n\nNo"
    assert said["reason1"] == "<think>\nWhy.\n</think>\n\n<answer>\nNo\n</answer>"
    assert said["generic"] == said["reason2"]  # its request is that of Reason2
