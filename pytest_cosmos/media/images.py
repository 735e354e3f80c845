"""Image files: decoded as a person sees them, and what is wrong with them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.media.files import IMAGE_TYPES, type_names

if TYPE_CHECKING:
    from PIL import Image

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


_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)


def load_image(path: Path) -> Image.Image:
    """Read an image as a person sees it: RGB, turned as its EXIF data say, transparency on white.

    Raise OSError where it cannot be decoded.
    """
    return as_rgb(load_stored(path))


def load_stored(path: Path) -> Image.Image:
    """Read an image with the values that its file holds, turned as its EXIF data say.

    Raise OSError where it cannot be decoded.
    """
    from PIL import ImageOps

    try:
        with _open(path.read_bytes()) as image:
            return ImageOps.exif_transpose(image)
    except _unreadable() as error:
        raise OSError(f"{path}: {_first_line(error)}") from error


def image_size(data: bytes) -> tuple[int, int] | None:
    """Read width and height of the bytes of an image file, as it is shown; None: it is no image."""
    try:
        with _open(data) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE
            return (image.height, image.width) if turned else (image.width, image.height)
    except _unreadable():
        return None


def image_problem(data: bytes) -> str | None:
    """Say what is wrong with the bytes of an image file, in words that go after its name; None: it is sound."""
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
        return f"is corrupt: its content is no image of the types {type_names(IMAGE_TYPES)}"
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


def as_rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB, transparency on white."""
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
