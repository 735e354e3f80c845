"""`pytest-cosmos decide`: which run, beside what, what is written where, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.records import Recommendation
from pytest_cosmos.runlog import point_latest, save_baseline
from tests.unit.decision_builders import BASE, PLAIN, TARGETS, answers, write_run
from tests.unit.test_cli import invoke

GOOD = {**PLAIN, "ambiguous": 0.9}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thresholds.yaml").write_text(TARGETS)
    return tmp_path


def test_the_latest_run_is_judged_beside_its_own_base_and_both_files_are_written(project: Path) -> None:
    write_run(project, "other", answers({**PLAIN, "ambiguous": 0.99}))
    write_run(project, "base", answers(BASE))
    new = write_run(project, "new", answers(GOOD), adapter="adapters/lora", baselines=("base", "other"))
    before = (new.path / "run.json").read_bytes()
    point_latest(project / "reports", new.path)
    code, text = invoke("decide")
    assert code == 0, text
    assert text.startswith("HELPED, AND REACHES EVERY RELEASE TARGET (base + lora against base)")
    assert "# Helped, and reaches every release target" in (new.path / "decision.md").read_text()
    found = Recommendation.model_validate_json((new.path / "decision.json").read_bytes())
    assert (found.baseline, found.schema_version) == ("base", 1)
    assert (new.path / "run.json").read_bytes() == before  # its own verdict stays


def test_alone_it_is_asked_whether_the_model_is_good_enough(project: Path) -> None:
    write_run(project, "base", answers(BASE))
    code, text = invoke("decide", "base")
    assert code == 1, text
    assert text.startswith("NOT SUFFICIENT: FINE-TUNE (base)")
    write_run(project, "new", answers(GOOD))
    assert invoke("decide", "new")[0] == 0
    assert invoke("decide", "new", "--strict")[0] == 0


def test_strict_wants_a_model_that_may_be_released(project: Path) -> None:
    write_run(project, "base", answers(BASE))
    write_run(project, "new", answers({**BASE, "ambiguous": 0.7}), adapter="adapters/lora")
    assert invoke("decide", "new", "--baseline", "base")[0] == 0
    code, text = invoke("decide", "new", "--baseline", "base", "--strict")
    assert code == 1
    assert "This model may not be released." in text


def test_other_thresholds_may_be_named(project: Path) -> None:
    write_run(project, "new", answers(BASE))
    (project / "low.yaml").write_text(TARGETS.replace("0.85", "0.5"))
    code, text = invoke("decide", "new", "--thresholds", "low.yaml")
    assert code == 0, text


def test_a_saved_baseline_stays_as_it_was_saved(project: Path) -> None:
    save_baseline(write_run(project, "new", answers(GOOD)), project, "v1")
    code, text = invoke("decide", "v1")
    assert code == 0, text
    assert "is a saved baseline: nothing was written into it." in text
    assert not (project / "baselines/v1/decision.md").exists()


def test_mistakes_are_told(project: Path) -> None:
    with pytest.raises(RunFolderError, match=r"There is no run in reports yet. Run one: pytest benchmarks/"):
        invoke("decide")
    write_run(project, "part", answers(GOOD), shard="1/2")
    with pytest.raises(RunFolderError, match="merge the shards first"):
        invoke("decide", "part")
    with pytest.raises(RunFolderError, match="run prat: there is neither a saved baseline"):
        invoke("decide", "prat")
    write_run(project, "lost", answers(GOOD), baselines=("gone",))
    with pytest.raises(RunFolderError, match="was compared with a run that is gone"):
        invoke("decide", "lost")


def test_the_report_tells_what_a_comparison_comes_to(project: Path) -> None:
    write_run(project, "base", answers(BASE, reasoning="Nothing <b>to see</b>."))
    new = write_run(project, "new", answers(GOOD, reasoning="A dark line."), adapter="adapters/lora")
    code, text = invoke("gate", str(new.path), "--baseline", "base")
    assert "HELPED, AND REACHES EVERY RELEASE TARGET" in text
    assert "Of 1,000 hazards, " in text
    invoke("report", str(new.path))
    page = (new.path / "index.html").read_text()
    assert "Helped, and reaches every release target" in page
    assert "Nothing &lt;b&gt;to see&lt;/b&gt;." in page
    assert json.loads((new.path / "comparison.json").read_text())[0]["baseline"] == "base"
    assert code == 0, text
