"""Copies of a picture are found, honest pictures of one kind of floor are not suspected."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pytest_cosmos.media.lookalikes import AGREEMENT, fingerprint, likeness, lookalikes
from tools.tiny.floors import Plan, draw_floor, draw_tile


def tile(seed: int, severity: int = 3) -> Image.Image:
    floor = draw_floor(np.random.default_rng(seed))
    return Image.fromarray(draw_tile(np.random.default_rng([seed, severity]), floor, Plan(severity)).picture)


def reencoded(image: Image.Image, quality: int = 40) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(io.BytesIO(data.getvalue())).convert("RGB")


COPIES = {
    "re-encoded": reencoded,
    "resized": lambda image: image.resize((77, 77), Image.Resampling.BICUBIC),
    "enlarged": lambda image: image.resize((300, 300), Image.Resampling.BICUBIC),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "cropped": lambda image: image.crop((8, 3, 114, 121)),
    "cropped at one corner": lambda image: image.crop((0, 0, 110, 110)),
    "darker": lambda image: image.point(lambda value: value * 0.7),
    "all of it": lambda image: reencoded(image.transpose(Image.Transpose.TRANSVERSE).crop((10, 4, 120, 124)), 60),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found(name: str) -> None:
    originals = [fingerprint(tile(seed)) for seed in range(8)]
    copies = [fingerprint(COPIES[name](tile(seed))) for seed in range(8)]
    assert list(lookalikes(originals, copies)) == [(number, number) for number in range(8)]
    assert list(lookalikes(copies, originals)) == [(number, number) for number in range(8)]


def test_other_places_of_the_same_floor_are_no_copies() -> None:
    first = [fingerprint(tile(seed, 2)) for seed in range(12)]
    second = [fingerprint(tile(seed, 4)) for seed in range(12)]
    assert list(lookalikes(first, second)) == []


def test_flat_pictures_are_no_evidence() -> None:
    flat, other = (fingerprint(Image.new("RGB", (64, 64), colour)) for colour in ("gray", "white"))
    assert likeness(flat, other) < AGREEMENT
    assert list(lookalikes([], [flat])) == []
