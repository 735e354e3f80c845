"""What latency is measured on: a picture and a clip made here, alike everywhere, asked one prompt of each kind.

The pictures show a tiled floor with a crack. They are made, not shipped: what they cost to look at depends on their
size alone, and a benchmark must not change because a suite does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_cosmos.records import AnswerKind, Benchmark, Case, Prompt, Sample, Vision

if TYPE_CHECKING:
    import numpy as np

SUITE = "latency"
"""In the place of a suite: in `--suite latency`, and in the keys of the cases."""

SIZE = (448, 448)
FRAMES = 8
_RATE = 4
"""Frames a second of the clip."""

_RECIPE = "1"
"""Changes whenever the pictures do: then no earlier time is comparable. Files differ with their encoder's version."""

PROMPTS = (
    Prompt(
        name="yes_no",
        text="Is this floor cracked? Yes or No.",
        kind=AnswerKind.YES_NO,
        choices=("Yes", "No"),
    ),
    Prompt(
        name="rating",
        text="How would you rate the hazard level of this surface from 1 (safe) to 5 (dangerous)?",
        kind=AnswerKind.RATING,
        choices=("1", "2", "3", "4", "5"),
    ),
    Prompt(
        name="choice",
        text="What does this floor show? Answer with one of: crack, stain, nothing.",
        kind=AnswerKind.CHOICE,
        choices=("crack", "stain", "nothing"),
    ),
)


def standard_benchmarks() -> Iterator[Benchmark]:
    """Yield what is measured where a test does not say: each kind of answer on a picture and a clip, and its parts."""
    for media in ("image", "video"):
        cases = {prompt.name: _case(media, prompt) for prompt in PROMPTS}
        for name, case in cases.items():
            yield Benchmark(name=f"{media}_{name}", measure="answer", case=case)
        yield Benchmark(name=f"{media}_first_token", measure="first_token", case=cases["yes_no"])
        yield Benchmark(name=f"{media}_per_token", measure="per_token", case=cases["yes_no"])
        yield Benchmark(name=f"{media}_preprocess", measure="preprocess", case=cases["yes_no"])
    yield Benchmark(name="model_load", measure="load")


def _case(media: str, prompt: Prompt) -> Case:
    file = "image.png" if media == "image" else "video.mp4"
    digest = hashlib.sha256(f"{_RECIPE} {media} {SIZE} {FRAMES}".encode()).hexdigest()
    if media == "video":
        prompt = prompt.model_copy(update={"vision": Vision(frames=FRAMES)})
    sample = Sample(id=media, media=(file,), media_hash=digest, label="cracked", source="simulation")
    return Case(suite=SUITE, sample=sample, prompt=prompt, expected=prompt.choices[0])


def write_media(folder: Path) -> None:
    """Write the picture and the clip into a folder, which is then that of the suite."""
    import av
    from PIL import Image

    Image.fromarray(_frame(0)).save(folder / "image.png")
    with av.open(str(folder / "video.mp4"), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=_RATE, options={"qscale": "3", "g": "4"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_frame(number), "rgb24")))
        container.mux(stream.encode())


def _frame(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw a floor of tiles with a crack, (H, W, 3) bytes; each frame is seen from a little further on."""
    import numpy as np

    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width]
    x = x + 6 * number
    grain = ((x * 7919 + y * 104729) % 23).astype(np.int32)  # the same speckles everywhere, without a generator
    shade = 150 + grain
    shade[(x % 112 < 3) | (y % 112 < 3)] = 95
    crack = 200 + 40 * np.sin(y / 37) + 12 * np.sin(y / 7)
    shade[np.abs(x - 24 - crack) < 3] = 30
    return np.repeat(shade[:, :, None], 3, axis=2).astype(np.uint8)
