"""`pytest-cosmos compare` and `baseline`: two runs of disk compared, and runs kept to be compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import read_thresholds
from pytest_cosmos.records import ERROR, Decision, Outcome
from pytest_cosmos.runlog import RunFolder, save_baseline
from pytest_cosmos.suites import shard_of
from tests.unit.builders import outcome, run_of
from tests.unit.test_cli import invoke

BARS = """version: 1
release:
  floor:
    accuracy: {at_least: 0.99}
regression:
  floor:
    accuracy: {max_drop: 0.05}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thresholds.yaml").write_text(BARS)
    return tmp_path


def answers(right: int, wrong: int) -> list[Outcome]:
    return [outcome(f"s{n}", said="Yes" if n < right else "No") for n in range(right + wrong)]


def run(project: Path, name: str, outcomes: Sequence[Outcome], **fields: Any) -> RunFolder:
    folder = RunFolder(project / "reports/runs" / name)
    folder.path.mkdir(parents=True)
    folder.append(outcomes)
    folder.close()
    decision = Decision(outcome="missed_bar", exit_code=1, answered=len(outcomes), planned=len(outcomes))
    told = {"id": name, "finished": "2026-01-02T03:05:05Z", "decision": decision, **fields}
    folder.write_run(run_of(outcomes, model=name).model_copy(update=told))
    return folder


def test_a_candidate_as_good_as_its_baseline_passes_whatever_else_it_misses(project: Path) -> None:
    run(project, "old", answers(90, 10))
    new = run(project, "new", answers(92, 8))
    code, text = invoke("compare", "old", "reports/runs/new")
    assert code == 0, text
    assert "before and after: old -> new (100 cases)" in text
    assert "fixed 2, broken 0, both right 90, both wrong 8" in text
    assert "fixed: floor/s90-binary_safety, floor/s91-binary_safety" in text
    assert "PASSED: no regression beyond what is allowed." in text
    assert json.loads((new.path / "comparison.json").read_text())[0]["baseline"] == "old"
    assert "Before and after" in (new.path / "index.html").read_text()
    assert new.read_run().baseline == "reports/runs/old"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (answers(90, 10), answers(60, 40), "FAILED: worse than allowed."),
        (answers(20, 0), answers(20, 0), "NO EVIDENCE: these cases do not show"),
        (answers(90, 10), answers(90, 11), "PARTIAL: not every case could be compared"),
    ],
)
def test_what_is_not_shown_to_be_as_good_exits_1(
    project: Path, before: list[Outcome], after: list[Outcome], word: str
) -> None:
    run(project, "old", before)
    run(project, "new", after)
    code, text = invoke("compare", "old", "new")
    assert code == 1, text
    assert word in text


def test_cases_that_cannot_be_compared_may_be_accepted(project: Path) -> None:
    run(project, "old", answers(90, 10))
    run(project, "new", answers(90, 11))
    code, text = invoke("compare", "old", "new", "--allow-partial")
    assert code == 0, text
    assert "not compared: 1 case only in the candidate, such as floor/s100-binary_safety" in text


def test_errors_of_the_candidate_and_nothing_to_compare_are_never_accepted(project: Path) -> None:
    run(project, "old", answers(80, 20))
    run(project, "new", [*answers(80, 0), *(outcome(f"s{n}", said=ERROR) for n in range(80, 100))])
    code, text = invoke("compare", "old", "new", "--allow-partial")
    assert code == 1, text
    assert "ERRORS: 20 cases got no reply: floor/s80-binary_safety, " in text
    code, text = invoke("compare", "new", "old", "--allow-partial")
    assert code == 0, text  # those of a baseline are left out
    for name in ("none", "nothing"):
        run(project, name, [], thresholds="")
    code, text = invoke("compare", "none", "nothing", "--allow-partial")
    assert code == 1, text
    assert "NO DATA: the two runs have no case to compare." in text


def test_regression_thresholds_of_a_suite_that_was_not_asked_are_never_met(project: Path) -> None:
    run(project, "old", answers(90, 10))
    new = run(project, "new", answers(90, 10))
    (project / "typo.yaml").write_text(BARS.replace("regression:\n  floor:", "regression:\n  flour:"))
    code, text = invoke("compare", "old", "new", "--thresholds", "typo.yaml")
    assert code == 1, text
    assert "NO DATA: nothing to hold against some thresholds." in text
    assert new.read_run().required == ("floor",), "what that file demanded is not what the next one does"
    assert invoke("compare", "old", "new")[0] == 0
    new.write_run(new.read_run().model_copy(update={"limited": True}))
    code, text = invoke("compare", "old", "new", "--thresholds", "typo.yaml")
    assert code == 1, text
    assert "ERRORS: typo.yaml has regression: thresholds for flour, but the candidate was asked floor." in text


def test_a_suite_that_was_added_since_is_not_met_unless_the_run_was_for_some_suites_only(project: Path) -> None:
    new = run(project, "new", answers(100, 0), baseline="none")
    assert invoke("gate", str(new.path))[0] == 0
    more = BARS.replace("regression:", "  stairs:\n    accuracy: {at_least: 0.5}\nregression:")
    (project / "thresholds.yaml").write_text(more)
    for command in (("gate", str(new.path)), ("decide", "new", "--baseline", "none")):
        code, text = invoke(*command)
        assert code == 1, text
        assert "stairs: the suite was not run." in text
    assert new.read_run().required == ("floor",)
    new.write_run(new.read_run().model_copy(update={"limited": True}))
    assert invoke("gate", str(new.path))[0] == 0


def test_part_of_the_cases_on_both_sides_is_a_part(project: Path) -> None:
    for name in ("old", "new"):
        folder = run(project, name, answers(90, 10))
        lines = (folder.path / "outcomes.jsonl").read_text().splitlines(keepends=True)
        (folder.path / "outcomes.jsonl").write_text("".join(lines[:50]))
    code, text = invoke("compare", "old", "new")
    assert code == 1, text
    assert "ERRORS: 50 cases in outcomes.jsonl, but 100 when the run ended" in text
    new = RunFolder(project / "reports/runs/new")
    new.write_run(new.read_run().model_copy(update={"decision": None}))
    code, text = invoke("compare", "old", "new")
    assert code == 1, text
    assert "PARTIAL: not every case could be compared" in text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"split": "validation"}, "Cases of the test split are among those of the validation split."),
        ({"failed_tests": ("test_floor.py::test_other",)}, "1 test failed outright: test_floor.py::test_other."),
    ],
)
def test_what_the_gate_would_not_trust_is_not_compared_either(project: Path, fields: dict[str, Any], told: str) -> None:
    run(project, "old", answers(90, 10), split=fields.get("split", "test"))
    new = run(project, "new", answers(90, 10), **fields)
    code, text = invoke("compare", "old", "new")
    assert code == 1, text
    assert f"ERRORS: {told}" in text
    (project / "thresholds.yaml").write_text(BARS.replace("0.99", "0.5"))
    code, text = invoke("decide", str(new.path), "--baseline", "none")
    assert code == 1, text
    assert told in text


def test_judgements_that_were_edited_make_a_comparison_void_on_either_side(project: Path) -> None:
    good, bad = answers(90, 10), answers(60, 40)
    edited = [one.model_copy(update={"reply": other.reply}) for one, other in zip(good, bad, strict=True)]
    run(project, "fine", good)
    run(project, "edited", edited)
    code, text = invoke("compare", "fine", "edited")
    assert code == 1, text
    assert "30 cases whose verdict is not what the reply says" in text
    code, text = invoke("compare", "edited", "fine")
    assert code == 1, text
    assert "the baseline: 30 cases whose verdict is not what the reply says" in text


def test_a_laxer_baseline_does_not_make_up_for_one_of_the_same_session(project: Path) -> None:
    (project / "thresholds.yaml").write_text(BARS.replace("0.99", "0.5"))
    for name, right in (("good", 95), ("bad", 60)):
        run(project, name, answers(right, 100 - right))
    new = run(project, "new", answers(60, 40), baselines=("good",))
    code, text = invoke("compare", "bad", "new")
    assert code == 0, text
    found = new.read_run()
    assert found.decision is not None
    assert (found.decision.outcome, found.decision.exit_code) == ("missed_bar", 1)
    assert {one.baseline for one in new.read_comparisons()} == {"good", "bad"}
    code, text = invoke("compare", "good", "new")
    assert code == 1, text
    assert [one.baseline for one in new.read_comparisons()] == ["good"], "named again, it is held against once"
    new.write_run(found.model_copy(update={"baselines": ("gone",)}))
    assert invoke("compare", "bad", "new")[0] == 0


def test_thresholds_that_were_loosened_since_are_told(project: Path) -> None:
    (project / "thresholds.yaml").write_text(BARS)
    new = run(project, "new", answers(90, 10), baseline="none")
    code, text = invoke("gate", str(new.path))
    assert (code, "looser" in text) == (1, False)
    (project / "thresholds.yaml").write_text(BARS.replace("0.99", "0.8"))
    code, text = invoke("gate", str(new.path))
    assert code == 0, text
    told = (
        "WARNING: looser than the thresholds it was last held against: release floor accuracy: at_least 0.8, was 0.99."
    )
    assert told in text
    new.write_thresholds(b"version: 99\n")
    assert "looser" not in invoke("gate", str(new.path))[1]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"gated": False}, "Run it without --cosmos-no-gate."),
        ({"split": "validation"}, "Run it without --cosmos-split validation."),
        ({"shard": "1/2"}, "Merge the shards first"),
    ],
)
def test_a_run_that_is_held_against_no_bar_is_not_by_naming_one(
    project: Path, fields: dict[str, Any], advice: str
) -> None:
    new = run(project, "new", answers(9, 1), **fields)
    with pytest.raises(RunFolderError, match=advice):
        invoke("gate", str(new.path), "--thresholds", "thresholds.yaml")


def test_other_thresholds_can_be_named(project: Path) -> None:
    run(project, "old", answers(90, 10))
    run(project, "new", answers(60, 40))
    (project / "wide.yaml").write_text(BARS.replace("0.05", "0.6"))
    code, text = invoke("compare", "old", "new", "--thresholds", "wide.yaml")
    assert code == 0, text
    (project / "none.yaml").write_text("version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.5}\n")
    code, text = invoke("compare", "old", "new", "--thresholds", "none.yaml")
    assert code == 0, text
    assert "COMPARED: held against no regression threshold" in text


def test_saved_baselines_on_either_side_stay_as_they_are(project: Path) -> None:
    for name in ("old", "new"):
        save_baseline(run(project, name, answers(90, 10)), project, name)
    before = sorted((project / "baselines/new").iterdir())
    code, text = invoke("compare", "old", "new")
    assert code == 0, text
    assert sorted((project / "baselines/new").iterdir()) == before
    assert "report:" not in text


def test_shards_and_strangers_are_refused(project: Path) -> None:
    run(project, "old", answers(9, 1))
    run(project, "part", answers(9, 1), shard="1/2")
    with pytest.raises(RunFolderError, match="merge the shards first"):
        invoke("compare", "old", "part")
    with pytest.raises(RunFolderError, match="compare odl: there is neither") as told:
        invoke("compare", "odl", "old")
    assert "--baseline none" not in str(told.value)
    with pytest.raises(RunFolderError, match="itself"):
        invoke("compare", "old", "old")


def test_gate_and_report_compare_again_as_the_run_was(project: Path) -> None:
    old, new = run(project, "old", answers(90, 10)), run(project, "new", answers(60, 40))
    save_baseline(old, project, "v1")
    code, text = invoke("gate", str(new.path))
    assert "no data: no baseline" in " ".join(text.split()), text
    code, text = invoke("gate", str(new.path), "--baseline", "v1")
    assert code == 1
    assert new.read_run().baseline == "baselines/v1"
    assert "before and after" in text
    (new.path / "comparison.json").unlink()
    code, text = invoke("report", str(new.path))
    assert code == 0, text
    assert len(new.read_comparisons()) == 1
    code, text = invoke("gate", str(new.path), "--baseline", "none")
    assert "left out: --baseline none" in " ".join(text.split())
    assert not new.read_comparisons()


def test_a_run_is_saved_listed_and_removed(project: Path) -> None:
    run(project, "old", answers(9, 1))
    code, text = invoke("baseline", "save", "reports/runs/old", "v1")
    assert code == 0, text
    assert "pytest benchmarks/ --baseline v1" in text
    code, text = invoke("baseline", "list")
    assert code == 0, text
    assert "v1" in text
    assert "90.0 %" in text
    code, text = invoke("baseline", "remove", "v1")
    assert code == 0, text
    assert "none. Save one" in invoke("baseline", "list")[1]


@pytest.mark.parametrize(
    ("outcomes", "fields", "problem"),
    [
        ([*answers(9, 1), outcome("x", said=ERROR)], {}, "1 case got no reply"),
        (answers(9, 1), {"decision": None}, "did not finish"),
        (answers(9, 1), {"finished": ""}, "did not finish"),
        (
            answers(9, 1),
            {"decision": Decision(outcome="partial", exit_code=1, answered=10, planned=12)},
            "10 of 12 cases",
        ),
        (answers(9, 1), {"shard": "1/2"}, "is shard 1/2"),
        ([], {}, "it has no case"),
    ],
)
def test_a_run_that_is_not_whole_is_saved_only_when_told(
    project: Path, outcomes: list[Outcome], fields: dict[str, Any], problem: str
) -> None:
    folder = run(project, "old", outcomes, **fields)
    with pytest.raises(RunFolderError, match=problem) as told:
        invoke("baseline", "save", str(folder.path), "v1")
    assert "--even-if-incomplete" in str(told.value)
    assert not (project / "baselines").exists()
    (folder.path / "outcomes.jsonl").touch()
    assert invoke("baseline", "save", str(folder.path), "v1", "--even-if-incomplete")[0] == 0


def test_merged_shards_are_compared_as_each_said(project: Path) -> None:
    save_baseline(run(project, "old", answers(90, 10)), project, "v1")
    whole = answers(90, 10)
    for number in (1, 2):
        part = [one for one in whole if shard_of("floor", one.case.sample.id, 2) == number]
        folder = run(project, f"part-{number}", part, shard=f"{number}/2", baseline="baselines/v1")
        suites = (run_of(part).suites[0].model_copy(update={"planned": 100, "selected": len(part)}),)
        told = folder.read_run()
        folder.write_run(
            told.model_copy(
                update={
                    "suites": suites,
                    "model": told.model.model_copy(update={"name": "tiny"}),
                    "thresholds_digest": read_thresholds(project / "thresholds.yaml").digest,
                }
            )
        )
    code, text = invoke("merge", "reports/runs/part-1", "reports/runs/part-2")
    assert "before and after: old -> tiny (100 cases)" in text, text
    assert code == 1, "accuracy is below the release target"
    merged = (project / "reports/latest").resolve()
    assert len(RunFolder(merged).read_comparisons()) == 1
