"""Drawing of lines with uneven edges, antialiased: the pen of cracks, joints and shadows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from tools.tiny.noise import CANVAS, Field, Points

_FINE = 4  # subpixels per pixel: a hairline is about two of them wide


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through `points` that reaches `left` and `right` px to its sides."""

    points: Points
    left: Field  # (n,)
    right: Field  # (n,)


def jagged_path(rng: np.random.Generator, start: Points, end: Points, roughness: float, levels: int = 6) -> Points:
    """Join two points by midpoint displacement: (2**levels + 1, 2)."""
    points = np.stack([start, end]).astype(np.float32)
    sway = roughness * float(np.linalg.norm(end - start))
    for _ in range(levels):
        middle = (points[:-1] + points[1:]) / 2
        middle += rng.standard_normal(middle.shape, dtype=np.float32) * sway
        merged = np.empty((len(points) + len(middle), 2), np.float32)
        merged[0::2], merged[1::2] = points, middle
        points = merged
        sway *= 0.55
    return points


def curved_path(rng: np.random.Generator, start: Points, end: Points, bend: float, count: int = 40) -> Points:
    """Join two points by one smooth curve that leaves the straight line by up to `bend` of its length."""
    t = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    reach = float(np.linalg.norm(end - start)) * bend
    first, second = (start + (end - start) * part + rng.standard_normal(2) * reach for part in (1 / 3, 2 / 3))
    curve = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end
    return np.asarray(curve, np.float32)


def wobble(rng: np.random.Generator, count: int, knots: int) -> Field:
    """Draw a smooth random curve of `count` values and about unit deviation."""
    coarse = rng.standard_normal(knots)
    return np.interp(np.linspace(0, knots - 1, count), np.arange(knots), coarse).astype(np.float32)


def even_stroke(points: Points, width: float) -> Stroke:
    """Give a line of one width."""
    half = np.full(len(points), width / 2, np.float32)
    return Stroke(points, half, half)


def draw(strokes: Iterable[Stroke]) -> Field:
    """Paint strokes into a coverage map, 0..1."""
    sheet = Image.new("L", (CANVAS * _FINE, CANVAS * _FINE))
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes:
        if len(stroke.points) < 2:
            continue
        normal = _normals(stroke.points)
        one = (stroke.points + normal * stroke.left[:, None]) * _FINE
        other = (stroke.points - normal * stroke.right[:, None]) * _FINE
        outline = np.concatenate([one, other[::-1]])
        pen.polygon(outline.ravel().tolist(), fill=255)
        # Where the two sides meet the polygon has no inside; a crack must not be interrupted there.
        pen.line((stroke.points * _FINE).ravel().tolist(), fill=255, width=1)
    return np.asarray(sheet.reduce(_FINE), np.float32) / np.float32(255)


def _normals(points: Points) -> Points:
    along = np.gradient(points, axis=0)
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-3)
    return np.asarray(np.stack([-along[:, 1] / length, along[:, 0] / length], axis=1), np.float32)


def border_point(rng: np.random.Generator, side: int) -> Points:
    """Pick a point just outside one side of the canvas: 0 left, 1 top, 2 right, 3 bottom."""
    free = rng.uniform(0.12, 0.88) * CANVAS
    far = CANVAS + 2.0
    x, y = [(-2.0, free), (free, -2.0), (far, free), (free, far)][side % 4]
    return np.array([x, y], np.float32)


def inner_point(rng: np.random.Generator, margin: float = 0.25) -> Points:
    """Pick a point inside the canvas, away from its sides."""
    return (rng.uniform(margin, 1 - margin, 2) * CANVAS).astype(np.float32)
