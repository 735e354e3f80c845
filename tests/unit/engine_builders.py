"""A real checkpoint, real images of several sizes, and cases on them, for the tests of the engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pytest_cosmos.media import MediaKind
from pytest_cosmos.records import Case, Prompt, Sample
from pytest_cosmos.settings import Settings
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL

SUITE = "floor"
MEDIA: tuple[MediaKind, ...] = ("image", "video")
PROMPTS = (BINARY, TRAVERSAL, SEVERITY)
SIZES = ((128, 128), (300, 100), (90, 260), (640, 480), (128, 128), (50, 50))


def settings_of(root: Path, **changes: object) -> Settings:
    """Build settings for the embedded model on one CPU thread."""
    values: dict[str, object] = {"device": "cpu", "threads": 1, "max_new_tokens": 16, **changes}
    return Settings(root=root, cases=root, thresholds=None, reports=root / "reports", **values)  # type: ignore[arg-type]


def write_images(folder: Path, sizes: Sequence[tuple[int, int]] = SIZES) -> tuple[Sample, ...]:
    """Write one image of every size, seeded, and return the samples."""
    samples = []
    for number, (width, height) in enumerate(sizes):
        pixels = np.random.default_rng(number).integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
        name = f"image-{number}.png"
        Image.fromarray(pixels).resize((width, height)).save(folder / name)
        samples.append(Sample(id=f"s{number}", media=(name,), label="cracked"))
    return tuple(samples)


def cases_of(samples: Sequence[Sample], prompts: Sequence[Prompt] = PROMPTS) -> tuple[Case, ...]:
    """Build all cases, the prompts of a sample adjacent."""
    return tuple(
        Case(suite=SUITE, sample=sample, prompt=prompt, expected=prompt.choices[0])
        for sample in samples
        for prompt in prompts
    )
