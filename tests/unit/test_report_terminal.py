from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.cells import cell_len

from pytest_cosmos.records import Decision, Summary
from pytest_cosmos.report import Line, summary_lines
from pytest_cosmos.report.calibration import least_sure
from pytest_cosmos.report.terminal import check_lines
from tests.unit.report_builders import MadeUp, made_up, with_decision

GOLDEN = Path(__file__).parents[1] / "golden" / "report"


def lines_of(made: MadeUp, width: int = 80) -> list[Line]:
    return list(
        summary_lines(
            made.run, made.summary, made.checks, made.outcomes, report_path="reports/latest/index.html", width=width
        )
    )


def text_of(made: MadeUp, width: int = 80) -> str:
    return "\n".join(line.text for line in lines_of(made, width)) + "\n"


@pytest.mark.parametrize("width", [80, 120])
def test_summary_reads_as_accepted(width: int) -> None:
    """Write the accepted text anew with COSMOS_GOLDEN=write, then read the difference."""
    accepted = GOLDEN / f"summary-{width}.txt"
    found = text_of(made_up(40, pictures=False), width)
    if os.environ.get("COSMOS_GOLDEN") == "write":
        accepted.write_text(found, encoding="utf-8")
    assert found == accepted.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [72, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for line in lines_of(made_up(200, pictures=False), width):
        assert cell_len(line.text) <= width, line


def test_lines_are_single_and_printable_whatever_the_model_said() -> None:
    made = made_up(40, pictures=False)
    every = made.summary.model_copy(update={"worst": tuple(o.case.key for o in made.outcomes[:5])})
    hostile = MadeUp(made.run, every, made.checks, made.outcomes, {})
    assert all(line.text.isprintable() for line in lines_of(hostile))


def test_the_least_sure_cases_are_named_lowest_first() -> None:
    made = made_up(40, pictures=False)
    found = {outcome.case.key: outcome.reply.confidence for outcome in made.outcomes}
    told = least_sure(made.summary, made.outcomes)
    assert told == ", ".join(f"{key} {found[key]:.2f}" for key in made.summary.low_confidence[:3])
    assert "least sure: " in text_of(made)
    mute = made.summary.model_copy(update={"low_confidence": ()})
    assert "least sure" not in text_of(MadeUp(made.run, mute, made.checks, made.outcomes, {}))


def test_decision_is_a_word_with_its_reasons_and_style() -> None:
    made = made_up(4, pictures=False)
    *_, word, first, _second, _third, path = lines_of(made)
    assert word.text.startswith("FAILED: tiny (12 of 12 cases), simulated images only; would not be released")
    assert word.style == "bad"
    assert first.text.startswith("  recall is below its bar")
    assert path == Line("report: reports/latest/index.html", "strong")


def test_green_run_of_a_model_not_for_release_says_so() -> None:
    passed = Decision(outcome="passed", exit_code=0, answered=12, planned=12, would_release=False)
    text = text_of(with_decision(made_up(4, pictures=False), passed))
    assert "PASSED: tiny (12 of 12 cases), simulated images only; would not be released" in text


def test_undecided_run_is_not_called_passed() -> None:
    text = text_of(with_decision(made_up(4, pictures=False), None))
    assert "UNDECIDED: tiny" in text
    assert "PASSED" not in text


def test_run_without_outcomes_says_no_data() -> None:
    made = made_up(4, pictures=False)
    empty = MadeUp(made.run, Summary(metrics=(), confusions=()), (), (), {})
    assert Line("  no data", "warn") in lines_of(empty)


def test_each_check_says_met_not_met_or_no_data() -> None:
    made = made_up(40, pictures=False)
    told = [
        (line.text.split("  ")[1].strip(), line.style) for line in check_lines(made.checks, 100) if "%" in line.text
    ]
    assert ("met", "good") in told
    assert ("NOT MET", "bad") in told
    assert ("no data", "bad") in told
    assert ("not met: would not be released", "warn") in told


def test_checks_that_block_come_first() -> None:
    made = made_up(40, pictures=False)
    heads = [line.text for line in check_lines(tuple(reversed(made.checks)), 80) if line.style == "head"]
    columns = "measured [95 %], bar, cases/images"
    assert [head.removesuffix(columns).rstrip() for head in heads] == [
        "checks",
        "release targets (shown, not blocking)",
    ]
    assert all(head.endswith(columns) for head in heads)


def test_every_check_carries_its_interval_and_what_it_is_of() -> None:
    lines = [line.text for line in check_lines(made_up(40, pictures=False).checks, 100)]
    (accuracy,) = (line for line in lines if line.startswith("  met      accuracy "))
    assert "82.4 %  [70.6–90.1]  >= 70 %" in accuracy
    assert accuracy.endswith("119/40")


def test_another_confidence_is_told() -> None:
    check = made_up(40, pictures=False).checks[0]
    sure = check.model_copy(update={"metric": check.metric.model_copy(update={"confidence": 0.99})})
    assert any("[70.6–90.1 at 99 %]" in line.text for line in check_lines((sure,), 100))
