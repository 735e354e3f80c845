"""What latency is measured on: the same pictures everywhere, eight frames in the clip, a prompt of each kind."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from pytest_cosmos.media import check_media, load_image
from pytest_cosmos.records import AnswerKind, Benchmark
from pytest_cosmos.suites import LATENCY, standard_benchmarks, write_media
from pytest_cosmos.suites.latency import FRAMES, SIZE


def named() -> dict[str, Benchmark]:
    return {one.name: one for one in standard_benchmarks()}


def test_each_kind_of_answer_on_each_kind_of_media_and_the_parts() -> None:
    answers = [one.case for one in standard_benchmarks() if one.measure == "answer" and one.case is not None]
    assert {(case.sample.id, case.prompt.kind) for case in answers} == {
        (media, kind) for media in ("image", "video") for kind in AnswerKind
    }
    assert len(named()) == 13
    assert {one.measure for one in named().values()} == {"answer", "first_token", "per_token", "preprocess", "load"}
    assert all(case.suite == LATENCY for case in answers)


def test_the_clip_is_asked_for_all_its_frames_and_the_picture_as_the_publisher_shows_it() -> None:
    clip, picture = named()["video_yes_no"].case, named()["image_yes_no"].case
    assert clip is not None
    assert picture is not None
    assert clip.prompt.vision.frames == FRAMES == 8
    assert picture.prompt.vision.frames is None
    assert clip.sample.media_hash != picture.sample.media_hash


def test_the_media_are_sound_and_show_something(tmp_path: Path) -> None:
    write_media(tmp_path)
    assert check_media(tmp_path / "image.png") is None
    assert check_media(tmp_path / "video.mp4") is None
    pixels = np.asarray(load_image(tmp_path / "image.png"))
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert pixels.std() > 10
    again = tmp_path / "again"
    again.mkdir()
    write_media(again)
    assert (np.asarray(load_image(again / "image.png")) == pixels).all()


def test_the_clip_has_eight_frames_that_move(tmp_path: Path) -> None:
    import av

    write_media(tmp_path)
    with av.open(str(tmp_path / "video.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == FRAMES
    assert all((one != other).any() for one, other in itertools.pairwise(frames))
