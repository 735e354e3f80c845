"""Cracks: jagged, branching, uneven in width, dark inside, with a broken rim; severity 2..5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tools.tiny.ink import Stroke, border_point, draw, inner_point, jagged_path, wobble
from tools.tiny.materials import Surface
from tools.tiny.noise import CANVAS, Field, Points, fractal, step

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Grade:
    """How a crack of one severity looks."""

    width: Range  # px
    darkness: Range  # 0..1, of the inside
    branches: tuple[int, int]
    spall: Range  # share of the crack's length whose rim has broken away


# The rule behind the label `severity`; 1 is a floor without any crack.
GRADES: dict[int, Grade] = {
    2: Grade((0.55, 0.9), (0.42, 0.68), (0, 0), (0, 0)),
    3: Grade((1.3, 2.1), (0.6, 0.85), (0, 1), (0, 0.1)),
    4: Grade((3.0, 4.3), (0.72, 0.92), (0, 1), (0, 0.25)),
    5: Grade((5.0, 7.5), (0.78, 0.95), (2, 4), (0.4, 0.9)),
}

# How far a crack strays from the straight line in each material, and whether it follows the grain.
_ROUGHNESS = {"tile": 0.07, "terrazzo": 0.09, "epoxy": 0.12, "linoleum": 0.08, "wood": 0.04}


@dataclass(frozen=True, slots=True)
class Crack:
    """One crack on the canvas."""

    opening: Field  # coverage, 0..1
    rim: Field  # where the edge has spalled, 0..1
    darkness: float
    width: float

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Every pixel the crack opens by a noticeable part."""
        return np.asarray(self.opening > 0.2)


def _ends(rng: np.random.Generator, surface: Surface) -> tuple[Points, Points]:
    """Choose where a main crack begins and ends: mostly across the picture, at times dying inside it."""
    grain_axis = surface.grain_axis
    side = 2 * int(rng.integers(2)) + (int(rng.integers(2)) if grain_axis is None else grain_axis)
    start = border_point(rng, side)
    if rng.random() < 0.35:
        end = inner_point(rng)
        far_enough = float(np.linalg.norm(end - start)) > 0.45 * CANVAS
        if far_enough and grain_axis is None:
            return start, end
    turn = 2 if grain_axis is not None or rng.random() < 0.6 else int(rng.choice([1, 3]))
    end = border_point(rng, side + turn)
    if grain_axis is not None:
        # Wood splits along its fibres.
        across = 1 - grain_axis
        end[across] = start[across] + rng.normal() * 5
    return start, end


def _stroke(rng: np.random.Generator, points: Points, width: float, taper: bool) -> Stroke:
    count = len(points)
    body = 1 + 0.35 * wobble(rng, count, 7)
    if taper:
        body *= np.linspace(1, 0.15, count) ** 0.7
    sides = [
        np.clip(width / 2 * (body + 0.25 * rng.standard_normal(count)), 0.12, None).astype(np.float32) for _ in range(2)
    ]
    return Stroke(points, sides[0], sides[1])


def _branch(rng: np.random.Generator, trunk: Points, width: float, roughness: float) -> Stroke:
    root = trunk[int(rng.integers(len(trunk) // 5, 4 * len(trunk) // 5))]
    heading = trunk[-1] - trunk[0]
    angle = np.arctan2(heading[1], heading[0]) + rng.choice([-1, 1]) * rng.uniform(0.5, 1.2)
    tip = root + rng.uniform(0.2, 0.45) * CANVAS * np.array([np.cos(angle), np.sin(angle)], np.float32)
    path = jagged_path(rng, root, tip, roughness, levels=5)
    return _stroke(rng, path, width * rng.uniform(0.35, 0.7), taper=True)


def make_crack(
    rng: np.random.Generator,
    severity: int,
    surface: Surface,
    ends: tuple[Points, Points] | None = None,
    strength: float = 1.0,
) -> Crack:
    """Draw a crack of the given severity; `ends` places it, else it crosses the picture."""
    grade = GRADES[severity]
    roughness = _ROUGHNESS.get(surface.material, 0.15) * rng.uniform(0.7, 1.3)
    start, end = ends if ends is not None else _ends(rng, surface)
    trunk = jagged_path(rng, start, end, roughness)
    # Between coarse stones a crack must be wider to be seen at all.
    width = rng.uniform(*grade.width) * (1.35 if surface.material == "asphalt" else 1.0)
    inside = 0 < end[0] < CANVAS and 0 < end[1] < CANVAS
    strokes = [_stroke(rng, trunk, width, taper=inside)]
    for _ in range(int(rng.integers(grade.branches[0], grade.branches[1] + 1))):
        strokes.append(_branch(rng, trunk, width, roughness))
    opening = draw(strokes)
    rim = _rim(rng, opening, width, rng.uniform(*grade.spall))
    return Crack(opening, rim, rng.uniform(*grade.darkness) * strength, width)


def _rim(rng: np.random.Generator, opening: Field, width: float, share: float) -> Field:
    """Break the edge away around parts of the crack."""
    if share < 0.05:
        return np.zeros_like(opening)
    near = gaussian_filter(opening, 0.8 + 0.6 * width) * (1.2 + 0.5 * width)
    chipped = fractal(rng, 10, 3, 0.6) * 0.5 + near
    return step(chipped, 1.35 - 0.75 * share, 0.25) * (1 - opening) * step(near, 0.12, 0.1)


def open_crack(rng: np.random.Generator, surface: Surface, crack: Crack) -> Surface:
    """Cut the crack into the surface: dark inside, lighter fresh rim, lips that catch the light."""
    colour = surface.colour.copy()
    mean = colour.mean(axis=(0, 1))
    if crack.rim.any():
        fresh = np.clip(mean * rng.uniform(1.02, 1.25) + 0.03, 0, 1)
        uneven = 1 + 0.08 * fractal(rng, 24, 2)
        colour += (crack.rim * 0.75)[..., None] * (fresh * uneven[..., None] - colour)
    bottom = mean * rng.uniform(0.12, 0.3)
    filled = crack.darkness * (1 - 0.3 * step(fractal(rng, 12, 3), 0.6, 1.0))
    colour += (crack.opening * filled)[..., None] * (bottom - colour)
    if rng.random() < 0.5:
        # Dirt gathers beside a crack.
        halo = gaussian_filter(crack.opening, 1.5 + crack.width)
        colour *= 1 - rng.uniform(0.05, 0.25) * halo[..., None]
    depth = gaussian_filter(crack.opening, 0.6) * min(crack.width, 3.0) + crack.rim * 0.8
    return surface.with_changes(colour=colour, height=surface.height - depth * rng.uniform(0.5, 1.1))
