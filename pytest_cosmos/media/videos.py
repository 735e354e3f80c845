"""Video files, read with PyAV: what they hold, and their frames one by one as a person sees them.

torchcodec is no second decoder here: it is FFmpeg as well, wants an FFmpeg installed beside it, and PyAV's wheels
bring their own; two decoders would only make it possible that two machines see different pixels.

A file is hostile until it is read. Only the containers that its name may announce are tried (others, such as
playlists, could make FFmpeg open further files), it is read through a file object (so no protocol is at work), and
how much of it is decoded is bounded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_cosmos.media.files import VIDEO_TYPES, type_names
from pytest_cosmos.media.images import as_rgb

if TYPE_CHECKING:
    import numpy as np

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]

MOST_FRAMES = 100_000
"""A longer video is refused: 55 minutes at 30 frames a second."""
MOST_PIXELS = 2**38
"""All frames of a video together; more is refused: an hour of 1920 x 1080 at 30 frames a second."""
MOST_PACKETS = 2_000_000
MOST_FRAME_PIXELS = 2**26
"""A frame larger than this (8192 x 8192) is refused."""

_OPTIONS = {"format_whitelist": "mov,matroska,avi,gif"}

# What a file says of its own length may be off by this much; a file cut short is off by more.
_LENGTH_TOLERANCE = 0.05
_LENGTH_TOLERANCE_SECONDS = 0.5


class Unusable(OSError):
    """A video that cannot be used; its text goes after the file's name."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video holds."""

    frames: int
    """Counted, not what the file says of itself."""
    fps: float | None
    """On average; None: a folder of frames, whose times nobody knows."""
    seconds: float | None
    width: int
    """As shown: after the rotation that the file asks for."""
    height: int


@dataclass(frozen=True, slots=True)
class Packets:
    """A video file's table of contents, read without decoding anything."""

    times: tuple[int, ...] | None
    """When each frame is shown, sorted, in units of the stream; None: the file does not say."""
    keys: tuple[int, ...]
    """Places in `times` at which decoding can begin."""
    count: int
    fps: float
    seconds: float


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a video file: PyAV's container and its first video stream. Raise Unusable."""
    import av

    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            container = stack.enter_context(av.open(file, mode="r", options=_OPTIONS))
        except OSError as error:
            if not isinstance(error, av.error.FFmpegError):
                raise Unusable(f"cannot be read: {error.strerror}") from error
            raise Unusable(_not_a_video()) from error
        except broken() as error:
            raise Unusable(_not_a_video()) from error
        if not container.streams.video:
            raise Unusable(
                "has no video stream: it is sound alone" if container.streams.audio else "has no video stream"
            )
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise Unusable("is in a video format that cannot be decoded here. Convert it to H.264 in mp4")
        if stream.width * stream.height > MOST_FRAME_PIXELS:
            raise Unusable(f"has too many pixels: at most {MOST_FRAME_PIXELS:,} a frame are read. Scale it down")
        yield container, stream


def _not_a_video() -> str:
    return f"is corrupt or cut short: no video of the types {type_names(VIDEO_TYPES)} can be read from it"


def broken() -> tuple[type[Exception], ...]:
    """Return what PyAV raises on broken input (tried with thousands of mutated files)."""
    import av

    return (av.error.FFmpegError, OSError, ValueError, LookupError, ArithmeticError, MemoryError)


def probe_video(path: Path, *, most: int | None = None) -> VideoFacts:
    """Read what a video holds, counting its frames by decoding them; a folder of frames as well.

    With `most` only so many frames are decoded, and the others are taken on trust. Raise OSError where it cannot be
    used, its text to go after the file's name.
    """
    packets = read_packets(path)
    number, size = 0, (0, 0)
    with opened(path) as (container, stream):
        for frame in decoded(container, stream):
            size = size if number else shown_size(frame)
            number += 1
            if number == most:
                break
    if not number:
        raise Unusable("holds no frames")
    frames = packets.count if number == most else number
    seconds = packets.seconds if frames == packets.count else frames / packets.fps
    return VideoFacts(frames, packets.fps, seconds, *size)


def read_packets(path: Path) -> Packets:
    """Read a video's table of contents; raise Unusable where there is nothing in it, or where its end is missing."""
    times: list[tuple[int | None, bool]] = []
    end, number = 0.0, 0
    with opened(path) as (container, stream):
        packets = container.demux()
        while (packet := _next(packets, "is corrupt or cut short: its data cannot be read to the end")) is not None:
            number += 1
            if number > MOST_PACKETS:
                raise Unusable(f"is too long: more than {MOST_PACKETS:,} packets. Cut it into shorter clips")
            if packet.pts is not None and packet.time_base:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index == stream.index and packet.size and not packet.is_discard:
                times.append((packet.pts, packet.is_keyframe))
        _check_length(container, stream, end)
        return _table(times, stream)


def _check_length(container: Any, stream: Any, end: float) -> None:
    """Raise Unusable where the data end long before the time that the file states for itself."""
    stated = 0.0
    if stream.duration and stream.time_base:
        stated = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    elif container.duration:
        stated = (max(container.start_time or 0, 0) + container.duration) / 1_000_000
    if end + max(_LENGTH_TOLERANCE_SECONDS, _LENGTH_TOLERANCE * stated) < stated:
        raise Unusable(f"is cut short: it ends after {end:.1f} of {stated:.1f} seconds")


def _table(times: list[tuple[int | None, bool]], stream: Any) -> Packets:
    if not times:
        raise Unusable("holds no frames")
    if len(times) > MOST_FRAMES:
        raise Unusable(f"is too long: {len(times):,} frames, at most {MOST_FRAMES:,} are read. Cut it into clips")
    if len(times) * stream.width * stream.height > MOST_PIXELS:
        raise Unusable("is too long for its size: scale it down, or cut it into shorter clips")
    known = sorted((time, key) for time, key in times if time is not None)
    shown = tuple(time for time, _ in known) if len({time for time, _ in known}) == len(times) else None
    stated = float(stream.average_rate or stream.guessed_rate or 0)
    fps = _frame_rate(shown, float(stream.time_base or 0), stated)
    keys = tuple(place for place, (_, key) in enumerate(known) if key)
    return Packets(shown, keys, len(times), fps, len(times) / fps)


def _frame_rate(times: tuple[int, ...] | None, unit: float, stated: float) -> float:
    """Return the average rate: as the file states it, unless the times of its frames tell of quite another."""
    span = (times[-1] - times[0]) * unit if times else 0.0
    if not times or span <= 0:
        return stated or 1.0
    measured = (len(times) - 1) / span
    return stated if stated and abs(measured - stated) <= 0.02 * stated else measured


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the frames in the order in which they are shown; raise Unusable where one cannot be decoded."""
    frames, number, pixels = container.decode(stream), 0, 0
    while (frame := _next(frames, f"is corrupt: frame {number + 1:,} cannot be decoded")) is not None:
        number += 1
        pixels += frame.width * frame.height
        if frame.is_corrupt:
            raise Unusable(f"is corrupt: frame {number:,} is damaged")
        if number > MOST_FRAMES or pixels > MOST_PIXELS:
            raise Unusable(f"is too long: only {number - 1:,} frames of it are read. Cut it into shorter clips")
        yield frame


def _next(values: Iterator[Any], problem: str) -> Any:
    try:
        return next(values, None)
    except broken() as error:
        raise Unusable(problem) from error


def shown_size(frame: Any) -> tuple[int, int]:
    """Return width and height of a frame as it is shown."""
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)


def shown_pixels(frame: Any) -> Pixels:
    """Return a frame as a person sees it, (height, width, 3) in RGB: turned as the file asks, on white."""
    import numpy as np
    from PIL import Image

    if any(component.is_alpha for component in frame.format.components):
        array = np.asarray(as_rgb(Image.fromarray(frame.to_ndarray(format="rgba"))))
    else:
        array = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    turned: Pixels = np.rot90(array, turns) if turns else array
    return turned
