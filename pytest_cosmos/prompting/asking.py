"""Prompt -> chat messages, assembled as each family's publisher assembles them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_cosmos.errors import OptionError
from pytest_cosmos.prompting.families import Family
from pytest_cosmos.records import Prompt

# What nvidia-cosmos/cosmos-reason1 takes for an output format: text between a tag and its end
# (cosmos_reason1_utils/text.py).
_TAGGED = re.compile(r"<([a-zA-Z]*)>.*?</\1>", re.DOTALL)


def user_text(family: Family, prompt: Prompt) -> str:
    """Return the text of the user's turn, the reasoning request included where the family has it there."""
    question = prompt.text.strip() if family.strips_front else prompt.text.rstrip()
    if prompt.reasoning and family.request_in == "user":
        return f"{question}\n\n{family.request}"
    return question


def system_text(family: Family, prompt: Prompt) -> str:
    """Return the text of the system message, the reasoning request included where the family has it there.

    Empty: there is none. Raise OptionError where `prompt_problem` finds something.
    """
    if problem := prompt_problem(family, prompt):
        raise OptionError(problem)
    given = prompt.system
    if family.system_given == "replaces":
        return family.system_prompt if given is None else given
    parts = (family.system_prompt, given or "", family.request if _adds_request(family, prompt) else "")
    return "\n\n".join(part.rstrip() for part in parts if part.rstrip())


def prompt_problem(family: Family, prompt: Prompt) -> str | None:
    """Say why a model of this family cannot be asked a prompt, in words for its author; None: it can.

    nvidia-cosmos/cosmos-reason1, scripts/inference.py: a system prompt that holds a format of its own cannot be given
    the reasoning request; one with `<think>` asks for reasoning already.
    """
    tag = _TAGGED.search(prompt.system or "")
    if tag is None or not _adds_request(family, prompt):
        return None
    return (
        f"prompt '{prompt.name}': its system prompt holds the output format <{tag[1]}>, and the reasoning request of "
        f"{family.name} would be added to that. Write reasoning: false, or <think> into the system prompt."
    )


def _adds_request(family: Family, prompt: Prompt) -> bool:
    return prompt.reasoning and family.request_in == "system" and "<think>" not in (prompt.system or "")


def media_order(family: Family, media: Sequence[str]) -> tuple[int, ...]:
    """Say in which order the media of a sample are shown, as places in `media`.

    The conversations of both Cosmos repositories (`create_conversation`) list the images first, then the videos.
    """
    places = range(len(media))
    return tuple(sorted(places, key=lambda place: media[place] != "image") if family.images_first else places)


def messages(family: Family, prompt: Prompt, media: Sequence[str] = ("image",)) -> list[dict[str, Any]]:
    """Return chat messages for a chat template, a placeholder of each of `media` (image, video) before the text.

    The media come first because that is the order both Cosmos families were trained on; it also lets all prompts
    of one sample share their prefix. A family without a system prompt has no system message.
    """
    shown = [{"type": media[place]} for place in media_order(family, media)]
    user = {"role": "user", "content": [*shown, {"type": "text", "text": user_text(family, prompt)}]}
    system = system_text(family, prompt)
    return [{"role": "system", "content": system}, user] if system else [user]


def template_arguments(family: Family, media: Sequence[str]) -> dict[str, Any]:
    """Return what the publisher's code hands to the chat template besides the messages.

    Reason2's passes `add_vision_ids` for several media. The templates of Qwen know `add_vision_id` alone, so nothing
    is numbered; whoever corrects the name asks the model otherwise than its publisher does.
    """
    return {"add_vision_ids": True} if family.numbers_media and len(media) > 1 else {}
