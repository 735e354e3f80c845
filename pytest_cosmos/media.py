"""Image files: whether they are sound, what they contain, and how they are shown small.

Video comes with a later release. PIL is imported only when the first file is opened.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.records import Sample

if TYPE_CHECKING:
    from PIL import Image

IMAGE_TYPES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
MISSING = "does not exist"
"""The problem of a file that is not there."""

VIDEO_TYPES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".gif")

# No other decoder of PIL is ever given a file, whatever its name says.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")

# What PIL's decoders raise on broken input (tried with thousands of mutated files).
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one look at a media file found."""

    problem: str | None = None
    """In words that go after the file's name; None: it is sound."""
    digest: str = ""
    """SHA-256 of its bytes, hexadecimal; empty where they were not read."""


def media_paths(folder: Path, sample: Sample) -> tuple[Path, ...]:
    """Return where the media of `sample` lie, given its suite's folder."""
    return tuple(folder / name for name in sample.media)


def load_image(path: Path) -> Image.Image:
    """Read an image as a person sees it: RGB, turned as its EXIF data say, transparency on white.

    Raise OSError where it cannot be decoded.
    """
    from PIL import ImageOps

    try:
        with _open(path.read_bytes()) as image:
            return _as_rgb(ImageOps.exif_transpose(image))
    except _unreadable() as error:
        raise OSError(f"{path}: {_first_line(error)}") from error


def thumbnail_jpeg(path: Path, edge: int = 160) -> bytes:
    """Return the image as a JPEG file whose longer edge has at most `edge` pixels."""
    image = load_image(path)
    image.thumbnail((edge, edge))
    target = io.BytesIO()
    image.save(target, "JPEG", quality=80, optimize=True)
    return target.getvalue()


def media_hash(paths: Iterable[Path]) -> str:
    """Hash the bytes of a sample's media; names and places do not matter, order does."""
    return combine_digests(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def combine_digests(digests: Iterable[str]) -> str:
    """Make one hash of those of the files: of a single file it is the file's own."""
    several = tuple(digests)
    return several[0] if len(several) == 1 else hashlib.sha256("".join(several).encode()).hexdigest()


def check_media(path: Path) -> str | None:
    """Say what is wrong with a media file, in words that go after its name; None: it is sound."""
    return inspect_media(path, decode=True).problem


def inspect_media(path: Path, *, decode: bool) -> Inspection:
    """Look at a media file; with `decode` read it once, hash and really decode it.

    Without, only its type, presence and size are looked at, so that large splits cost next to nothing.
    """
    problem = _type_problem(path) or _presence_problem(path)
    if problem or not decode:
        return Inspection(problem)
    try:
        data = path.read_bytes()
    except OSError as error:
        return Inspection(f"cannot be read: {error.strerror}")
    return Inspection(_decode_problem(data), hashlib.sha256(data).hexdigest())


def _type_problem(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in IMAGE_TYPES:
        return None
    if suffix in VIDEO_TYPES:
        return f"is a video: videos come with a later release. Images: {_types()}"
    return f"is of an unsupported type: {suffix or 'no file extension'}. Images: {_types()}"


def _types() -> str:
    return " ".join(suffix.removeprefix(".") for suffix in IMAGE_TYPES)


def _presence_problem(path: Path) -> str | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return MISSING
    if not path.is_file():
        return "is not a file"
    return None if status.st_size else "is an empty file (0 bytes)"


def _decode_problem(data: bytes) -> str | None:
    from PIL import Image, UnidentifiedImageError

    try:
        # verify() sees broken checksums that load() forgives; it uses the image up, so open twice.
        with _open(data) as image:
            image.verify()
        with _open(data) as image:
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has too many pixels. At most {Image.MAX_IMAGE_PIXELS or 0:,} are read: scale it down"
    except UnidentifiedImageError:
        return f"is corrupt: its content is no image of the types {_types()}"
    except _UNREADABLE as error:
        return f"is corrupt: {_first_line(error)}"
    return None


def _open(data: bytes) -> Image.Image:
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=_FORMATS)


def _unreadable() -> tuple[type[Exception], ...]:
    from PIL import Image

    # the warning is raised under -W error
    return (*_UNREADABLE, Image.DecompressionBombError, Image.DecompressionBombWarning)


def _as_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I;16"):  # PIL would clip 16-bit grey at 255
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGB", layer.size, "white")
    white.paste(layer, mask=layer.getchannel("A"))
    return white


def _first_line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0]
