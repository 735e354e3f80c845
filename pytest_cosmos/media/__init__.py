"""Images and videos: whether they are sound, what they contain, which frames are shown, and how they look small.

PIL, PyAV and numpy are imported only when the first file is opened.
"""

from __future__ import annotations

from pytest_cosmos.media.files import (
    IMAGE_TYPES,
    MISSING,
    VIDEO_TYPES,
    MediaKind,
    combine_digests,
    frame_files,
    media_hash,
    media_kind,
    media_paths,
)
from pytest_cosmos.media.frames import MOST_BYTES, Clip, load_frames
from pytest_cosmos.media.images import load_image
from pytest_cosmos.media.inspect import Inspection, check_media, inspect_media
from pytest_cosmos.media.sampling import FrameRule, sample_indices
from pytest_cosmos.media.thumbnails import thumbnail_jpeg
from pytest_cosmos.media.videos import VideoFacts, probe_video

__all__ = [
    "IMAGE_TYPES",
    "MISSING",
    "MOST_BYTES",
    "VIDEO_TYPES",
    "Clip",
    "FrameRule",
    "Inspection",
    "MediaKind",
    "VideoFacts",
    "check_media",
    "combine_digests",
    "frame_files",
    "inspect_media",
    "load_frames",
    "load_image",
    "media_hash",
    "media_kind",
    "media_paths",
    "probe_video",
    "sample_indices",
    "thumbnail_jpeg",
]
