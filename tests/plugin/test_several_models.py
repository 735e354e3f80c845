"""Several models in one session, and adapters: all are asked the same, the last one is asserted and gated."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checkpoints import write_adapter, write_reason1

from .conftest import RIGHT, Project

REAL = ("--cosmos-max-new-tokens", "12", "--cosmos-threads", "1", "--allow-partial")


def runs(project: Project) -> dict[str, dict[str, Any]]:
    """Read run.json of every run, by the model's name and whether it has an adapter."""
    found = {}
    for folder in project.folders():
        run = json.loads((folder / "run.json").read_text())
        run["replies"] = {
            record["case"]["sample"]["id"] + record["case"]["prompt"]["name"]: record["reply"]
            for record in map(json.loads, (folder / "outcomes.jsonl").read_text().splitlines())
        }
        found[Path(run["model"]["name"]).name + "+" * bool(run["model"]["adapter"])] = run
    return found


def texts(run: dict[str, Any]) -> dict[str, str]:
    return {case: reply["raw"] for case, reply in run["replies"].items()}


def clear(project: Project) -> None:
    shutil.rmtree(project.path / "reports" / "runs")


def test_the_last_model_is_gated_and_the_others_are_measured(project: Project) -> None:
    project.script({"floors/s1-*": {"raw": "nothing"}, **RIGHT})
    result = project.run("--model", "before", "--model", "after")
    assert result.exit_code == 0, result.text
    found = runs_by_id(project)
    assert len(found) == 2
    latest = json.loads((project.path / "reports/latest/run.json").read_text())
    (baseline,) = latest["baselines"]
    assert latest["gated"]
    assert latest["decision"]["outcome"] == "passed"
    assert not found[baseline]["gated"]
    assert found[baseline]["decision"]["outcome"] == "no_evidence"
    assert len((project.path / "reports/runs" / baseline / "outcomes.jsonl").read_text().splitlines()) == 16
    assert f"16 cases, 87.5 % right: reports/runs/{baseline}" in result.text


def runs_by_id(project: Project) -> dict[str, dict[str, Any]]:
    return {folder.name: json.loads((folder / "run.json").read_text()) for folder in project.folders()}


def test_a_baseline_that_does_not_answer_fails_the_run_but_not_the_tests(project: Project) -> None:
    """Both are the same script here, so both fail; the exit code is what a lone model would give."""
    project.script({"*": {"crash": "out of luck"}})
    result = project.run("--model", "before", "--model", "after")
    assert result.exit_code == 1
    assert all(run["decision"]["outcome"] == "errors" for run in runs_by_id(project).values())
    assert "16 without a reply" in result.text


def test_two_real_models_one_after_the_other(project: Project) -> None:
    other = write_reason1(project.path / "checkpoints" / "other")
    result = project.run(f"--model={other}", "--model=tiny", *REAL, engine=(), apart=True)
    assert result.exit_code in (0, 1), result.text
    found = runs(project)
    assert set(found) == {"other", "tiny"}
    assert found["other"]["model"]["family"] == "reason1"
    assert found["tiny"]["model"]["family"] == "reason2"
    assert len(found["other"]["replies"]) == len(found["tiny"]["replies"]) == 16
    assert found["tiny"]["baselines"] == [found["other"]["id"]]
    clear(project)
    again = project.run(f"--model={other}", "--model=tiny", *REAL, engine=(), apart=True)
    assert again.exit_code == result.exit_code
    repeated = runs(project)
    assert {name: texts(run) for name, run in repeated.items()} == {name: texts(run) for name, run in found.items()}
    assert all(run["stored"] == 16 for run in repeated.values()), "nothing is asked twice"


def test_base_and_adapter(lone_project: Project) -> None:
    project = lone_project
    adapter = write_adapter(project.path / "adapters" / "step-100")
    arguments = ("--model=tiny", "--model=tiny", f"--adapter={adapter}", *REAL, "--cosmos-store=none")
    result = project.run(*arguments, engine=(), apart=True)
    assert result.exit_code in (0, 1), result.text
    found = runs(project)
    assert set(found) == {"tiny", "tiny+"}
    assert found["tiny+"]["baselines"] == [found["tiny"]["id"]]
    assert len(found["tiny+"]["model"]["adapter_fingerprint"]) == 64
    assert texts(found["tiny"]) != texts(found["tiny+"])
    clear(project)
    project.run("--model=tiny", *REAL, "--cosmos-store=none", engine=(), apart=True)
    assert texts(runs(project)["tiny"]) == texts(found["tiny"])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("--model=reason2", "--model=tiny"), "--model reason2 needs the weights of", id="no weights"),
        pytest.param(("--model=tinny", "--model=tiny"), "Did you mean 'tiny'?", id="a slip"),
        pytest.param(("--adapter=nowhere",), "there is no such folder", id="no adapter"),
        pytest.param(
            ("--model=tiny", "--cosmos-quantize=int4"),
            "--cosmos-quantize int4 needs bitsandbytes. Install it",
            id="no bitsandbytes",
            marks=pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="it is installed"),
        ),
        pytest.param(
            ("--model=tiny", "--cosmos-timeout=60", "--cosmos-device=auto", "--cosmos-media-transport=path"),
            "--cosmos-timeout is for --engine endpoint, but the engine is transformers. Name that engine, or leave the "
            "option out.\n--cosmos-media-transport is for --engine endpoint",
            id="options of another engine",
        ),
        pytest.param(
            ("--adapter=nowhere", "--engine=scripted", "--cosmos-replies=replies.yaml"),
            "--adapter is for --engine transformers",
            id="another engine",
        ),
    ],
)
def test_what_cannot_be_asked_stops_the_run_before_it_starts(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], problem: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = project.run(*arguments, engine=(), apart=True)
    assert result.exit_code == 4, result.text
    assert problem in result.text
    assert not project.folders()
