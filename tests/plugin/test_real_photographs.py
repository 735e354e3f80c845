"""Photographs of real floors, where they are at hand: a suite written by hand, asked of the embedded model."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest

from .conftest import Project

SUITE = """
prompts:
  is_cracked:
    text: "Is this floor cracked? Yes or No."
    kind: yes_no
    expected: {cracked: "Yes", not cracked: "No"}
    hazard: "Yes"
"""


@pytest.fixture
def photographs() -> Path:
    """The folder of real data, or a skip that says how to set it."""
    given = os.environ.get("COSMOS_REAL_DATA")
    if not given:
        pytest.skip("COSMOS_REAL_DATA is not set: the folder that holds cracks/labels.csv")
    return Path(given) / "cracks"


def test_clear_photographs_are_answered_better_than_by_chance(pytester: pytest.Pytester, photographs: Path) -> None:
    project = Project(pytester, ())
    shutil.rmtree(project.path / "cases" / "floors")
    rows = list(csv.DictReader((photographs / "labels.csv").read_text(encoding="utf-8").splitlines()))
    clear = [row for row in rows if row["category"] in ("clear_crack", "plain")][::4]
    lines = ["file,label,category"]
    for row in clear:
        target = project.path / "cases/floors/media" / Path(row["file"]).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photographs / row["file"], target)
        lines.append(f"media/{target.name},{row['label']},{row['category']}")
    project.write("cases/floors/suite.yaml", SUITE)
    project.write("cases/floors/samples.csv", "\n".join(lines) + "\n")
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floors:\n"
                  "    accuracy: {at_least: 0.7}\n    parse_rate: {at_least: 0.99}\n")  # fmt: skip
    result = project.run(engine=())
    assert result.outcome == "passed", result.text
    assert len(result.verdicts) == len(clear)
