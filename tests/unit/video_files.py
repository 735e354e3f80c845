"""Small videos made with PyAV, each frame with its number drawn into it: `write_video(tmp_path / "a.mp4", 30)`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

# container, codec, pixel format and what makes B-frames and key frames
KINDS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    ".mp4": ("mp4", "libx264", "yuv420p", {"bf": "3", "g": "40", "qp": "4"}),
    ".mov": ("mov", "libx264", "yuv420p", {"bf": "2", "g": "40", "qp": "4"}),
    ".m4v": ("mp4", "libx264", "yuv420p", {"qp": "4", "g": "40"}),
    ".mkv": ("matroska", "libx264", "yuv420p", {"bf": "3", "g": "40", "qp": "4"}),
    ".webm": (
        "webm",
        "libvpx-vp9",
        "yuv420p",
        {"crf": "10", "b": "0", "g": "40", "deadline": "realtime", "cpu-used": "8"},
    ),
    ".avi": ("avi", "mpeg4", "yuv420p", {"qscale": "2", "g": "40", "b": "2M"}),
    ".gif": ("gif", "gif", "rgb8", {}),
}


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw a frame whose left half tells the sixteens and whose right half the ones of its number (up to 255)."""
    width, height = size
    frame = np.empty((height, width, 3), np.uint8)
    frame[:, : width // 2] = number // 16 * 17
    frame[:, width // 2 :] = number % 16 * 17
    return frame


def number_of(frame: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    """Read the number back."""
    half = frame.shape[1] // 2
    sixteens, ones = frame[:, : half - 2].mean(), frame[:, half + 2 :].mean()
    return round(float(sixteens) / 17) * 16 + round(float(ones) / 17)


def encoded(
    suffix: str,
    frames: int = 30,
    *,
    size: tuple[int, int] = (64, 48),
    rate: int = 10,
    times: Sequence[int] | None = None,
    sound: bool = False,
) -> bytes:
    """Make a video; `times` (in 1/1000 s) give it a variable frame rate."""
    form, codec, pixels, options = KINDS[suffix]
    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        voice = container.add_stream("aac", rate=16_000) if sound else None
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(number, size), "rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice is not None:
            add_sound(container, voice)
    return target.getvalue()


def add_sound(container: Any, voice: Any) -> None:
    """Add a tenth of a second of silence."""
    silence = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.float32), "fltp", "mono")
    silence.sample_rate = 16_000
    container.mux(voice.encode(silence))
    container.mux(voice.encode())


def sound_alone() -> bytes:
    """Make an mp4 without pictures."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        add_sound(container, container.add_stream("aac", rate=16_000, layout="mono"))
    return target.getvalue()


def write_video(path: Path, frames: int = 30, **keywords: Any) -> Path:
    """Write a video of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(path.suffix, frames, **keywords))
    return path


def write_frames(folder: Path, frames: int = 5, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a folder of frames `f0.png`, `f1.png`, … `f10.png`."""
    folder.mkdir(parents=True)
    for number in range(frames):
        Image.fromarray(numbered(number, size)).save(folder / f"f{number}.png")
    return folder
