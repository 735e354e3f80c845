from __future__ import annotations

import io
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pytest_cosmos import media
from pytest_cosmos.media.images import image_problem, image_size
from tests.unit.suite_files import write_image


def encoded(kind: str) -> bytes:
    target = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((24, 24)).save(target, kind)
    return target.getvalue()


SOUND = {kind: encoded(kind) for kind in ("PNG", "JPEG", "WEBP", "BMP")}


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.jpeg", "a.webp", "a.bmp"])
def test_supported_images_are_sound(tmp_path: Path, name: str) -> None:
    path = write_image(tmp_path / name)
    assert media.check_media(path) is None
    assert media.load_image(path).mode == "RGB"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.png", None, "does not exist"),
        ("a.png", b"", "is an empty file (0 bytes)"),
        ("a.png", b"hello", "is corrupt: its content is no image of the types png jpg jpeg webp bmp"),
        ("a.jpg", SOUND["JPEG"][:-40], "is corrupt: image file is truncated"),
        ("a.png", SOUND["PNG"][:-20], "is corrupt: Truncated File Read"),
    ],
)
def test_problems_in_words(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert (media.check_media(path) or "").startswith(problem)


def test_formats_that_no_name_announces_are_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path, "TIFF")
    assert media.check_media(path) == "is corrupt: its content is no image of the types png jpg jpeg webp bmp"


@pytest.mark.parametrize("limit", [10, 60])  # PIL raises above twice the limit, and warns (an error here) above it
def test_too_many_pixels(tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(tmp_path / "a.png", size=(10, 10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert media.check_media(path) == f"has too many pixels. At most {limit} are read: scale it down"


@settings(deadline=None)  # a busy machine is no mistake
@given(st.sampled_from(sorted(SOUND)), st.integers(0, 500), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_files_are_told_never_raised(kind: str, at: int, junk: bytes, cut: bool) -> None:
    data = SOUND[kind]
    at %= len(data)
    damaged = data[:at] + junk + (b"" if cut else data[at + len(junk) :])
    problem = image_problem(damaged)
    assert problem is None or "\n" not in problem


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert media.load_image(tmp_path / "a.jpg").size == (10, 20)
    assert image_size((tmp_path / "a.jpg").read_bytes()) == (10, 20)
    assert image_size(b"no image") is None


def test_transparency_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert media.load_image(tmp_path / "a.png").getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_of_grey_are_scaled_not_clipped(tmp_path: Path) -> None:
    Image.new("I;16", (4, 4), 0x7FFF).save(tmp_path / "a.png")
    assert media.load_image(tmp_path / "a.png").getpixel((0, 0)) == (127, 127, 127)


def test_what_cannot_be_decoded_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(SOUND["PNG"][:60])
    with pytest.raises(OSError, match=r"a\.png"):
        media.load_image(tmp_path / "a.png")
