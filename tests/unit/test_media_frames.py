from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_cosmos.media import Clip, FrameRule, load_frames
from pytest_cosmos.media import frames as module
from pytest_cosmos.media.sampling import DEFAULT_RULE
from pytest_cosmos.media.videos import read_packets
from pytest_cosmos.records import Vision
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.video_files import KINDS, number_of, write_frames, write_video


def shown(path: Path, wanted: Vision | tuple[int, ...], rule: FrameRule = DEFAULT_RULE) -> list[int]:
    return [number_of(frame) for frame in load_frames(path, wanted, rule=rule).frames]


@pytest.mark.parametrize("suffix", KINDS)
def test_frames_by_fps(tmp_path: Path, suffix: str) -> None:
    clip = load_frames(write_video(tmp_path / f"a{suffix}", 30), Vision(fps=2))

    assert clip.indices == (0, 6, 12, 17, 23, 29)
    assert [number_of(frame) for frame in clip.frames] == list(clip.indices)
    assert clip.timestamps == pytest.approx([index / 10 for index in clip.indices], abs=0.002)
    assert (clip.fps, clip.total, clip.source_size) == (10.0, 30, (64, 48))
    assert clip.sampled_fps == 2.0
    assert clip.frames.shape == (6, 48, 64, 3)
    assert clip.frames.dtype == np.uint8


@pytest.mark.parametrize("suffix", KINDS)
def test_frames_by_number_and_by_index(tmp_path: Path, suffix: str) -> None:
    path = write_video(tmp_path / f"a{suffix}", 20)

    assert shown(path, Vision(frames=3)) == [0, 10, 19]
    assert shown(path, Vision(frames=3), rule=FrameRule(even=True)) == [0, 6, 13, 19]
    assert shown(path, (4, 4, 7)) == [4, 4, 7]


@pytest.mark.parametrize("suffix", KINDS)
def test_seeking_finds_the_same_frames(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / f"a{suffix}", 250)
    wanted = (0, 3, 90, 91, 130, 249)
    monkeypatch.setattr(module, "_WORTH_SEEKING", 10_000)
    plain = load_frames(path, wanted)
    monkeypatch.setattr(module, "_WORTH_SEEKING", 10)

    sought = load_frames(path, wanted)

    assert [number_of(frame) for frame in plain.frames] == list(wanted)
    assert np.array_equal(sought.frames, plain.frames)
    assert sought.timestamps == plain.timestamps


def test_times_are_those_of_the_file_where_they_are_uneven(tmp_path: Path) -> None:
    times = [0, 100, 200, 1000, 1100, 3000]
    clip = load_frames(write_video(tmp_path / "a.mkv", 6, times=times), (0, 3, 5))
    assert clip.timestamps == pytest.approx((0.0, 1.0, 3.0))


def test_sound_beside_the_pictures_changes_nothing(tmp_path: Path) -> None:
    assert shown(write_video(tmp_path / "a.mp4", 20, sound=True), Vision(frames=3)) == [0, 10, 19]


@pytest.mark.parametrize("told", [15, 25])
def test_a_file_that_has_another_number_of_frames_than_it_says_is_counted(
    tmp_path: Path, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", 20)
    lying = replace(read_packets(path), count=told)
    monkeypatch.setattr(module, "read_packets", lambda _: lying)

    clip = load_frames(path, Vision(frames=3))

    assert clip.total == 20
    assert [number_of(frame) for frame in clip.frames] == [0, 10, 19]


def test_a_folder_of_frames_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "drive", 11)

    clip = load_frames(folder, Vision(fps=5))
    assert [number_of(frame) for frame in clip.frames] == list(range(11))
    assert (clip.fps, clip.total) == (5.0, 11)
    assert clip.timestamps[-1] == 2.0
    thinned = load_frames(folder, Vision(frames=3))
    assert thinned.indices == (0, 5, 10)
    assert thinned.fps == module.FOLDER_FPS


def test_frames_keep_their_size_while_they_fit(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 30)
    need = 6 * 64 * 48 * 3

    assert load_frames(path, Vision(fps=2, max_pixels=100), max_bytes=need).frames.nbytes == need


@pytest.mark.parametrize("vision", [Vision(fps=2, max_pixels=768), Vision(fps=2, total_pixels=6 * 768 // 2)])
def test_frames_are_scaled_to_their_budget_where_they_do_not_fit(tmp_path: Path, vision: Vision) -> None:
    for path in (write_video(tmp_path / "a.mp4", 30), write_frames(tmp_path / "drive", 6)):
        clip = load_frames(path, vision, max_bytes=6 * 64 * 48 * 3 - 1)
        assert clip.frames.shape == (6, 24, 32, 3)
        assert clip.source_size == (64, 48)
        assert [number_of(frame) for frame in clip.frames] == list(clip.indices)


def test_no_more_is_held_than_the_bound_and_a_frame_in_work(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 200, size=(320, 240))
    load_frames(path, (0,))  # what is imported on the way does not count
    frame, bound = 320 * 240 * 3, 2_000_000
    tracemalloc.start()

    clip = load_frames(path, Vision(fps=10, max_pixels=40 * 60), max_bytes=bound)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(clip.frames) == 200
    assert clip.frames.nbytes <= bound < 200 * frame
    assert peak < bound + 4 * frame


def test_what_does_not_fit_even_scaled_down_is_told_before_it_is_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 30)
    with pytest.raises(OSError, match=r"a\.mp4: needs 0 MiB of memory: 30 frames of 64 x 48, and 0 MiB are allowed\. "):
        load_frames(path, Vision(fps=10), max_bytes=1000)


@pytest.mark.parametrize("wanted", [(0, 30), (-1, 2), (3, 2), ()])
def test_indices_that_the_video_has_not(tmp_path: Path, wanted: tuple[int, ...]) -> None:
    with pytest.raises(OSError, match=r"a\.mp4: has 30 frames: sorted indices from 0 to 29 can be had"):
        load_frames(write_video(tmp_path / "a.mp4", 30), wanted)


def test_neither_fps_nor_frames(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither"):
        load_frames(write_video(tmp_path / "a.mp4"), Vision())


def test_what_cannot_be_decoded_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(struct.pack(">I4s", 8, b"ftyp"))
    with pytest.raises(OSError, match=r"a\.mp4: is corrupt or cut short"):
        load_frames(tmp_path / "a.mp4", Vision(fps=2))
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="empty: is a folder without frames"):
        load_frames(tmp_path / "empty", Vision(fps=2))


@pytest.mark.parametrize("fps", [1.0, 2.0, 7.0])
def test_a_processor_that_is_given_our_frames_sees_what_it_would_have_taken_itself(tmp_path: Path, fps: float) -> None:
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(CHECKPOINT, local_files_only=True)
    path = write_video(tmp_path / "a.mp4", 31)
    rule = FrameRule(least=processor.video_processor.min_frames, most=processor.video_processor.max_frames)

    def seen(clip: Clip, **keywords: object) -> tuple[list[int], np.ndarray[Any, Any]]:
        about = {"total_num_frames": clip.total, "fps": clip.fps, "frames_indices": list(clip.indices)}
        videos = {"video_metadata": [about], **keywords}
        text = "<|vision_start|><|video_pad|><|vision_end|>"
        given = processor(text=[text], videos=[clip.frames], videos_kwargs=videos, return_tensors="np")
        return given["input_ids"].tolist(), given["pixel_values_videos"]

    ours, pixels = seen(load_frames(path, Vision(fps=fps), rule=rule), do_sample_frames=False)
    theirs, all_pixels = seen(load_frames(path, tuple(range(31))), do_sample_frames=True, fps=fps)

    assert ours == theirs  # the times of the frames are in these
    assert np.array_equal(pixels, all_pixels)
