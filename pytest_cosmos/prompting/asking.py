"""Prompt -> chat messages, assembled as each family's publisher assembles them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_cosmos.prompting.families import Family
from pytest_cosmos.records import Prompt


def user_text(family: Family, prompt: Prompt) -> str:
    """Return the text of the user's turn, the reasoning request included where the family has it there."""
    question = prompt.text.strip() if family.strips_front else prompt.text.rstrip()
    if prompt.reasoning and family.request_in == "user":
        return f"{question}\n\n{family.request}"
    return question


def system_text(family: Family, prompt: Prompt) -> str:
    """Return the text of the system message, the reasoning request included where the family has it there."""
    asked = prompt.reasoning and family.request_in == "system"
    parts = (family.system_prompt, family.request if asked else "")
    return "\n\n".join(part for part in parts if part)


def messages(family: Family, prompt: Prompt, media: Sequence[str] = ("image",)) -> list[dict[str, Any]]:
    """Return chat messages for a chat template, a placeholder of each of `media` before the text.

    The media come first because that is the order both Cosmos families were trained on; it also lets all prompts
    of one sample share their prefix. A family without a system prompt has no system message.
    """
    content = [*({"type": kind} for kind in media), {"type": "text", "text": user_text(family, prompt)}]
    user = {"role": "user", "content": content}
    system = system_text(family, prompt)
    return [{"role": "system", "content": system}, user] if system else [user]
