"""Picture, Variation -> the varied picture; and where a mask lies in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import grid_sample

from pytest_cosmos.finetune.augment_draw import Patch, Shadow, Variation

if TYPE_CHECKING:
    from PIL import Image

_CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))

_BRIGHTEST = 0.97
_DARKEST = 0.2
"""What exposure may make of a picture's bright and middle tones: beyond, its cracks drown in white or black."""

_LUMINANCE = (0.299, 0.587, 0.114)
"""Of red, green and blue in a grey (ITU-R BT.601)."""

_UNSEEN = 0.25
"""px; the neighbours' weights in a narrower Gaussian are nothing."""

_EDGE = 1.0
"""px over which a patch begins."""
_HIDING = 0.2
"""Part of a pixel's light from which on a patch is counted as hiding it."""


def vary(image: Image.Image, how: Variation) -> Image.Image:
    """Vary an RGB picture of the size that the variation was drawn for."""
    from PIL import Image

    pixels = torch.from_numpy(np.array(np.asarray(image).transpose(2, 0, 1), order="C")).float().div_(255)
    pixels = _placed(pixels, how)
    for rows, columns, part, patch in _windows(how):
        colour = torch.tensor(patch.colour).reshape(3, 1, 1)
        pixels[:, rows, columns] = pixels[:, rows, columns].lerp(colour, torch.from_numpy(part))
    pixels = _lit(pixels, how)
    if how.blur > _UNSEEN:
        pixels = _blurred(pixels, how.blur)
    if how.noise:
        grain = torch.randn(how.size, generator=torch.Generator().manual_seed(how.noise_seed))
        # by brightness, or it would drown what a dark picture shows
        pixels += grain.mul_(how.noise * float(pixels[:, ::4, ::4].mean()))
    levels = pixels.mul_(255).round_().clamp_(0, 255).to(torch.uint8)
    return Image.fromarray(np.ascontiguousarray(levels.permute(1, 2, 0).numpy()))


def moved(mask: NDArray[np.bool_], how: Variation, part: float = 0.5) -> NDArray[np.bool_]:
    """Say where what a mask marks lies in the varied picture: the pixels that it fills by more than `part`."""
    there = _placed(torch.from_numpy(mask)[None].float(), how)[0].numpy()
    return np.asarray(there > part)


def coverage(how: Variation) -> NDArray[np.bool_]:
    """Say which pixels of the varied picture are hidden by what lies on the floor."""
    hidden = np.zeros(how.size, np.bool_)
    for rows, columns, part, _ in _windows(how):
        hidden[rows, columns] |= part > _HIDING
    return hidden


def _placed(pixels: torch.Tensor, how: Variation) -> torch.Tensor:
    """Mirror, turn and tilt; what comes into view at the border is the picture's own, mirrored."""
    if how.mirrored:
        pixels = pixels.flip(2)
    if how.quarters:
        pixels = torch.rot90(pixels, how.quarters, (1, 2))
    if not how.corners:
        return pixels
    # torchvision's `perspective` takes four times as long, and has no mirrored border
    return grid_sample(pixels[None], _grid(how), "bilinear", "reflection", align_corners=True)[0]


def _grid(how: Variation) -> torch.Tensor:
    """Say which place of the picture is seen at each pixel, as `grid_sample` has it: x and y from -1 to 1.

    It is (ax + by + c) / (gx + hy + 1) and (dx + ey + f) / (gx + hy + 1), which must take each moved corner to its own
    place: eight equations (Hartley and Zisserman, Multiple View Geometry, 2.3).
    """
    height, width = how.size
    spans = np.array([max(width - 1, 1), max(height - 1, 1)])
    rows, places = [], []
    for (x, y), (u, v) in zip(np.array(how.corners) / spans * 2 - 1, _CORNERS, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        places += [u, v]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(rows), np.array(places)).astype(np.float32)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    nearness = 1 / (g * across + h * down + 1)
    grid = np.empty((1, height, width, 2), np.float32)
    grid[0, :, :, 0] = (a * across + (b * down + c)) * nearness
    grid[0, :, :, 1] = (d * across + (e * down + f)) * nearness
    return torch.from_numpy(grid)


def _windows(how: Variation) -> Iterator[tuple[slice, slice, NDArray[np.float32], Patch]]:
    """Yield the rows and columns that each patch touches, and which part of each pixel there it covers."""
    height, width = how.size
    for patch in how.patches:
        top, left = max(0, int(patch.y - patch.tall - 2)), max(0, int(patch.x - patch.wide - 2))
        rows = slice(top, min(height, int(patch.y + patch.tall + 3)))
        columns = slice(left, min(width, int(patch.x + patch.wide + 3)))
        down = (np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - patch.y) / patch.tall
        across = (np.arange(columns.start, columns.stop, dtype=np.float32) - patch.x) / patch.wide
        inside = (1 - np.sqrt(down**2 + across**2)) * min(patch.tall, patch.wide)
        yield rows, columns, np.clip(inside / _EDGE + 0.5, 0, 1).astype(np.float32), patch


def _blurred(pixels: torch.Tensor, deviation: float) -> torch.Tensor:
    """Spread each pixel over its neighbours; a Gaussian of less than a pixel needs no others."""
    side = math.exp(-0.5 / deviation**2)
    side /= 1 + 2 * side
    for axis in (1, 2):
        size = pixels.shape[axis]
        first, last = pixels.narrow(axis, 0, 1), pixels.narrow(axis, size - 1, 1)
        before = torch.cat([first, pixels.narrow(axis, 0, size - 1)], axis)
        after = torch.cat([pixels.narrow(axis, 1, size - 1), last], axis)
        pixels = before.add_(after).mul_(side).add_(pixels, alpha=1 - 2 * side)
    return pixels


def _lit(pixels: torch.Tensor, how: Variation) -> torch.Tensor:
    """Let other light fall on the picture, through another camera; `pixels` are used up."""
    light = _light(how)
    tones = (pixels[:, ::4, ::4].mean(0).numpy() * light[::4, ::4]).ravel()
    bright, middle = float(np.partition(tones, -len(tones) // 20)[-len(tones) // 20]), float(tones.mean())
    # never beyond the bounds, except where the picture is there already
    exposure = min(how.exposure, max(1.0, _BRIGHTEST / max(bright, 1e-3)))
    exposure = max(exposure, min(1.0, _DARKEST / max(middle, 1e-3)))
    # exposure, white balance, contrast around the middle tone and saturation are one matrix, and what is added
    mixed = how.saturation * np.eye(3) + (1 - how.saturation) * np.tile(_LUMINANCE, (3, 1))
    matrix = torch.from_numpy((mixed * how.tint * exposure * how.contrast).astype(np.float32))
    lifted = (1 - how.contrast) * middle * exposure
    changed = matrix @ pixels.mul_(torch.from_numpy(light)).reshape(3, -1)
    return changed.add_(lifted).clamp_(0, 1).reshape(pixels.shape)


def _light(how: Variation) -> NDArray[np.float32]:
    """Give the light that falls on each pixel, as a part of what fell before."""
    height, width = how.size
    shorter, longer = sorted(how.size)
    down = ((np.arange(height)[:, None] - height / 2) / shorter).astype(np.float32)
    across = ((np.arange(width) - width / 2) / shorter).astype(np.float32)
    scale = 2 * shorter / longer
    light = 1 + down * (how.fall[0] * scale) + across * (how.fall[1] * scale)
    # where two shadows of one lamp meet, it is no darker
    shades = [_shade(down, across, shadow) for shadow in how.shadows]
    return np.asarray(light * np.minimum.reduce(shades) if shades else light, np.float32)


def _shade(down: NDArray[np.float32], across: NDArray[np.float32], shadow: Shadow) -> NDArray[np.float32]:
    """Give the part of the light that a shadow leaves at each pixel."""
    cos, sin = np.float32(np.cos(shadow.angle)), np.float32(np.sin(shadow.angle))
    along = down * cos - across * sin
    depth = down * sin + across * cos - np.float32(shadow.begins) + np.float32(shadow.bend) * along**2
    # nearest to the middle of the band it is darkest; a cubic makes its edges soft at both ends
    inside = (shadow.width / 2 - np.abs(depth - shadow.width / 2)) / shadow.penumbra + 0.5
    soft = np.clip(inside, 0, 1)
    return np.asarray(1 - shadow.depth * soft * soft * (3 - 2 * soft), np.float32)
