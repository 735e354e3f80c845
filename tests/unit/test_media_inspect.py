from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos import media
from pytest_cosmos.media import videos
from tests.unit.suite_files import write_image
from tests.unit.video_files import KINDS, encoded, sound_alone, write_frames, write_video

UNSUPPORTED = (
    "is of an unsupported type: {}. Images: png jpg jpeg webp bmp. "
    "Videos: mp4 mov mkv webm avi m4v gif, or a folder of images"
)
NO_VIDEO = "is corrupt or cut short: no video of the types mp4 mov mkv webm avi m4v gif can be read from it"


@pytest.mark.parametrize("suffix", KINDS)
def test_supported_videos_are_sound(tmp_path: Path, suffix: str) -> None:
    found = media.inspect_media(write_video(tmp_path / f"a{suffix}"), decode=True)

    assert found.problem is None
    assert found.digest
    assert found.video == media.VideoFacts(frames=30, fps=10.0, seconds=3.0, width=64, height=48)


def test_a_folder_of_frames_is_sound(tmp_path: Path) -> None:
    found = media.inspect_media(write_frames(tmp_path / "drive", 5), decode=True)

    assert found.problem is None
    assert found.digest
    assert found.video == media.VideoFacts(frames=5, fps=None, seconds=None, width=64, height=48)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.mp4", None, "does not exist"),
        ("drive", None, "does not exist"),
        ("a.mp4", b"", "is an empty file (0 bytes)"),
        ("a.txt", b"x", UNSUPPORTED.format(".txt")),
        ("drive", b"x", UNSUPPORTED.format("no file extension")),
        ("a.mp4", b"hello" * 100, NO_VIDEO),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\nb.mp4\n", NO_VIDEO),
        ("a.mp4", b"ffconcat version 1.0\nfile b.mp4\n", NO_VIDEO),
        ("a.mp4", encoded(".mp4")[:1000], NO_VIDEO),
        ("a.mp4", sound_alone(), "has no video stream: it is sound alone"),
        ("a.webm", encoded(".webm")[:1200], "is cut short: it ends after 1."),
        ("a.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "holds no frames"),
    ],
)
def test_problems_in_words(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    write_video(tmp_path / "b.mp4")
    assert (media.check_media(path) or "").startswith(problem)


def test_a_video_damaged_midway(tmp_path: Path) -> None:
    data = bytearray(encoded(".mkv", 100, size=(320, 240)))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    (tmp_path / "a.mkv").write_bytes(data)
    problem = media.check_media(tmp_path / "a.mkv") or ""
    assert problem.startswith(("is corrupt", "is cut short"))
    assert "\n" not in problem


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "clip.mp4").mkdir()
    mixed = write_frames(tmp_path / "mixed", 3)
    write_image(mixed / "f2.png", size=(8, 6))
    broken = write_frames(tmp_path / "broken", 3)
    (broken / "f1.png").write_bytes((broken / "f1.png").read_bytes()[:-20])

    def problem(name: str) -> str | None:
        return media.inspect_media(tmp_path / name, decode=True, thorough=True).problem

    assert problem("empty") == "is a folder without frames. Put images into it: png jpg jpeg webp bmp"
    assert problem("clip.mp4") == "is a folder, but is named like a file. Name a folder of frames without an extension"
    assert problem("mixed") == "holds frames of different sizes: f2.png has 8 x 6 pixels, f0.png 64 x 48"
    assert (problem("broken") or "").startswith("holds the frame f1.png, which is corrupt: Truncated File Read")


def test_too_much_of_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4")
    monkeypatch.setattr(videos, "MOST_FRAMES", 29)
    assert media.check_media(path) == "is too long: 30 frames, at most 29 are read. Cut it into clips"
    monkeypatch.setattr(videos, "MOST_FRAMES", 30)
    assert media.check_media(path) is None
    monkeypatch.setattr(videos, "MOST_PIXELS", 30 * 64 * 48 - 1)
    assert media.check_media(path) == "is too long for its size: scale it down, or cut it into shorter clips"
    monkeypatch.setattr(videos, "MOST_FRAME_PIXELS", 64 * 48 - 1)
    assert media.check_media(path) == "has too many pixels: at most 3,071 a frame are read. Scale it down"
    monkeypatch.setattr(videos, "MOST_PACKETS", 7)
    monkeypatch.setattr(videos, "MOST_FRAME_PIXELS", 64 * 48)
    assert media.check_media(path) == "is too long: more than 7 packets. Cut it into shorter clips"


def test_without_decoding_only_presence_and_size_count(tmp_path: Path) -> None:
    for name in ("a.png", "a.mp4"):
        (tmp_path / name).write_bytes(b"neither")
        assert media.inspect_media(tmp_path / name, decode=False) == media.Inspection()
    assert media.inspect_media(tmp_path / "b.png", decode=False).problem == "does not exist"


def test_a_glance_decodes_the_first_frames_alone_and_trusts_the_rest(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 100)
    assert videos.probe_video(path, most=16) == videos.probe_video(path)


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    found = media.inspect_media(write_video(tmp_path / "a.gif", 1), decode=True).video
    assert found is not None
    assert found.frames == 1
