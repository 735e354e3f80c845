"""`text: "{question}"`: each sample is asked what its own columns say, and all of it counts as one prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.measure.facts import read_facts
from pytest_cosmos.records import Outcome, Sample
from pytest_cosmos.suites import Suite, read_suite
from pytest_cosmos.suites.filling import columns_in, filled
from tests.unit.builders import BINARY, outcome
from tests.unit.suite_files import problems, write_suite

YAML = """\
columns: [question, answer]
prompts:
  mcq:
    text: "{question} Write {\\"answer\\": …}."
    kind: choice
    choices: [A, B]
    expected: answer
"""
TABLE = """\
file,id,label,question,answer
media/a.png,a1,any,"Which?
(A) one
(B) two",A
media/a.png,a2,any,{answer}?,B
media/b.png,b,any,,A
"""


def read(folder: Path, table: str = TABLE, yaml: str = YAML) -> Suite:
    return read_suite(write_suite(folder, yaml=yaml, table=table))


def test_every_sample_is_asked_its_own_question(tmp_path: Path) -> None:
    suite = read(tmp_path)

    assert {one.id: one.prompt.text for one in suite.cases()} == {
        "a1-mcq": 'Which?\n(A) one\n(B) two Write {"answer": …}.',  # no column is named "answer": …
        "a2-mcq": '{answer}? Write {"answer": …}.',  # what a column holds is text, whatever it looks like
    }
    assert suite.blank() == 1  # without a question there is nothing to ask
    assert [one.text for one in suite.prompts] == ['{question} Write {"answer": …}.']


def test_the_questions_count_as_one_prompt(tmp_path: Path) -> None:
    one, other = read(tmp_path).cases()

    assert one.prompt != other.prompt
    assert one.prompt.unfilled == other.prompt.unfilled == read(tmp_path / "again").prompts[0]
    assert one.prompt.digest == other.prompt.digest

    rows: list[Outcome] = []
    for case in (one, other):
        answered = outcome(case.sample.id, case.prompt, case.expected)
        rows.append(answered.model_copy(update={"case": answered.case.model_copy(update={"sample": case.sample})}))
    facts = read_facts(rows)["floor"]
    assert [prompt.text for prompt in facts.prompts] == ['{question} Write {"answer": …}.']


def test_a_prompt_without_columns_is_left_alone() -> None:
    sample = Sample(id="s", media=("a.png",), label="x", fields={"depth": "3"})

    assert filled(BINARY, sample) is BINARY
    assert BINARY.unfilled is BINARY


def test_names_are_folded_as_in_a_header() -> None:
    sample = Sample(id="s", media=("a.png",), label="x", fields={"Camera view": "top"})
    asked = filled(BINARY.model_copy(update={"text": "From the { camera VIEW }: {label} {}?"}), sample)

    assert asked is not None
    assert asked.text == "From the top: {label} {}?"  # standard columns are not filled in: they tell the answer


@given(st.text(), st.text())
def test_only_declared_columns_are_taken_for_columns(before: str, after: str) -> None:
    text = f"{before}{{{after}}}"

    assert columns_in(text, ()) == ()
    assert set(columns_in(text, ("depth",))) <= {"depth"}


def test_a_question_may_not_tell_its_answer(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, yaml=YAML.replace("{question}", "{ANSWER}"), table=TABLE)

    assert problems(folder)[0] == (
        "suite.yaml:7: prompt 'mcq': its text holds {answer}, the column of its expected answers, and so "
        "tells them. Write another column into the text, or none"
    )


def test_the_same_question_of_the_same_picture_twice(tmp_path: Path) -> None:
    table = 'file,id,label,question,answer\nmedia/a.png,x,any,"Which?",A\nmedia/a.png,y,any,"Which?",A\n'

    assert problems(write_suite(tmp_path, yaml=YAML, table=table)) == [
        "samples.csv:3: file 'media/a.png' is already listed in line 2. Remove one"
    ]


@pytest.mark.parametrize("column", ["label", "id", "question"])
def test_control_characters_stay_out(tmp_path: Path, column: str) -> None:
    cells = {"file": "media/a.png", "id": "a", "label": "any", "question": "Which?", "answer": "A"}
    cells[column] += "\x1b[31m" if column == "question" else "\nB"
    row = ",".join(f'"{text}"' for text in cells.values())

    assert (
        f"samples.csv:2: {column} "
        in problems(write_suite(tmp_path, yaml=YAML, table=f"{','.join(cells)}\n{row}\n"))[0]
    )


def test_reasoning_may_have_several_lines(tmp_path: Path) -> None:
    table = 'file,label,reasoning\r\nmedia/a.png,cracked,"First.\r\nThen."\r\nmedia/b.png,not cracked,\r\n'

    assert [sample.reasoning for sample in read_suite(write_suite(tmp_path, table=table)).samples] == [
        "First.\nThen.",
        "",
    ]
