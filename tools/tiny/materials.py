"""Floors without damage: colour and relief of eight materials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from tools.tiny.noise import CANVAS, XX, YY, Field, fractal, grain, ripple, smooth, step

Colour: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Surface:
    """A floor before light falls on it."""

    material: str
    colour: Field  # (CANVAS, CANVAS, 3), 0..1
    height: Field  # (CANVAS, CANVAS), px
    gloss: float = 0.0  # strength of a mirrored lamp, 0..1
    grain_axis: int | None = None  # 0: fibres run along x, 1: along y

    def with_changes(self, **changes: Any) -> Surface:
        """Copy the surface with some of its fields replaced."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Palette:
    """What all tiles of one floor share besides the light."""

    base: Colour
    second: Colour
    scale: float  # 0..1, from small to large pattern
    wear: float  # 0..1
    axis: int  # 0 or 1: direction of planks and courses
    seed: int  # of what is laid out once for a whole floor


def _near(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    """Vary a colour: mostly its brightness, a little its hue."""
    shift = rng.normal() * spread
    r, g, b = (float(np.clip(c + shift + rng.normal() * spread * 0.25, 0.03, 0.95)) for c in colour)
    return r, g, b


_BASES: dict[str, tuple[Colour, ...]] = {
    "concrete": (
        (0.66, 0.66, 0.64),
        (0.72, 0.72, 0.72),
        (0.6, 0.59, 0.55),
        (0.55, 0.57, 0.58),
        (0.74, 0.72, 0.67),
    ),
    "asphalt": ((0.33, 0.33, 0.34), (0.4, 0.4, 0.4), (0.47, 0.46, 0.44)),
    "tile": ((0.82, 0.8, 0.75), (0.7, 0.62, 0.52), (0.58, 0.6, 0.62), (0.76, 0.66, 0.58), (0.62, 0.42, 0.33)),
    "wood": ((0.62, 0.45, 0.28), (0.72, 0.57, 0.4), (0.45, 0.3, 0.19), (0.6, 0.54, 0.46)),
    "terrazzo": ((0.78, 0.76, 0.72), (0.66, 0.66, 0.65), (0.55, 0.52, 0.48)),
    "epoxy": (
        (0.52, 0.55, 0.57),
        (0.38, 0.5, 0.42),
        (0.36, 0.45, 0.56),
        (0.68, 0.64, 0.56),
        (0.55, 0.33, 0.28),
    ),
    "brick": ((0.6, 0.36, 0.28), (0.52, 0.42, 0.36), (0.58, 0.57, 0.55)),
    "linoleum": ((0.6, 0.58, 0.5), (0.48, 0.56, 0.52), (0.66, 0.6, 0.5), (0.5, 0.53, 0.6)),
}

MATERIALS: tuple[str, ...] = tuple(_BASES)


def draw_palette(rng: np.random.Generator, material: str) -> Palette:
    """Choose the look of one floor."""
    options = _BASES[material]
    base = _near(rng, options[int(rng.integers(len(options)))], 0.05)
    grey = float(np.mean(base))
    second = _near(rng, (grey * 0.8, grey * 0.79, grey * 0.77), 0.06)
    return Palette(base, second, rng.random(), rng.random(), int(rng.integers(2)), int(rng.integers(2**31)))


def _paint(base: Colour, tone: Field) -> Field:
    """Multiply a colour by 1 + tone."""
    return np.asarray(np.asarray(base, np.float32) * (1 + tone)[..., None], np.float32)


def _pits(rng: np.random.Generator, count: int, size: tuple[float, float]) -> Field:
    """Sink small round holes, 0..1."""
    sheet = Image.new("L", (CANVAS * 3, CANVAS * 3))
    pen = ImageDraw.Draw(sheet)
    for x, y, r in zip(*rng.uniform(0, CANVAS * 3, (2, count)), rng.uniform(*size, count) * 3, strict=True):
        squash = rng.uniform(0.6, 1.0)
        pen.ellipse([x - r, y - r * squash, x + r, y + r * squash], fill=int(rng.integers(110, 256)))
    return np.asarray(sheet.reduce(3), np.float32) / np.float32(255)


def concrete(rng: np.random.Generator, palette: Palette) -> Surface:
    """Cast concrete: cloudy, finely rough, pores, at times trowel or broom marks and dents."""
    tone = 0.035 * fractal(rng, 3, 3, 0.6) + 0.02 * fractal(rng, 24, 2) + 0.012 * grain(rng)
    height = (0.3 + 0.5 * palette.wear) * fractal(rng, 20, 3, 0.7)
    marks = rng.random()
    if marks < 0.4:
        trace = ripple(rng, rng.uniform(0, np.pi), rng.uniform(2.5, 8), 0.9) * step(smooth(rng, 4), 0.2, 1.2)
        height += rng.uniform(0.1, 0.5) * trace
        tone += 0.012 * trace
    elif marks < 0.7:
        # Smeared cement paste: short ridges in one direction.
        cells = (rng.integers(24, 40), rng.integers(5, 10))
        ridges = smooth(rng, *map(int, cells if palette.axis else cells[::-1]))
        height += rng.uniform(0.3, 1.0) * step(ridges, 0.9, 0.8) * rng.uniform(0.5, 1.5)
    holes = _pits(rng, int(rng.integers(0, 45)), (0.4, 1.0 + 0.8 * palette.wear))
    if rng.random() < 0.3:
        dents = _pits(rng, int(rng.integers(1, 4)), (1.5, 4.5))
        holes = np.maximum(holes, dents * step(smooth(rng, 30), 0, 1))
    tone -= rng.uniform(0.15, 0.55) * holes
    return Surface("concrete", _paint(palette.base, tone), height - 1.5 * holes)


def asphalt(rng: np.random.Generator, palette: Palette) -> Surface:
    """Asphalt: dark binder, stones of many greys, strong relief."""
    stones = smooth(rng, int(44 + 24 * palette.scale))
    fine = grain(rng)
    tone = 0.11 * stones + 0.08 * fine + 0.06 * fractal(rng, 3, 2)
    bright = step(smooth(rng, 62), 1.5, 0.4) * rng.uniform(0.3, 0.9)
    colour = _paint(palette.base, tone) + bright[..., None] * 0.22
    return Surface("asphalt", colour, 0.75 * stones + 0.25 * fine)


def tile(rng: np.random.Generator, palette: Palette) -> Surface:
    """Ceramic tiles: glazed, faintly cloudy, with straight regular joints if any lies in view."""
    tone = 0.03 * fractal(rng, 5, 3, 0.6) + 0.006 * grain(rng)
    if palette.wear > 0.6:
        tone += 0.03 * step(smooth(rng, 40), 1.0, 0.8)
    side = 60 + 90 * palette.scale
    joint, number = _grid(rng, side, side, 0.0, 2.0 + 1.6 * palette.wear)
    shades = np.random.default_rng(palette.seed).normal(0, 0.025, 64).astype(np.float32)
    colour = _paint(palette.base, tone + shades[number % 64])
    grout = np.asarray(_lighter(palette), np.float32) * (1 + 0.05 * fractal(rng, 30, 2))[..., None]
    colour += joint[..., None] * (grout - colour)
    height = 0.15 * fractal(rng, 8, 2) - 0.8 * joint
    return Surface("tile", colour, height, gloss=0.05 + 0.2 * (1 - palette.wear))


def _lighter(palette: Palette) -> Colour:
    """Take a grout that is lighter than, or close to, the tile: a dark one is a distractor's business."""
    level = float(np.mean(palette.base)) * (0.86 + 0.3 * palette.scale)
    r, g, b = (min(level * k, 0.92) for k in (1.0, 0.99, 0.96))
    return r, g, b


def _grid(
    rng: np.random.Generator, wide: float, tall: float, offset: float, gap: float
) -> tuple[Field, np.ndarray[Any, np.dtype[np.intp]]]:
    """Lay a bond: coverage of the joints, and the number of the piece each pixel lies on."""
    y = YY + rng.uniform(0, tall)
    row = np.floor(y / tall)
    x = XX + rng.uniform(0, wide) + row * offset * wide
    column = np.floor(x / wide)
    reach = np.minimum(np.minimum(x % wide, wide - x % wide), np.minimum(y % tall, tall - y % tall))
    joint = 1 - step(reach, gap / 2, 1.0)
    return joint, (row * 17 + column * 5).astype(np.intp)


def wood(rng: np.random.Generator, palette: Palette) -> Surface:
    """Planks: grain along the fibres, one tone for each plank, thin regular seams."""
    fibres = 0.055 * smooth(rng, 70, 3) + 0.06 * smooth(rng, 30, 2) + 0.02 * smooth(rng, 140, 10)
    rings = ripple(rng, np.pi / 2 + rng.normal() * 0.05, rng.uniform(7, 14), 1.2)
    width = 30 + 34 * palette.scale
    y = YY + rng.uniform(0, width)
    plank = np.floor(y / width).astype(np.intp)
    shades = np.random.default_rng(palette.seed).normal(0, 0.07, 16).astype(np.float32)
    seam = 1 - step(np.minimum(y % width, width - y % width), 0.55, 0.8)
    tone = fibres + 0.025 * rings + shades[plank % 16] + 0.01 * grain(rng)
    colour = _paint(palette.base, tone) * (1 - (0.3 + 0.2 * palette.wear) * seam)[..., None]
    height = 0.25 * smooth(rng, 70, 3) - 0.5 * seam
    if palette.axis:
        colour, height = colour.transpose(1, 0, 2).copy(), height.T.copy()
    return Surface("wood", colour, height, gloss=0.12 * (1 - palette.wear), grain_axis=palette.axis)


def terrazzo(rng: np.random.Generator, palette: Palette) -> Surface:
    """Terrazzo: angular chips of three colours in a cement bed, polished."""
    colours = [_near(np.random.default_rng(palette.seed + k), palette.base, 0.16) for k in range(3)]
    red, green, blue = (int(255 * c) for c in palette.base)
    sheet = Image.new("RGB", (CANVAS * 2, CANVAS * 2), (red, green, blue))
    pen = ImageDraw.Draw(sheet)
    count = int(260 - 130 * palette.scale)
    centres = rng.uniform(0, CANVAS * 2, (count, 1, 2))
    radii = rng.uniform(2, 6 + 8 * palette.scale, (count, 1)) * rng.uniform(0.6, 1.2, (count, 6))
    turns = np.sort(rng.uniform(0, 2 * np.pi, (count, 6)), axis=1)
    chips = centres + np.stack([np.cos(turns), np.sin(turns)], axis=2) * radii[..., None]
    for k, chip in enumerate(chips):
        r, g, b = (int(255 * c) for c in colours[k % 3])
        pen.polygon(chip.ravel().tolist(), fill=(r, g, b))
    colour: Field = np.asarray(sheet.reduce(2), np.float32) / np.float32(255)
    colour *= (1 + 0.03 * fractal(rng, 4, 3) + 0.012 * grain(rng))[..., None]
    return Surface("terrazzo", colour, 0.1 * fractal(rng, 16, 2), gloss=0.15 * (1 - palette.wear))


def epoxy(rng: np.random.Generator, palette: Palette) -> Surface:
    """Painted or coated floor: one colour, faint roller marks, at times a broad marking."""
    tone = 0.02 * fractal(rng, 3, 3) + 0.008 * grain(rng) + 0.008 * ripple(rng, rng.uniform(0, np.pi), 9, 0.8)
    colour = _paint(palette.base, tone)
    if rng.random() < 0.2:
        angle, where = rng.uniform(0, np.pi), rng.uniform(20, CANVAS - 20)
        along = (XX - CANVAS / 2) * np.cos(angle) + (YY - CANVAS / 2) * np.sin(angle) + CANVAS / 2
        band = 1 - step(np.abs(along - where), rng.uniform(8, 16), 1.2)
        worn = 1 - palette.wear * 0.8 * step(fractal(rng, 14, 3, 0.6), 0.8, 0.4)
        marking = np.array([(0.82, 0.68, 0.16), (0.85, 0.85, 0.82)][int(rng.integers(2))], np.float32)
        colour += (band * worn)[..., None] * (marking - colour)
    return Surface("epoxy", colour, 0.12 * fractal(rng, 40, 2), gloss=0.1 + 0.25 * (1 - palette.wear))


def brick(rng: np.random.Generator, palette: Palette) -> Surface:
    """Brick or stone pavers in a running bond: wide, sandy, regular joints."""
    wide, tall = (52 + 30 * palette.scale, 26 + 14 * palette.scale)
    joint, number = _grid(rng, wide, tall, 0.5, 3.2 + 2.0 * palette.wear)
    shades = np.random.default_rng(palette.seed).normal(0, 0.09, 64).astype(np.float32)
    tone = shades[number % 64] + 0.05 * fractal(rng, 12, 3, 0.7) + 0.04 * grain(rng)
    colour = _paint(palette.base, tone)
    level = float(np.mean(palette.base)) * (1.05 + 0.4 * palette.scale)
    sand = np.array([level, level * 0.97, level * 0.9], np.float32) * (1 + 0.08 * grain(rng))[..., None]
    colour += joint[..., None] * (sand - colour)
    height = 0.5 * fractal(rng, 24, 2, 0.7) - 1.2 * joint
    if palette.axis:
        colour, height = colour.transpose(1, 0, 2).copy(), height.T.copy()
    return Surface("brick", colour, height)


def linoleum(rng: np.random.Generator, palette: Palette) -> Surface:
    """Linoleum: soft marbling and flecks in two tones."""
    marbling = smooth(rng, 26, 8) if palette.axis else smooth(rng, 8, 26)
    tone = 0.035 * marbling + 0.03 * fractal(rng, 30, 2) + 0.01 * grain(rng)
    colour = _paint(palette.base, tone)
    flecks = step(smooth(rng, 60), 1.4, 0.4) * 0.5
    colour += flecks[..., None] * (np.asarray(palette.second, np.float32) - colour)
    return Surface("linoleum", colour, 0.08 * fractal(rng, 20, 2), gloss=0.12 * (1 - palette.wear))


MAKERS: dict[str, Callable[[np.random.Generator, Palette], Surface]] = {
    "concrete": concrete,
    "asphalt": asphalt,
    "tile": tile,
    "wood": wood,
    "terrazzo": terrazzo,
    "epoxy": epoxy,
    "brick": brick,
    "linoleum": linoleum,
}
