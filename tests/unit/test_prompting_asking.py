from __future__ import annotations

import json
import re
from pathlib import Path

import jinja2
import pytest

from pytest_cosmos.errors import OptionError
from pytest_cosmos.prompting import (
    FAMILIES,
    family_of,
    media_order,
    messages,
    prompt_problem,
    system_text,
    template_arguments,
    user_text,
)
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.builders import BINARY
from tools.tiny import phrases

GOLDEN = Path(__file__).parents[1] / "golden" / "prompting"
REASON2 = FAMILIES["reason2"]
PLAIN = BINARY.model_copy(update={"reasoning": False})


def rendered(chat: list[dict[str, object]]) -> str:
    """Render as the embedded model's processor does, up to where the model goes on."""
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(
        (CHECKPOINT / "chat_template.jinja").read_text(encoding="utf-8")
    )
    return template.render(messages=chat, add_generation_prompt=True)


@pytest.mark.parametrize("reasoning", [True, False], ids=["reasoning", "plain"])
@pytest.mark.parametrize("name", FAMILIES)
def test_messages_are_what_the_publisher_sends(name: str, reasoning: bool) -> None:
    golden = GOLDEN / f"{name}-{'reasoning' if reasoning else 'plain'}.json"

    found = messages(FAMILIES[name], BINARY if reasoning else PLAIN)

    assert found == json.loads(golden.read_text(encoding="utf-8"))


SHOWN = {"video": ("video",), "several": ("video", "image", "video"), "system": ("video",)}
GIVEN = "You watch the road.\nAnswer briefly.\n"


@pytest.mark.parametrize("reasoning", [True, False], ids=["reasoning", "plain"])
@pytest.mark.parametrize("what", SHOWN)
@pytest.mark.parametrize("name", FAMILIES)
def test_videos_several_media_and_a_system_prompt(name: str, what: str, reasoning: bool) -> None:
    golden = GOLDEN / f"{name}-{what}-{'reasoning' if reasoning else 'plain'}.json"
    system = GIVEN if what == "system" else None

    found = messages(FAMILIES[name], BINARY.model_copy(update={"system": system, "reasoning": reasoning}), SHOWN[what])

    assert found == json.loads(golden.read_text(encoding="utf-8"))


@pytest.mark.parametrize("reasoning", [True, False], ids=["reasoning", "plain"])
def test_the_embedded_model_is_asked_to_the_character_as_in_training(reasoning: bool) -> None:
    golden = GOLDEN / f"tiny-{'reasoning' if reasoning else 'plain'}.txt"
    prompt = BINARY if reasoning else PLAIN

    assert rendered(messages(REASON2, prompt)) == golden.read_text(encoding="utf-8")
    assert user_text(REASON2, prompt) == phrases.question(prompt.text, reasoning)
    assert system_text(REASON2, prompt) == phrases.SYSTEM


@pytest.mark.parametrize(
    ("name", "order"), [("reason1", (1, 3, 0, 2)), ("reason2", (1, 3, 0, 2)), ("generic", (0, 1, 2, 3))]
)
def test_cosmos_is_shown_images_before_videos(name: str, order: tuple[int, ...]) -> None:
    media = ("video", "image", "video", "image")

    assert media_order(FAMILIES[name], media) == order
    content = messages(FAMILIES[name], BINARY, media)[-1]["content"]
    assert [part["type"] for part in content] == [*(media[place] for place in order), "text"]


def test_only_reason2_hands_its_template_an_argument_and_that_for_several_media() -> None:
    assert template_arguments(REASON2, ("image", "video")) == {"add_vision_ids": True}
    assert template_arguments(REASON2, ("video",)) == {}
    assert template_arguments(FAMILIES["reason1"], ("image", "video")) == {}


REASON1 = FAMILIES["reason1"]
ENGLISH = "Always respond in English."


@pytest.mark.parametrize(
    ("family", "given", "reasoning", "text"),
    [
        ("reason2", None, True, "You are a helpful assistant."),
        ("reason2", "", True, ""),
        ("reason2", "Watch.\n", True, "Watch.\n"),
        ("reason1", None, False, ENGLISH),
        ("reason1", "", True, f"{ENGLISH}\n\n{REASON1.request}"),
        ("reason1", " Watch. \n", True, f"{ENGLISH}\n\n Watch.\n\n{REASON1.request}"),
        ("reason1", "First <think>x</think>", True, f"{ENGLISH}\n\nFirst <think>x</think>"),
        ("reason1", "In <answer>A</answer>", False, f"{ENGLISH}\n\nIn <answer>A</answer>"),
        ("reason1", "a <b> c", True, f"{ENGLISH}\n\na <b> c\n\n{REASON1.request}"),
        ("generic", None, True, ""),
        ("generic", "Watch.", True, "Watch."),
    ],
)
def test_the_system_prompt(family: str, given: str | None, reasoning: bool, text: str) -> None:
    asked = BINARY.model_copy(update={"system": given, "reasoning": reasoning})
    assert system_text(FAMILIES[family], asked) == text


def test_reasoning_cannot_be_asked_beside_another_format() -> None:
    asked = BINARY.model_copy(update={"system": "Answer in\n<answer>\nA\n</answer>."})
    problem = (
        "prompt 'binary_safety': its system prompt holds the output format <answer>, and the reasoning request of "
        "reason1 would be added to that. Write reasoning: false, or <think> into the system prompt."
    )
    assert prompt_problem(REASON1, asked) == problem
    with pytest.raises(OptionError, match=re.escape(problem)):
        messages(REASON1, asked)
    assert prompt_problem(REASON1, asked.model_copy(update={"reasoning": False})) is None
    assert prompt_problem(REASON2, asked) is None


@pytest.mark.parametrize(
    ("name", "text"), [("reason2", "Cracked?"), ("reason1", "\n Cracked?"), ("generic", "Cracked?")]
)
def test_white_space_is_taken_off_the_question_as_each_publisher_does(name: str, text: str) -> None:
    assert user_text(FAMILIES[name], PLAIN.model_copy(update={"text": "\n Cracked? \n"})) == text


@pytest.mark.parametrize(
    ("model_type", "name"),
    [
        ("qwen3_vl", "reason2"),
        ("qwen2_5_vl", "reason1"),
        ("llava", "generic"),
        ("qwen3_vl_moe", "generic"),
        ("", "generic"),
    ],
)
def test_the_family_follows_from_the_model_type(model_type: str, name: str) -> None:
    assert family_of(model_type) == name
    assert FAMILIES[name].name == name
