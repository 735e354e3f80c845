"""Suites to be packed: a few floors of the shipped suite, and one of videos."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import yaml

from pytest_cosmos.suites import Suite, read_suite
from tests.unit.suite_files import write_image
from tests.unit.video_files import write_frames, write_video

FLOORS = Path(__file__).parents[2] / "cases" / "floor_cracks"

VIDEO_YAML = """\
title: Drives
columns: [question, weather]
vision: {frames: 4}
system: "You watch the road."
prompts:
  ahead:
    text: "Is anybody ahead?"
    kind: yes_no
    expected: {person: "Yes", nobody: "No"}
    hazard: "Yes"
  own:
    text: "{question}"
    kind: choice
    choices: [A, B]
    expected: label_of_question
    reasoning: false
  weather:
    text: "What is the weather? rain, cloudy or clear."
    kind: choice
    choices: [rain, cloudy, clear]
    expected: weather
    reasoning: false
"""


def floors(folder: Path, each: int = 3) -> Suite:
    """Copy so many samples of each split of the shipped suite."""
    suite = folder / "floors"
    suite.mkdir(parents=True)
    shutil.copyfile(FLOORS / "suite.yaml", suite / "suite.yaml")
    with (FLOORS / "samples.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    split = header.index("split")
    kept = [row for name in ("train", "validation", "test") for row in [r for r in rows if r[split] == name][:each]]
    with (suite / "samples.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    for row in kept:
        target = suite / row[header.index("file")]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FLOORS / row[header.index("file")], target)
    return read_suite(suite, split=None)


def drives(folder: Path, *, frames: bool = False) -> Suite:
    """Write a suite of videos and of images beside them; with `frames` also of a folder of frames."""
    suite = folder / "drives"
    write_image(suite / "media/a.png", "blue")
    for name, count in (("a", 8), ("b", 12), ("c", 5)):
        write_video(suite / f"media/{name}.mp4", count)
    shutil.copyfile(suite / "media/a.mp4", suite / "media/again.mp4")
    yaml_text = VIDEO_YAML.replace("label_of_question", "right").replace("weather]", "weather, right]")
    (suite / "suite.yaml").write_text(yaml_text)
    rows = [
        ["id", "file", "label", "split", "must_pass", "reasoning", "question", "weather", "right"],
        ["drive-1", "media/a.mp4", "person", "train", "true", "First: look.\n\nThen: tell.", "", "rain", ""],
        ["drive-2", "media/again.mp4;media/a.png", "nobody", "train", "", "", "Which?\n(A) one\n(B) two", "", "B"],
        [
            "drive-3",
            "media/b.mp4",
            "nobody",
            "validation",
            "",
            'She said "no".',
            "Who?\n(A) x\n(B) y",
            "clear",
            "A",
        ],
        ["drive-4", "media/c.mp4", "person", "test", "", "", "", "cloudy", ""],
    ]
    if frames:
        write_frames(suite / "media/walk", 3)
        rows.append(["walk", "media/walk", "person", "train", "", "", "", "", ""])
    with (suite / "samples.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return read_suite(suite, split=None)


def cases_of(suite: Suite, *splits: str) -> list[dict[str, object]]:
    """Return the cases of some splits, all but the suite's name."""
    return [case.model_dump(exclude={"suite"}) for split in splits for case in suite.cases(split)]


def prompts_of(folder: Path) -> dict[str, dict[str, object]]:
    """Return the prompts as a suite.yaml has them."""
    found: dict[str, dict[str, object]] = yaml.safe_load((folder / "suite.yaml").read_text())["prompts"]
    return found
