"""How a model family is asked and how its text is read (reason2, reason1, generic)."""

from __future__ import annotations

from pytest_cosmos.prompting.asking import (
    media_order,
    messages,
    prompt_problem,
    system_text,
    template_arguments,
    user_text,
)
from pytest_cosmos.prompting.families import FAMILIES, Family, FamilyName, family_of
from pytest_cosmos.prompting.hearing import Spoken, split_reply
from pytest_cosmos.prompting.sampling import GREEDY, Published, Sampling, repeat_sampling
from pytest_cosmos.prompting.saying import reply_text
from pytest_cosmos.prompting.vision import VisionFacts, vision_of

__all__ = [
    "FAMILIES",
    "GREEDY",
    "Family",
    "FamilyName",
    "Published",
    "Sampling",
    "Spoken",
    "VisionFacts",
    "family_of",
    "media_order",
    "messages",
    "prompt_problem",
    "repeat_sampling",
    "reply_text",
    "split_reply",
    "system_text",
    "template_arguments",
    "user_text",
    "vision_of",
]
