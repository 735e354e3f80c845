"""A folder of frames: images that are the frames of one video, in the natural order of their names."""

from __future__ import annotations

from pathlib import Path

from pytest_cosmos.media.files import IMAGE_TYPES, frame_files, type_names
from pytest_cosmos.media.images import image_problem, image_size
from pytest_cosmos.media.videos import MOST_FRAMES, Unusable, VideoFacts


def probe_folder(folder: Path, *, thorough: bool = False) -> VideoFacts:
    """Read what a folder of frames holds; with `thorough` decode each. Raise Unusable."""
    files = frame_files(folder)
    if not files:
        raise Unusable(f"is a folder without frames. Put images into it: {type_names(IMAGE_TYPES)}")
    if len(files) > MOST_FRAMES:
        raise Unusable(f"is too long: {len(files):,} frames, at most {MOST_FRAMES:,} are read")
    first: tuple[int, int] | None = None
    for file in files:
        size = _size(file, thorough=thorough)
        first = first or size
        if size != first:
            raise Unusable(
                f"holds frames of different sizes: {file.name} has {size[0]} x {size[1]} pixels, "
                f"{files[0].name} {first[0]} x {first[1]}"
            )
    assert first is not None
    return VideoFacts(len(files), None, None, *first)


def _size(file: Path, *, thorough: bool) -> tuple[int, int]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Unusable(f"holds the frame {file.name}, which cannot be read: {error.strerror}") from error
    size = image_size(data)
    problem = image_problem(data) if thorough or size is None else None
    if problem or size is None:
        raise Unusable(f"holds the frame {file.name}, which {problem or 'is no image'}")
    return size
