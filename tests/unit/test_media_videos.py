from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_cosmos.media import check_media, probe_video
from pytest_cosmos.media.videos import decoded, opened, shown_pixels, shown_size
from tests.unit.video_files import KINDS, encoded, number_of, write_video


def numbers(path: Path) -> list[int]:
    with opened(path) as (container, stream):
        return [number_of(shown_pixels(frame)) for frame in decoded(container, stream)]


@pytest.mark.parametrize("suffix", KINDS)
def test_frames_come_in_the_order_in_which_they_are_shown(tmp_path: Path, suffix: str) -> None:
    assert numbers(write_video(tmp_path / f"a{suffix}", 60)) == list(range(60))


def test_b_frames_are_really_in_the_test_videos(tmp_path: Path) -> None:
    with opened(write_video(tmp_path / "a.mp4", 60)) as (container, stream):
        decoding = [packet.pts for packet in container.demux(stream) if packet.size]
    assert decoding != sorted(decoding)


def test_a_variable_frame_rate_is_measured(tmp_path: Path) -> None:
    times = [0, 100, 200, 1000, 1100, 3000]
    facts = probe_video(write_video(tmp_path / "a.mkv", 6, times=times))
    assert facts.frames == 6
    assert facts.fps == pytest.approx(5 / 3)


def test_a_video_without_stated_length_is_counted(tmp_path: Path) -> None:
    data = encoded(".mkv")
    at = data.index(b"\x44\x89\x88")  # the Duration element of its header
    (tmp_path / "a.mkv").write_bytes(data[:at] + b"\xec\x89\x88" + data[at + 3 :])  # Void: to be skipped
    facts = probe_video(tmp_path / "a.mkv")
    assert (facts.frames, facts.fps, facts.seconds) == (30, 10.0, 3.0)


def turned(data: bytes, degrees: int) -> bytes:
    """Let an mp4 ask to be shown turned clockwise: write another matrix into the header of its track."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    plain = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    wanted = struct.pack(">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    track = data.index(b"tkhd")
    return data[:track] + data[track:].replace(plain, wanted, 1)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_rotation_that_a_file_asks_for_is_applied(tmp_path: Path, degrees: int) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(turned(encoded(".mp4", 6), degrees))
    with opened(path) as (container, stream):
        last = list(decoded(container, stream))[-1]
        pixels = shown_pixels(last)
        assert shown_size(last) == (pixels.shape[1], pixels.shape[0])
    upright = np.rot90(pixels, degrees // 90)  # turn it back, counter-clockwise
    assert pixels.shape == ((48, 64, 3) if degrees == 180 else (64, 48, 3))
    assert number_of(upright) == 5
    facts = probe_video(path)
    assert (facts.width, facts.height) == (pixels.shape[1], pixels.shape[0])


def test_transparency_becomes_white(tmp_path: Path) -> None:
    first = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGBA", (16, 16), (0, 0, 255, 255))])
    with opened(tmp_path / "a.gif") as (container, stream):
        frames = [shown_pixels(frame) for frame in decoded(container, stream)]
    assert frames[0][8, 8].tolist() == [255, 255, 255]
    assert frames[1][8, 8].tolist() == [0, 0, 255]


@pytest.mark.parametrize("suffix", KINDS)
def test_damaged_files_are_told_never_raised(tmp_path: Path, suffix: str) -> None:
    chance = random.Random(suffix)
    data = encoded(suffix, 12)
    path = tmp_path / f"a{suffix}"
    refused = 0
    for _ in range(40):
        damaged = bytearray(data[: chance.choice((len(data), chance.randrange(len(data))))])
        for _ in range(chance.randrange(1, 30)):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        problem = check_media(path)
        refused += problem is not None
        assert "\n" not in (problem or "")
    assert refused
