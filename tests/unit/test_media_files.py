from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pytest_cosmos import media
from pytest_cosmos.media.files import frame_files
from pytest_cosmos.records import Sample
from tests.unit.suite_files import write_image
from tests.unit.video_files import write_frames, write_video


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.png", "image"), ("media/a.JPG", "image"), ("a.mp4", "video"), ("a.gif", "video"), ("drive_12", "video")],
)
def test_the_name_tells_the_kind(name: str, kind: str) -> None:
    assert media.media_kind(name) == kind


def test_hashes_are_of_the_bytes_in_their_order(tmp_path: Path) -> None:
    first, second = write_image(tmp_path / "a.png", "red"), write_image(tmp_path / "b.png", "blue")
    copy = tmp_path / "copy.png"
    copy.write_bytes(first.read_bytes())
    assert media.media_hash([first]) == hashlib.sha256(first.read_bytes()).hexdigest()
    assert media.media_hash([first]) == media.media_hash([copy])
    assert media.media_hash([first, second]) != media.media_hash([second, first])


def test_a_video_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    assert media.media_hash([path]) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_is_hashed_by_its_frames_and_their_order(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "a", 3)
    before = media.media_hash([folder])
    (folder / "notes.txt").write_text("not a frame")
    assert media.media_hash([folder]) == before

    (folder / "f0.png").rename(folder / "f9.png")
    assert media.media_hash([folder]) != before
    alone = write_frames(tmp_path / "b", 1)
    assert media.media_hash([alone]) != media.media_hash([alone / "f0.png"])


def test_frames_are_in_natural_order_and_nothing_else_is_a_frame(tmp_path: Path) -> None:
    for name in ("f10.png", "f9.png", "F1.jpg", ".hidden.png", "notes.txt", "f2.png", "f02.png"):
        (tmp_path / name).touch()
    assert [path.name for path in frame_files(tmp_path)] == ["F1.jpg", "f02.png", "f2.png", "f9.png", "f10.png"]


def test_paths_of_a_sample(tmp_path: Path) -> None:
    sample = Sample(id="a", media=("media/a.png", "media/b.mp4"), label="x")
    assert media.media_paths(tmp_path, sample) == (tmp_path / "media" / "a.png", tmp_path / "media" / "b.mp4")
