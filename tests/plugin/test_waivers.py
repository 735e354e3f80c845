"""Must-pass cases and their waivers through pytest, `gate` and `merge`, with and without workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from tests.plugin.conftest import RIGHT, THRESHOLDS, Project, Result

WRONG = {"floors/s0-cracked": {"raw": "<think>Looks whole.</think>No", "confidence": 0.8}, **RIGHT}
WAIVER = """
waivers:
  - {case: floors/s0-cracked, reason: "glare, being relabelled", owner: "A. Name", expires: %s}
"""
HOLDS, EXPIRED = WAIVER % "2999-12-31", WAIVER % "2001-01-31"


@pytest.fixture
def failing(project: Project) -> Project:
    """A project whose one must-pass sample is answered wrongly by one of its prompts."""
    project.suite("floors", extra={0: "true"})
    project.script(WRONG)
    return project


def gate(project: Project, result: Result) -> tuple[int, str]:
    assert result.folder is not None
    found = CliRunner().invoke(app, ["gate", str(result.folder), "--root", str(project.path)])
    return found.exit_code, " ".join(found.output.split())


def waive(project: Project, waivers: str) -> Path:
    return project.write("thresholds.yaml", THRESHOLDS + waivers)


def test_without_a_waiver_it_fails_and_the_decision_names_the_case(failing: Project) -> None:
    result = failing.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert len(result.run["failed_tests"]) == 1
    assert list(result.run["failed_cases"].values()) == ["floors/s0-cracked"]
    (reason,) = result.run["decision"]["reasons"]
    assert reason.startswith("1 case that must pass did not: floors/s0-cracked (said No).")


def test_a_waiver_lets_it_through_until_its_date_and_says_so_everywhere(failing: Project) -> None:
    waive(failing, HOLDS)
    result = failing.run("-v", "-rx")
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text
    assert "1 wrong" in result.text
    assert "failed" not in result.text.splitlines()[-1]
    assert not result.run["failed_tests"]
    assert result.run["waived"] == ["floors/s0-cracked"]
    told = "waived until 2999-12-31: glare, being relabelled (A. Name)"
    assert told in " ".join(result.text.split())
    assert result.folder is not None
    assert told in (result.folder / "index.html").read_text()
    assert gate(failing, result)[0] == 0


def test_an_expired_waiver_fails_and_says_since_when(failing: Project) -> None:
    waive(failing, EXPIRED)
    result = failing.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "its waiver expired on 2001-01-31" in " ".join(result.text.split())
    assert "1 failed" in result.text
    assert result.run["waived"] == []


def test_gate_holds_a_run_against_the_waivers_of_today(failing: Project) -> None:
    result = failing.run()
    assert gate(failing, result)[0] == 1
    waive(failing, HOLDS)
    code, text = gate(failing, result)
    assert code == 0, text
    assert "waived until 2999-12-31" in text
    waive(failing, EXPIRED)
    code, text = gate(failing, result)
    assert code == 1, text
    assert "its waiver expired on 2001-01-31" in text
    assert result.run["waived"] == []


def test_a_run_that_forgot_its_failed_tests_fails_all_the_same(failing: Project) -> None:
    result = failing.run()
    assert result.folder is not None
    file = result.folder / "run.json"
    file.write_text(json.dumps({**result.run, "failed_tests": [], "failed_cases": {}}))
    assert gate(failing, result)[0] == 1


def test_a_strict_run_knows_no_waiver(failing: Project) -> None:
    waive(failing, HOLDS)
    result = failing.run("--cosmos-strict")
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "1 failed" in result.text


def test_a_waiver_that_is_no_longer_needed_is_told(failing: Project) -> None:
    waive(failing, HOLDS)
    failing.script(RIGHT)
    result = failing.run()
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text
    assert "floors/s0-cracked passed: its waiver is no longer needed" in " ".join(result.text.split())


def test_a_broken_test_body_is_not_waived(failing: Project) -> None:
    waive(failing, HOLDS)
    failing.write(
        "benchmarks/test_floors.py",
        """
        import pytest

        @pytest.mark.cosmos(suite="floors")
        def test_floors(cosmos_answer):
            if not cosmos_answer.correct:
                raise RuntimeError("broken")
        """,
    )
    result = failing.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert len(result.run["failed_tests"]) == 1
    assert result.run["failed_cases"] == {}


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("floors/s1-cracked", "'floors/s1-cracked' is not a must_pass sample"),
        ("floors/s0-craked", "Did you mean 'floors/s0-cracked'?"),
    ],
)
def test_a_waiver_that_waives_nothing_stops_before_any_model(failing: Project, case: str, problem: str) -> None:
    waive(failing, HOLDS.replace("floors/s0-cracked", case))
    result = failing.run()
    assert result.exit_code == 4, result.text
    assert problem in result.text
    assert "thresholds.yaml:8: waivers: " in result.text
    assert result.folder is None


def test_shards_are_merged_with_their_waivers(failing: Project) -> None:
    waive(failing, HOLDS)
    folders = [failing.run("--shard", f"{number}/2").folder for number in (1, 2)]
    merged = CliRunner().invoke(
        app, ["merge", *map(str, folders), "--reports", str(failing.path / "merged"), "--root", str(failing.path)]
    )
    assert merged.exit_code == 0, merged.output
    assert "waived until 2999-12-31" in " ".join(merged.output.split())
    (folder,) = (failing.path / "merged" / "runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["waived"] == ["floors/s0-cracked"]
    assert (folder / "thresholds.yaml").read_text() == (failing.path / "thresholds.yaml").read_text()
