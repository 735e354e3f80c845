"""Floors seen from above: pictures with the exact mask of their crack, drawn from a seed.

A *floor* fixes material, palette and light; its *tiles* are pictures of different places on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.tiny.cracks import make_crack, open_crack
from tools.tiny.distractors import DISTRACTORS, FOUND_ON, Scene
from tools.tiny.ink import border_point
from tools.tiny.lighting import Light, Picture, draw_light, illuminate, photograph
from tools.tiny.materials import MAKERS, MATERIALS, Palette, Surface, draw_palette
from tools.tiny.noise import CANVAS, PICTURE, Field, Points

# Concrete and asphalt are what robots drive on outdoors, and what real crack photographs show.
_MATERIAL_WEIGHTS = {"concrete": 3.0, "asphalt": 1.5, "tile": 1.2}
# Shares of severity 2..5 among cracked tiles: clear on a plain floor, fainter beside a distractor.
_CLEAR_SHARES = (0.06, 0.38, 0.3, 0.26)
_FAINT_SHARES = (0.25, 0.4, 0.23, 0.12)
_FAINTNESS = 0.85  # a crack beside a distractor may be this much paler
_TRIES = 8
_MARGIN = CANVAS - PICTURE  # px at each side that an oblique view may leave out


@dataclass(frozen=True, slots=True)
class Floor:
    """One generated floor: what its tiles have in common."""

    material: str
    palette: Palette
    light: Light


@dataclass(frozen=True, slots=True)
class Plan:
    """What one tile is to show."""

    severity: int
    distractor: str | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture (128, 128, 3) with the mask (128, 128) of its crack and the facts behind it."""

    picture: Picture
    mask: NDArray[np.bool_]
    material: str
    severity: int
    distractor: str | None


def draw_floor(rng: np.random.Generator, distractor: str | None = None) -> Floor:
    """Choose material, palette and light; the material suits the distractor."""
    options = FOUND_ON.get(distractor or "", MATERIALS)
    weights = np.array([_MATERIAL_WEIGHTS.get(name, 1.0) for name in options])
    material = options[int(rng.choice(len(options), p=weights / weights.sum()))]
    return Floor(material, draw_palette(rng, material), draw_light(rng))


def suits(floor: Floor, distractor: str | None) -> bool:
    """Tell whether a distractor is found on this floor's material."""
    return floor.material in FOUND_ON.get(distractor or "", MATERIALS)


def draw_plan(rng: np.random.Generator, cracked: bool, distractor: str | None = None) -> Plan:
    """Choose how severe the crack of a tile is, if it is to have one."""
    if not cracked:
        return Plan(1, distractor)
    shares = _FAINT_SHARES if distractor else _CLEAR_SHARES
    return Plan(2 + int(rng.choice(4, p=shares)), distractor)


def draw_tile(rng: np.random.Generator, floor: Floor, plan: Plan) -> Tile:
    """Take a picture of one place on the floor; a crack that the view cut off is drawn anew."""
    while True:
        tile = _attempt(rng, floor, plan)
        if plan.severity == 1 or _extent(tile.mask) >= (14 if plan.distractor == "border" else 50):
            return tile


def _attempt(rng: np.random.Generator, floor: Floor, plan: Plan) -> Tile:
    surface = MAKERS[floor.material](rng, floor.palette)
    # A joint, vein or stain lies below a crack that came later.
    scene = _distract(rng, surface, plan.distractor) if plan.distractor else Scene(surface)
    opening = np.zeros((CANVAS, CANVAS), np.float32)
    if plan.severity > 1:
        cracked, opening = _break(rng, scene.surface, plan)
        scene = Scene(cracked, scene.shade)
    lit = illuminate(rng, scene.surface, floor.light, scene.shade)
    picture, mask = photograph(rng, lit, opening, floor.light)
    return Tile(picture, mask & (plan.severity > 1), floor.material, plan.severity, plan.distractor)


def _distract(rng: np.random.Generator, surface: Surface, distractor: str) -> Scene:
    """Add a distractor; one that cannot be seen is drawn anew."""
    while True:
        scene = DISTRACTORS[distractor](rng, surface)
        light = 1.0 if scene.shade is None else scene.shade[..., None]
        change = np.abs(scene.surface.colour * light - surface.colour).max(axis=2)
        inner = change[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        if np.mean(inner > 0.05) > 0.004:
            return scene


def _break(rng: np.random.Generator, surface: Surface, plan: Plan) -> tuple[Surface, Field]:
    """Crack the surface; a crack that drowns in its texture is drawn anew, a few times."""
    before = surface.colour.mean(axis=2)
    faintness = _FAINTNESS if plan.distractor else 1.0
    for _ in range(_TRIES):
        ends = _partial_ends(rng) if plan.distractor == "border" else None
        crack = make_crack(rng, plan.severity, surface, ends, rng.uniform(faintness, 1))
        cracked = open_crack(rng, surface, crack)
        contrast = (before - cracked.colour.mean(axis=2))[crack.mask].mean()
        if contrast > faintness * (0.04 + 0.5 * before.std()):
            break
    return cracked, crack.opening


def _partial_ends(rng: np.random.Generator) -> tuple[Points, Points]:
    """Let a crack only just reach into the picture."""
    start = border_point(rng, int(rng.integers(4)))
    centre = np.array([CANVAS / 2, CANVAS / 2], np.float32)
    end = start + (centre - start) * rng.uniform(0.5, 0.85) + rng.normal(0, 8, 2)
    return start, end.astype(np.float32)


def _extent(mask: NDArray[np.bool_]) -> int:
    """Measure the longer side, in px, of the box around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0
    return int(max(np.ptp(rows), np.ptp(columns))) + 1
