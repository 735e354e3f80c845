"""Media files -> content parts of a chat message, inside the request or as a path that the server may read."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pytest_cosmos.media import MediaKind, frame_files, load_image, media_kind
from pytest_cosmos.settings import MediaTransport

MIME: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
}

_FRAMES = "video/jpeg"
"""vLLM's type for a video given as frames: their base64 texts joined by commas (vllm/multimodal/media/video.py)."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how a picture is to be turned."""


def content_parts(paths: Sequence[Path], transport: MediaTransport) -> list[dict[str, Any]]:
    """Return a content part for each file; OSError where one cannot be read or sent."""
    return [_part(media_kind(path.name), _path_url(path) if transport == "path" else data_uri(path)) for path in paths]


def data_uri(path: Path) -> str:
    """Return a media file as a data URI.

    Its own bytes, so that nothing is lost; but a picture that viewers turn or blend (EXIF, transparency) is sent as
    it is seen, because servers differ in that.
    """
    if path.is_dir():
        frames = frame_files(path)
        if not frames:
            raise OSError(f"{path}: holds no frames")
        return f"data:{_FRAMES};base64,{','.join(map(_jpeg, frames))}"
    suffix = path.suffix.lower()
    if suffix not in MIME:
        raise OSError(f"{path}: no media type is known for '{suffix}'")
    if media_kind(path.name) == "image" and _seen_differently(path):
        return f"data:image/png;base64,{_encoded(load_image(path), 'PNG')}"
    return f"data:{MIME[suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _part(kind: MediaKind, url: str) -> dict[str, Any]:
    return {"type": f"{kind}_url", f"{kind}_url": {"url": url}}


def _path_url(path: Path) -> str:
    if not path.is_file():
        raise OSError(f"{path}: only files can be named to a server (--cosmos-media-transport data sends folders)")
    return path.resolve().as_uri()


def _seen_differently(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP", "BMP")) as image:
            turned = image.getexif().get(_ORIENTATION, 1) != 1
            return turned or image.has_transparency_data or image.mode.startswith("I;16")
    except OSError:
        raise
    except Exception as error:  # PIL's decoders raise many kinds on broken files
        raise OSError(f"{path}: {error}") from error


def _jpeg(path: Path) -> str:
    own = path.suffix.lower() in (".jpg", ".jpeg") and not _seen_differently(path)
    return base64.b64encode(path.read_bytes()).decode() if own else _encoded(load_image(path), "JPEG")


def _encoded(image: Any, form: str) -> str:
    target = io.BytesIO()
    image.save(target, form, **({"quality": 95} if form == "JPEG" else {}))
    return base64.b64encode(target.getvalue()).decode()
