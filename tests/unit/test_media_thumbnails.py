from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_cosmos import media
from pytest_cosmos.media.thumbnails import middle_frame
from tests.unit.suite_files import write_image
from tests.unit.video_files import KINDS, number_of, write_frames, write_video


def test_thumbnails_are_small_jpegs_that_keep_their_shape(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", size=(400, 200))
    thumbnail = Image.open(io.BytesIO(media.thumbnail_jpeg(path, edge=160)))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (160, 80))
    small = Image.open(io.BytesIO(media.thumbnail_jpeg(write_image(tmp_path / "b.png"))))
    assert small.size == (8, 8)


@pytest.mark.parametrize("suffix", KINDS)
def test_a_video_shows_its_middle_frame(tmp_path: Path, suffix: str) -> None:
    path = write_video(tmp_path / f"a{suffix}", 100, size=(320, 240))
    assert number_of(np.asarray(middle_frame(path))) == 50
    assert Image.open(io.BytesIO(media.thumbnail_jpeg(path))).size == (160, 120)


def test_a_folder_shows_its_middle_frame(tmp_path: Path) -> None:
    assert number_of(np.asarray(middle_frame(write_frames(tmp_path / "drive", 5)))) == 2


def test_what_cannot_be_shown_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    (tmp_path / "empty").mkdir()
    for name in ("a.mp4", "empty", "none.mp4"):
        with pytest.raises(OSError, match=name):
            media.thumbnail_jpeg(tmp_path / name)
