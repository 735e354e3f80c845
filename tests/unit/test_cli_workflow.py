"""`pytest-cosmos workflow`: what can be wrong before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.errors import OptionError
from tests.unit.decision_builders import TARGETS
from tests.unit.suite_files import write_suite
from tests.unit.test_cli import invoke


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("flor",), r"Did you mean 'floor'\?"),
        (("cases",), "is no suite, it has no suite.yaml"),
        (("floor",), "--thresholds .*thresholds.yaml: not there"),
        (("floor", "--thresholds", "other.yaml"), "floor: other.yaml has no release target for it"),
        (("cases/floor", "--thresholds", "bars.yaml", "--config", "gone.yaml"), "--config gone.yaml: not there"),
        (("floor", "--thresholds", "bars.yaml", "--tests", "gone"), "--tests gone: not there"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path / "cases")
    (tmp_path / "bars.yaml").write_text(TARGETS)
    (tmp_path / "other.yaml").write_text(TARGETS.replace("  floor:", "  ladders:"))
    with pytest.raises(OptionError, match=told):
        invoke("workflow", *arguments)
    assert not (tmp_path / "reports").exists()


def test_stopped_by_hand_it_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pytest_cosmos.cli.workflow.run_workflow", stopped)
    write_suite(tmp_path / "cases")
    (tmp_path / "bars.yaml").write_text(TARGETS)
    code, text = invoke("workflow", "floor", "--thresholds", "bars.yaml")
    assert code == 130
    assert "stopped: the same command goes on from here." in text
