from __future__ import annotations

import json
from pathlib import Path

import jinja2
import pytest

from pytest_cosmos.prompting import FAMILIES, family_of, messages, system_text, user_text
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


@pytest.mark.parametrize("reasoning", [True, False], ids=["reasoning", "plain"])
def test_the_embedded_model_is_asked_to_the_character_as_in_training(reasoning: bool) -> None:
    golden = GOLDEN / f"tiny-{'reasoning' if reasoning else 'plain'}.txt"
    prompt = BINARY if reasoning else PLAIN

    assert rendered(messages(REASON2, prompt)) == golden.read_text(encoding="utf-8")
    assert user_text(REASON2, prompt) == phrases.question(prompt.text, reasoning)
    assert system_text(REASON2, prompt) == phrases.SYSTEM


def test_all_media_come_before_the_text() -> None:
    content = messages(REASON2, BINARY, media=("image", "video"))[-1]["content"]

    assert [part["type"] for part in content] == ["image", "video", "text"]


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
