from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.cli.check_cases import check_cases
from tests.unit.suite_files import PROMPTS, write_suite
from tests.unit.video_files import write_frames, write_video


def test_a_sound_suite_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaml = "title: '[bold]Floors[/bold]'\n" + PROMPTS.replace('not cracked: "No"', 'not cracked: ""')
    table = "file,label,split,source\nmedia/a.png,cracked,,real\nmedia/b.png,not cracked,,\n"
    assert check_cases(write_suite(tmp_path, yaml=yaml, table=table)) == 0
    out, err = capsys.readouterr()
    assert out == (
        "floor: [bold]Floors[/bold]\n"
        "  samples  test 2\n"
        "  cases    binary 1; 1 blank\n"
        "  labels   cracked 1, not cracked 1\n"
        "  sources  real 1, (not stated) 1\n"
    )
    assert err == ""


def test_every_suite_of_a_folder_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(tmp_path)
    write_suite(tmp_path / "more", table="file,label\nmedia/bb.png,cracked\nmedia/b.png\n").rename(tmp_path / "broken")
    assert check_cases(tmp_path) == 4
    out, err = capsys.readouterr()
    assert out.startswith("floor: floor\n")
    assert "broken" not in out
    assert err.splitlines() == [
        f"{tmp_path}/broken/samples.csv:2: file 'media/bb.png' does not exist. Did you mean 'media/b.png'?",
        f"{tmp_path}/broken/samples.csv:3: the row has 1 cell, the header 2. Keep empty cells' commas",
        "2 problems found.",
    ]


def test_a_suite_for_training_alone_is_sound_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = "file,label,split\nmedia/a.png,cracked,train\nmedia/b.png,not cracked,train\n"
    assert check_cases(write_suite(tmp_path, table=table)) == 0
    assert capsys.readouterr().out == (
        "floor: floor\n"
        "  samples  train 2\n"
        "  no cases in the test split: pytest asks nothing of this suite. Of train:\n"
        "  cases    binary 2; 0 blank\n"
        "  labels   cracked 1, not cracked 1\n"
        "  sources  (not stated) 2\n"
    )


def test_images_of_every_split_are_decoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_suite(tmp_path, table="file,label,split\nmedia/a.png,cracked,\nmedia/b.png,cracked,train\n")
    (folder / "media/b.png").write_bytes(b"no image")
    assert check_cases(folder) == 4
    assert "samples.csv:3: file 'media/b.png' is corrupt" in capsys.readouterr().err


def test_videos_are_described_and_decoded_to_their_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = "file,label\nmedia/a.mp4,cracked\nmedia/b.mkv|media/drive,cracked\n"
    folder = write_suite(tmp_path, table=table)
    write_video(folder / "media/a.mp4", 12)
    write_video(folder / "media/b.mkv", 200, size=(320, 240))
    write_frames(folder / "media/drive", 4)
    assert check_cases(folder) == 0
    assert "\n  videos   3; 4–200 frames, 1.2–20.0 s\n" in capsys.readouterr().out

    data = bytearray((folder / "media/b.mkv").read_bytes())
    data[len(data) * 6 // 10 : len(data) * 7 // 10] = bytes(len(data) * 7 // 10 - len(data) * 6 // 10)
    (folder / "media/b.mkv").write_bytes(data)
    assert check_cases(folder) == 4
    assert "samples.csv:3: file 'media/b.mkv' is" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_folder_without_suites(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_cases(tmp_path / name) == 4
    assert "does not exist" in capsys.readouterr().err


def test_the_default_is_the_folder_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_suite(tmp_path / "cases")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["check-cases"])
    assert result.exit_code == 0
    assert result.output.startswith("floor: floor\n")


def test_the_exit_code_reaches_the_shell(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["check-cases", str(tmp_path)]).exit_code == 4
