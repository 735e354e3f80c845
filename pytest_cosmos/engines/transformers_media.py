"""A sample's media -> pictures and clips, of the sizes in which the family's publisher shows them.

Both Cosmos families were trained on Qwen's processors, where `size` bounds pixels and not edges; what it bounds
differs: a frame (Qwen2.5-VL) or all frames together (Qwen3-VL). Sizes are computed here with transformers' own rules
and the processor is told not to resize again. A checkpoint that was made for smaller pictures than the family shows
at least (the embedded model) keeps to its own processor, and so does a processor that is none of Qwen's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_cosmos.media import MOST_BYTES, Clip, FrameRule, MediaKind, load_frames, load_image, media_kind
from pytest_cosmos.prompting import Family, VisionFacts, media_order, vision_of
from pytest_cosmos.records import Vision

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    Alter: TypeAlias = Callable[[Image], Image]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one sample shows a model, in the order of the placeholders of each kind."""

    kinds: tuple[MediaKind, ...]
    """`image` or `video` of every medium, as listed."""
    images: tuple[Any, ...]
    """PIL images, or tensors (3, height, width) of their final size."""
    clips: tuple[Tensor, ...]
    """(frames, 3, height, width)."""
    metadata: tuple[Mapping[str, Any], ...]
    """Of each clip, as transformers' processors want it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the record: frames, fps and pixels."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Pixels of an image, a frame, or of all frames of a clip."""

    least: int
    most: int


class Sizes:
    """How large one checkpoint is shown its media, for one wish of a suite's."""

    def __init__(self, processor: Any, family: Family, wish: Vision) -> None:
        self._family = family
        self._wish = wish
        self._image = _own_bounds(getattr(processor, "image_processor", None))
        self._clip = _own_bounds(getattr(processor, "video_processor", None))
        self._factor = _factor(getattr(processor, "image_processor", None))
        self._rule = _frame_rule(getattr(processor, "video_processor", None), family)

    @property
    def resizes_images(self) -> bool:
        """Whether `image` gives pictures of their final size; otherwise the processor scales them."""
        return self._image is not None and self._asked(self._family.vision.image_min_pixels, self._image)

    @property
    def resizes_clips(self) -> bool:
        """Whether `clip` gives frames of their final size."""
        facts = self._family.vision
        asked = self._wish.total_pixels is not None
        least = facts.clip_min_pixels or facts.frame_min_pixels
        return self._clip is not None and (asked or self._asked(least, self._clip))

    def _asked(self, least: int | None, own: Bounds) -> bool:
        by_suite = self._wish.min_pixels is not None or self._wish.max_pixels is not None
        return by_suite or (least is not None and own.most > least)

    def image(self, path: Path, alter: Alter | None = None) -> Image | Tensor:
        """Read a picture; OSError where that fails."""
        picture = alter(load_image(path)) if alter is not None else load_image(path)
        if not self.resizes_images or self._image is None:
            return _at_most(picture, self._wish.max_pixels)
        vision = vision_of(self._family.vision, self._wish, "image")
        bounds = _within(vision.min_pixels, vision.max_pixels, self._image, self._wish)
        height, width = image_size(picture.height, picture.width, self._factor, bounds)
        return _resized_image(picture, height, width, like_publisher=self._family.vision.even_frames)

    def clip(self, path: Path, alter: Alter | None = None) -> tuple[Tensor, Clip]:
        """Read the frames of a video that are shown, and what they are; OSError where that fails."""
        import torch

        facts = self._family.vision
        vision = vision_of(facts, self._wish, "video")
        # frames that the processor scales later are all held until then
        most = MOST_BYTES if self.resizes_clips else MOST_BYTES // 8
        clip = load_frames(path, vision, rule=self._rule, max_bytes=most)
        pixels = clip.frames if alter is None else _altered(clip.frames, alter)
        frames = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        if not self.resizes_clips or self._clip is None:
            return frames, clip
        height, width = clip_size(facts, vision, self._clip, clip.frames.shape[:3], self._factor, self._wish)
        return _resized_frames(frames, height, width, as_float=facts.even_frames), clip


def show(paths: Sequence[Path], sizes: Sizes, family: Family, alter: Alter | None = None) -> Shown:
    """Read the media of one sample; OSError where that fails. `alter`: what is done to every picture first."""
    kinds = tuple(media_kind(path.name) for path in paths)
    order = [(kinds[place], paths[place]) for place in media_order(family, kinds)]
    images = tuple(sizes.image(path, alter) for kind, path in order if kind == "image")
    read = [sizes.clip(path, alter) for kind, path in order if kind == "video"]
    clips = tuple(frames for frames, _ in read)
    metadata = tuple(_metadata(clip) for _, clip in read)
    return Shown(kinds, images, clips, metadata, _facts(images, read))


def _altered(frames: NDArray[Any], alter: Alter) -> NDArray[Any]:
    """Change the frames (F, H, W, 3) of a clip, one by one."""
    import numpy as np
    from PIL import Image

    return np.stack([np.asarray(alter(Image.fromarray(frame))) for frame in frames])


def image_size(height: int, width: int, factor: int, bounds: Bounds) -> tuple[int, int]:
    """Return the height and width in which Qwen's processors show a picture: multiples of `factor`, within bounds."""
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    size: tuple[int, int] = smart_resize(height, width, factor, bounds.least, bounds.most)
    return size


def clip_size(
    facts: VisionFacts, vision: Vision, own: Bounds, shape: Sequence[int], factor: int, wish: Vision
) -> tuple[int, int]:
    """Return the height and width of each frame of a clip of `shape` (frames, height, width)."""
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize

    count, height, width = shape
    if facts.frame_max_pixels is not None:
        return image_size(height, width, factor, frame_bounds(facts, vision, count))
    total = vision.total_pixels or own.most
    least = facts.clip_min_pixels or own.least
    if wish.max_pixels is not None:
        total = min(total, wish.max_pixels * count)
    if wish.min_pixels is not None:
        least = wish.min_pixels * count
    size: tuple[int, int] = smart_resize(
        num_frames=max(count, 2), height=height, width=width, factor=factor, min_pixels=min(least, total),
        max_pixels=total,
    )  # fmt: skip
    return size


def frame_bounds(facts: VisionFacts, vision: Vision, count: int) -> Bounds:
    """Return the pixels of one of `count` frames by the rule of qwen_vl_utils' fetch_video.

    At most the share of the clip's total, times two because two frames become one token, but no less than 1.05 times
    the least; a wish beyond that gives way.
    """
    assert facts.frame_min_pixels is not None
    assert facts.frame_max_pixels is not None
    least = vision.min_pixels or facts.frame_min_pixels
    share = vision.total_pixels / count * 2 if vision.total_pixels else facts.frame_max_pixels
    most = max(min(facts.frame_max_pixels, share), int(least * 1.05))
    return Bounds(least, int(min(vision.max_pixels or most, most)))


def _own_bounds(processor: Any) -> Bounds | None:
    """Return the pixels that one of Qwen's processors allows; None for others."""
    size = getattr(processor, "size", None)
    if processor is None or size is None or getattr(processor, "merge_size", None) is None:
        return None
    least, most = (getattr(size, name, None) or dict(size).get(name) for name in ("shortest_edge", "longest_edge"))
    return Bounds(least, most) if least and most else None


def _frame_rule(processor: Any, family: Family) -> FrameRule:
    """Return how frames are counted: the family's way, within what the checkpoint's own processor takes."""
    usual = FrameRule(even=family.vision.even_frames)
    least, most = (getattr(processor, name, None) for name in ("min_frames", "max_frames"))
    return replace(usual, least=least or usual.least, most=min(most or usual.most, usual.most))


def _factor(processor: Any) -> int:
    """Return the edge of a visual token, in pixels."""
    return int(getattr(processor, "patch_size", None) or 1) * int(getattr(processor, "merge_size", None) or 1)


def _within(least: int | None, most: int | None, own: Bounds, wish: Vision) -> Bounds:
    """Take a checkpoint's own bounds where the family has none, and never more than it allows, unless asked for."""
    upper = most or own.most
    if wish.max_pixels is None:
        upper = min(upper, max(own.most, wish.min_pixels or 0))
    return Bounds(min(least or own.least, upper), upper)


def _at_most(picture: Image, most: int | None) -> Image:
    """Scale a picture down where a suite wants fewer pixels, for processors that know only edges."""
    if most is None or picture.width * picture.height <= most:
        return picture
    scale = (most / (picture.width * picture.height)) ** 0.5
    return picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))


def _resized_image(picture: Image, height: int, width: int, *, like_publisher: bool) -> Image | Tensor:
    """Scale a picture: with PIL where the publisher's code does (qwen_vl_utils), else as transformers does."""
    if like_publisher:
        return picture.resize((width, height))
    from torchvision.transforms.v2.functional import pil_to_tensor

    return _resized_frames(pil_to_tensor(picture), height, width, as_float=False)


def _resized_frames(frames: Tensor, height: int, width: int, *, as_float: bool) -> Tensor:
    """Scale as both Qwen's processors and qwen_vl_utils do: bicubic, smoothed; the latter goes on with floats."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2.functional import resize

    scaled: Tensor = resize(frames, [height, width], interpolation=InterpolationMode.BICUBIC, antialias=True)
    return scaled.float() if as_float else scaled


def _metadata(clip: Clip) -> dict[str, Any]:
    """Return transformers' VideoMetadata of a clip: its processors compute the frames' times from it."""
    return {
        "total_num_frames": clip.total,
        "fps": clip.fps,
        "width": clip.source_size[0],
        "height": clip.source_size[1],
        "duration": clip.total / clip.fps,
        "frames_indices": list(clip.indices),
    }


def _facts(images: Sequence[Any], read: Sequence[tuple[Tensor, Clip]]) -> dict[str, str]:
    sizes = [f"{w}x{h}" for w, h in map(_width_height, images)]
    sizes += [f"{frames.shape[-1]}x{frames.shape[-2]}" for frames, _ in read]
    facts = {"pixels": " ".join(sizes)} if sizes else {}
    if read:
        facts["frames"] = " ".join(str(len(clip.indices)) for _, clip in read)
        facts["fps"] = " ".join(f"{clip.sampled_fps:.3g}" for _, clip in read)
    return facts


def _width_height(image: Any) -> tuple[int, int]:
    return image.size if isinstance(image.size, tuple) else (image.shape[-1], image.shape[-2])
