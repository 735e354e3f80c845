"""Saved baselines: found by name, kept whole, removed; and what a name that is none is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.runlog import RunFolder, find_baseline, remove_baseline, save_baseline, saved_baselines
from tests.unit.builders import outcomes_of, run_of


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    """A run in reports/runs."""
    outcomes = outcomes_of(8, 2)
    folder = RunFolder(tmp_path / "reports/runs/2026-01-02T03-04-05-tiny")
    folder.path.mkdir(parents=True)
    folder.append(outcomes)
    folder.close()
    folder.write_run(run_of(outcomes))
    folder.write_thumbnail("ab", b"jpeg")
    folder.write_thresholds(b"version: 1\n")
    (folder.path / "index.html").write_text("page")
    return folder


def find(named: str, tmp_path: Path, start: Path | None = None) -> Path:
    return find_baseline(named, tmp_path, start or tmp_path, tmp_path / "reports").path


def test_what_a_comparison_needs_is_kept_and_nothing_else(finished: RunFolder, tmp_path: Path) -> None:
    saved = save_baseline(finished, tmp_path, "v1")
    assert saved == tmp_path / "baselines/v1"
    assert sorted(path.name for path in saved.iterdir()) == ["outcomes.jsonl", "run.json", "thresholds.yaml"]
    assert RunFolder(saved).read_outcomes() == finished.read_outcomes()
    assert saved_baselines(tmp_path) == ("v1",)
    assert sorted(path.name for path in (tmp_path / "baselines").iterdir()) == ["README.md", "v1"], (
        "nothing else is left"
    )


def test_a_baseline_is_found_by_name_path_and_id(finished: RunFolder, tmp_path: Path) -> None:
    save_baseline(finished, tmp_path, "v1")
    assert find("v1", tmp_path) == tmp_path / "baselines/v1"
    assert find("reports/runs/2026-01-02T03-04-05-tiny", tmp_path) == finished.path
    assert find("2026-01-02T03-04-05-tiny", tmp_path) == finished.path
    assert find(str(finished.path), tmp_path, tmp_path / "elsewhere") == finished.path
    assert find(".", tmp_path, finished.path) == finished.path


def test_a_link_leads_to_the_run_that_it_stands_for_now(finished: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "reports/latest").symlink_to("runs/2026-01-02T03-04-05-tiny")
    assert find("reports/latest", tmp_path) == finished.path


@pytest.mark.parametrize("name", ["v11", "nowhere/v1", "", "..", "baselines"])
def test_a_name_that_is_none_is_told_which_there_are(finished: RunFolder, tmp_path: Path, name: str) -> None:
    save_baseline(finished, tmp_path, "v1")
    with pytest.raises(RunFolderError, match="Saved: v1") as told:
        find(name, tmp_path)
    assert "baseline save RUN NAME" in str(told.value)
    assert ("Did you mean 'v1'?" in str(told.value)) == (name == "v11")


def test_without_any_saved_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="None is saved"):
        find("v1", tmp_path)


@pytest.mark.parametrize("name", ["none", "", "../v1", "a/b", ".hidden", "a b"])
def test_names_that_would_lead_astray_are_refused(finished: RunFolder, tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="is no name for a baseline"):
        save_baseline(finished, tmp_path, name)
    assert not (tmp_path / "baselines").exists()


def test_a_saved_baseline_is_replaced_only_when_told(finished: RunFolder, tmp_path: Path) -> None:
    save_baseline(finished, tmp_path, "v1")
    (finished.path / "metrics.json").write_text("{}")
    with pytest.raises(RunFolderError, match="--replace"):
        save_baseline(finished, tmp_path, "v1")
    save_baseline(finished, tmp_path, "v1", replace=True)
    assert (tmp_path / "baselines/v1/metrics.json").exists()
    assert json.loads((tmp_path / "baselines/v1/run.json").read_text())["id"].endswith("tiny")


def test_a_baseline_can_be_removed(finished: RunFolder, tmp_path: Path) -> None:
    save_baseline(finished, tmp_path, "v1")
    with pytest.raises(RunFolderError, match="Saved: v1"):
        remove_baseline(tmp_path, "v")
    remove_baseline(tmp_path, "v1")
    assert saved_baselines(tmp_path) == ()
