"""Cases with the replies that a model is trained to give."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_cosmos.errors import OptionError
from pytest_cosmos.prompting import Family, reply_text
from pytest_cosmos.records import Case
from pytest_cosmos.suites import Suite

TRAINABLE = ("train", "validation")
"""The splits that a model may see: what it is tested on is never one of them."""


@dataclass(frozen=True, slots=True)
class Example:
    """A case and the reply to it."""

    case: Case
    """Its prompt asks for reasoning only where `response` holds some."""
    response: str
    """The assistant's turn, without an end token: that is the chat template's."""


def examples(suite: Suite, split: str, family: Family) -> tuple[Example, ...]:
    """Return one example per case of a split, in the order of the suite's files.

    Reasoning is taught where a prompt asks for it and the sample carries it. Where the sample carries none, the
    request is left out of the question: a model must not learn to skip the reasoning that it was asked for. Raise
    OptionError for the test split, and for a split that there is not.
    """
    if split not in TRAINABLE:
        raise OptionError(
            f"suite {suite.name}: the {split} split is no training data: a model trained on it would be tested on "
            f"what it has seen. Allowed: {', '.join(TRAINABLE)}."
        )
    return tuple(_example(case, family) for case in suite.cases(split))


def _example(case: Case, family: Family) -> Example:
    reasoning = case.sample.reasoning if case.prompt.reasoning else ""
    if not reasoning and case.prompt.reasoning:
        case = case.model_copy(update={"prompt": case.prompt.model_copy(update={"reasoning": False})})
    return Example(case, reply_text(family, reasoning, case.expected))
