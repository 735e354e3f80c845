"""Augmentation, size, seed -> Variation: every number that decides how one picture is varied."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytest_cosmos.finetune.augment import Augmentation

# The bounds, at full strength. Lengths are parts of the shorter side unless said otherwise.
_STOPS = (-0.8, 0.6)  # of exposure: powers of two
_CONTRAST = 0.25
_FALL = 0.35  # of light from the middle to a side
_SATURATION = 0.4
_WARMTH = 0.12  # of red's gain, and less of blue's; green's changes by a fourth of it
_BLUR = 0.7  # px, deviation
_NOISE = 0.07  # deviation, of the picture's middle tone
_TILT = 0.05
_TILTABLE = 8  # px; a line of pixels has no corners to move
_SHADE = (0.15, 0.55)  # depth of a shadow
_PENUMBRA = (0.15, 0.5)
_BAND = (0.35, 1.0)  # the width of a shadow
_PATCH = (0.025, 0.06)  # diameter

# How often each is seen, at any strength but none.
_TILTED, _BLURRED, _SHADED, _COVERED = 0.5, 0.7, 0.5, 0.35

_UNCOVERED = 0.9
_WEAKER = (1.0, 0.7, 0.4)
"""Shares of the strength in which patches are drawn until enough of the mask is uncovered; then none are."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A band of shade, a little bent; across it lengths are counted from the middle of the picture."""

    angle: float
    begins: float
    width: float
    bend: float
    penumbra: float
    depth: float


@dataclass(frozen=True, slots=True)
class Patch:
    """A small rounded thing on the floor; place and half axes in px."""

    y: float
    x: float
    tall: float
    wide: float
    colour: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Variation:
    """How one picture is varied, in the order in which it happens."""

    size: tuple[int, int]
    """Height and width, px."""
    mirrored: bool = False
    quarters: int = 0
    """Turned so often by 90 degrees."""
    corners: tuple[tuple[float, float], ...] = ()
    """Where the picture's corners go: x, y in px, clockwise from the top left; empty: they stay."""
    patches: tuple[Patch, ...] = ()
    exposure: float = 1.0
    fall: tuple[float, ...] = (0.0, 0.0)
    """How much brighter it gets down and to the right."""
    shadows: tuple[Shadow, ...] = ()
    tint: tuple[float, ...] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    saturation: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0


def draw(config: Augmentation, size: tuple[int, int], seed: int, mask: NDArray[np.bool_] | None = None) -> Variation:
    """Draw how a picture of `size` (height, width) is varied."""
    rng = np.random.default_rng(seed)
    strength = config.strength
    lighting, colour = strength * config.lighting, strength * config.colour
    quarters = int(rng.integers(4)) if config.turns else 0
    tilted = rng.random() < _TILTED and strength * config.perspective > 0 and min(size) >= _TILTABLE
    drawn = Variation(
        size=size,
        mirrored=bool(config.flips and rng.random() < 0.5),
        quarters=quarters if size[0] == size[1] else quarters // 2 * 2,
        corners=_corners(rng, size, strength * config.perspective) if tilted else (),
        exposure=float(2 ** (lighting * rng.uniform(*_STOPS))),
        fall=_around(rng, 0, lighting * _FALL, 2),
        shadows=_shadows(rng, strength * config.shadows),
        tint=_white(rng, colour * _WARMTH),
        contrast=_around(rng, 1, lighting * _CONTRAST, 1)[0],
        saturation=_around(rng, 1, colour * _SATURATION, 1)[0],
        # tilting blurs, too: a picture is drawn anew between its pixels
        blur=0.0 if tilted else _blur(rng, strength * config.blur),
        noise=float(rng.uniform(0, _NOISE) * strength * config.noise),
        noise_seed=int(rng.integers(2**63)),
    )
    return _covered(rng, drawn, strength * config.occlusion, mask)


def _around(rng: np.random.Generator, middle: float, reach: float, count: int) -> tuple[float, ...]:
    return tuple((middle + reach * rng.uniform(-1, 1, count)).tolist())


def _white(rng: np.random.Generator, reach: float) -> tuple[float, ...]:
    """Shift the white balance: light is warmer or colder, and hardly ever greenish."""
    warmth, green = reach * rng.uniform(-1, 1), reach / 4 * rng.uniform(-1, 1)
    return 1 + warmth, 1 + green, 1 - warmth


def _corners(rng: np.random.Generator, size: tuple[int, int], amount: float) -> tuple[tuple[float, float], ...]:
    """Move each corner inwards: all that was in view stays in view."""
    height, width = size
    inwards = rng.uniform(0, _TILT * amount, (4, 2)) * min(size)
    sides = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    places = sides * (width - 1, height - 1) + (1 - 2 * sides) * inwards
    return tuple((x, y) for x, y in places.tolist())


def _shadows(rng: np.random.Generator, amount: float) -> tuple[Shadow, ...]:
    if rng.random() >= _SHADED or not amount:
        return ()
    return tuple(
        Shadow(
            angle=rng.uniform(0, 2 * np.pi),
            begins=rng.uniform(-0.4, 0.4),
            width=rng.uniform(*_BAND),
            bend=rng.uniform(-0.4, 0.4),
            penumbra=rng.uniform(*_PENUMBRA),
            depth=rng.uniform(*_SHADE) * amount,
        )
        for _ in range(int(rng.integers(1, 3)))
    )


def _blur(rng: np.random.Generator, amount: float) -> float:
    """Draw a deviation; its square evenly, which is what a crack's contrast goes down with."""
    return float(_BLUR * np.sqrt(amount * rng.random())) if rng.random() < _BLURRED else 0.0


def _covered(rng: np.random.Generator, drawn: Variation, amount: float, mask: NDArray[np.bool_] | None) -> Variation:
    """Lay things on the floor, fewer and smaller ones if they hide the mask."""
    if rng.random() >= _COVERED or not amount:
        return drawn
    if mask is None:
        return replace(drawn, patches=_patches(rng, drawn.size, amount))
    from pytest_cosmos.finetune.augment_apply import coverage, moved

    seen = moved(mask, drawn, part=0.2)  # a single pixel may come to lie between four
    for weaker in _WEAKER:
        tried = replace(drawn, patches=_patches(rng, drawn.size, amount * weaker))
        if not seen.any() or coverage(tried)[seen].mean() <= 1 - _UNCOVERED:
            return tried
    return drawn


def _patches(rng: np.random.Generator, size: tuple[int, int], amount: float) -> tuple[Patch, ...]:
    """Lay at most one thing into each quadrant: what is longer than two of them shows at least half of itself."""
    height, width = size
    smallest, largest = (part * min(size) for part in _PATCH)
    patches = []
    for quadrant in rng.permutation(4)[: int(rng.integers(1, 4))]:
        down, right = divmod(int(quadrant), 2)
        diameter = smallest + (largest - smallest) * amount * rng.random()
        tone = rng.uniform(0.12, 0.85)
        patches.append(
            Patch(
                y=float((down + rng.uniform(0.15, 0.85)) / 2 * height),
                x=float((right + rng.uniform(0.15, 0.85)) / 2 * width),
                tall=float(diameter / 2 * rng.uniform(0.65, 1)),
                wide=float(diameter / 2 * rng.uniform(0.65, 1)),
                # earth, leaves and paper are warmer than grey, if anything
                colour=tuple(np.clip(tone * (1 + rng.uniform(-0.05, 0.15) * np.array([1, 0.3, -1])), 0, 1).tolist()),
            )
        )
    return tuple(patches)
