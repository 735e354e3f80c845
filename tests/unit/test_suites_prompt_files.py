from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.suites import read_prompt_file, read_suite, with_prompt_file
from pytest_cosmos.userfiles import Complaints
from tests.unit.suite_files import PROMPTS, problems, prompt, write_suite

# The form of the files in nvidia-cosmos/cosmos-reason1 (prompts/) and nvidia-cosmos/cosmos-reason2 (configs/).
FILE = """\
# a comment, as their licence header
$schema: ./schemas/inference_config.json
sampling_params: {}
system_prompt: |
  You watch the road.
    Indented.
user_prompt: |
  Is anybody in the way?
"""
SYSTEM = "You watch the road.\n  Indented.\n"
TEXT = "Is anybody in the way?"
NO_TEXT = prompt("kind: yes_no", 'expected: {cracked: "Yes", not cracked: "No"}')


def write_prompt(folder: Path, text: str = FILE, name: str = "floor/driving.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_prompt_takes_its_texts_from_a_file(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml=NO_TEXT + "    prompt_file: driving.yaml\n")
    write_prompt(tmp_path)
    (found,) = read_suite(folder).prompts
    assert (found.system, found.text) == (SYSTEM, TEXT)


def test_all_prompts_of_a_suite_take_their_texts_from_a_file(tmp_path: Path) -> None:
    own = PROMPTS.removeprefix("prompts:\n") + "    system: I am myself.\n"
    folder = write_suite(tmp_path, yaml="prompt_file: driving.yaml\n" + NO_TEXT + own)
    write_prompt(tmp_path)
    plain, other = read_suite(folder).prompts
    assert (plain.system, plain.text) == (SYSTEM, TEXT)
    assert (other.system, other.text) == ("I am myself.", "Is this floor cracked? Yes or No.")


def test_the_prompts_own_file_comes_before_that_of_the_suite(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml="prompt_file: driving.yaml\n" + NO_TEXT + "    prompt_file: own.yaml\n")
    write_prompt(tmp_path)
    write_prompt(tmp_path, "user_prompt: Well?\n", "floor/own.yaml")
    (found,) = read_suite(folder).prompts
    assert (found.system, found.text) == (SYSTEM, "Well?")


@pytest.mark.parametrize("place", ["absolute", "home", "above"])
def test_files_are_read_where_they_lie(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = write_prompt(tmp_path, name="checkout/prompts/driving.yaml")
    monkeypatch.setenv("HOME", str(tmp_path))
    name = {"absolute": elsewhere, "home": "~/checkout/prompts/driving.yaml"}.get(
        place, "../checkout/prompts/driving.yaml"
    )
    folder = write_suite(tmp_path, yaml=NO_TEXT + f"    prompt_file: {name}\n")
    assert read_suite(folder).prompts[0].text == TEXT


@pytest.mark.parametrize(
    ("text", "system", "question"),
    [
        ("system_prompt: Be kind.\n", "Be kind.", None),
        ("system_prompt: ''\n", "", None),
        ("user_prompt: ' Well? '\n", None, " Well?"),
        ("system_prompt: Be kind.\nuser_prompt: ''\n", "Be kind.", None),
    ],
)
def test_either_text_may_be_missing(tmp_path: Path, text: str, system: str | None, question: str | None) -> None:
    complaints = Complaints()
    found = read_prompt_file(write_prompt(tmp_path, text), complaints)
    assert complaints.lines() == ()
    assert found is not None
    assert (found.system, found.text) == (system, question)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("just text\n", 1, "the prompt file is 'just text' (text), but must be a mapping such as {system_prompt: "),
        (
            "user_prompt: Well?\nsytem_prompt: x\n",
            2,
            "the prompt file: unknown key 'sytem_prompt'. Allowed: system_prompt, user_prompt, sampling_params, "
            "$schema. Did you mean 'system_prompt'?",
        ),
        ("user_prompt: yes\n", 1, "user_prompt is yes (a boolean), but must be text."),
        ("system_prompt: [a]\nuser_prompt: Well?\n", 1, "system_prompt is a list, but must be text."),
        ("user_prompt: ''\n", 1, "the prompt file gives neither system_prompt nor user_prompt. Write e.g. "),
        ("user_prompt: Well?\nsampling_params: {temperature: 0.6}\n", 2, "sampling_params are not obeyed: "),
        ("user_prompt: Well?\n  system_prompt: x\n", 2, "not valid YAML: "),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    folder = write_suite(tmp_path, yaml=PROMPTS + "    prompt_file: driving.yaml\n")
    write_prompt(tmp_path, text)
    (found,) = problems(folder)
    assert found.startswith(f"driving.yaml:{line}: {message}"), found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nowhere.yaml", "'nowhere.yaml' does not exist ({folder}/nowhere.yaml). Write its path, relative to the "),
        ("media", "'media' is no file ({folder}/media). Write its path, relative to the suite's folder"),
        ("3", '3 (a number), but must be text. Quote it. Write: prompt_file: "3"'),
    ],
)
def test_files_that_are_not_there(tmp_path: Path, value: str, message: str) -> None:
    folder = write_suite(tmp_path, yaml=PROMPTS + f"    prompt_file: {value}\n")
    separator = " is " if value == "3" else ": "
    (found,) = problems(folder)
    assert found.startswith(f"suite.yaml:7: prompt 'binary': prompt_file{separator}{message.format(folder=folder)}")


def test_a_file_without_a_question_needs_one(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml=NO_TEXT + "    prompt_file: driving.yaml\n")
    write_prompt(tmp_path, "system_prompt: Be kind.\n")
    assert problems(folder) == [
        "suite.yaml:2: prompt 'p': text is missing, and its prompt_file has none. "
        "Write text: here, or user_prompt: there"
    ]


def test_a_mistake_in_a_file_that_several_name_is_told_once(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml="prompt_file: driving.yaml\n" + PROMPTS + "    prompt_file: ./driving.yaml\n")
    write_prompt(tmp_path, "x: y\n")
    assert len(problems(folder)) == 1


def test_a_file_that_is_no_prompt_file_at_all(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml=PROMPTS + "    prompt_file: big.yaml\n")
    (folder / "big.yaml").write_bytes(b"#" * (2**20 + 1))
    assert problems(folder) == ["big.yaml:1: the prompt file is too long: at most 1,048,576 bytes"]


def test_the_suites_digest_covers_its_prompt_files(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml=PROMPTS + "    prompt_file: driving.yaml\n")
    write_prompt(tmp_path)
    before = read_suite(folder)
    write_prompt(tmp_path, FILE.replace("road", "rail"))
    after = read_suite(folder)
    assert before.prompts[0].text == after.prompts[0].text
    assert before.digest != after.digest


def test_a_file_can_take_the_place_of_every_prompts_texts(tmp_path: Path) -> None:
    suite = read_suite(write_suite(tmp_path, yaml=PROMPTS + "    system: Mine.\n"))
    complaints = Complaints()
    whole = read_prompt_file(write_prompt(tmp_path, name="a.yaml"), complaints)
    alone = read_prompt_file(write_prompt(tmp_path, "user_prompt: Well?\n", "b.yaml"), complaints)
    assert whole is not None
    assert alone is not None

    replaced, partly = with_prompt_file(suite, whole), with_prompt_file(suite, alone)

    assert [(one.system, one.text) for one in replaced.prompts] == [(SYSTEM, TEXT)]
    assert [(one.system, one.text) for one in partly.prompts] == [("Mine.", "Well?")]
    assert len({suite.digest, replaced.digest, partly.digest}) == 3
    assert [case.prompt.text for case in replaced.cases()] == [TEXT, TEXT]
