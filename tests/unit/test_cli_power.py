"""`pytest-cosmos power`: for a bar, for a drop, and for the thresholds of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.errors import OptionError
from pytest_cosmos.records import Comparison, Difference
from pytest_cosmos.runlog import RunFolder
from tests.unit.builders import outcomes_of, run_of

BARS = """\
version: 1
release:
  floor:
    accuracy: {at_least: 0.85, bound: lower}
    accuracy[category=hazard]: {at_least: 0.5}
    error_rate: {at_most: 0}
    missed_hazards: {at_most: 50}
    precision: {at_least: 0.8}
    specificity: {at_least: 0.8}
    missed_hazard_rate: {at_most: 0.05}
regression:
  floor:
    accuracy: {max_drop: 0.02}
    f1: {max_drop: 0.02}
"""


def power(*args: str) -> str:
    result = CliRunner().invoke(app, ["power", *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_bar_from_below() -> None:
    text = power("--at-least", "0.85", "--expect", "0.90")
    assert "at_least: 0.85, bound: lower, confidence: 0.95" in text
    assert "378 samples show it in at least 80% of the runs" in text
    assert "Assumed" not in text


def test_a_bar_from_above_is_the_same_upside_down() -> None:
    text = power("--at-most", "0.15", "--expect", "0.10", "--samples", "378")
    assert "at_most: 0.15, bound: upper" in text
    assert "if the figure is 0.1, 378 samples show it in at least 80% of the runs" in text
    assert "378 samples show it in 83.6% of the runs" in text


def test_clusters_say_what_is_assumed_of_them() -> None:
    text = power("--at-least", "0.85", "--expect", "0.90", "--cases-per-sample", "3")
    assert "Assumed: the 3 cases of a sample all go the same way (design effect 3)" in text
    stated = power("--at-least", "0.85", "--expect", "0.90", "--cases-per-sample", "3", "--design-effect", "1.6")
    assert "Assumed" not in stated
    assert "(603 cases)" in stated, stated


def test_a_drop() -> None:
    text = power("--drop", "0.02", "--discordant", "0.1", "--samples", "1200")
    assert "if both are equally good, 1,987 samples show that none is worse by 0.02" in text
    assert "if one is worse by 0.02, 2,043 samples find that" in text
    assert "show the first in 58.3% of the runs, find the second in 55.8%" in text
    assert "find a difference from 0.0262 on" in text


@pytest.mark.parametrize(("samples", "shown"), [(6, "5.7%"), (15, "30.6%"), (25, "53.2%")])
def test_so_many_samples_show_a_margin_as_often_as_the_gate_would_find_it(samples: int, shown: str) -> None:
    """Simulated (3,000 draws): 2.0, 29.0 and 53.6 %. By the normal quantile it would be 17.8, 39.5 and 59.2 %."""
    text = power("--drop", "0.3", "--discordant", "0.5", "--cases-per-sample", "5", "--samples", str(samples))
    assert f"show the first in {shown} of the runs" in text


def test_planned_samples_show_what_they_were_planned_for() -> None:
    design = ("--drop", "0.1", "--discordant", "0.2", "--cases-per-sample", "3", "--design-effect", "1.8")
    planned = power(*design).partition("equally good, ")[2].partition(" samples")[0]
    text = power(*design, "--samples", planned)
    assert 80 <= float(text.partition("show the first in ")[2].partition("%")[0]) < 83


def test_what_is_out_of_reach_is_said() -> None:
    assert "not even 1,000,000 samples" in power("--drop", "0.0001", "--discordant", "0.1")
    assert "find no difference at all" in power("--drop", "0.02", "--discordant", "0.1", "--samples", "3")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ("", "Say what is to be shown: --at-least"),
        ("--at-least 0.8 --drop 0.1", "One thing at a time"),
        ("--at-least 0.85", "--at-least 0.85 needs --expect"),
        ("--at-least 0.85 --expect 0.8", "--expect 0.8: only a figure above 0.85 can be shown to be so."),
        ("--at-most 0.05 --expect 0.08", "--expect 0.08: only a figure below 0.05 can be shown to be so."),
        ("--at-least 85 --expect 90", "--at-least 85: it must lie above 0 and below 1."),
        ("--at-least 0.85 --expect 90", "--expect 90: a share lies from 0 to 1."),
        ("--drop 0.2 --discordant 0.1", "--discordant 0.1: at least 0.2 of the cases differ"),
        ("--drop 0.2 --discordant 1.1", "--discordant 1.1: "),
        ("--at-least 0.8 --expect 0.9 --confidence 95", "--confidence 95: it must lie above 0.5 and below 1."),
        ("--at-least 0.8 --expect 0.9 --power 80", "--power 80: it must lie above 0 and below 1."),
        (
            "--at-least 0.8 --expect 0.9 --design-effect 0.5",
            "--design-effect 0.5: it must be a number from 1 to 1,000,000.",
        ),
        (
            "--at-least 0.8 --expect 0.9 --cases-per-sample 0",
            "--cases-per-sample 0: it must be a number from 1 to 1,000,000.",
        ),
        ("--at-least 0.8 --expect 0.9 --samples 0", "--samples 0: it must be a number from 1 to 1,000,000."),
        ("--at-least 0.8 --expect 0.9 --samples -5", "--samples -5: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --samples -5", "--samples -5: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --samples 2000000", "--samples 2000000: it must be a number from 1 to 1,000,000."),
        (f"--drop 0.02 --samples {10**400}", "0: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --cases-per-sample 1e300", "--cases-per-sample 1e+300: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --cases-per-sample inf", "--cases-per-sample inf: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --cases-per-sample nan", "--cases-per-sample nan: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --design-effect nan", "--design-effect nan: it must be a number from 1 to 1,000,000."),
        ("--drop 0.02 --design-effect inf", "--design-effect inf: it must be a number from 1 to 1,000,000."),
        ("--drop nan", "--drop nan: it must lie above 0 and below 1."),
        ("--drop 0.02 --discordant nan", "--discordant nan: "),
        ("--at-least 0.8 --expect nan", "--expect nan: a share lies from 0 to 1."),
        ("--at-least nan --expect 0.9", "--at-least nan: it must lie above 0 and below 1."),
        ("--drop 0.02 --power nan", "--power nan: it must lie above 0 and below 1."),
        ("--drop 0.02 --confidence nan", "--confidence nan: it must lie above 0.5 and below 1."),
    ],
)
def test_mistakes(args: str, told: str) -> None:
    with pytest.raises(OptionError) as caught:
        power(*args.split())
    assert told in str(caught.value)


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    """A run of 95 right answers and 5 wrong ones."""
    (tmp_path / "thresholds.yaml").write_text(BARS)
    outcomes = outcomes_of(95, 5)
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.append(outcomes)
    folder.close()
    folder.write_run(run_of(outcomes, thresholds="thresholds.yaml", model="reason2"))
    return folder


def rows(text: str) -> str:
    return " ".join(text.split())


def test_the_thresholds_of_a_run(finished: RunFolder) -> None:
    text = power(str(finished.path), "--root", str(finished.path.parent))
    assert "floor accuracy at_least 0.85, bound lower 0.950 100 100 1.00 83 enough" in text
    assert "floor accuracy[category=hazard] at_least 0.5 0.950 100 100 1.00 8 enough" in text
    assert "floor error_rate at_most 0 0.000 100 100 1.00 – no number of samples proves it" in text
    assert "floor missed_hazards at_most 50 5.000 100 100 – – has no interval" in text
    assert "floor specificity at_least 0.8 – 0 – 1.00 – no data" in text
    assert "floor missed_hazard_rate at_most 0.05 0.050 100 100 1.00 – too near to the bar" in text
    assert "floor accuracy max_drop 0.02 – 100 100 1.00 1,987 too few; no comparison tells" in text
    assert "10% assumed" in text
    assert "floor f1 max_drop 0.02 – 100 100 – – no comparison tells" in text


def test_margins_take_what_a_comparison_has_shown(finished: RunFolder) -> None:
    shown = Difference(
        suite="floor", metric="accuracy", value=0.0, low=-0.041, high=0.041, cases=100, samples=100, clusters=100,
        fixed=2, broken=2,
    )  # fmt: skip
    comparison = Comparison(
        baseline="b", candidate="c", baseline_model="b", candidate_model="c", pairs=100, differences=(shown,)
    )
    finished.write_comparisons([comparison])
    text = power(str(finished.path), "--root", str(finished.path.parent))
    assert "4.0% of the pairs differ; both equally good" in text
    assert "floor accuracy max_drop 0.02 0.000 100 100" in text


def test_the_copy_that_the_run_keeps_comes_before_the_projects_file(finished: RunFolder, tmp_path: Path) -> None:
    finished.write_thresholds(b"version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.9}\n")
    text = power(str(finished.path), "--root", str(tmp_path))
    assert "at_least 0.9 " in text
    assert "at_least 0.85" not in text
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.7}\n")
    assert "at_least 0.7 " in power(str(finished.path), "--thresholds", str(other))


def test_a_run_without_thresholds(finished: RunFolder) -> None:
    finished.write_run(finished.read_run().model_copy(update={"thresholds": ""}))
    with pytest.raises(OptionError, match="held against no thresholds"):
        power(str(finished.path))
