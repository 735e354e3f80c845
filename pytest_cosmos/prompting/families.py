"""The model families: what is said to each, and where each leaves its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FamilyName = Literal["reason2", "reason1", "generic"]


@dataclass(frozen=True, slots=True)
class Family:
    """How checkpoints of one make are asked and how their text is read."""

    name: FamilyName
    system_prompt: str
    """Empty: there is no system message."""
    request: str
    """The words that ask for reasoning before the answer."""
    request_in: Literal["system", "user"]
    answer_in: Literal["after_think", "answer_tag"]
    """`answer_tag`: inside `<answer>`, and where that is missing, after `</think>`."""
    strips_front: bool = True
    """Whether white space before the question is taken off, as well as that behind it."""


# Both requests are quoted to the character: a checkpoint was trained on exactly these, so they are its protocol.
# nvidia-cosmos/cosmos-reason2, cosmos_reason2_utils/cosmos_reason2_utils/text.py: SYSTEM_PROMPT, REASONING_PROMPT;
# script/inference.py there strips the question and appends the request after one blank line.
_REASON2 = Family(
    name="reason2",
    system_prompt="You are a helpful assistant.",
    request=(
        "Answer the question using the following format:\n"
        "\n"
        "<think>\n"
        "Your reasoning.\n"
        "</think>\n"
        "\n"
        "Write your final answer immediately after the </think> tag."
    ),
    request_in="user",
    answer_in="after_think",
)

# nvidia-cosmos/cosmos-reason1, prompts/addons/english.txt and prompts/addons/reasoning.txt (whose last character
# is that full stop); scripts/inference.py there joins them by a blank line and only right-strips the question.
_REASON1 = Family(
    name="reason1",
    system_prompt="Always respond in English.",
    request=(
        "Answer the question with provided options in the following format:\n"
        "<think>\n"
        "your reasoning\n"
        "</think>\n"
        "\n"
        "<answer>\n"
        "your answer\n"
        "</answer>."
    ),
    request_in="system",
    answer_in="answer_tag",
    strips_front=False,
)

# Many chat templates know no system role (some refuse it), so everything is said in the user's turn. The request
# is that of Reason2, the simpler form; a reply in either form is understood, as other checkpoints keep to theirs.
_GENERIC = Family(
    name="generic",
    system_prompt="",
    request=_REASON2.request,
    request_in="user",
    answer_in="answer_tag",
)

FAMILIES: dict[str, Family] = {family.name: family for family in (_REASON2, _REASON1, _GENERIC)}

_FAMILY_OF_MODEL_TYPE: dict[str, FamilyName] = {"qwen3_vl": "reason2", "qwen2_5_vl": "reason1"}


def family_of(model_type: str) -> str:
    """Name the family of a checkpoint by its config's `model_type`; `generic` where it is no Cosmos Reason's.

    The model type is all that a Cosmos checkpoint's config shows, and it shares it with the Qwen it was made from.
    """
    return _FAMILY_OF_MODEL_TYPE.get(model_type, "generic")
