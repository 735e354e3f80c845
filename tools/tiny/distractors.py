"""What looks like a crack and is none: the contents of the category `ambiguous`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from tools.tiny.ink import (
    Stroke,
    border_point,
    curved_path,
    draw,
    even_stroke,
    inner_point,
    jagged_path,
    wobble,
)
from tools.tiny.materials import Surface
from tools.tiny.noise import CANVAS, XX, YY, Field, Points, fractal, grain, smooth, step


@dataclass(frozen=True, slots=True)
class Scene:
    """A surface, and the part of the light that reaches each pixel (None: all of it)."""

    surface: Surface
    shade: Field | None = None


def _crossing(rng: np.random.Generator, bend: float) -> Points:
    """Lead a smooth curve from one side of the picture to another."""
    side = int(rng.integers(4))
    start = border_point(rng, side)
    return curved_path(rng, start, border_point(rng, side + int(rng.choice([1, 2, 2, 3]))), bend)


def _uneven(rng: np.random.Generator, half: float, amount: float, count: int, knots: int) -> Field:
    """Vary a half width (px) along a line of `count` points."""
    return np.asarray(np.clip(half * (1 + amount * wobble(rng, count, knots)), 0.2, None), np.float32)


def _stain_with(surface: Surface, amount: Field, colour: tuple[float, float, float]) -> Surface:
    tinted = surface.colour * np.asarray(colour, np.float32)
    return surface.with_changes(colour=surface.colour + amount[..., None] * (tinted - surface.colour))


def shadow(rng: np.random.Generator, surface: Surface) -> Scene:
    """Cast the shadow of a cable, of railings or of bare twigs: soft, of even depth, without relief."""
    kind = rng.random()
    if kind < 0.4:
        count = int(rng.integers(1, 3))
        strokes = [even_stroke(_crossing(rng, 0.12), rng.uniform(3, 8)) for _ in range(count)]
    elif kind < 0.65:
        strokes = _railings(rng)
    else:
        strokes = _twigs(rng)
    softness = rng.uniform(1.0, 2.2)
    dark = gaussian_filter(draw(strokes), softness) * rng.uniform(0.4, 0.7)
    return Scene(surface, 1 - dark)


def _railings(rng: np.random.Generator) -> list[Stroke]:
    angle, gap, width = rng.uniform(0, np.pi), rng.uniform(22, 56), rng.uniform(3, 9)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    middle = inner_point(rng)
    bars = [middle + across * gap * k + np.outer([-1, 1], along) * 1.5 * CANVAS for k in range(-4, 5)]
    return [even_stroke(bar.astype(np.float32), width) for bar in bars[:: int(rng.integers(1, 4))]]


def _twigs(rng: np.random.Generator) -> list[Stroke]:
    side = int(rng.integers(4))
    trunk = jagged_path(rng, border_point(rng, side), border_point(rng, side + 2), 0.05, levels=3)
    strokes = [even_stroke(trunk, rng.uniform(3, 7))]
    for _ in range(int(rng.integers(1, 5))):
        root = trunk[int(rng.integers(2, len(trunk) - 2))]
        tip = root + (rng.uniform(-0.4, 0.4, 2) * CANVAS).astype(np.float32)
        strokes.append(even_stroke(jagged_path(rng, root, tip, 0.05, levels=2), rng.uniform(1.5, 3.5)))
    return strokes


def stain(rng: np.random.Generator, surface: Surface) -> Scene:
    """Leave a blot, a dried rim or a run of dirt: colour without relief."""
    kind = rng.random()
    if kind < 0.3:
        amount = step(fractal(rng, 4, 4, 0.5), rng.uniform(0.9, 1.4), 0.5)
    elif kind < 0.5:
        level = fractal(rng, 3, 2, 0.4)
        amount = np.clip(1 - np.abs(level - rng.uniform(-0.3, 0.5)) / rng.uniform(0.05, 0.12), 0, 1)
        amount = amount.astype(np.float32) * step(smooth(rng, 5), -0.4, 1.0)
    else:
        path = _crossing(rng, 0.18)
        left, right = (_uneven(rng, rng.uniform(2, 5), 0.5, len(path), 9) for _ in range(2))
        amount = gaussian_filter(draw([Stroke(path, left, right)]), rng.uniform(1.0, 2.0))
        amount = amount * step(smooth(rng, 14), -0.9, 1.2)
    strength = rng.uniform(0.5, 1.0)
    tints = ((0.4, 0.37, 0.34), (0.5, 0.36, 0.25), (0.3, 0.3, 0.32))
    return Scene(_stain_with(surface, amount * strength, tints[int(rng.integers(3))]))


def joint(rng: np.random.Generator, surface: Surface) -> Scene:
    """Cut joints into the floor: straight, dark, dirty; one alone, a cross or a row."""
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal() * 0.06
    if rng.random() < 0.3:
        angle += rng.uniform(0, np.pi)
    width = rng.uniform(2.0, 5.5)
    lines = [_straight(rng, angle, inner_point(rng), width)]
    if rng.random() < 0.5:
        lines.append(_straight(rng, angle + np.pi / 2, inner_point(rng), width))
    if rng.random() < 0.25:
        lines.append(_straight(rng, angle, inner_point(rng), width))
    cut = draw(lines)
    level = surface.colour.mean(axis=(0, 1)) * rng.uniform(0.18, 0.45)
    colour = surface.colour + (cut * rng.uniform(0.65, 0.95))[..., None] * (level - surface.colour)
    return Scene(surface.with_changes(colour=colour, height=surface.height - gaussian_filter(cut, 0.6) * 1.2))


def _straight(rng: np.random.Generator, angle: float, through: Field, width: float) -> Stroke:
    along = np.array([np.cos(angle), np.sin(angle)]) * 1.5 * CANVAS
    ends = np.linspace(through - along, through + along, 160).astype(np.float32)
    left, right = (np.clip(width / 2 * (1 + 0.13 * wobble(rng, 160, 60)), 0.2, None) for _ in range(2))
    return Stroke(ends, left, right)


def plank_gap(rng: np.random.Generator, surface: Surface) -> Scene:
    """Let planks shrink apart: one to three dark gaps along the fibres."""
    axis = surface.grain_axis or 0
    angle = axis * np.pi / 2
    lines = [
        _straight(rng, angle + rng.normal() * 0.012, inner_point(rng, 0.12), rng.uniform(2.0, 5.5))
        for _ in range(int(rng.integers(1, 4)))
    ]
    gap = draw(lines)
    dark = surface.colour.mean(axis=(0, 1)) * rng.uniform(0.12, 0.3)
    colour = surface.colour + (gap * 0.9)[..., None] * (dark - surface.colour)
    return Scene(surface.with_changes(colour=colour, height=surface.height - gaussian_filter(gap, 0.6) * 1.5))


def scratch(rng: np.random.Generator, surface: Surface) -> Scene:
    """Scratch or scuff the floor: thin, nearly straight, bright or dark, ending in the open."""
    strokes = []
    for _ in range(int(rng.integers(1, 6))):
        start = inner_point(rng, 0.05)
        turn, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.0) * CANVAS
        end = start + (np.array([np.cos(turn), np.sin(turn)]) * length).astype(np.float32)
        path = curved_path(rng, start, end, 0.04)
        profile = np.sin(np.linspace(0.15, np.pi - 0.15, len(path)))
        half = np.asarray(rng.uniform(0.25, 0.8) * profile, np.float32)
        strokes.append(Stroke(path, half, half))
    line = draw(strokes)
    if rng.random() < 0.4:
        line = line * step(smooth(rng, 30), -0.6, 0.8)
    bright = rng.random() < 0.45
    target = surface.colour * 1.3 + 0.1 if bright else surface.colour * rng.uniform(0.2, 0.5)
    colour = surface.colour + (line * rng.uniform(0.6, 0.95))[..., None] * (target - surface.colour)
    return Scene(surface.with_changes(colour=np.clip(colour, 0, 1), height=surface.height - 0.3 * line))


def wet(rng: np.random.Generator, surface: Surface) -> Scene:
    """Wet the floor: darker, smoother, richer in colour, with a sharp edge or as a trickle."""
    if rng.random() < 0.5:
        level = fractal(rng, 2, 5, 0.45)
        film = step(level, rng.uniform(-0.4, 0.5), rng.uniform(0.06, 0.2))
    else:
        path = _crossing(rng, 0.22)
        left, right = (_uneven(rng, rng.uniform(3, 8), 0.5, len(path), 8) for _ in range(2))
        film = gaussian_filter(draw([Stroke(path, left, right)]), 0.6)
    grey = surface.colour.mean(axis=2, keepdims=True)
    deep = np.clip(grey + (surface.colour - grey) * 1.3, 0, 1) * rng.uniform(0.42, 0.62)
    colour = surface.colour + film[..., None] * (deep - surface.colour)
    shine = film * step(smooth(rng, 6), 1.0, 0.8) * rng.uniform(0, 0.35)
    height = surface.height * (1 - 0.75 * film)
    return Scene(surface.with_changes(colour=np.clip(colour + shine[..., None], 0, 1), height=height))


def border(rng: np.random.Generator, surface: Surface) -> Scene:
    """Let something dark reach in at the border: gravel, a mat's edge, a fallen stalk."""
    side = int(rng.integers(4))
    if rng.random() < 0.3:
        inward = (XX, YY, CANVAS - XX, CANVAS - YY)[side]
        reach = rng.uniform(20, 34)
        film = 1 - step(inward + rng.uniform(1, 5) * fractal(rng, 10, 4, 0.6), reach, 1.5)
        tone = np.float32(rng.uniform(0.2, 0.45)) * (1 + 0.25 * smooth(rng, 62) + 0.12 * grain(rng))
        colour = surface.colour + film[..., None] * (tone[..., None] - surface.colour)
        return Scene(surface.with_changes(colour=np.clip(colour, 0, 1), height=surface.height + 1.5 * film))
    start = border_point(rng, side)
    inner = start + (np.array([CANVAS / 2, CANVAS / 2]) - start) * rng.uniform(0.4, 0.8)
    path = curved_path(rng, start, inner.astype(np.float32), 0.15)
    stalk = draw([even_stroke(path, rng.uniform(1.6, 4.5))])
    tints = ((0.25, 0.2, 0.12), (0.35, 0.33, 0.2), (0.12, 0.12, 0.13))
    tint = np.asarray(tints[int(rng.integers(3))], np.float32)
    colour = surface.colour + (stalk * 0.9)[..., None] * (tint - surface.colour)
    return Scene(surface.with_changes(colour=colour, height=surface.height + stalk * 1.5))


def texture(rng: np.random.Generator, surface: Surface) -> Scene:
    """Vein the floor: marble veins, pronounced grain, flow lines; meandering, without relief."""
    amount = np.zeros((CANVAS, CANVAS), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        side = int(rng.integers(4))
        start = border_point(rng, side)
        path = jagged_path(rng, start, border_point(rng, side + int(rng.choice([1, 2]))), 0.1, 4)
        half = _uneven(rng, rng.uniform(1.0, 3.0), 0.6, len(path), 10)
        vein = draw([Stroke(path, half, half)])
        amount = np.maximum(amount, 0.45 * vein + gaussian_filter(vein, rng.uniform(1.5, 3.0)))
    amount = np.clip(amount * rng.uniform(0.7, 1.0), 0, 1)
    tints = ((0.6, 0.58, 0.57), (0.7, 0.56, 0.42), (0.5, 0.55, 0.6), (1.35, 1.35, 1.33))
    scene = _stain_with(surface, amount, tints[int(rng.integers(4))])
    return Scene(scene.with_changes(colour=np.clip(scene.colour, 0, 1)))


DISTRACTORS: dict[str, Callable[[np.random.Generator, Surface], Scene]] = {
    "shadow": shadow,
    "stain": stain,
    "joint": joint,
    "plank_gap": plank_gap,
    "scratch": scratch,
    "wet": wet,
    "border": border,
    "texture": texture,
}

# Where a distractor is found; any material for those not named.
FOUND_ON: dict[str, tuple[str, ...]] = {
    "plank_gap": ("wood",),
    "joint": ("concrete", "tile", "epoxy", "terrazzo", "linoleum"),
    "texture": ("terrazzo", "tile", "linoleum", "concrete", "epoxy"),
}
