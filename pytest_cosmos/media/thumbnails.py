"""Media shown small: an image itself, a video by a frame from its middle."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.media.files import frame_files, media_kind
from pytest_cosmos.media.images import load_image
from pytest_cosmos.media.videos import Unusable, broken, decoded, opened, read_packets, shown_pixels

if TYPE_CHECKING:
    from PIL import Image


def thumbnail_jpeg(path: Path, edge: int = 160) -> bytes:
    """Return a small picture of an image, a video or a folder of frames: a JPEG file of at most `edge` pixels a side.

    Raise OSError where it cannot be decoded.
    """
    image = load_image(path) if media_kind(path.name) == "image" else middle_frame(path)
    image.thumbnail((edge, edge))
    target = io.BytesIO()
    image.save(target, "JPEG", quality=80, optimize=True)
    return target.getvalue()


def middle_frame(path: Path) -> Image.Image:
    """Return the frame in the middle of a video, or one near it. Raise OSError."""
    from PIL import Image

    if path.is_dir():
        files = frame_files(path)
        if not files:
            raise OSError(f"{path}: is a folder without frames")
        return load_image(files[len(files) // 2])
    try:
        times = read_packets(path).times
        with opened(path) as (container, stream):
            middle = times[len(times) // 2] if times else None
            if middle is not None:
                with contextlib.suppress(*broken()):  # what cannot be sought is decoded from the start
                    container.seek(middle, stream=stream)
            frame = None
            for frame in decoded(container, stream):
                if middle is None or frame.pts is None or frame.pts >= middle:
                    break
            if frame is None:
                raise Unusable("holds no frames")
            return Image.fromarray(shown_pixels(frame))
    except Unusable as error:
        raise OSError(f"{path}: {error}") from error
