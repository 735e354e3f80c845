"""Reasoning and answer -> the text of a reply: what a model is trained to write, as `hearing` reads it."""

from __future__ import annotations

from pytest_cosmos.prompting.families import Family


def reply_text(family: Family, reasoning: str, answer: str) -> str:
    """Write a reply as the family's reasoning request words it; without reasoning the bare answer.

    The end token is the chat template's, and no part of it.
    """
    if not reasoning:
        return answer
    thought = f"<think>\n{reasoning}\n</think>\n\n"
    tagged = family.answer_in == "answer_tag" and "<answer>" in family.request
    return f"{thought}<answer>\n{answer}\n</answer>" if tagged else f"{thought}{answer}"
