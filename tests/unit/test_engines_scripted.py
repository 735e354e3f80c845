"""Reading a script: what it may say, and every mistake at once with its line."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pytest_cosmos.engines.scripted import ScriptedEngine, ScriptedReply, read_script
from pytest_cosmos.errors import Problems
from pytest_cosmos.records import Reply
from tests.unit.builders import case


def write(folder: Path, text: str) -> Path:
    path = folder / "replies.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        read_script(write(folder, text))
    return [line.removeprefix(f"{folder}/") for line in caught.value.lines]


def test_a_good_script(tmp_path: Path) -> None:
    text = """\
floors/a-binary: "Yes"
floors/b-binary: ""
"*-severity": {raw: " <think>No.</think>1\\n", confidence: 0.9}
"*-traversal": {error: connection reset}
"*-material": {raw: "<think>It may", cut_off: true}
"*-last": {crash: the device fell off}
"*": {expected: true, seconds: 0.01}
"""
    assert read_script(write(tmp_path, text)) == {
        "floors/a-binary": ScriptedReply(raw="Yes"),
        "floors/b-binary": ScriptedReply(raw=""),
        "*-severity": ScriptedReply(raw=" <think>No.</think>1\n", confidence=0.9),
        "*-traversal": ScriptedReply(error="connection reset"),
        "*-material": ScriptedReply(raw="<think>It may", cut_off=True),
        "*-last": ScriptedReply(crash="the device fell off"),
        "*": ScriptedReply(expected=True, seconds=0.01),
    }


def test_json_is_yaml_with_characters_in_halves_too(tmp_path: Path) -> None:
    assert read_script(write(tmp_path, r'{"*": {"raw": "Yes \ud83d\ude00"}}')) == {
        "*": ScriptedReply(raw="Yes \U0001f600")
    }


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = """\
"*": yes
a: {raw: "Yes", error: reset}
b: {raw: no, secnds: 1}
c: {expected: "true"}
d: {error: ""}
e: {expected: true, seconds: -1, confidence: high}
f: {}
"""
    one = "needs exactly one of raw, expected: true, error, crash"
    assert problems(tmp_path, text) == [
        "replies.yaml:1: the reply for '*' is yes (a boolean), but must be text."
        ' YAML reads a bare yes as a boolean. Write: "*": "yes"',
        f"replies.yaml:2: the reply for 'a' {one}",
        "replies.yaml:3: the reply for 'b': unknown key 'secnds'."
        " Allowed: raw, expected, error, crash, cut_off, confidence, seconds, repeats, alone. Did you mean 'seconds'?",
        "replies.yaml:3: the reply for 'b': raw is no (a boolean), but must be text."
        ' YAML reads a bare no as a boolean. Write: raw: "no"',
        "replies.yaml:4: the reply for 'c': expected is 'true' (text), but must be true or false",
        f"replies.yaml:4: the reply for 'c' {one}",
        "replies.yaml:5: the reply for 'd': error is empty",
        "replies.yaml:6: the reply for 'e': confidence is 'high' (text),"
        " but must be a number without quotes, such as 0.85",
        "replies.yaml:6: the reply for 'e': seconds is -1, but must be 0 or more",
        "replies.yaml:7: the reply for 'f' is empty, but must be a mapping such as {expected: true}",
        f"replies.yaml:7: the reply for 'f' {one}",
    ]


@pytest.mark.parametrize("text", ["", "Yes", "- Yes", "{", "{}"])
def test_what_is_no_script_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("replies.yaml:1: ")


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"missing\.yaml:1: the file cannot be read: No such file or directory"):
        read_script(tmp_path / "missing.yaml")


def engine_saying(folder: Path, text: str) -> ScriptedEngine:
    engine = ScriptedEngine(write(folder, text))
    engine.load()
    return engine


def test_faults_on_request(tmp_path: Path) -> None:
    script = """\
floor/a-*: {error: connection reset}
floor/b-*: {raw: "<think>It may", cut_off: true}
floor/c-*: {crash: the device fell off}
"""
    replies = engine_saying(tmp_path, script).answer([case("a"), case("b"), case("c"), case("d")])
    first, second = next(replies), next(replies)
    assert (first.finish, first.error, first.answer) == ("error", "connection reset", "")
    assert (second.finish, second.error, second.answer) == ("length", "", "")
    with pytest.raises(RuntimeError, match="the device fell off"):
        next(replies)


def test_close_ends_a_long_wait(tmp_path: Path) -> None:
    engine = engine_saying(tmp_path, '"*": {expected: true, seconds: 600}')
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.extend(engine.answer([case()])), daemon=True)
    thread.start()
    engine.close()
    thread.join(5)
    assert not thread.is_alive()
    assert replies == []


WAVERING = '"*": {raw: "Yes", repeats: ["No", {error: reset}, {expected: true}], alone: {raw: "No", confidence: 0.5}}'


@pytest.mark.parametrize(
    ("repeat", "alone", "raw", "error"),
    [
        (0, False, "Yes", ""),
        (1, False, "No", ""),
        (2, False, "", "reset"),
        (3, False, "Yes", ""),
        (4, False, "No", ""),
        (0, True, "No", ""),
    ],
)
def test_what_is_said_hangs_on_how_it_is_asked(tmp_path: Path, repeat: int, alone: bool, raw: str, error: str) -> None:
    engine = ScriptedEngine(write(tmp_path, WAVERING), repeat=repeat, alone=alone)
    engine.load()
    (reply,) = engine.answer([case()])
    assert (reply.raw, reply.error) == (raw, error)


def test_mistakes_in_repeats_are_told(tmp_path: Path) -> None:
    text = """\
"*": {raw: "Yes", repeats: "No"}
a: {raw: "Yes", repeats: [no, {raw: "Yes", repeats: ["No"]}], alone: {}}
"""
    found = problems(tmp_path, text)
    assert found[0] == (
        'replies.yaml:1: the reply for \'*\': repeats must be a list of what is said: repeats: ["Yes", "No"]'
    )
    assert found[1].startswith("replies.yaml:2: the reply for 'a': repeats is no (a boolean), but must be text.")
    assert "unknown key 'repeats'" in found[2]
    assert "needs exactly one of" in found[-1]
