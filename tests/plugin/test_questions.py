"""A suite whose samples carry their own questions runs, merges and is compared as one prompt."""

from __future__ import annotations

import json

from .conftest import Project, Result
from .test_shards import merged

MANIFEST = """
columns: [severity, question]
prompts:
  own:
    text: "{question} Write 1 to 5."
    kind: rating
    expected: severity
"""


def with_questions(project: Project) -> None:
    """Give each sample a question of two lines, and the last none."""
    project.write("cases/floors/suite.yaml", MANIFEST)
    table = project.path / "cases/floors/samples.csv"
    header, *rows = table.read_text().splitlines()
    questions = [*(f'"How bad\nis {number}?"' for number in range(len(rows) - 1)), ""]
    lines = [f"{header},question", *(f"{row},{text}" for row, text in zip(rows, questions, strict=True))]
    table.write_text("\n".join(lines) + "\n")


def asked(result: Result) -> dict[str, str]:
    """Return the first two lines that each case was asked."""
    assert result.folder is not None
    outcomes = map(json.loads, (result.folder / "outcomes.jsonl").read_text().splitlines())
    return {one["case"]["sample"]["id"]: one["reply"]["prompt_text"].partition("\n\n")[0] for one in outcomes}


def test_every_sample_is_asked_its_question(project: Project) -> None:
    with_questions(project)
    before = project.run()

    assert before.exit_code == 0, before.text
    assert asked(before) == {f"s{number}": f"How bad\nis {number}? Write 1 to 5." for number in range(7)}
    assert before.run["suites"][0]["blank"] == 1
    assert before.folder is not None
    assert "{question} Write 1 to 5." in (before.folder / "index.html").read_text()

    after = project.run("--baseline", str(before.folder))
    assert after.exit_code == 0, after.text
    assert "other prompt" not in after.text


def test_shards_are_of_the_same_prompt(lone_project: Project) -> None:
    with_questions(lone_project)
    parts = [lone_project.run("--shard", f"{number}/2") for number in (1, 2)]

    assert all(part.exit_code == 0 for part in parts)
    assert len(asked(merged(lone_project, parts))) == 7
