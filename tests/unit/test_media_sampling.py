from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cosmos.media import FrameRule, sample_indices

TOTALS = st.integers(1, 20_000)
RATES = st.floats(0.1, 240, allow_nan=False)


@settings(deadline=None)
@given(TOTALS, RATES, st.floats(1e-300, 1e300), st.booleans())
def test_frames_by_fps_are_sorted_within_range_and_hold_both_ends(
    total: int, fps: float, wanted: float, even: bool
) -> None:
    indices = sample_indices(total, fps, fps_wanted=wanted, rule=FrameRule(even=even))

    assert list(indices) == sorted(indices)
    assert (indices[0], indices[-1]) == (0, total - 1)
    assert len(indices) <= 768
    if total > 1:
        assert len(set(indices)) == len(indices)
    if even:
        assert len(indices) % 2 == 0


@settings(deadline=None)
@given(TOTALS, st.integers(1, 2000), st.booleans())
def test_frames_by_number_are_as_many_as_asked_for_or_all(total: int, wanted: int, even: bool) -> None:
    indices = sample_indices(total, 25.0, frames_wanted=wanted, rule=FrameRule(even=even))

    assert list(indices) == sorted(indices)
    assert indices[0] == 0
    assert indices[-1] < total
    if total == 1:
        assert indices == (0, 0)
    elif even:
        assert len(indices) % 2 == 0
        assert len(indices) in (max(2, round(wanted / 2) * 2), total // 2 * 2)
    else:
        assert len(indices) == min(wanted, total)


@pytest.mark.parametrize(
    ("total", "wanted", "even", "expected"),
    [
        (10, 4, False, (0, 3, 6, 9)),
        (10, 3, False, (0, 4, 9)),  # 4.5 is rounded to the even neighbour, as numpy does
        (10, 3, True, (0, 3, 6, 9)),  # 3 of 2 is 1.5, rounded to 2 pairs
        (10, 5, True, (0, 3, 6, 9)),  # 2.5 pairs are rounded to 2, as Python does
        (10, 1, False, (0,)),
        (10, 1, True, (0, 9)),
        (5, 8, False, (0, 1, 2, 3, 4)),
        (5, 8, True, (0, 1, 3, 4)),
        (1, 8, True, (0, 0)),
    ],
)
def test_frames_by_number(total: int, wanted: int, even: bool, expected: tuple[int, ...]) -> None:
    assert sample_indices(total, 25.0, frames_wanted=wanted, rule=FrameRule(even=even)) == expected


@pytest.mark.parametrize(
    ("total", "fps", "wanted", "processor", "qwen_vl_utils"),
    [
        (10, 4.0, 4.0, 10, 10),  # the sample clip of both Cosmos repositories
        (31, 15.0, 4.0, 8, 8),
        (35, 15.0, 4.0, 9, 8),  # 9.33: only one of the rules makes it even
        (30, 15.0, 1.0, 4, 4),  # at least 4
        (3, 15.0, 1.0, 3, 2),
        (90_000, 30.0, 4.0, 768, 768),  # at most 768
        (5, 4.0, 30.0, 5, 4),  # no more than there are
    ],
)
def test_the_number_of_frames_is_each_publishers(
    total: int, fps: float, wanted: float, processor: int, qwen_vl_utils: int
) -> None:
    assert len(sample_indices(total, fps, fps_wanted=wanted)) == processor
    assert len(sample_indices(total, fps, fps_wanted=wanted, rule=FrameRule(even=True))) == qwen_vl_utils


def test_a_folder_of_frames_is_sampled_already() -> None:
    assert sample_indices(7, None, fps_wanted=1.0) == (0, 1, 2, 3, 4, 5, 6)
    assert len(sample_indices(2000, None, fps_wanted=1.0)) == 768


@pytest.mark.parametrize("wanted", [{}, {"fps_wanted": 2.0, "frames_wanted": 4}])
def test_either_fps_or_frames(wanted: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either"):
        sample_indices(10, 10.0, **wanted)  # type: ignore[arg-type]


def test_no_frames_at_all() -> None:
    with pytest.raises(ValueError, match="without frames"):
        sample_indices(0, 10.0, fps_wanted=2.0)


@pytest.mark.parametrize(("even", "fewest", "most"), [(False, 3, 9), (True, 4, 8)])
def test_a_checkpoint_may_have_bounds_of_its_own(even: bool, fewest: int, most: int) -> None:
    rule = FrameRule(even=even, least=3, most=9)
    assert len(sample_indices(100, 10.0, fps_wanted=0.1, rule=rule)) == fewest
    assert len(sample_indices(100, 10.0, fps_wanted=9.0, rule=rule)) == most
    assert len(sample_indices(100, None, fps_wanted=9.0, rule=rule)) == 9


class TestAgainstTransformers:
    """The processors' own sampling, for the same numbers."""

    @settings(deadline=None)  # the first call imports
    @given(st.integers(2, 20_000), RATES, st.floats(0.05, 60))
    def test_by_fps_as_qwen3_vl(self, total: int, fps: float, wanted: float) -> None:
        from transformers.models.qwen3_vl import Qwen3VLVideoProcessor
        from transformers.video_utils import VideoMetadata

        theirs = Qwen3VLVideoProcessor().sample_frames(VideoMetadata(total_num_frames=total, fps=fps), fps=wanted)

        assert sample_indices(total, fps, fps_wanted=wanted) == tuple(theirs.tolist())

    @settings(deadline=None)  # the first call imports
    @given(st.integers(2, 5_000), st.data())
    def test_by_number_as_qwen3_vl(self, total: int, data: st.DataObject) -> None:
        from transformers.models.qwen3_vl import Qwen3VLVideoProcessor
        from transformers.video_utils import VideoMetadata

        wanted = data.draw(st.integers(1, min(total, 768)))
        processor = Qwen3VLVideoProcessor()
        processor.fps = None  # its default would be taken for a second wish
        theirs = processor.sample_frames(VideoMetadata(total_num_frames=total, fps=25.0), num_frames=wanted)

        assert sample_indices(total, 25.0, frames_wanted=wanted) == tuple(theirs.tolist())

    @settings(deadline=None)  # the first call imports
    @given(st.integers(2, 20_000), RATES, st.floats(0.05, 60))
    def test_the_even_number_as_qwen2_vl(self, total: int, fps: float, wanted: float) -> None:
        """transformers' older processor counts as qwen_vl_utils does; it only spaces the frames otherwise."""
        from transformers.models.qwen2_vl import Qwen2VLVideoProcessor
        from transformers.video_utils import VideoMetadata

        theirs = Qwen2VLVideoProcessor().sample_frames(VideoMetadata(total_num_frames=total, fps=fps), fps=wanted)
        count = len(sample_indices(total, fps, fps_wanted=wanted, rule=FrameRule(even=True)))

        # its arange with a float step may give one more
        assert len(theirs) - count in (0, 1)
