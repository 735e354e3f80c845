"""What a family's publisher shows its models: frames a second, and how many pixels."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_cosmos.media import MediaKind
from pytest_cosmos.records import Vision


@dataclass(frozen=True, slots=True)
class VisionFacts:
    """How the publisher's code prepares images and videos; None: as the checkpoint's own processor does."""

    token_pixels: int | None = None
    """Pixels behind one token of text: (patch x merge) squared."""
    fps: float = 2.0
    """Frames a second taken from a video; 2 is qwen_vl_utils' FPS and that of transformers' processors."""
    even_frames: bool = False
    """Whether their number is made even (qwen_vl_utils), see `media.FrameRule`."""
    image_min_pixels: int | None = None
    image_max_pixels: int | None = None
    frame_min_pixels: int | None = None
    """Of each frame of a video."""
    frame_max_pixels: int | None = None
    clip_min_pixels: int | None = None
    """Of all frames of a video together."""
    clip_max_pixels: int | None = None
    """For qwen_vl_utils a frame may have this, divided by the frames, twice: two of them become one token."""
    server_fps: float = 2.0
    """What the publisher's client of a server asks for by default."""

    def server_size(self, context: int, reply: int) -> dict[str, int] | None:
        """Return the `size` that the publisher's client sends for videos to a server with so long a context.

        cosmos_reason2_utils/script/inference.py: at least 128 tokens (VIDEO_MIN_TOKEN_NUM of qwen_vl_utils), at most
        nine tenths of what `reply` tokens leave of the context. None where the publisher has no such client.
        """
        if self.token_pixels is None:
            return None
        most = int((context - reply) * self.token_pixels * 0.9)
        return {"shortest_edge": 128 * self.token_pixels, "longest_edge": most}


def vision_of(facts: VisionFacts, asked: Vision, kind: MediaKind) -> Vision:
    """Say how a medium is shown: as a prompt asks, and where it does not, as the family's publisher does it."""
    if kind == "image":
        low, high = _bounds(asked, facts.image_min_pixels, facts.image_max_pixels)
        return Vision(min_pixels=low, max_pixels=high)
    low, high = _bounds(asked, facts.frame_min_pixels, facts.frame_max_pixels)
    return Vision(
        fps=None if asked.frames is not None else asked.fps or facts.fps,
        frames=asked.frames,
        min_pixels=low,
        max_pixels=high,
        total_pixels=asked.total_pixels or facts.clip_max_pixels,
    )


def _bounds(asked: Vision, low: int | None, high: int | None) -> tuple[int | None, int | None]:
    """Return pixels at least and at most; a bound of the publisher's gives way to one asked for that it contradicts."""
    least, most = asked.min_pixels or low, asked.max_pixels or high
    if least is not None and most is not None and least > most:
        return (most, most) if asked.min_pixels is None else (least, least)
    return least, most
