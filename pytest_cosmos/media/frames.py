"""The frames of a video that a model is shown, within a bound of memory."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_cosmos.media.files import frame_files
from pytest_cosmos.media.folders import probe_folder
from pytest_cosmos.media.images import load_image
from pytest_cosmos.media.sampling import DEFAULT_RULE, FRAME_FACTOR, FrameRule, sample_indices
from pytest_cosmos.media.videos import (
    Packets,
    Unusable,
    decoded,
    opened,
    probe_video,
    read_packets,
    shown_pixels,
    shown_size,
)
from pytest_cosmos.records import Vision

if TYPE_CHECKING:
    from pytest_cosmos.media.videos import Pixels

MOST_BYTES = 2**29
"""The bound on one clip's decoded frames: 512 MiB, i.e. 86 frames of 1920 x 1080."""

FOLDER_FPS = 2.0
"""A folder's frames count as taken at the fps asked for, and where none is asked for at this one, which is the
`sample_fps` that qwen_vl_utils' fetch_video assumes of a list of frames."""

# Seeking costs decoding from the key frame on, and a new start of the decoder.
_WORTH_SEEKING = 64


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of a video that are shown."""

    frames: Pixels
    """(frames, height, width, 3), RGB."""
    indices: tuple[int, ...]
    """Which frames of the video these are."""
    timestamps: tuple[float, ...]
    """When each is shown, in seconds from the first frame of the video."""
    fps: float
    """Of the whole video, on average."""
    total: int
    """Frames of the whole video."""
    source_size: tuple[int, int]
    """Width and height of the video; the frames are smaller where they would not have fitted into the bound."""

    @property
    def sampled_fps(self) -> float:
        """Return how many frames a second are shown."""
        return len(self.indices) / self.total * self.fps


def load_frames(
    path: Path,
    wanted: Sequence[int] | Vision,
    *,
    rule: FrameRule = DEFAULT_RULE,
    max_pixels: int | None = None,
    max_bytes: int = MOST_BYTES,
) -> Clip:
    """Decode frames of a video or of a folder of frames: those of given indices, or as `wanted` samples them.

    The frames keep their size, so that the model's own processor scales them, unless they need more than `max_bytes`:
    then each is scaled down to the pixels it may have for the model (`max_pixels`, or what `wanted` says). Besides
    these bytes one frame at a time is in work. Raise OSError (with the path in its
    text) where the video cannot be used, or does not fit.
    """
    try:
        if path.is_dir():
            return _load_folder(path, wanted, rule, _Budget.of(wanted, max_pixels, max_bytes))
        return _load_video(path, wanted, rule, _Budget.of(wanted, max_pixels, max_bytes))
    except Unusable as error:
        raise OSError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Budget:
    """How large the frames of a clip may be."""

    pixels: int | None
    total_pixels: int | None
    bytes: int

    @staticmethod
    def of(wanted: Sequence[int] | Vision, max_pixels: int | None, max_bytes: int) -> _Budget:
        if isinstance(wanted, Vision):
            return _Budget(max_pixels or wanted.max_pixels, wanted.total_pixels, max_bytes)
        return _Budget(max_pixels, None, max_bytes)

    def size(self, count: int, width: int, height: int) -> tuple[int, int]:
        """Return the size to keep `count` frames in; raise Unusable where even the smallest does not fit."""
        if count * width * height * 3 <= self.bytes:
            return width, height
        # qwen_vl_utils counts a pair of frames once; for others this leaves more pixels than they will ask for
        share = self.total_pixels * FRAME_FACTOR // count if self.total_pixels else None
        limits = (self.pixels, share)
        most = min((limit for limit in limits if limit), default=width * height)
        scale = math.sqrt(min(1.0, most / (width * height)))
        small = max(1, int(width * scale)), max(1, int(height * scale))
        if (need := count * small[0] * small[1] * 3) > self.bytes:
            raise Unusable(
                f"needs {_mebibytes(need)} of memory: {count:,} frames of {small[0]} x {small[1]}, and "
                f"{_mebibytes(self.bytes)} are allowed. Take fewer frames (vision: fps or frames) "
                "or smaller ones (vision: max_pixels)"
            )
        return small


def _mebibytes(number: int) -> str:
    return f"{number / 2**20:,.0f} MiB"


def _choose(wanted: Sequence[int] | Vision, total: int, fps: float | None, rule: FrameRule) -> tuple[int, ...]:
    if isinstance(wanted, Vision):
        if wanted.frames is None and wanted.fps is None:
            raise ValueError("a video cannot be sampled by neither fps nor frames")
        by_fps = wanted.fps if wanted.frames is None else None
        return sample_indices(total, fps, fps_wanted=by_fps, frames_wanted=wanted.frames, rule=rule)
    indices = tuple(wanted)
    if not indices or min(indices) < 0 or max(indices) >= total or list(indices) != sorted(indices):
        raise Unusable(f"has {total:,} frames: sorted indices from 0 to {total - 1:,} can be had")
    return indices


def _load_video(path: Path, wanted: Sequence[int] | Vision, rule: FrameRule, budget: _Budget) -> Clip:
    packets = read_packets(path)
    clip = _decode(path, packets, _choose(wanted, packets.count, packets.fps, rule), budget)
    if clip is None:  # the file promises more frames, or fewer, than it gives: count them
        total = probe_video(path).frames
        counted = replace(packets, keys=(), count=total)  # without key frames nothing is sought
        clip = _decode(path, counted, _choose(wanted, total, packets.fps, rule), budget)
    if clip is None:
        raise Unusable("is corrupt: it gives another number of frames each time")
    return clip


def _decode(path: Path, packets: Packets, indices: tuple[int, ...], budget: _Budget) -> Clip | None:
    """Decode the frames of `indices`; None where the video turns out not to have `packets.count` frames."""
    import numpy as np

    frames: Pixels | None = None
    times: list[float] = []
    size = source = (0, 0)
    with opened(path) as (container, stream):
        start = None
        for index, frame in _picked(container, stream, packets, indices):
            if frame is None:
                return None
            if frames is None:
                source = shown_size(frame)
                size = budget.size(len(indices), *source)
                frames = np.empty((len(indices), size[1], size[0], 3), np.uint8)
                start = packets.times[0] if packets.times else None
            frames[len(times)] = _scaled(shown_pixels(frame), size)
            known = frame.pts is not None and start is not None
            times.append(float((frame.pts - start) * stream.time_base) if known else index / packets.fps)
    if frames is None or len(times) < len(indices):
        return None
    return Clip(frames, indices, tuple(times), packets.fps, packets.count, source)


def _picked(
    container: Any, stream: Any, packets: Packets, indices: tuple[int, ...]
) -> Iterator[tuple[int, Any | None]]:
    """Yield the wanted frames, seeking over long stretches between them.

    A last None says that the count is wrong, which only whoever has decoded up to the end can tell.
    """
    position, frames, sought, last = -1, decoded(container, stream), False, None
    for index in indices:
        key = _key_before(packets, index)
        if key is not None and key > position + _WORTH_SEEKING and packets.times:
            container.seek(packets.times[key], stream=stream)
            frames, position, sought = decoded(container, stream), key - 1, True
        while position < index:
            last = next(frames, None)
            if last is None:
                yield index, None
                return
            position = _place(packets, last) if sought else position + 1
        if position > index:  # the frame is not where the table of contents has it
            yield index, None
            return
        yield index, last
    if not sought and indices[-1] == packets.count - 1 and next(frames, None) is not None:
        yield indices[-1], None


def _key_before(packets: Packets, index: int) -> int | None:
    place = bisect.bisect_right(packets.keys, index)
    return packets.keys[place - 1] if place else None


def _place(packets: Packets, frame: Any) -> int:
    """Return which frame of the video this is, by its time; past the end where its time is not in the table."""
    times = packets.times or ()
    place = bisect.bisect_left(times, frame.pts) if frame.pts is not None else len(times)
    return place if place < len(times) and times[place] == frame.pts else packets.count


def _scaled(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale a frame where it is not of that size: its video is to be shown smaller, or changes its size midway."""
    import numpy as np
    from PIL import Image

    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _load_folder(path: Path, wanted: Sequence[int] | Vision, rule: FrameRule, budget: _Budget) -> Clip:
    import numpy as np

    facts = probe_folder(path)
    asked = wanted.fps if isinstance(wanted, Vision) else None
    fps = asked or FOLDER_FPS
    indices = _choose(wanted, facts.frames, None, rule)
    source = facts.width, facts.height
    size = budget.size(len(indices), *source)
    frames = np.empty((len(indices), size[1], size[0], 3), np.uint8)
    files = frame_files(path)
    for place, index in enumerate(indices):
        frames[place] = _scaled(np.asarray(load_image(files[index])), size)
    return Clip(frames, indices, tuple(index / fps for index in indices), fps, facts.frames, source)
