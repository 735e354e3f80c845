"""Light and camera: relief, gradients, vignette, a slightly oblique view, sensor noise, JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from tools.tiny.materials import Surface
from tools.tiny.noise import CANVAS, PICTURE, XX, YY, Field

Picture: TypeAlias = NDArray[np.uint8]  # (PICTURE, PICTURE, 3)


@dataclass(frozen=True, slots=True)
class Light:
    """What stays the same over one floor: where light comes from and how the camera sees."""

    angle: float  # radians, in the picture's plane
    steepness: float  # how strongly relief shows
    ramp: float  # brightness lost across the picture
    tint: tuple[float, float, float]
    exposure: float
    noise: float  # deviation of the sensor noise, of full scale
    blur: float  # px


def draw_light(rng: np.random.Generator) -> Light:
    """Choose the light of one floor."""
    warmth = rng.normal() * 0.022
    return Light(
        angle=rng.uniform(0, 2 * np.pi),
        steepness=rng.uniform(0.05, 0.13),
        ramp=rng.uniform(0.0, 0.4),
        tint=(1 + warmth, 1 + rng.normal() * 0.008, 1 - warmth),
        exposure=rng.uniform(0.78, 1.12),
        noise=rng.uniform(0.004, 0.018),
        blur=float(rng.choice([0.0, 0.0, 0.35, 0.55])),
    )


def illuminate(rng: np.random.Generator, surface: Surface, light: Light, shade: Field | None = None) -> Field:
    """Shade a surface into linear colour, 0..1; `shade` multiplies the light that arrives."""
    cos, sin = np.cos(light.angle), np.sin(light.angle)
    slope = np.gradient(surface.height)
    relief = 1 + light.steepness * np.clip(slope[1] * cos + slope[0] * sin, -4, 4) * 2.2
    across = ((XX - CANVAS / 2) * cos + (YY - CANVAS / 2) * sin) / CANVAS
    radius = ((XX - CANVAS / 2) ** 2 + (YY - CANVAS / 2) ** 2) / (CANVAS / 2) ** 2
    lamp = (1 + light.ramp * across) * (1 - rng.uniform(0, 0.12) * radius)
    level = (relief * lamp * light.exposure).astype(np.float32)
    if shade is not None:
        level *= shade
    lit = surface.colour * level[..., None] * np.asarray(light.tint, np.float32)
    if surface.gloss > 0:
        lit += (_highlight(rng) * surface.gloss)[..., None]
    return np.asarray(np.clip(lit, 0, 1), np.float32)


def _highlight(rng: np.random.Generator) -> Field:
    """Mirror a lamp: one broad soft spot, often partly outside the picture."""
    x, y = rng.uniform(-0.1, 1.1, 2) * CANVAS
    wide, tall = rng.uniform(0.12, 0.4, 2) * CANVAS
    return np.asarray(np.exp(-(((XX - x) / wide) ** 2) - ((YY - y) / tall) ** 2), np.float32)


def _view(rng: np.random.Generator) -> list[float]:
    """Give the eight coefficients of a slightly oblique, slightly turned view, picture -> canvas."""
    margin = CANVAS - PICTURE
    corners = np.array([[0, 0], [CANVAS, 0], [CANVAS, CANVAS], [0, CANVAS]], float)
    towards = np.sign(CANVAS / 2 - corners)
    source = corners + towards * rng.uniform(0, margin, (4, 2))
    target = np.array([[0, 0], [PICTURE, 0], [PICTURE, PICTURE], [0, PICTURE]], float)
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return list(np.linalg.solve(np.array(rows), np.array(values)))


def photograph(rng: np.random.Generator, lit: Field, opening: Field, light: Light) -> tuple[Picture, NDArray[np.bool_]]:
    """Take the picture: picture (128, 128, 3) and the crack's mask in the same view."""
    if light.blur:
        lit = gaussian_filter(lit, (light.blur, light.blur, 0))
    view, size = _view(rng), (PICTURE, PICTURE)
    mode, bicubic = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    seen = Image.fromarray((lit * 255).astype(np.uint8)).transform(size, mode, view, bicubic)
    covered = Image.fromarray((opening * 255).astype(np.uint8)).transform(size, mode, view, bicubic)
    noisy = np.asarray(seen, np.float32)
    noisy += rng.standard_normal((PICTURE, PICTURE, 1), dtype=np.float32) * (light.noise * 255)
    noisy += rng.standard_normal(noisy.shape, dtype=np.float32) * (light.noise * 90)
    return np.clip(noisy, 0, 255).astype(np.uint8), np.asarray(covered) > 50


def jpeg(picture: Picture, quality: int) -> bytes:
    """Encode a picture."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def through_jpeg(picture: Picture, quality: int) -> Picture:
    """Leave the traces of JPEG compression on a picture."""
    return np.asarray(Image.open(io.BytesIO(jpeg(picture, quality))), np.uint8)
