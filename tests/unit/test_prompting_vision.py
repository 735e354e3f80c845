from __future__ import annotations

import pytest

from pytest_cosmos.prompting import FAMILIES, Sampling, VisionFacts, vision_of
from pytest_cosmos.records import Vision

REASON1, REASON2, GENERIC = (FAMILIES[name].vision for name in ("reason1", "reason2", "generic"))


def test_videos_are_shown_as_the_publishers_show_them() -> None:
    assert vision_of(REASON1, Vision(), "video") == Vision(
        fps=4, min_pixels=100_352, max_pixels=602_112, total_pixels=6_422_528
    )
    assert vision_of(REASON2, Vision(), "video") == Vision(fps=4, total_pixels=8_388_608)
    assert vision_of(GENERIC, Vision(), "video") == Vision(fps=2)


def test_images_are_shown_as_the_publishers_show_them() -> None:
    assert vision_of(REASON1, Vision(), "image") == Vision(min_pixels=3_136, max_pixels=12_845_056)
    assert vision_of(REASON2, Vision(), "image") == Vision(min_pixels=262_144, max_pixels=8_388_608)
    assert vision_of(GENERIC, Vision(), "image") == Vision()


def test_a_prompt_has_the_last_word() -> None:
    asked = Vision(frames=8, max_pixels=200_000, total_pixels=900_000)
    assert vision_of(REASON1, asked, "video") == Vision(
        frames=8, min_pixels=100_352, max_pixels=200_000, total_pixels=900_000
    )
    assert vision_of(REASON2, Vision(fps=1), "video").fps == 1
    assert vision_of(REASON2, asked, "image") == Vision(min_pixels=200_000, max_pixels=200_000)


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        (Vision(max_pixels=50), 50, 50),
        (Vision(min_pixels=5000), 5000, 5000),
        (Vision(min_pixels=10, max_pixels=20), 10, 20),
        (Vision(), 100, 1000),
    ],
)
def test_a_bound_that_the_prompt_contradicts_gives_way(asked: Vision, low: int, high: int) -> None:
    facts = VisionFacts(image_min_pixels=100, image_max_pixels=1000)
    assert vision_of(facts, asked, "image") == Vision(min_pixels=low, max_pixels=high)


def test_what_a_server_is_asked_for() -> None:
    assert REASON2.server_fps == 2.0
    assert REASON2.server_size(16_384, 4_096) == {"shortest_edge": 131_072, "longest_edge": 11_324_620}
    assert GENERIC.server_size(16_384, 4_096) is None


def test_published_sampling() -> None:
    """As nvidia-cosmos/cosmos-reason2's inference.py and nvidia-cosmos/cosmos-reason1's sampling_params.yaml say."""
    reason2 = FAMILIES["reason2"].sampling
    assert reason2 is not None
    assert reason2.of(asked_reasoning=False) == Sampling(0.7, 0.8, 20, 1.0, 1.5, 3407)
    assert reason2.of(asked_reasoning=True) == Sampling(0.6, 0.95, 20, 1.0, 0.0, 1234)
    reason1 = FAMILIES["reason1"].sampling
    assert reason1 is not None
    assert reason1.of(asked_reasoning=True) == Sampling(0.01, 1.0, 0, 1.0, 0.0, 42) == reason1.plain
    assert FAMILIES["generic"].sampling is None
