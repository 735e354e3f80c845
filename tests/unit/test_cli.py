"""`pytest-cosmos gate` and `report`: what a finished run came to, again, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.records import Outcome
from pytest_cosmos.runlog import RunFolder
from tests.unit.builders import outcomes_of, run_of

BARS = "version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.8}\n"


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    """A run of 8 right and 2 wrong answers, held against 0.8."""
    (tmp_path / "thresholds.yaml").write_text(BARS)
    outcomes: list[Outcome] = outcomes_of(8, 2)
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.append(outcomes)
    folder.close()
    folder.write_run(run_of(outcomes, thresholds="thresholds.yaml"))
    return folder


def invoke(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(args))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_gate_passes_a_run_that_meets_its_bar(finished: RunFolder) -> None:
    code, text = invoke("gate", str(finished.path), "--root", str(finished.path.parent))
    assert code == 0, text
    assert "80.0 %" in text
    assert json.loads((finished.path / "run.json").read_text())["decision"]["outcome"] == "passed"


def test_gate_fails_a_run_against_a_higher_bar(finished: RunFolder, tmp_path: Path) -> None:
    higher = tmp_path / "higher.yaml"
    higher.write_text(BARS.replace("0.8", "0.81"))
    code, text = invoke("gate", str(finished.path), "--thresholds", str(higher))
    assert code == 1, text
    assert "NOT MET" in text


def test_a_run_keeps_the_file_that_it_was_last_held_against(finished: RunFolder, tmp_path: Path) -> None:
    assert not finished.thresholds.exists()
    invoke("gate", str(finished.path), "--root", str(finished.path.parent))
    assert finished.thresholds.read_text() == BARS
    higher = tmp_path / "higher.yaml"
    higher.write_text(BARS.replace("0.8", "0.81"))
    invoke("gate", str(finished.path), "--thresholds", str(higher))
    assert finished.thresholds.read_text() == higher.read_text()
    finished.write_run(finished.read_run().model_copy(update={"thresholds": ""}))
    invoke("gate", str(finished.path))
    assert not finished.thresholds.exists()


def test_gate_fails_when_outcomes_were_taken_away(finished: RunFolder) -> None:
    file = finished.path / "outcomes.jsonl"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if '"wrong"' not in line))
    code, text = invoke("gate", str(finished.path), "--root", str(finished.path.parent))
    assert code == 1, text
    assert "PARTIAL" in text


def test_report_renders_the_page_again(finished: RunFolder) -> None:
    code, text = invoke("report", str(finished.path), "--root", str(finished.path.parent))
    assert code == 0, text
    assert (finished.path / "index.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("command", ["gate", "report"])
def test_a_folder_that_is_no_run(tmp_path: Path, command: str) -> None:
    with pytest.raises(RunFolderError, match=r"has no run\.json"):
        invoke(command, str(tmp_path))
