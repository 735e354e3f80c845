"""One look at a media file: whether it is sound, and the hash of its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.media.files import IMAGE_TYPES, MISSING, VIDEO_TYPES, file_digest, media_kind, type_names
from pytest_cosmos.media.folders import probe_folder
from pytest_cosmos.media.images import image_problem
from pytest_cosmos.media.videos import Unusable, VideoFacts, probe_video

# So many frames of a video are decoded before a run; decoding all would take about as long as watching a model
# answer. Its packets are all read, so a missing end is found in any case.
_GLANCE = 16


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one look at a media file found."""

    problem: str | None = None
    """In words that go after the file's name; None: it is sound."""
    digest: str = ""
    """SHA-256 of its bytes, hexadecimal; empty where they were not read."""
    video: VideoFacts | None = None
    """Of a video that was decoded."""


def check_media(path: Path) -> str | None:
    """Say what is wrong with a media file, in words that go after its name; None: it is sound."""
    return inspect_media(path, decode=True, thorough=True).problem


def inspect_media(path: Path, *, decode: bool, thorough: bool = False) -> Inspection:
    """Look at a media file or a folder of frames; with `decode` read it once, hash and really decode it.

    Of a video only the first frames are decoded unless `thorough`. Without `decode` only type, presence and size are
    looked at, so that large splits cost next to nothing.
    """
    problem = _presence_problem(path)
    if problem or not decode:
        return Inspection(problem)
    try:
        if media_kind(path.name) == "image":
            data = path.read_bytes()
            return Inspection(image_problem(data), hashlib.sha256(data).hexdigest())
        return _inspect_video(path, thorough=thorough)
    except Unusable as error:
        return Inspection(str(error))
    except OSError as error:
        return Inspection(f"cannot be read: {error.strerror}")


def _inspect_video(path: Path, *, thorough: bool) -> Inspection:
    digest = file_digest(path)
    if path.is_dir():
        return Inspection(None, digest, probe_folder(path, thorough=thorough))
    return Inspection(None, digest, probe_video(path, most=None if thorough else _GLANCE))


def _presence_problem(path: Path) -> str | None:
    suffix = path.suffix.lower()
    known = suffix in IMAGE_TYPES or suffix in VIDEO_TYPES
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return MISSING if known or not suffix else _unsupported(suffix)
    if path.is_dir():
        return "is a folder, but is named like a file. Name a folder of frames without an extension" if known else None
    if not known:
        return _unsupported(suffix)
    if not path.is_file():
        return "is not a file"
    return None if status.st_size else "is an empty file (0 bytes)"


def _unsupported(suffix: str) -> str:
    return (
        f"is of an unsupported type: {suffix or 'no file extension'}. Images: {type_names(IMAGE_TYPES)}. "
        f"Videos: {type_names(VIDEO_TYPES)}, or a folder of images"
    )
