"""`--cosmos-time-budget`: in time nothing more is asked, and what was answered is kept."""

from __future__ import annotations

import pytest

from .conftest import Project

SLOW = {"*": {"expected": True, "seconds": 0.5}}
"""80 cases: 40 s, or 20 s with two workers."""


@pytest.mark.parametrize(
    ("workers", "args", "exit_code"), [((), ("--allow-partial",), 0), ((), (), 1), (("-n2",), (), 1)]
)
def test_cases_not_asked_in_time_are_skipped_and_the_run_is_partial(
    project: Project, args: tuple[str, ...], exit_code: int
) -> None:
    project.suite("floors", samples=40)
    project.script(SLOW)
    budget = "12s" if project.workers else "4s"  # on a busy machine xdist's workers take a while to start
    result = project.run("--cosmos-time-budget", budget, "-rs", *args)
    assert (result.exit_code, result.outcome) == (exit_code, "partial"), result.text
    answered = len(result.verdicts)
    assert 0 < answered < 80
    assert f"{answered} passed, {80 - answered} skipped" in result.text
    assert f"not asked: the time budget of {budget.replace('s', ' s')} is spent" in result.text
    assert set(result.verdicts.values()) == {"correct"}


def test_a_budget_that_suffices_changes_nothing(project: Project) -> None:
    result = project.run("--cosmos-time-budget", "1h30m")
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text


def test_a_budget_spent_before_the_model_is_there_is_no_data(lone_project: Project) -> None:
    result = lone_project.run("--cosmos-time-budget", "0.01", "--allow-partial")
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text


def test_an_error_before_the_end_stays_an_error(lone_project: Project) -> None:
    lone_project.suite("floors", samples=40)
    lone_project.script({"floors/s0-cracked": {"error": "connection reset"}, **SLOW})
    result = lone_project.run("--cosmos-time-budget", "4", "--allow-partial")
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert list(result.verdicts.values()).count("error") == 1


@pytest.mark.parametrize("text", ["0", "-5", "soon", "10m30", "1d", "", "5 m", "m"])
def test_what_is_no_time_is_refused(lone_project: Project, text: str) -> None:
    result = lone_project.run(f"--cosmos-time-budget={text}")
    assert result.exit_code == 4
    assert f"'{text}' is no time above 0. Write seconds, or e.g. 90s, 10m, 1h30m" in result.text
