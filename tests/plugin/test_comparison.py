"""Runs compared with a baseline: by name, by folder, in one session; and only some cases asked again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.media import media_hash
from pytest_cosmos.runlog import RunFolder, save_baseline
from tests.unit.checkpoints import write_adapter
from tests.unit.suite_files import write_suite
from tests.unit.test_media_lookalikes import tile

from .conftest import RIGHT, Project, Result

WRONG = {"raw": "No"}
BARS = """
version: 1
release:
  floors:
    accuracy: {at_least: 0.5}
regression:
  floors:
    accuracy: {max_drop: MARGIN}
"""


def comparisons(result: Result) -> list[dict[str, Any]]:
    assert result.folder is not None, result.text
    data: list[dict[str, Any]] = json.loads((result.folder / "comparison.json").read_text())
    return data


def saved(project: Project, name: str = "v1") -> Result:
    """Run once and save that run as a baseline."""
    result = project.run("--baseline", "none")
    assert result.folder is not None
    save_baseline(RunFolder(result.folder), project.path, name)
    return result


def test_a_saved_baseline_is_compared_gated_and_shown(project: Project) -> None:
    project.write("thresholds.yaml", BARS.replace("MARGIN", "0.8"))
    saved(project)
    project.script({"floors/s0-cracked": WRONG, **RIGHT})
    result = project.run("--baseline", "v1")
    assert result.exit_code == 0, result.text
    (comparison,) = comparisons(result)
    assert comparison["broken"] == ["floors/s0-cracked"]
    assert (comparison["pairs"], comparison["right_before"], comparison["right_after"]) == (16, 16, 15)
    assert result.run["baseline"] == "baselines/v1"
    assert "before and after: scripted -> scripted (16 cases)" in result.text
    assert "100.0 %  93.8 %" in result.text
    assert "0 / 1" in result.text
    assert result.folder is not None
    page = (result.folder / "index.html").read_text()
    assert "Before and after" in page
    assert "Broken: right before, not any more" in page


def test_a_drop_that_so_few_cases_cannot_rule_out_is_no_evidence(lone_project: Project) -> None:
    project = lone_project
    project.write("thresholds.yaml", BARS.replace("MARGIN", "0.05"))
    saved(project)
    result = project.run("--baseline", "v1")
    assert (result.exit_code, result.outcome) == (1, "no_evidence"), result.text
    assert "may be below" in result.text


def test_a_clear_drop_fails(lone_project: Project) -> None:
    project = lone_project
    project.write("thresholds.yaml", BARS.replace("MARGIN", "0.05").replace("0.5}", "0.01}"))
    saved(project)
    project.script({"*-severity": {"raw": "3"}, "*-cracked": {"raw": "nothing"}})
    result = project.run("--baseline", "v1")
    assert (result.exit_code, result.outcome) == (1, "missed_bar"), result.text


def test_regression_thresholds_want_a_baseline_or_none_on_purpose(lone_project: Project) -> None:
    project = lone_project
    project.write("thresholds.yaml", BARS.replace("MARGIN", "0.8"))
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text
    assert "--baseline none" in result.text
    without = project.run("--baseline", "none")
    assert without.exit_code == 0, without.text
    assert "1 threshold left out: --baseline none" in without.text
    assert not (without.folder / "comparison.json").exists() if without.folder else False


@pytest.mark.parametrize("name", ["v11", "reports/runs/nowhere"])
def test_a_baseline_that_is_not_there_stops_the_run_before_it_starts(project: Project, name: str) -> None:
    saved(project)
    result = project.run("--baseline", name)
    assert result.exit_code == 4, result.text
    assert result.folder is None
    assert f"--baseline {name}: there is neither a saved baseline" in result.text
    assert ("Did you mean 'v1'?" in result.text) == (name == "v11")


def test_a_baseline_that_cannot_be_read_stops_the_run_before_it_starts(lone_project: Project) -> None:
    project = lone_project
    saved(project)
    file = project.path / "baselines/v1/outcomes.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, lines[0]]))
    result = project.run("--baseline", "v1")
    assert result.exit_code == 4, result.text
    assert "answered more than once" in result.text
    assert result.folder is None


def test_the_latest_run_is_meant_as_it_was_before_this_one(project: Project) -> None:
    first = project.run()
    second = project.run("--cosmos-baseline", "reports/latest")
    assert first.folder is not None
    assert second.run["baseline"] == f"reports/runs/{first.folder.name}"
    assert comparisons(second)[0]["baseline"] == first.folder.name


def test_changed_media_and_prompts_are_not_compared(lone_project: Project) -> None:
    project = lone_project
    saved(project)
    project.suite("floors", samples=6)
    (project.path / "cases/floors/media/s0.png").write_bytes((project.path / "cases/floors/media/s1.png").read_bytes())
    result = project.run("--baseline", "v1")
    assert (result.exit_code, result.outcome) == (1, "partial"), result.text
    reasons = {one["reason"] for one in comparisons(result)[0]["unpaired"]}
    assert reasons == {"other media", "only in the baseline"}
    assert "2 other media" in result.text
    allowed = project.run("--baseline", "v1", "--allow-partial")
    assert allowed.exit_code == 0, allowed.text


def test_models_of_one_session_are_compared(project: Project) -> None:
    project.write("thresholds.yaml", BARS.replace("MARGIN", "0.8"))
    result = project.run("--model", "before", "--model", "after")
    assert result.exit_code == 0, result.text
    (comparison,) = comparisons(latest(project))
    assert comparison["baseline"] == latest(project).run["baselines"][0]
    assert comparison["pairs"] == 16
    assert "before and after: scripted -> scripted (16 cases)" in result.text


def latest(project: Project) -> Result:
    return Result(0, "", (project.path / "reports/latest").resolve())


def test_only_the_wrong_cases_of_the_latest_run_are_asked_again(project: Project) -> None:
    project.script({"floors/s0-cracked": WRONG, "floors/s1-*": {"raw": "nothing"}, **RIGHT})
    first = project.run()
    project.script(RIGHT)
    result = project.run("--cosmos-only", "wrong", "--allow-partial")
    assert result.exit_code == 0, result.text
    assert result.verdicts == {"s0-cracked": "correct"}
    assert result.outcome == "partial"
    assert first.folder is not None
    again = project.run("--cosmos-only", f"unparsed:reports/runs/{first.folder.name}")
    assert again.exit_code == 1, again.text
    assert set(again.verdicts) == {"s1-cracked", "s1-severity"}
    assert "--cosmos-only" in again.text


def test_broken_cases_are_those_of_the_comparison(lone_project: Project) -> None:
    project = lone_project
    saved(project)
    project.script({"floors/s0-cracked": WRONG, **RIGHT})
    project.run("--baseline", "v1")
    result = project.run("--cosmos-only", "broken", "--allow-partial")
    assert result.verdicts == {"s0-cracked": "wrong"}


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ("wrong", "no case of"),
        ("broken", "was compared with no baseline"),
        ("wrong:nowhere", "nowhere is no run folder"),
        ("sometimes", "chooses no cases"),
    ],
)
def test_a_choice_of_nothing_stops_the_run(lone_project: Project, choice: str, problem: str) -> None:
    project = lone_project
    project.run()
    result = project.run("--cosmos-only", choice)
    assert result.exit_code == 4, result.text
    assert problem in result.text
    assert result.folder is None


def test_without_an_earlier_run_there_is_nothing_to_ask_again(lone_project: Project) -> None:
    project = lone_project
    result = project.run("--cosmos-only", "error")
    assert result.exit_code == 4, result.text
    assert "there is no earlier run" in result.text


def test_the_base_of_an_adapter_needs_one(lone_project: Project) -> None:
    project = lone_project
    result = project.run("--cosmos-compare-base")
    assert result.exit_code == 4, result.text
    assert "add --adapter DIR" in result.text


REAL = ("--cosmos-max-new-tokens", "12", "--cosmos-threads", "1", "--allow-partial", "--cosmos-no-gate")


def test_base_and_adapter_from_the_same_weights(lone_project: Project) -> None:
    project = lone_project
    adapter = write_adapter(project.path / "adapters" / "step-100")
    tile(1).save(project.path / "cases/floors/media/s3.png")
    learn(project, adapter, seed=2)
    project.run("--model=tiny", f"--adapter={adapter}", "--cosmos-compare-base", *REAL, engine=(), apart=True)
    run = latest(project)
    (comparison,) = comparisons(run)
    assert comparison["baseline_model"] == "tiny"
    assert comparison["candidate_model"].startswith("tiny + ")
    assert comparison["pairs"] == 16
    assert comparison["faults"] == []
    assert not any("not asked alike" in remark for remark in comparison["remarks"])

    learn(project, adapter, seed=1)  # had it been trained on a copy of what was tested
    result = CliRunner().invoke(app, ["gate", str(run.folder), "--root", str(project.path)])
    assert result.exit_code == 1, result.output
    assert "s3.png (test): shows the same" in " ".join(result.output.split())


def learn(project: Project, adapter: Path, seed: int) -> None:
    """Let an adapter say that it was trained on a tile: of another size, and as a JPEG."""
    shutil.rmtree(project.path / "learnt", ignore_errors=True)
    file = write_suite(project.path / "learnt", table="file,label,split\nmedia/l.jpg,cracked,train\n", images=())
    (file / "media").mkdir()
    tile(seed).resize((150, 150)).save(file / "media/l.jpg", quality=60)
    told = {"floor": {"train": [media_hash([file / "media/l.jpg"])]}}
    text = json.dumps({"trained_on": told, "suite_path": "learnt/floor"})
    (adapter / "finetune.json").write_text(text)


def test_an_adapter_that_changes_nothing_is_an_error(lone_project: Project) -> None:
    project = lone_project
    adapter = write_adapter(project.path / "adapters" / "step-0")
    arguments = ("--model=tiny", f"--adapter={adapter}", "--cosmos-compare-base", *REAL)
    project.run(*arguments, engine=(), apart=True)
    folder = latest(project).folder
    assert folder is not None
    base = folder.parent / latest(project).run["baselines"][0]
    make_silent(base, folder)
    result = CliRunner().invoke(app, ["gate", str(folder), "--root", str(project.path)])
    assert result.exit_code == 1, result.output
    assert "the adapter changed nothing" in result.output


def make_silent(base: Path, adapted: Path) -> None:
    """Doctor the adapter's run: it says what the base says."""
    (adapted / "outcomes.jsonl").write_bytes((base / "outcomes.jsonl").read_bytes())
