"""How a model family is asked and how its text is read (reason2, reason1, generic)."""

from __future__ import annotations

from pytest_cosmos.prompting.asking import messages, system_text, user_text
from pytest_cosmos.prompting.families import FAMILIES, Family, FamilyName, family_of
from pytest_cosmos.prompting.hearing import Spoken, split_reply

__all__ = [
    "FAMILIES",
    "Family",
    "FamilyName",
    "Spoken",
    "family_of",
    "messages",
    "split_reply",
    "system_text",
    "user_text",
]
