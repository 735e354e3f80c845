"""What kinds of media there are, where they lie, and the hash of their bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Literal

from pytest_cosmos.records import Sample

MediaKind = Literal["image", "video"]

IMAGE_TYPES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
VIDEO_TYPES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")

MISSING = "does not exist"
"""The problem of a file that is not there."""


def media_kind(name: str) -> MediaKind:
    """Tell what an entry of a sample is, by its name: what has no image's name is a video or a folder of frames."""
    return "image" if PurePosixPath(name).suffix.lower() in IMAGE_TYPES else "video"


def media_paths(folder: Path, sample: Sample) -> tuple[Path, ...]:
    """Return where the media of `sample` lie, given its suite's folder."""
    return tuple(folder / name for name in sample.media)


def frame_files(folder: Path) -> tuple[Path, ...]:
    """List the frames of a folder: its images, hidden ones left out, in natural order (`f9.png` before `f10.png`)."""
    images = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_TYPES and path.name[0] != ".")
    return tuple(sorted(images, key=lambda path: natural_key(path.name)))


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Make the key that sorts numbers inside names by their value; the name itself settles ties (`f1`, `f01`)."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return (*((int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts), (-1, name))


def media_hash(paths: Iterable[Path]) -> str:
    """Hash the bytes of a sample's media; names and places do not matter, order does."""
    return combine_digests(file_digest(path) for path in paths)


def file_digest(path: Path) -> str:
    """Hash the bytes of a file, or of the frames of a folder in their order."""
    if path.is_dir():
        return hashlib.sha256("\0".join(("frames", *map(file_digest, frame_files(path)))).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def combine_digests(digests: Iterable[str]) -> str:
    """Make one hash of those of the files: of a single file it is the file's own."""
    several = tuple(digests)
    return several[0] if len(several) == 1 else hashlib.sha256("".join(several).encode()).hexdigest()


def type_names(types: Iterable[str]) -> str:
    """Write file types for a message: `png jpg`."""
    return " ".join(suffix.removeprefix(".") for suffix in types)
