"""Runs of latency on disk: decided again without a model, against a run or a saved baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.runlog import RunFolder
from tests.unit.latency_builders import STEADY, latency_of, latency_run

NAME = "image_yes_no"
BARS = {"version": 1, "latency": {NAME: {"max_ratio": 1.1}}, "regression": {"floor": {"accuracy": {"max_drop": 0.1}}}}


def timed(root: Path, hour: int, seconds: Sequence[float], **more: object) -> Path:
    """Write the folder of a run that was asked for latency alone, its decision not yet made."""
    folder = RunFolder.create(root / "reports", "tiny", datetime(2026, 11, 22, hour, tzinfo=UTC))
    name = folder.path.name
    more = {"baseline": "", "finished": "2026-11-22T06:00:00+00:00", "limited": True, **more}
    folder.write_run(latency_run(NAME, id=name, **more))
    folder.write_latency(latency_of({NAME: seconds}, run=name))
    return folder.path


def gate(root: Path, run: Path, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, outcome and what was printed."""
    result = CliRunner().invoke(app, ["gate", str(run), "--root", str(root), *arguments])
    decided = json.loads((run / "run.json").read_text())["decision"]
    return result.exit_code, decided["outcome"] if decided else "", " ".join(result.output.split())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "thresholds.yaml").write_text(json.dumps(BARS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("factor", "code", "outcome", "words"),
    [(1.0, 0, "passed", "within x1.1"), (1.3, 1, "missed_bar", "above x1.1")],
)
def test_against_another_run(project: Path, factor: float, code: int, outcome: str, words: str) -> None:
    before, after = timed(project, 5, STEADY), timed(project, 6, [factor * value for value in STEADY])
    found = gate(project, after, "--baseline", str(before))
    assert found[:2] == (code, outcome), found[2]
    assert words in found[2]
    again = gate(project, after)
    assert again[:2] == (code, outcome), "the run remembers what it was compared with"


def test_against_a_saved_baseline(project: Path) -> None:
    before, after = timed(project, 5, STEADY), timed(project, 6, [2 * value for value in STEADY])
    assert gate(project, before, "--baseline", "none")[:2] == (0, "no_evidence")
    saved = CliRunner().invoke(app, ["baseline", "save", str(before), "h100", "--root", str(project)])
    assert saved.exit_code == 0, saved.output
    assert (project / "baselines" / "h100" / "latency.json").is_file()
    assert gate(project, after, "--baseline", "h100")[:2] == (1, "missed_bar")


def test_without_a_baseline_or_with_the_times_gone(project: Path) -> None:
    before, after = timed(project, 5, STEADY), timed(project, 6, STEADY)
    assert gate(project, after)[:2] == (1, "no_data")
    (before / "latency.json").unlink()
    code, outcome, text = gate(project, after, "--baseline", str(before))
    assert (code, outcome) == (1, "no_data")
    assert "was not asked for latency" in text
    (after / "latency.json").unlink()
    assert gate(project, after, "--baseline", str(before))[:2] == (1, "no_data")


def test_the_times_of_another_run_do_not_pass_for_its_own(project: Path) -> None:
    before, after = timed(project, 5, STEADY), timed(project, 6, [2 * value for value in STEADY])
    (after / "latency.json").write_bytes((before / "latency.json").read_bytes())
    code, outcome, text = gate(project, after, "--baseline", str(before))
    assert (code, outcome) == (1, "no_data")
    assert "is of another run" in text


def test_a_damaged_record_of_times_is_an_error(project: Path) -> None:
    run = timed(project, 5, STEADY)
    (run / "latency.json").write_text('{"schema_version": 1, "run": 3}')
    result = CliRunner().invoke(app, ["gate", str(run), "--root", str(project)])
    assert result.exit_code != 0
    assert "no record of latency" in str(result.exception)


def test_benchmarks_dropped_from_the_record_are_a_partial_run(project: Path) -> None:
    before = timed(project, 5, STEADY)
    after = timed(project, 6, STEADY, latency=(NAME, "video_yes_no"))
    assert gate(project, after, "--baseline", str(before))[:2] == (1, "partial")
