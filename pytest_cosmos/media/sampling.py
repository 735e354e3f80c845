"""Which frames of a video are shown to a model: a pure function of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

FRAME_FACTOR = 2


@dataclass(frozen=True, slots=True)
class FrameRule:
    """How a publisher's code counts the frames to take by fps; the numbers are the same in the code of all of them.

    QwenLM/Qwen3-VL, qwen-vl-utils/src/qwen_vl_utils/vision_process.py: FPS_MIN_FRAMES, FPS_MAX_FRAMES, FRAME_FACTOR;
    transformers' Qwen3VLVideoProcessor: min_frames, max_frames (a checkpoint may have others).
    """

    even: bool = False
    """True: as qwen_vl_utils' smart_nframes (Cosmos-Reason1's code, and Reason2's offline script), which makes the
    number even. False: as Qwen3VLVideoProcessor.sample_frames (Reason2's sample script, and a server that samples)."""
    least: int = 4
    """A video gives at least so many frames, where it has them."""
    most: int = 768


DEFAULT_RULE = FrameRule()


def sample_indices(
    total: int,
    fps: float | None,
    *,
    fps_wanted: float | None = None,
    frames_wanted: int | None = None,
    rule: FrameRule = DEFAULT_RULE,
) -> tuple[int, ...]:
    """Choose frames of a video of `total` frames at `fps`: evenly spaced, the first and the last among them.

    A video never gives more frames than it has, but a single one is given twice: the models look at two at a time.
    `fps` None (a folder of frames) means that they are sampled already: all are taken, up to the rule's most.
    """
    if total < 1:
        raise ValueError("a video without frames cannot be sampled")
    if (fps_wanted is None) == (frames_wanted is None):
        raise ValueError("say either fps_wanted or frames_wanted")
    if fps_wanted is not None:
        return spread(total, _count_by_fps(total, fps, fps_wanted, rule))
    assert frames_wanted is not None
    return spread(total, _count_by_number(total, frames_wanted, even=rule.even))


def _count_by_fps(total: int, fps: float | None, wanted: float, rule: FrameRule) -> int:
    if fps is None:
        return min(total, rule.most)
    exact = min(total / fps * wanted, rule.most)  # may be infinite
    if not rule.even:
        return min(max(int(exact), rule.least), rule.most, total)
    least = math.ceil(rule.least / FRAME_FACTOR) * FRAME_FACTOR
    most = min(rule.most, total) // FRAME_FACTOR * FRAME_FACTOR
    return math.floor(min(max(exact, least), most) / FRAME_FACTOR) * FRAME_FACTOR


def _count_by_number(total: int, wanted: int, *, even: bool) -> int:
    if not even:
        return min(wanted, total)
    most = total // FRAME_FACTOR * FRAME_FACTOR
    return min(max(round(wanted / FRAME_FACTOR) * FRAME_FACTOR, FRAME_FACTOR), most)


def spread(total: int, count: int) -> tuple[int, ...]:
    """Spread `count` indices over `total` frames as numpy's `linspace(0, total - 1, count).round()` does."""
    if total == 1:
        return (0, 0)
    if count <= 1:
        return (0,)
    step = (total - 1) / (count - 1)  # numpy multiplies by this: dividing last would round ties the other way
    return (*(round(place * step) for place in range(count - 1)), total - 1)
