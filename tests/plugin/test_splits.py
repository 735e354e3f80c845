"""`--cosmos-split`: another split than test is asked and measured, and never held against a bar."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app

from .conftest import RIGHT, Project
from .test_shards import merged

SPLITS = ("test", "test", "validation", "validation", "validation", "train", "train", "train")
HOPELESS = {"*": "No idea."}


def split_up(project: Project) -> None:
    """Give the samples of the suite to three splits."""
    table = project.path / "cases/floors/samples.csv"
    header, *rows = table.read_text().splitlines()
    lines = [f"{header},split", *(f"{row},{split}" for row, split in zip(rows, SPLITS, strict=True))]
    table.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("split", "samples"), [("validation", 3), ("train", 3), ("test", 2)])
def test_the_cases_of_the_split_are_asked_and_planned(project: Project, split: str, samples: int) -> None:
    split_up(project)
    result = project.run("--cosmos-split", split)
    assert result.exit_code == 0, result.text
    assert result.run["split"] == split
    assert {name[:2] for name in result.verdicts} == {f"s{i}" for i, of in enumerate(SPLITS) if of == split}
    (suite,) = result.run["suites"]
    assert (suite["planned"], suite["selected"]) == (2 * samples, 2 * samples)
    assert result.run["decision"]["answered"] == 2 * samples


def test_what_another_split_came_to_is_held_against_no_bar(project: Project) -> None:
    split_up(project)
    project.script(HOPELESS)
    assert project.run().exit_code == 1
    result = project.run("--cosmos-split", "validation")
    assert (result.exit_code, result.outcome) == (0, "no_evidence"), result.text
    assert "Measured only (--cosmos-split validation): nothing was held against a bar." in result.text
    assert "6 of 6 cases of the validation split" in result.text
    assert result.run["thresholds"] == ""
    assert result.run["decision"]["would_release"] is None
    assert result.folder is not None
    assert "the validation split" in (result.folder / "index.html").read_text()


def test_errors_of_another_split_fail_its_run(project: Project) -> None:
    split_up(project)
    project.script({"floors/s2-cracked": {"error": "gone"}, **RIGHT})
    result = project.run("--cosmos-split", "validation")
    assert (result.exit_code, result.outcome) == (1, "errors")


def test_thresholds_are_of_the_test_split(project: Project) -> None:
    split_up(project)
    result = project.run("--cosmos-split", "validation", "--cosmos-thresholds", "thresholds.yaml")
    assert result.exit_code == 4
    assert "thresholds hold for the test split, but --cosmos-split validation is only measured" in result.text


def test_a_suite_without_such_samples_stops_the_run(project: Project) -> None:
    result = project.run("--cosmos-split", "validation")
    assert result.exit_code == 4
    assert "no cases in the validation split: 8 samples, 0 of them in it" in result.text
    assert not project.folders()


def test_shards_of_two_splits_are_not_merged(lone_project: Project) -> None:
    split_up(lone_project)
    first = lone_project.run("--shard", "1/2", "--cosmos-split", "validation")
    second = lone_project.run("--shard", "2/2")
    whole = merged(lone_project, [first, second])
    assert whole.exit_code == 4
    assert "--cosmos-split differs: " in whole.text
    other = lone_project.run("--shard", "2/2", "--cosmos-split", "validation")
    whole = merged(lone_project, [first, other])
    assert (whole.exit_code, whole.outcome, whole.run["split"]) == (0, "no_evidence", "validation")
    assert len(whole.verdicts) == 6


def test_runs_of_two_splits_are_not_compared(lone_project: Project) -> None:
    split_up(lone_project)
    before = lone_project.run("--cosmos-split", "validation")
    assert before.folder is not None
    after = lone_project.run("--baseline", str(before.folder))
    assert after.exit_code == 4
    assert "asked the validation split, this run the test split: there is nothing to compare" in after.text
    assert lone_project.run("--baseline", str(before.folder), "--cosmos-split", "validation").exit_code == 0
    test = lone_project.run()
    told = CliRunner().invoke(app, ["compare", str(before.folder), str(test.folder), "--root", str(lone_project.path)])
    assert "asked the validation split, this run the test split" in str(told.exception)
