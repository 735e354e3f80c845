"""Suites of videos, and prompts from files, through pytest."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.unit.video_files import write_frames, write_video

from .conftest import TEST, Project

SUITE = """
vision: {frames: 4}
prompts:
  in_the_way:
    text: "Is anybody in the way? Yes or No."
    kind: yes_no
    expected: {blocked: "Yes", free: "No"}
"""

PROMPT = """
system_prompt: |
  You watch the road.
user_prompt: |
  Brake?
"""


def make_drives(project: Project) -> None:
    """Replace the project's suite by one of a video, a folder of frames, and both with an image."""
    media = project.path / "cases/floors/media"
    write_video(media / "clip.mp4", 12)
    write_frames(media / "drive", 4)
    table = "file,label\nmedia/clip.mp4,blocked\nmedia/drive,free\nmedia/s0.png|media/clip.mp4;media/drive,free\n"
    project.write("cases/floors/samples.csv", table)
    project.write("cases/floors/suite.yaml", SUITE)


def thumbnails(folder: Path | None) -> int:
    assert folder is not None
    return len(list((folder / "media").iterdir()))


def test_videos_are_asked_and_shown(project: Project) -> None:
    make_drives(project)

    result = project.run()

    assert result.outcome == "passed", result.text
    assert result.verdicts == {"clip-in_the_way": "correct", "drive-in_the_way": "correct", "s0-in_the_way": "correct"}
    assert thumbnails(result.folder) == 3


def test_mistakes_in_videos_and_prompts_come_together(project: Project) -> None:
    make_drives(project)
    project.write("cases/floors/suite.yaml", SUITE.replace("{frames: 4}", "{frames: 4, fps: 2}"))
    (project.path / "cases/floors/media/clip.mp4").write_bytes(b"no video")
    project.write("asked.yaml", "system_prompt: Hello\nuser: Brake?\n")

    result = project.run("--cosmos-prompt", "asked.yaml")

    assert result.exit_code == 4, result.text
    assert result.folder is None
    for text in (
        "suite.yaml:2: vision: fps and frames are both given. Remove one",
        "samples.csv:2: file 'media/clip.mp4' is corrupt or cut short",
        "asked.yaml:2: the prompt file: unknown key 'user'",
    ):
        assert text in result.text
    assert "Traceback" not in result.text


def asked(result_folder: Path | None) -> set[tuple[str, str]]:
    assert result_folder is not None
    records = [json.loads(line) for line in (result_folder / "outcomes.jsonl").read_text().splitlines()]
    return {(record["case"]["prompt"]["system"], record["case"]["prompt"]["text"]) for record in records}


def test_a_prompt_file_takes_the_place_of_every_text_and_is_recorded(project: Project) -> None:
    plain = project.run()
    project.write("asked.yaml", PROMPT)

    result = project.run("--cosmos-prompt", "asked.yaml")

    assert result.exit_code == 0, result.text
    assert asked(result.folder) == {("You watch the road.\n", "Brake?")}
    assert result.run["suites"][0]["digest"] != plain.run["suites"][0]["digest"]


def test_a_prompt_file_that_is_not_there(project: Project) -> None:
    result = project.run("--cosmos-prompt", "nowhere.yaml")

    assert result.exit_code == 4, result.text
    assert "--cosmos-prompt nowhere.yaml: there is no such file" in result.text
    assert "Traceback" not in result.text


def test_a_system_prompt_in_the_suite_is_recorded(lone_project: Project) -> None:
    make_drives(lone_project)
    lone_project.write("cases/floors/suite.yaml", SUITE.replace("vision:", "system: Watch.\nvision:"))
    assert asked(lone_project.run().folder) == {("Watch.", "Is anybody in the way? Yes or No.")}


def test_real_clips_are_sound_and_shown(lone_project: Project) -> None:
    given = os.environ.get("COSMOS_REAL_DATA")
    if not given:
        pytest.skip("COSMOS_REAL_DATA is not set: the folder that holds driving/manifest.json")
    driving = Path(given) / "driving"
    clips = json.loads((driving / "manifest.json").read_text(encoding="utf-8"))
    suite = lone_project.path / "cases/driving"
    shutil.copytree(driving / "clips", suite / "clips")
    rows = [f"{clip['file']},{'busy' if 'pedestrian' in clip['objects'] else 'empty'}" for clip in clips]
    lone_project.write("cases/driving/samples.csv", "\n".join(["file,label", *rows]) + "\n")
    lone_project.write(
        "cases/driving/suite.yaml",
        'prompts: {anybody: {text: "Anybody?", kind: yes_no, expected: {busy: "Yes", empty: "No"}}}\n',
    )
    lone_project.write("benchmarks/test_driving.py", TEST.replace("floors", "driving"))

    result = lone_project.run("--suite", "driving", "--cosmos-no-gate")

    assert result.exit_code == 0, result.text
    assert len(result.verdicts) == len(clips)
    assert thumbnails(result.folder) == len(clips)
