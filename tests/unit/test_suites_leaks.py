"""Leaks between splits: each kind found and told, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.errors import OptionError, Problems
from pytest_cosmos.records import AnswerKind, Case, Prompt, Sample
from pytest_cosmos.suites import Suite, read_suite
from pytest_cosmos.suites.leaks import refuse_leaks, suite_leaks, trained_on_test, training_leaks
from tests.unit.suite_files import write_suite
from tests.unit.test_media_lookalikes import tile
from tests.unit.video_files import write_video

HEADER = "file,label,split,group\n"


def suite_of(folder: Path, *rows: str, name: str = "floor") -> Suite:
    """Write a suite; a picture `N-….png` is a tile drawn from the seed N."""
    table = HEADER + "".join(f"media/{row}\n" for row in rows)
    found = write_suite(folder, table=table, images=())
    for row in rows:
        file = found / "media" / row.split(",")[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        tile(int(file.name.split("-")[0])).save(file)
    return read_suite(found.rename(found.with_name(name)), split=None, decode=())


def told(suite: Suite) -> list[str]:
    return [str(leak).replace(f"{suite.folder}/media/", "") for leak in suite_leaks(suite)]


def test_honest_splits_have_none(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "1-a.png,cracked,train,g1", "2-a.png,cracked,test,g2", "3-a.png,cracked,validation,")
    assert suite_leaks(suite) == ()
    refuse_leaks(())


def test_the_same_file_and_the_same_group_are_told_once(tmp_path: Path) -> None:
    rows = (
        "1-a.png,cracked,train,g1",
        "1-b.png,cracked,test,g1",
        "2-a.png,cracked,train,g2",
        "3-a.png,cracked,test,g2",
    )
    suite = suite_of(tmp_path, *rows)
    assert told(suite) == [
        "1-b.png (test): the same file as 1-a.png (train)",
        "3-a.png (test): group 'g2' as 2-a.png (train)",
    ]


def test_a_copy_is_told(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "1-a.png,cracked,train,", "1-b.png,cracked,validation,", "2-a.png,cracked,test,")
    copy = suite.folder / "media/1-b.png"
    Image.open(copy).transpose(Image.Transpose.ROTATE_90).crop((6, 2, 122, 118)).save(copy)
    assert told(suite) == ["1-b.png (validation): shows the same, maybe scaled, turned or cropped, as 1-a.png (train)"]


def test_frames_belong_to_their_video(tmp_path: Path) -> None:
    folder = write_suite(
        tmp_path,
        table=HEADER + "media/drive.mp4,cracked,test,\nmedia/drive_0001.png,cracked,train,\n",
        images=("media/drive_0001.png",),
    )
    write_video(folder / "media/drive.mp4", 8)
    suite = read_suite(folder, split=None, decode=())
    assert told(suite) == ["drive.mp4 (test): frames of the same video, by their names, as drive_0001.png (train)"]


def test_videos_of_the_same_are_found_by_their_frames(tmp_path: Path) -> None:
    folder = write_suite(
        tmp_path, table=HEADER + "media/a,cracked,test,\nmedia/b,cracked,train,\nmedia/c,cracked,train,\n", images=()
    )
    for name, first in (("a", 0), ("b", 0), ("c", 10)):
        (folder / "media" / name).mkdir(parents=True)
        for number in range(3):
            frame = tile(first + number)
            frame.transpose(Image.Transpose.FLIP_LEFT_RIGHT if name == "b" else Image.Transpose.ROTATE_180).save(
                folder / "media" / name / f"{number}.png"
            )
    suite = read_suite(folder, split=None, decode=())
    assert told(suite) == ["a (test): a frame that shows the same as b (train)"]


def test_training_is_held_against_the_tests_of_other_suites(tmp_path: Path) -> None:
    own = suite_of(tmp_path, "1-a.png,cracked,train,g1", "2-a.png,cracked,test,g2", name="own")
    other = suite_of(tmp_path, "1-c.png,cracked,test,g1", "4-a.png,cracked,train,g2", name="other")
    found = training_leaks(own, [own, other])
    assert [(leak.first.suite, leak.second.suite, leak.why) for leak in found] == [("own", "other", "the same file")]
    with pytest.raises(Problems) as caught:
        refuse_leaks(found)
    assert caught.value.lines[0].endswith("other/media/1-c.png (test)")
    assert caught.value.lines[-1].startswith("1 leaks: what a model is tested on")


def test_an_adapter_knows_what_it_was_trained_on() -> None:
    prompt = Prompt(name="p", text="?", kind=AnswerKind.YES_NO, choices=("Yes", "No"))
    samples = [
        Sample(id=name, media=("a.png",), media_hash=digest, label="x")
        for name, digest in (("one", "aa"), ("two", "bb"), ("three", ""))
    ]
    cases = [
        Case(suite="floor", sample=sample, prompt=one, expected="Yes")
        for sample in samples
        for one in (prompt, prompt.model_copy(update={"name": "q"}))
    ]
    lines = trained_on_test({"old": {"train": ["bb", "cc", ""], "validation": []}}, cases)
    assert lines == ("floor/two: the adapter was trained on the same media (old, split train).",)


def test_the_command_lists_leaks_and_exits_4(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "1-a.png,cracked,train,", "1-b.png,cracked,test,")
    result = CliRunner().invoke(app, ["leaks", str(suite.folder)])
    assert result.exit_code == 4
    assert "1-b.png (test): the same file as " in result.output
    assert "1 leak among 2 samples." in result.output
    wrong = CliRunner().invoke(app, ["leaks", str(suite.folder), "--by", "drive"])
    assert isinstance(wrong.exception, OptionError)


def test_the_command_exits_0_without_leaks(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "1-a.png,cracked,train,", "2-b.png,cracked,test,")
    result = CliRunner().invoke(app, ["leaks", str(suite.folder)])
    assert (result.exit_code, result.output) == (0, "0 leaks among 2 samples.\n")


def test_large_lists_are_cut(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "1-a.png,cracked,train,", "1-b.png,cracked,test,")
    with pytest.raises(Problems) as caught:
        refuse_leaks(suite_leaks(suite) * 29)
    assert len(caught.value.lines) == 22
    assert caught.value.lines[20] == "and 9 more: pytest-cosmos leaks SUITE lists all."
