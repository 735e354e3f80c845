"""`pytest-cosmos calibrate` and `--cosmos-calibration`: fitted on validation, used on the test split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.errors import CosmosError

from .conftest import RIGHT, SUITE, Project, Result
from .test_repeats import summary
from .test_splits import HOPELESS

SURE = 0.99
OVERCONFIDENT = {
    "floors/s*5-cracked": {"raw": "Yes", "confidence": SURE},  # odd ones are whole
    "floors/s*5-severity": {"raw": "5", "confidence": SURE},
    "*": {"expected": True, "confidence": SURE},
}


def prepare(project: Project, validation: int = 120) -> None:
    """Make a suite of 10 samples to test, and of others to fit on, with a model that is surer than it is right."""
    project.suite("floors", samples=10 + validation)
    table = project.path / "cases/floors/samples.csv"
    header, *rows = table.read_text().splitlines()
    split = [f"{row},{'test' if number < 10 else 'validation'}" for number, row in enumerate(rows)]
    table.write_text("\n".join([f"{header},split", *split]) + "\n")
    project.script(OVERCONFIDENT)
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floors:\n    accuracy: {at_least: 0.75}\n")


def calibrate(project: Project, run: Result, *args: str) -> Result:
    """Fit as the command line does; the text is what it prints, or the error."""
    out = project.path / "calibration.json"
    result = CliRunner().invoke(app, ["calibrate", str(run.folder), "--out", str(out), *args])
    if isinstance(result.exception, CosmosError):
        assert not out.exists()
        return Result(4, str(result.exception), None)
    assert result.exception is None, result.output
    return Result(result.exit_code, result.output, None)


def fitted(project: Project) -> Path:
    """Fit a file of temperatures."""
    result = calibrate(project, project.run("--cosmos-split", "validation"))
    assert result.exit_code == 0, result.text
    return project.path / "calibration.json"


def figure(result: Result, name: str) -> Any:
    found = {m["name"]: m["value"] for m in summary(result)["metrics"] if not m["slice"]}
    return found[name]


def test_what_was_fitted_on_validation_scales_the_test_split(project: Project) -> None:
    prepare(project)
    file = json.loads(fitted(project).read_text())
    assert {one["prompt"] for one in file["temperatures"]} == {"cracked", "severity"}
    for one in file["temperatures"]:
        assert one["temperature"] > 1
        assert one["error_after"] < one["error_before"]
        assert one["cases"] == 120
    plain = project.run()
    scaled = project.run("--cosmos-calibration", "calibration.json")
    assert scaled.exit_code == plain.exit_code == 0, scaled.text
    assert figure(plain, "mean_confidence") == pytest.approx(SURE)
    assert figure(scaled, "mean_confidence") == pytest.approx(0.9, abs=0.02)  # 12 of 120 are wrong
    assert figure(scaled, "accuracy") == figure(plain, "accuracy")
    assert "scaled by the temperatures of calibration.json" in scaled.text
    assert scaled.folder is not None
    lines = (scaled.folder / "outcomes.jsonl").read_text().splitlines()
    assert {json.loads(line)["reply"]["confidence"] for line in lines} == {SURE}, "replies keep what was said"


def test_gate_and_report_scale_again_without_the_file(lone_project: Project) -> None:
    prepare(lone_project)
    file = fitted(lone_project)
    result = lone_project.run("--cosmos-calibration", "calibration.json")
    before = summary(result)
    file.unlink()
    for command in ("gate", "report"):
        told = CliRunner().invoke(app, [command, str(result.folder), "--root", str(lone_project.path)])
        assert told.exit_code == 0, told.output
        assert summary(result) == before


def test_thresholds_hold_against_scaled_confidences(lone_project: Project) -> None:
    prepare(lone_project)
    fitted(lone_project)
    text = "version: 1\nrelease:\n  floors:\n    coverage: {at_least: 0.9, abstain_below: 0.95}\n"
    lone_project.write("thresholds.yaml", text)
    assert lone_project.run().exit_code == 0
    assert lone_project.run("--cosmos-calibration", "calibration.json").exit_code == 1


def test_the_test_split_is_not_fitted_on(lone_project: Project) -> None:
    prepare(lone_project)
    result = calibrate(lone_project, lone_project.run())
    assert result.exit_code == 4
    assert "of the test split: what was fitted on the test cannot be judged by it" in result.text
    run = lone_project.run()
    assert run.folder is not None
    record = json.loads((run.folder / "run.json").read_text()) | {"split": "validation"}
    (run.folder / "run.json").write_text(json.dumps(record))
    assert "of the test split" in calibrate(lone_project, run).text


def test_too_few_cases_are_refused(lone_project: Project) -> None:
    prepare(lone_project, validation=60)
    result = calibrate(lone_project, lone_project.run("--cosmos-split", "validation"))
    assert result.exit_code == 4
    assert "floors/cracked: 60 answers with a confidence, 100 needed" in result.text
    assert "floors/severity: 60 answers with a confidence, 100 needed" in result.text


def test_one_kind_of_answer_tells_no_temperature(lone_project: Project) -> None:
    prepare(lone_project)
    lone_project.script(RIGHT)
    result = calibrate(lone_project, lone_project.run("--cosmos-split", "validation"))
    assert "floors/cracked: 120 right and 0 wrong answers with a confidence, 5 of each needed" in result.text
    lone_project.script(HOPELESS)
    result = calibrate(lone_project, lone_project.run("--cosmos-split", "validation"))
    assert "floors/cracked: 0 answers with a confidence" in result.text


def test_another_prompt_stops_the_run(project: Project) -> None:
    prepare(project)
    fitted(project)
    project.write("cases/floors/suite.yaml", SUITE.replace("Is this floor cracked?", "Is there a crack?"))
    result = project.run("--cosmos-calibration", "calibration.json")
    assert result.exit_code == 4
    assert "fitted on scripted, was fitted on another version of prompt floors/cracked" in result.text
    more = SUITE + '  wet:\n    text: "Wet?"\n    kind: yes_no\n    expected: {cracked: "Yes", not cracked: "No"}\n'
    project.write("cases/floors/suite.yaml", more)
    result = project.run("--cosmos-calibration", "calibration.json")
    assert result.exit_code == 4
    assert "has no temperature for prompt floors/wet. It has: floors/cracked, floors/severity." in result.text


def test_another_model_stops_the_run_before_it_is_loaded(project: Project) -> None:
    prepare(project)
    fitted(project)
    result = project.run("--cosmos-calibration", "calibration.json", engine=(), apart=True)
    assert result.exit_code == 4, result.text
    assert "it was fitted on scripted (scripted), but asked is tiny" in result.text
    assert not [folder for folder in project.folders() if "tiny" in folder.name]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("{}", "is no file of temperatures: model: Field required"),
        ("temperature: 1", "is no file of temperatures"),
    ],
)
def test_what_is_no_file_of_temperatures_stops_the_run(project: Project, content: str | None, problem: str) -> None:
    if content is not None:
        project.write("calibration.json", content)
    result = project.run("--cosmos-calibration", "calibration.json")
    assert result.exit_code == 4
    assert problem in result.text
    assert not project.folders()


def test_what_turns_out_to_be_of_another_model_is_not_used_and_fails_the_run(lone_project: Project) -> None:
    prepare(lone_project)
    fitted(lone_project)
    result = lone_project.run("--cosmos-calibration", "calibration.json")
    assert result.folder is not None
    record = json.loads((result.folder / "run.json").read_text())
    record |= {"temperatures": [], "calibration_refused": "it was fitted on another model"}
    (result.folder / "run.json").write_text(json.dumps(record))
    told = CliRunner().invoke(app, ["gate", str(result.folder), "--root", str(lone_project.path)])
    assert told.exit_code == 1
    assert "calibration.json was not used: it was fitted on another model." in " ".join(told.output.split())


def test_the_ini_file_names_the_temperatures_and_an_option_leaves_them_out(lone_project: Project) -> None:
    prepare(lone_project)
    lone_project.write("pytest.ini", "[pytest]\ncosmos_calibration = calibration.json\n")
    assert lone_project.run("--cosmos-split", "validation").exit_code == 4, "it is not there yet"
    first = lone_project.run("--cosmos-split", "validation", "--cosmos-calibration", "none")
    assert calibrate(lone_project, first).exit_code == 0, first.text
    assert figure(lone_project.run(), "mean_confidence") < SURE
    plain = lone_project.run("--cosmos-calibration", "none")
    assert plain.run["temperatures"] == []
    assert figure(plain, "mean_confidence") == pytest.approx(SURE)
