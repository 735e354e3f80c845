"""Media as they are sent: their own bytes with the right type, or as they are seen, or as a path."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from pytest_cosmos.engines.endpoint_media import MIME, content_parts, data_uri
from pytest_cosmos.media import IMAGE_TYPES, VIDEO_TYPES, load_image


def picture(path: Path, mode: str = "RGB", **save: Any) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, len(mode)), dtype=np.uint8)
    Image.fromarray(pixels.squeeze(), mode).save(path, **save)
    return path


def video(path: Path, codec: str = "mpeg4") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=4)
        stream.width, stream.height = 32, 32
        stream.pix_fmt = "yuv420p"
        for shade in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * shade, dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def decoded(uri: str) -> tuple[str, bytes]:
    head, _, data = uri.partition(";base64,")
    return head.removeprefix("data:"), base64.b64decode(data, validate=True)


def test_every_type_that_is_read_can_be_sent() -> None:
    assert set(MIME) == {*IMAGE_TYPES, *VIDEO_TYPES}


@pytest.mark.parametrize(("name", "mime"), [("a.png", "image/png"), ("a.JPG", "image/jpeg"), ("a.webp", "image/webp")])
def test_an_image_is_sent_with_its_own_bytes(tmp_path: Path, name: str, mime: str) -> None:
    path = picture(tmp_path / name)
    assert decoded(data_uri(path)) == (mime, path.read_bytes())
    (part,) = content_parts([path], "data")
    assert part == {"type": "image_url", "image_url": {"url": data_uri(path)}}


@pytest.mark.parametrize("name", ["turned.jpg", "transparent.png"])
def test_a_picture_that_servers_would_show_differently_is_sent_as_it_is_seen(tmp_path: Path, name: str) -> None:
    if name == "turned.jpg":
        exif = Image.Exif()
        exif[0x0112] = 6
        path = picture(tmp_path / name, exif=exif)
        assert load_image(path).size == (6, 9)
    else:
        path = picture(tmp_path / name, "RGBA")
    mime, data = decoded(data_uri(path))
    assert mime == "image/png"
    with Image.open(io.BytesIO(data)) as sent:
        assert sent.mode == "RGB"
        assert sent.tobytes() == load_image(path).tobytes()


@pytest.mark.parametrize(
    ("name", "codec", "mime"),
    [("a.mp4", "mpeg4", "video/mp4"), ("a.webm", "vp8", "video/webm"), ("a.gif", "", "image/gif")],
)
def test_a_video_is_sent_with_its_own_bytes(tmp_path: Path, name: str, codec: str, mime: str) -> None:
    path = video(tmp_path / name, codec) if codec else picture(tmp_path / name, "L")
    (part,) = content_parts([path], "data")
    assert part["type"] == "video_url"
    assert decoded(part["video_url"]["url"]) == (mime, path.read_bytes())


def test_a_folder_of_frames_is_a_video(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    first, second = picture(folder / "f9.jpg"), picture(folder / "f10.png")
    (folder / "notes.txt").write_text("not a frame")
    (part,) = content_parts([folder], "data")
    assert part == {"type": "video_url", "video_url": {"url": data_uri(folder)}}
    head, _, data = data_uri(folder).partition(";base64,")
    frames = [base64.b64decode(frame, validate=True) for frame in data.split(",")]
    assert head == "data:video/jpeg"
    assert frames[0] == first.read_bytes()
    with Image.open(io.BytesIO(frames[1])) as sent:
        assert (sent.format, sent.size) == ("JPEG", load_image(second).size)


def test_as_a_path(tmp_path: Path) -> None:
    path = picture(tmp_path / "a b.png")
    (part,) = content_parts([path], "path")
    assert part["image_url"]["url"] == f"file://{tmp_path}/a%20b.png"


@pytest.mark.parametrize("transport", ["data", "path"])
def test_what_cannot_be_sent_is_an_error_that_names_it(tmp_path: Path, transport: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    names = ["missing.png", "empty", *(["broken.png", "a.xyz"] if transport == "data" else [])]
    for name in names:
        with pytest.raises(OSError, match=name):
            content_parts([tmp_path / name], transport)  # type: ignore[arg-type]
