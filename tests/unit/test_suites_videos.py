"""Suites of videos, folders of frames and several media a sample; what suite.yaml says of how they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.media import VideoFacts, media_hash
from pytest_cosmos.records import Vision
from pytest_cosmos.suites import read_suite
from tests.unit.suite_files import PROMPTS, problems_of_yaml, write_suite
from tests.unit.video_files import encoded, write_frames, write_video

TABLE = "file,label\nmedia/a.png|media/clip.mp4;media/drive,cracked\nmedia/clip.mp4,not cracked\n"
OF_PROMPT = PROMPTS + "    vision: {}\n"


def test_videos_and_images_may_be_mixed(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, table=TABLE)
    clip = write_video(folder / "media/clip.mp4", 20)
    drive = write_frames(folder / "media/drive", 4)

    suite = read_suite(folder)

    mixed, alone = suite.samples
    assert mixed.media == ("media/a.png", "media/clip.mp4", "media/drive")
    assert mixed.media_hash == media_hash([folder / "media/a.png", clip, drive])
    assert (alone.id, alone.media_hash) == ("clip", media_hash([clip]))
    assert suite.videos == {
        "media/clip.mp4": VideoFacts(20, 10.0, 2.0, 64, 48),
        "media/drive": VideoFacts(4, None, None, 64, 48),
    }


def test_the_middle_of_a_video_is_decoded_only_when_asked_for(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, table="file,label\nclip.mkv,cracked\n")
    data = bytearray(encoded(".mkv", 200, size=(320, 240)))
    data[len(data) * 6 // 10 : len(data) * 7 // 10] = bytes(len(data) * 7 // 10 - len(data) * 6 // 10)
    (folder / "clip.mkv").write_bytes(data)

    assert read_suite(folder).samples
    with pytest.raises(Exception, match=r"samples\.csv:2: file 'clip\.mkv' is (corrupt|cut short)"):
        read_suite(folder, thorough=True)


def test_what_the_suite_says_holds_for_prompts_that_do_not_say_otherwise(tmp_path: Path) -> None:
    yaml = (
        "vision: {fps: 2, max_pixels: 1000, total_pixels: 9000}\nreasoning: false\nsystem: Be brief.\n"
        + PROMPTS
        + PROMPTS.removeprefix("prompts:\n").replace("binary", "own")
        + "    vision: {frames: 8, max_pixels: 500}\n    reasoning: true\n    system: ''\n"
    )
    plain, own = read_suite(write_suite(tmp_path, yaml=yaml)).prompts

    assert plain.vision == Vision(fps=2, max_pixels=1000, total_pixels=9000)
    assert (plain.reasoning, plain.system) == (False, "Be brief.")
    assert own.vision == Vision(frames=8, max_pixels=500, total_pixels=9000)
    assert (own.reasoning, own.system) == (True, "")


def test_nothing_said_is_the_familys_own(tmp_path: Path) -> None:
    (prompt,) = read_suite(write_suite(tmp_path)).prompts
    assert (prompt.vision, prompt.reasoning, prompt.system) == (Vision(), True, None)


@pytest.mark.parametrize(
    ("vision", "message"),
    [
        ("{fps: 2, frames: 8}", "fps and frames are both given. Remove one"),
        ("{fps: 0}", "fps is 0, but must be more than 0"),
        ("{fps: -1.5}", "fps is -1.5, but must be more than 0"),
        ("{fps: fast}", "fps is 'fast' (text), but must be a number without quotes, such as 0.85"),
        ("{frames: 0}", "frames is 0 (a number), but must be a whole number of at least 1"),
        ("{frames: 2.5}", "frames is 2.5 (a number), but must be a whole number of at least 1"),
        ("{max_pixels: big}", "max_pixels is 'big' (text), but must be a whole number of at least 1"),
        ("{min_pixels: 9, max_pixels: 8}", "min_pixels is 9, which is more than max_pixels, 8"),
        ("{min_pixels: 9, total_pixels: 8}", "min_pixels is 9, which is more than total_pixels, 8"),
        (
            "{fsp: 2}",
            "unknown key 'fsp'. Allowed: fps, frames, min_pixels, max_pixels, total_pixels. Did you mean 'fps'?",
        ),
        ("4", "4 (a number), but must be a mapping such as {fps: 4, max_pixels: 262144}"),
        ("{}", "empty, but must be a mapping such as {fps: 4, max_pixels: 262144}"),
    ],
)
def test_mistakes_in_vision(tmp_path: Path, vision: str, message: str) -> None:
    separator = " is " if vision in ("4", "{}") else ": "
    of_suite = problems_of_yaml(tmp_path / "suite", f"vision: {vision}\n{PROMPTS}")
    of_prompt = problems_of_yaml(tmp_path / "prompt", f"{PROMPTS}    vision: {vision}\n")
    assert of_suite == [f"suite.yaml:1: vision{separator}{message}"]
    assert of_prompt == [f"suite.yaml:7: prompt 'binary': vision{separator}{message}"]


def test_bounds_of_suite_and_prompt_that_cross(tmp_path: Path) -> None:
    assert problems_of_yaml(tmp_path, f"vision: {{min_pixels: 900}}\n{PROMPTS}    vision: {{max_pixels: 800}}\n") == [
        "suite.yaml:8: prompt 'binary': vision: min_pixels is 900, which is more than max_pixels, 800"
    ]
