"""Cheap smooth noise: small random grids, spread over the canvas by cubic B-splines."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]  # (CANVAS, CANVAS), or (CANVAS, CANVAS, 3) for colours
Points: TypeAlias = NDArray[np.float32]  # (n, 2), x then y, in canvas pixels

CANVAS = 144  # px; a little more than the picture, so that an oblique view stays filled
PICTURE = 128  # px

_AXIS = np.arange(CANVAS, dtype=np.float32)
YY, XX = np.meshgrid(_AXIS, _AXIS, indexing="ij")


@lru_cache(maxsize=256)
def _basis(cells: int) -> Field:
    """Give the spline weights (CANVAS, cells + 3) of a row of `cells` cells."""
    position = (_AXIS + 0.5) / CANVAS * cells
    cell = np.minimum(position.astype(int), cells - 1)
    t = position - cell
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1)
    basis = np.zeros((CANVAS, cells + 3), np.float32)
    for k in range(4):
        basis[np.arange(CANVAS), cell + k] = weights[:, k] / 6
    return basis


def smooth(rng: np.random.Generator, cells_y: int, cells_x: int | None = None) -> Field:
    """Draw noise of about unit deviation whose blobs are CANVAS / cells pixels wide."""
    cells_x = cells_y if cells_x is None else cells_x
    knots = rng.standard_normal((cells_y + 3, cells_x + 3), dtype=np.float32)
    # 0.48 is the mean squared sum of the four spline weights, once for each axis.
    return np.asarray(_basis(cells_y) @ knots @ _basis(cells_x).T / 0.48, np.float32)


def fractal(rng: np.random.Generator, cells: int, octaves: int, gain: float = 0.5) -> Field:
    """Add octaves of smooth noise, each half as wide and `gain` as strong; about unit deviation."""
    total = np.zeros((CANVAS, CANVAS), np.float32)
    power = 0.0
    for k in range(octaves):
        total += gain**k * smooth(rng, cells * 2**k)
        power += gain ** (2 * k)
    return total / np.float32(np.sqrt(power))


def grain(rng: np.random.Generator) -> Field:
    """Draw independent noise of unit deviation for every pixel."""
    return rng.standard_normal((CANVAS, CANVAS), dtype=np.float32)


def ripple(rng: np.random.Generator, angle: float, wavelength: float, warp: float) -> Field:
    """Draw wavy parallel lines, -1..1: the trace of a trowel, a broom or a year ring."""
    along = XX * np.cos(angle) + YY * np.sin(angle)
    phase = along / wavelength + warp * smooth(rng, 3) + rng.uniform(0, 1)
    return np.asarray(np.sin(2 * np.pi * phase), np.float32)


def step(field: Field, edge: float, softness: float) -> Field:
    """Rise from 0 to 1 around `edge`, over about `softness`."""
    return np.asarray(np.clip((field - edge) / softness + 0.5, 0, 1), np.float32)
