from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_cosmos import media
from pytest_cosmos.records import Sample
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
        ("a.mp4", b"x", "is a video: videos come with a later release. Images: png jpg jpeg webp bmp"),
        ("a.txt", b"x", "is of an unsupported type: .txt. Images: png jpg jpeg webp bmp"),
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


@given(st.sampled_from(sorted(SOUND)), st.integers(0, 500), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_files_are_told_never_raised(kind: str, at: int, junk: bytes, cut: bool) -> None:
    data = SOUND[kind]
    at %= len(data)
    damaged = data[:at] + junk + (b"" if cut else data[at + len(junk) :])
    problem = media._decode_problem(damaged)
    assert problem is None or "\n" not in problem


def test_without_decoding_only_presence_and_size_count(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no image")
    assert media.inspect_media(path, decode=False) == media.Inspection()
    assert media.inspect_media(tmp_path / "b.png", decode=False).problem == "does not exist"


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert media.load_image(tmp_path / "a.jpg").size == (10, 20)


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


def test_thumbnails_are_small_jpegs_that_keep_their_shape(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", size=(400, 200))
    thumbnail = Image.open(io.BytesIO(media.thumbnail_jpeg(path, edge=160)))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (160, 80))
    small = Image.open(io.BytesIO(media.thumbnail_jpeg(write_image(tmp_path / "b.png"))))
    assert small.size == (8, 8)


def test_hashes_are_of_the_bytes_in_their_order(tmp_path: Path) -> None:
    first, second = write_image(tmp_path / "a.png", "red"), write_image(tmp_path / "b.png", "blue")
    copy = tmp_path / "copy.png"
    copy.write_bytes(first.read_bytes())
    assert media.media_hash([first]) == hashlib.sha256(first.read_bytes()).hexdigest()
    assert media.media_hash([first]) == media.media_hash([copy])
    assert media.media_hash([first, second]) != media.media_hash([second, first])


def test_paths_of_a_sample(tmp_path: Path) -> None:
    sample = Sample(id="a", media=("media/a.png",), label="x")
    assert media.media_paths(tmp_path, sample) == (tmp_path / "media" / "a.png",)
