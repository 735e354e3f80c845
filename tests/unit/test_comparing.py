"""A run beside its baselines on disk: comparison.json, what a reader must know, and runs that were doctored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.comparing import baselines_of
from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import read_thresholds
from pytest_cosmos.pipeline import Conclusion, conclude
from pytest_cosmos.records import Outcome, Temperature
from pytest_cosmos.runlog import RunFolder, read_trained, save_baseline
from tests.unit.builders import outcome, run_of

BARS = """
version: 1
release:
  floor:
    accuracy: {at_least: 0.5}
regression:
  floor:
    accuracy: {max_drop: 0.05}
"""


def answers(right: int, wrong: int) -> list[Outcome]:
    said = ["Yes"] * right + ["No"] * wrong
    return [outcome(f"s{n}", said=one, confidence=0.7 + n / 1000) for n, one in enumerate(said)]


def written(project: Path, model: str, outcomes: Sequence[Outcome], **fields: Any) -> RunFolder:
    """Write a run into reports/runs."""
    folder = RunFolder(project / "reports/runs" / f"2026-01-02T03-04-05-{model}")
    folder.path.mkdir(parents=True)
    folder.append(outcomes)
    folder.close()
    folder.write_run(run_of(outcomes, model=model).model_copy(update=fields))
    return folder


def held(project: Path, folder: RunFolder, *baselines: RunFolder, bars: str = BARS) -> Conclusion:
    file = project / "thresholds.yaml"
    file.write_text(bars)
    return conclude(folder, read_thresholds(file), baselines)


def test_a_run_as_good_as_its_baseline_passes_and_says_what_changed(tmp_path: Path) -> None:
    before, after = written(tmp_path, "old", answers(90, 10)), written(tmp_path, "new", answers(92, 8))
    found = held(tmp_path, after, before)
    assert (found.decision.outcome, found.decision.exit_code) == ("passed", 0)
    (comparison,) = after.read_comparisons()
    assert comparison == found.changes[0].comparison
    assert comparison.fixed == ("floor/s90-binary_safety", "floor/s91-binary_safety")
    assert (comparison.pairs, comparison.right_before, comparison.right_after) == (100, 90, 92)
    assert found.changes[0].said_before["floor/s90-binary_safety"].judgement.answer == "No"
    data = json.loads((after.path / "comparison.json").read_text())
    assert data[0]["schema_version"] == 1
    assert not before.read_comparisons()


def test_a_run_compared_with_nothing_any_more_loses_its_comparison(tmp_path: Path) -> None:
    before, after = written(tmp_path, "old", answers(9, 1)), written(tmp_path, "new", answers(9, 1))
    held(tmp_path, after, before)
    held(tmp_path, after)
    assert not (after.path / "comparison.json").exists()


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    run = written(tmp_path, "new", answers(90, 10))
    save_baseline(run, tmp_path, "v1")
    for itself in (run, RunFolder(tmp_path / "baselines/v1")):
        with pytest.raises(RunFolderError, match="itself"):
            held(tmp_path, run, itself)


def test_suites_that_the_run_does_not_answer_for_are_not_missed(tmp_path: Path) -> None:
    more = [*answers(90, 10), outcome("x", suite="other")]
    before, after = written(tmp_path, "old", more), written(tmp_path, "new", answers(90, 10))
    found = held(tmp_path, after, before)
    assert found.decision.outcome == "passed"
    assert found.changes[0].comparison.unpaired == ()


def test_looser_thresholds_than_the_baselines_are_told(tmp_path: Path) -> None:
    before, after = written(tmp_path, "old", answers(90, 10)), written(tmp_path, "new", answers(90, 10))
    held(tmp_path, before, bars=BARS.replace("0.5}", "0.85}"))
    found = held(tmp_path, after, before)
    (remark,) = found.changes[0].comparison.remarks
    assert remark == "looser than the baseline's thresholds: release floor accuracy: at_least 0.5, was 0.85."
    before.write_thresholds(b"version: 99\n")
    assert "cannot be read" in held(tmp_path, after, before).changes[0].comparison.remarks[0]
    none = conclude(after, None, [before])
    assert none.changes[0].comparison.remarks == ("the baseline was held against thresholds, this run against none.",)


def test_the_second_candidate_on_a_test_split_is_counted(tmp_path: Path) -> None:
    before = written(tmp_path, "old", answers(90, 10))
    first, second = written(tmp_path, "new", answers(90, 10)), written(tmp_path, "newer", answers(91, 9))
    assert held(tmp_path, first, before).changes[0].comparison.remarks == ()
    (remark,) = held(tmp_path, second, before).changes[0].comparison.remarks
    assert remark.startswith("floor: 2 candidates have been compared on this test split (comparisons.jsonl")
    (remark,) = held(tmp_path, first, before).changes[0].comparison.remarks
    assert "2 candidates" in remark, "asked again, it is no new one"


def test_a_shard_is_compared_with_nothing(tmp_path: Path) -> None:
    before, after = written(tmp_path, "old", answers(9, 1)), written(tmp_path, "new", answers(9, 1), shard="1/2")
    assert held(tmp_path, after, before).changes == ()


def test_the_runs_that_a_run_was_compared_with_are_found_again(tmp_path: Path) -> None:
    before = written(tmp_path, "old", answers(9, 1))
    save_baseline(before, tmp_path, "v1")
    after = written(tmp_path, "new", answers(9, 1), baseline="baselines/v1", baselines=(before.path.name,))
    found = baselines_of(after, after.read_run(), tmp_path)
    assert [folder.path for folder in found] == [tmp_path / "baselines/v1", before.path]
    (tmp_path / "baselines/v1/run.json").unlink()
    with pytest.raises(RunFolderError, match="compared with a run that is gone"):
        baselines_of(after, after.read_run(), tmp_path)
    alone = after.read_run().model_copy(update={"baseline": "none", "baselines": ()})
    assert baselines_of(after, alone, tmp_path) == ()


def doctored(project: Path, how: str) -> Conclusion:
    """Doctor the worse of two runs so that it could look as good as the other."""
    before, good = written(project, "old", answers(95, 5)), answers(60, 40)
    folder = written(project, "new", good)
    file = folder.path / "outcomes.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    if how == "dropped outcomes":
        lines = [line for line in lines if line["judgement"]["verdict"] == "correct"]
    elif how == "duplicated ids":
        lines += [line for line in lines if line["judgement"]["verdict"] == "correct"]
    elif how == "swapped media":
        for line in lines:
            if line["judgement"]["verdict"] == "wrong":
                line["case"]["sample"]["media_hash"] = "ff"
    elif how == "an emptied suite":
        lines = []
    elif how == "wrong turned into errors":
        for line in lines:
            if line["judgement"]["verdict"] == "wrong":
                line["judgement"] = {"verdict": "error"}
                line["reply"] = {**line["reply"], "finish": "error", "error": "timeout"}
    elif how == "verdicts turned":
        for line in lines:
            line["judgement"]["verdict"] = "correct"
    elif how == "expected turned":
        for line in lines:
            if line["judgement"]["verdict"] == "wrong":
                line["case"]["expected"] = "No"
                line["judgement"] = {"verdict": "correct", "answer": "No"}
    elif how == "ids renamed":
        for line in lines:
            if line["judgement"]["verdict"] == "wrong":
                line["case"]["sample"]["id"] += "x"
                line["reply"]["case_key"] = f"floor/{line['case']['sample']['id']}-binary_safety"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return held(project, folder, before)


@pytest.mark.parametrize(
    ("how", "outcome_word"),
    [
        ("nothing", "missed_bar"),
        ("dropped outcomes", "partial"),
        ("swapped media", "partial"),
        ("an emptied suite", "no_data"),
        ("wrong turned into errors", "errors"),
        ("expected turned", "partial"),
        ("ids renamed", "partial"),
    ],
)
def test_a_doctored_run_never_passes(tmp_path: Path, how: str, outcome_word: str) -> None:
    decision = doctored(tmp_path, how).decision
    assert (decision.outcome, decision.exit_code) == (outcome_word, 1)


@pytest.mark.parametrize("how", ["duplicated ids", "verdicts turned"])
def test_a_run_that_contradicts_itself_is_refused(tmp_path: Path, how: str) -> None:
    with pytest.raises(RunFolderError):
        doctored(tmp_path, how)


@pytest.mark.parametrize("confidence", ["NaN", "Infinity", "-0.5"])
def test_confidences_that_are_no_numbers_do_not_help(tmp_path: Path, confidence: str) -> None:
    before, after = written(tmp_path, "old", answers(90, 10)), written(tmp_path, "new", answers(90, 10))
    file = after.path / "outcomes.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        line["reply"]["confidence"] = "CONFIDENCE"
    file.write_text("".join(json.dumps(line).replace('"CONFIDENCE"', confidence) + "\n" for line in lines))
    found = held(tmp_path, after, before)
    (difference,) = (one for one in found.changes[0].comparison.differences if one.metric == "mean_confidence")
    assert (difference.value, difference.change) == (None, "no_data")


def test_a_comparison_that_was_meddled_with_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, "new", answers(1, 1))
    (folder.path / "comparison.json").write_text('[{"baseline": 3}]')
    with pytest.raises(RunFolderError, match="no comparison"):
        folder.read_comparisons()


def test_confidences_are_compared_scaled_only_where_both_runs_have_temperatures(tmp_path: Path) -> None:
    def scaled_by(temperature: float) -> dict[str, Any]:
        prompt = outcome().case.prompt
        one = Temperature(suite="floor", prompt=prompt.name, prompt_digest=prompt.digest, temperature=temperature)
        return {"temperatures": (one,)}

    plain = written(tmp_path, "plain", answers(90, 10))
    once, twice = (written(tmp_path, f"t{t}", answers(90, 10), **scaled_by(t)) for t in (1, 2))

    def confidence_change(folder: RunFolder, baseline: RunFolder) -> float | None:
        found = held(tmp_path, folder, baseline).changes[0].comparison
        assert ("has its confidences scaled" in str(found.remarks)) == (plain in (folder, baseline))
        return next(one.value for one in found.differences if one.metric == "mean_confidence")

    assert confidence_change(twice, plain) == 0
    change = confidence_change(twice, once)
    assert change is not None
    assert change < -0.05, "at twice the temperature the model is less sure"


@pytest.mark.parametrize("split", ["train", "validation"])
def test_an_adapter_that_was_trained_on_what_is_tested_proves_nothing(tmp_path: Path, split: str) -> None:
    asked = [one.model_copy(update={"case": _with_media(one, f"hash-{n}")}) for n, one in enumerate(answers(95, 5))]
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    learnt = {"floor": {split: ["hash-3", "hash-7"]}}
    (adapter / "finetune.json").write_text(json.dumps({"schema_version": 1, "trained_on": learnt, "rank": 4}))
    before, after = written(tmp_path, "old", asked), written(tmp_path, "new", asked)
    run = after.read_run()
    after.write_run(run.model_copy(update={"model": run.model.model_copy(update={"adapter": str(adapter)})}))

    found = held(tmp_path, after, before)

    assert found.decision.exit_code == 1
    told = f"floor/s3: the adapter was trained on the same media (floor, split {split})."
    assert told in found.changes[0].comparison.faults
    assert any(told in reason for reason in found.decision.reasons)


def _with_media(one: Outcome, digest: str) -> Any:
    return one.case.model_copy(update={"sample": one.case.sample.model_copy(update={"media_hash": digest})})


def test_a_broken_record_of_an_adapter_is_told(tmp_path: Path) -> None:
    (tmp_path / "finetune.json").write_text('{"trained_on": {"floor": 3}}')

    assert read_trained(tmp_path / "nowhere") is None
    with pytest.raises(RunFolderError, match=r"does not say what the adapter was trained on: trained_on\.floor"):
        read_trained(tmp_path)
