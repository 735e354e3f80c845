"""models.yaml through pytest: its names are models as any other, its mistakes stop the run, CI asks for a pin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.tiny import CHECKPOINT

from .conftest import Project

SHA = "0123456789abcdef0123456789abcdef01234567"
THRESHOLDS = """
version: 1
not_for_release: ["*"]
release:
  floors:
    accuracy: {at_least: 0.99}
guards:
  mine:
    floors:
      accuracy: {at_least: 0.98}
"""


@pytest.fixture(autouse=True)
def _own_cache(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out the embedded checkpoint in a Hugging Face cache of its own, as `acme/floors`."""
    folder = pytester.path / "hf" / "hub" / "models--acme--floors"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(SHA)
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / SHA).symlink_to(CHECKPOINT)
    monkeypatch.setenv("HF_HOME", str(pytester.path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("CI", raising=False)


def make(project: Project, models: str) -> Project:
    project.suite("floors", samples=2)
    project.write("models.yaml", models)
    return project


def run(project: Project, *args: str) -> tuple[int, str, Path | None]:
    result = project.run(*args, engine=())
    return result.exit_code, result.text, result.folder


def test_a_name_of_the_project_is_a_model_as_any_other(lone_project: Project) -> None:
    project = lone_project
    make(project, "mine: {repository: acme/floors, family: generic, dtype: float32}\n")
    project.write("thresholds.yaml", THRESHOLDS)
    result = project.run("--model", "mine@main", engine=())
    model = result.run["model"]
    assert (model["name"], model["fingerprint"], model["family"]) == ("mine@main", SHA, "generic")
    # the guard on `mine` holds, the release target is shown
    assert (result.exit_code, result.outcome) == (1, "missed_bar"), result.text
    assert "--model mine" not in result.text  # outside of CI nobody is asked to pin


def test_mistakes_are_told_with_those_of_the_other_files(project: Project) -> None:
    make(project, "mine: {repository: nope}\nother: {}\n")
    project.write("thresholds.yaml", "version: 1\nrelease: {nowhere: {accuracy: {at_least: 0.5}}}\n")
    code, text, folder = run(project, "--model", "mine")
    assert (code, folder) == (4, None), text
    assert "pytest-cosmos found 3 problems; no model was loaded:" in text
    for line in (
        "thresholds.yaml:2: suite 'nowhere' does not exist.",
        "models.yaml:1: model 'mine' has the repository 'nope', which is no Hugging Face id. Write org/name",
        "models.yaml:2: model 'other' is empty, but must be a mapping such as",
    ):
        assert line in text
    assert "Traceback" not in text


def test_an_unknown_name_is_compared_with_those_of_the_project(lone_project: Project) -> None:
    make(lone_project, "inspector: {repository: acme/floors}\n")
    code, text, _ = run(lone_project, "--model", "inspektor")
    assert code == 4
    assert "--model inspektor: there is no model of that name. Did you mean 'inspector'?" in text


def test_other_engines_do_not_read_the_file(lone_project: Project) -> None:
    make(lone_project, "not ours: at all\n")
    assert lone_project.run().exit_code == 0


def test_ci_asks_for_a_pin(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    make(project, "mine: {repository: acme/floors}\n")
    _, text, folder = run(project, "--model", "mine", "--cosmos-no-gate")
    assert folder is not None, text
    assert "WARNING: --model mine is not pinned: it may stand for other weights tomorrow." in text
    assert f"Pin it: --model mine@{SHA}" in text
    assert f"Or in models.yaml:1: revision: {SHA}" in text


def test_ci_asks_for_no_pin_where_there_is_one(lone_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    make(lone_project, f"mine: {{repository: acme/floors, revision: {SHA}}}\n")
    _, text, folder = run(lone_project, "--model", "mine", "--cosmos-no-gate")
    assert folder is not None, text
    assert "WARNING: --model" not in text
