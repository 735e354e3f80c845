"""The decision: good enough, helped, harmed, not shown, void; by figures with evidence, never by part of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.pipeline import decide_about
from pytest_cosmos.records import ERROR, Outcome, Recommendation
from tests.unit.builders import BINARY, outcome
from tests.unit.decision_builders import BASE, MARGIN, PLAIN, TARGETS, answers, write_run

GOOD = {**PLAIN, "ambiguous": 0.9}


def decided(
    project: Path, now: Sequence[Outcome], before: Sequence[Outcome] = (), *, bars: str = TARGETS, **fields: Any
) -> Recommendation:
    """Decide about a run, beside a baseline where there is one."""
    (project / "thresholds.yaml").write_text(bars)
    if before:
        write_run(project, "base", before)
        fields = {"adapter": "adapters/lora", **fields}
    new = write_run(project, "new", now, **fields)
    return decide_about(new, project, project / "reports", baseline="base" if before else "none")


def test_a_model_is_sufficient_only_with_the_low_end_of_every_target(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD))
    assert (found.advice, found.reaches_targets, found.exit_code) == ("sufficient", True, 0)
    assert "reaches >= 85 % with the low end of its interval" in found.because[0]
    assert found.may_release
    assert "floor error_rate is 0.0 %" in found.because[1]
    assert "low end" not in found.because[1]  # no number of cases proves it


def test_a_missed_target_says_by_how_much_and_where_the_model_is_weak(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(BASE))
    assert (found.advice, found.reaches_targets, found.may_release, found.exit_code) == (
        "not_sufficient",
        False,
        False,
        1,
    )
    missed, weak = found.because
    value = found.targets[0].now.metric.value
    assert value is not None
    assert f"{100 * (0.85 - value):.1f} points below its target of >= 85 %." in missed
    assert weak.startswith("Weakest: floor category ambiguous, ")
    assert found.weakest[0].slice == {"category": "ambiguous"}
    assert any("pytest-cosmos workflow floor --model new" in line for line in found.remarks)


def test_a_figure_over_its_target_whose_low_end_is_not_is_not_enough_evidence(tmp_path: Path) -> None:
    few = [outcome(f"s{n}", said="Yes" if n < 18 else "No") for n in range(20)]
    found = decided(tmp_path, few)
    assert (found.advice, found.exit_code) == ("no_evidence", 1)
    assert "it takes about" in found.because[0]
    assert "(20 asked)" in found.because[0]
    needed = found.targets[0].now.needed
    assert needed is not None
    assert needed > 20


def test_a_target_without_data_is_not_enough_evidence(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD), bars=TARGETS.replace("0.85}", "0.85, min_cases: 900}"))
    assert found.advice == "no_evidence"
    assert "no data (400 cases, 900 needed)" in found.because[0]


def test_a_case_that_must_pass_and_did_not_is_not_sufficient(tmp_path: Path) -> None:
    wrong = [
        one if one.case.sample.id != "s000" else one.model_copy(update={"judgement": two.judgement, "reply": two.reply})
        for one, two in zip(
            answers(GOOD, must_pass=True), answers(dict.fromkeys(GOOD, 0.0), must_pass=True), strict=True
        )
    ]
    found = decided(tmp_path, wrong)
    assert (found.advice, found.reaches_targets) == ("not_sufficient", False)
    assert "cases that must pass did not" in found.because[0]


def test_without_a_release_target_nothing_says_what_good_enough_is(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD), bars="version: 1\nguards:\n  new: {floor: {accuracy: {at_least: 0.5}}}\n")
    assert (found.advice, found.reaches_targets, found.exit_code) == ("void", None, 1)
    assert "Write under release: {floor: {accuracy: {at_least: 0.85}}}" in found.because[0]


def test_helped_and_good_enough(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD), answers(BASE), bars=TARGETS)
    assert (found.advice, found.reaches_targets, found.exit_code) == ("helped", True, 0)
    assert found.because[0].startswith("Improved: floor accuracy ")
    assert "That is no proof that nothing is worse" in found.because[-1]
    assert [one.change for one in found.goals] == ["improved"]
    missed = next(one for one in found.risks if one.metric == "missed_hazard_rate" and not one.prompt)
    assert missed.before is not None
    assert missed.change is not None
    assert missed.before.value is not None
    assert missed.now.value is not None
    assert missed.change.value == pytest.approx(missed.now.value - missed.before.value)
    assert missed.now.clusters < missed.now.cases  # two prompts on one image are not independent


def test_helped_is_not_yet_good_enough(tmp_path: Path) -> None:
    found = decided(tmp_path, answers({**BASE, "ambiguous": 0.7}), answers(BASE))
    assert (found.advice, found.reaches_targets, found.may_release, found.exit_code) == ("helped", False, False, 0)
    assert any(line.startswith("Not yet good enough: floor accuracy is ") for line in found.remarks)


def test_better_on_some_and_worse_on_other_is_mixed(tmp_path: Path) -> None:
    found = decided(tmp_path, answers({"hazard": 0.95, "safe": 0.6, "ambiguous": 0.99}), answers(BASE))
    assert (found.advice, found.may_release, found.exit_code) == ("mixed", False, 1)
    assert any("Worse: floor accuracy[category=safe]" in line for line in found.because)
    assert any("category=ambiguous" in line for line in found.because if line.startswith("Improved"))


def test_worse_on_some_and_better_on_none_harmed(tmp_path: Path) -> None:
    found = decided(tmp_path, answers({**BASE, "safe": 0.6}), answers(BASE))
    assert (found.advice, found.exit_code) == ("harmed", 1)


def test_a_regression_bar_that_is_not_met_harmed_whatever_the_figures_say(tmp_path: Path) -> None:
    found = decided(tmp_path, answers({**GOOD, "safe": 0.72}), answers(BASE), bars=TARGETS + MARGIN)
    assert found.advice == "mixed"
    assert any(
        line.startswith("Worse than regression: allows: floor accuracy[category=safe]") for line in found.because
    )


def test_a_regression_bar_without_evidence_keeps_a_gain_from_being_called_help(tmp_path: Path) -> None:
    bars = TARGETS + MARGIN.replace("0.05", "0.001")
    found = decided(tmp_path, answers(GOOD), answers(BASE), bars=bars)
    assert (found.advice, found.exit_code) == ("no_evidence", 1)
    assert found.because[0].startswith("Not shown to be no worse: floor accuracy[category=safe]")


def test_a_change_that_cannot_reach_a_missed_target_did_not_help(tmp_path: Path) -> None:
    same = answers({"hazard": 0.6, "safe": 0.6, "ambiguous": 0.6})
    some = answers({"hazard": 0.61, "safe": 0.61, "ambiguous": 0.61})
    found = decided(tmp_path, some, same)
    assert (found.advice, found.exit_code) == ("not_helped", 1)
    assert "not even the better end makes up for the" in found.because[0]


def test_a_small_change_where_nothing_is_lacking_is_not_enough_evidence(tmp_path: Path) -> None:
    found = decided(tmp_path, answers({**GOOD, "ambiguous": 0.905}), answers(GOOD))
    assert found.advice == "no_evidence"
    assert "If it is real, about" in found.because[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"split": "validation"}, "The run asked the validation split"),
        ({"finished": ""}, "The run did not finish"),
        ({"required": ("floor", "ladders")}, "ladders: the suite was not run."),
        ({"calibration_refused": "another model", "calibration": "t.json"}, "t.json was not used"),
    ],
)
def test_nothing_is_decided_by_a_run_that_is_not_whole(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    found = decided(tmp_path, answers(GOOD), **change)
    assert (found.advice, found.may_release, found.exit_code) == ("void", False, 1)
    assert not found.reaches_targets
    assert any(told in line for line in found.because)


def test_part_of_the_cases_never_helps(tmp_path: Path) -> None:
    whole = answers(GOOD)
    found = decided(tmp_path, whole[:-2], answers(BASE))
    assert found.advice == "void"
    assert any("could not be compared" in line for line in found.because)
    assert found.goals  # shown all the same


def test_a_partial_run_is_void_even_where_it_was_allowed(tmp_path: Path) -> None:
    whole = answers(GOOD)
    suites = write_run(tmp_path / "other", "x", whole).read_run().suites
    found = decided(tmp_path, whole[:-2], suites=suites, allow_partial=True)
    assert found.advice == "void"
    assert "398 of 400 cases answered: the run is PARTIAL" in found.because[0]


def test_cases_without_a_reply_decide_nothing(tmp_path: Path) -> None:
    found = decided(tmp_path, [*answers(GOOD), outcome("x", BINARY, "Yes", ERROR)])
    assert found.advice == "void"
    assert any("1 case got no reply" in line for line in found.because)


def test_an_adapter_that_changed_nothing_is_void(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(BASE), answers(BASE))
    assert found.advice == "void"
    assert any("the adapter changed nothing" in line for line in found.because)


def test_the_same_model_twice_is_void(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD), answers(BASE), adapter="", fingerprint="base")
    assert found.advice == "void"
    assert any("are the same model" in line for line in found.because)


def test_base_and_adapter_asked_differently_are_void(tmp_path: Path) -> None:
    write_run(tmp_path, "base", answers(BASE))
    new = write_run(tmp_path, "new", answers(GOOD), adapter="adapters/lora")
    run = new.read_run()
    new.write_run(run.model_copy(update={"model": run.model.model_copy(update={"dtype": "bfloat16"})}))
    (tmp_path / "thresholds.yaml").write_text(TARGETS)
    found = decide_about(new, tmp_path, tmp_path / "reports", baseline="base")
    assert found.advice == "void"
    assert any("Base and adapter were not asked alike (dtype bfloat16" in line for line in found.because)


def test_a_model_that_is_not_for_release_may_not_be_released(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD), bars=TARGETS.replace("release:", "not_for_release: [new]\nrelease:"))
    assert (found.advice, found.reaches_targets, found.may_release) == ("sufficient", True, False)
    assert any("is not for release" in line for line in found.remarks)


def test_a_run_that_fails_its_own_gate_may_not_be_released(tmp_path: Path) -> None:
    guards = "guards:\n  new: {floor: {accuracy: {at_least: 0.999}}}\n"
    found = decided(tmp_path, answers(GOOD), bars=TARGETS + guards)
    assert (found.advice, found.may_release) == ("sufficient", False)
    assert any("does not pass its own gate" in line for line in found.remarks)


def test_moved_cases_are_of_different_images_and_hazards_come_first(tmp_path: Path) -> None:
    found = decided(tmp_path, answers(GOOD), answers(BASE))
    broken = [one for one in found.moved if one.case in found.broken]
    fixed = [one for one in found.moved if one.case in found.fixed]
    for cases in (broken, fixed):
        hazards = [one.hazard for one in cases]
        assert hazards == sorted(hazards, reverse=True)
    images = [one.case.partition("-")[0] for one in fixed]
    assert len(set(images)) == len(images) == 12
    assert all(one.before.answer != one.now.answer for one in found.moved)
