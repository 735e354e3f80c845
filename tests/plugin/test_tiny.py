"""The embedded model, through pytest: the real engine, with and without workers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .conftest import Project

SHIPPED = Path(__file__).parents[2] / "cases" / "floor_cracks"
SAMPLES = 12


def use_shipped_images(project: Project) -> None:
    """Put the first shipped test images into the project's suite."""
    header, *rows = (SHIPPED / "samples.csv").read_text().splitlines()
    column = header.split(",").index("split")
    chosen = [row for row in rows if row.split(",")[column] == "test"][:SAMPLES]
    folder = project.path / "cases" / "floors"
    shutil.rmtree(folder)
    for row in chosen:
        target = folder / row.split(",")[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / row.split(",")[0], target)
    (folder / "samples.csv").write_text("\n".join([header, *chosen]) + "\n")
    shutil.copy(SHIPPED / "suite.yaml", folder / "suite.yaml")
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floors:\n    parse_rate: {at_least: 0.9}\n")


def replies(folder: Path | None) -> dict[str, dict[str, object]]:
    assert folder is not None
    lines = (folder / "outcomes.jsonl").read_text().split("\n")[:-1]
    return {record["reply"]["case_key"]: record["reply"] for record in map(json.loads, lines)}


def test_answers_do_not_depend_on_workers(pytester: pytest.Pytester) -> None:
    projects = Project(pytester, ()), Project(pytester, ("-n2",))
    use_shipped_images(projects[0])
    alone, two = (project.run("--fresh", engine=()) for project in projects)
    assert alone.exit_code == two.exit_code == 0, alone.text + two.text
    first, second = replies(alone.folder), replies(two.folder)
    assert first.keys() == second.keys()
    assert len(first) == 3 * SAMPLES
    for key, reply in first.items():
        other = second[key]
        assert (reply["raw"], reply["answer"]) == (other["raw"], other["answer"])
        assert reply["confidence"] == pytest.approx(other["confidence"], abs=1e-4)


def test_every_reply_says_how_it_came_about(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ())
    use_shipped_images(project)
    result = project.run(engine=())
    for reply in replies(result.folder).values():
        assert reply["reasoning"]
        assert reply["answer"]
        assert 0 < float(str(reply["confidence"])) <= 1
        assert str(reply["prompt_text"]).startswith(("Is this", "How would"))
        for field in ("timestamp", "seconds", "batch_seconds", "input_tokens", "output_tokens", "batch_size"):
            assert reply[field], field
    model = result.run["model"]
    assert (model["name"], model["family"], model["device"]) == ("tiny", "reason2", "cpu")
    assert len(model["fingerprint"]) == 64
