"""Repeats and the check of batches with the real embedded model: the same weights, seeded, told by the store."""

from __future__ import annotations

import json

import pytest

from .conftest import TEST, Project
from .test_calibration import calibrate, figure
from .test_repeats import repeats, summary
from .test_tiny import SHIPPED, use_shipped_images

ASKED = ("--cosmos-repeats", "2", "--cosmos-check-determinism", "--cosmos-threads", "1", "--allow-partial")


def test_the_embedded_model_is_asked_again(pytester: pytest.Pytester) -> None:
    alone, two = Project(pytester, ()), Project(pytester, ("-n2",))
    use_shipped_images(alone)
    first = alone.run(*ASKED, engine=())
    lines = repeats(first)
    assert len(lines) == 2 * 36 + 24, first.text
    assert not any(line["reply"]["error"] for line in lines)
    found = summary(first)
    assert found["determinism"]["cases"] == 24
    assert found["determinism"]["unbatched"] == 0
    assert found["determinism"]["answers"] == 0  # in float32 on a CPU nothing but rounding may differ
    assert found["determinism"]["confidence"] < 1e-3
    assert {line["reply"]["batch_size"] for line in lines if line["manner"] == "alone"} == {1}
    (stability,) = found["stability"]
    assert (stability["cases"], stability["lost"]) == (36, 0)
    by_round = [[line["reply"]["raw"] for line in lines if line["number"] == n] for n in (1, 2)]
    assert by_round[0] != by_round[1], "two seeds draw differently"

    again = two.run(*ASKED, engine=())
    sampled = {(line["case_key"], line["number"]): line for line in repeats(again) if line["manner"] == "sampled"}
    assert len(sampled) == 72
    assert all(line["reply"]["stored"] for line in sampled.values()), "a repeat that was asked is not asked again"
    for line in lines:
        if line["manner"] == "sampled":
            assert sampled[line["case_key"], line["number"]]["reply"]["raw"] == line["reply"]["raw"]
    assert sum(line["manner"] == "alone" for line in repeats(again)) == 24


def test_the_embedded_model_is_calibrated_on_the_shipped_validation_split(lone_project: Project) -> None:
    project = lone_project
    shipped = (f"--cosmos-cases={SHIPPED.parent}", "--suite", "floor_cracks", "--cosmos-threads", "1")
    project.write("benchmarks/test_floors.py", TEST.replace("floors", "floor_cracks"))
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floor_cracks:\n    accuracy: {at_least: 0.1}\n")
    result = calibrate(project, project.run(*shipped, "--cosmos-split", "validation", engine=()))
    assert result.exit_code == 0, result.text
    file = json.loads((project.path / "calibration.json").read_text())
    assert len(file["fingerprint"]) == 64
    assert {one["cases"] for one in file["temperatures"]} == {640}
    assert all(one["error_after"] < one["error_before"] for one in file["temperatures"])
    asked = (*shipped, "--limit", "20", "--allow-partial", "--cosmos-no-gate")
    plain = project.run(*asked, engine=())
    scaled = project.run(*asked, "--cosmos-calibration", "calibration.json", engine=())
    assert len(scaled.run["temperatures"]) == 3
    assert scaled.run["stored"] == 60, "the same replies"
    assert figure(scaled, "ece") < figure(plain, "ece")
    file["fingerprint"] = "0" * 64
    (project.path / "calibration.json").write_text(json.dumps(file))
    other = project.run(*asked, "--cosmos-calibration", "calibration.json", engine=())
    assert other.exit_code == 4
    assert "it was fitted on tiny 000000000000 (transformers), but asked is tiny" in other.text
