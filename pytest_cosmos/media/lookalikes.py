"""Find pictures that show the same thing: copies scaled, re-encoded, mirrored, turned by quarters or cropped.

Two steps. *Candidates*: perceptual hashes (`imagehash`: pHash and dHash, 64 bits each) of a picture in its eight
orientations, against those of the whole of the other and of 20 windows cut from it. Plain floors make these collide, so
each candidate is *confirmed*: the one picture is laid onto the window of the other that fits it best (least squares, as
B. D. Lucas and T. Kanade, An iterative image registration technique, IJCAI 1981), and the fine texture must agree,
patch by patch. A shared joint, mark or shadow lets a few patches agree; only a copy lets most of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

    Bits = np.ndarray[Any, np.dtype[np.uint64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Box = tuple[float, float, float, float]

EDGE = 64
"""Pictures are compared at this size, px a side, in grey."""

# At each end of a side a window leaves out one of these shares; what lies between is near enough to one of them.
_LEFT_OUT = (0.03, 0.11)
# What is cut from one corner has lost as much at two of its sides, and nothing at the others.
_CORNER = 0.12
# Bits that may differ. Figures for other bounds: benchmarks/leaks.py
_MOST_PHASH = 14
_MOST_DHASH = 20
# Candidates of one pair that are tried, and where the first, coarse look at each must get to.
_TRIES = 3
_COARSE = 0.6
AGREEMENT = 0.3
"""Three quarters of the patches of two pictures of the same must correlate by so much."""
_FINE = 48
_PATCHES = 4


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a picture to find others like it."""

    grey: bytes
    """EDGE x EDGE, row by row."""
    windows: Bits
    """(windows, 2): pHash and dHash of the whole and of each window."""
    orientations: Bits
    """(8, 2): of the whole in each orientation."""


def fingerprint(image: Image.Image) -> Fingerprint:
    """Take the fingerprint of a picture."""
    from PIL import Image

    # a box filter takes each pixel once: a large picture costs little, and nothing aliases
    scaling = Image.Resampling.BOX if min(image.size) >= EDGE else Image.Resampling.BICUBIC
    grey = image.convert("L").resize((EDGE, EDGE), scaling)
    windows = [_hashes(grey.resize((32, 32), Image.Resampling.BILINEAR, box=box)) for box in _boxes()]
    orientations = [_hashes(turned) for turned in _orientations(grey)]
    return Fingerprint(grey.tobytes(), np.array(windows, np.uint64), np.array(orientations, np.uint64))


def lookalikes(
    first: Sequence[Fingerprint], second: Sequence[Fingerprint], *, least: float = AGREEMENT
) -> Iterator[tuple[int, int]]:
    """Yield the places of every two pictures, one of each list, whose likeness is at least `least`.

    Every pair of hashes is compared, but as whole arrays: 3,600 x 400 pictures take about 10 seconds.
    """
    if not first:
        return
    windows = np.stack([one.windows for one in first])
    orientations = np.stack([one.orientations for one in first])
    for place, other in enumerate(second):
        near = _near(windows, other.orientations) | _near(other.windows[None], orientations)
        for found in map(int, np.flatnonzero(near)):
            if likeness(first[found], other) >= least:
                yield found, place


def likeness(first: Fingerprint, second: Fingerprint) -> float:
    """Return how well one of two pictures agrees with the other, or with a window of it: 1 is a perfect copy.

    0 where there is no way to lay one onto the other.
    """
    best, placed = _COARSE, None
    for below, window, orientation in _candidates(first, second):
        ground, above = (first, second) if below == 0 else (second, first)
        picture, shown = _image(ground), _orientations(_image(above))[orientation]
        box = _fitted(picture, shown, _boxes()[window], ((16, 5),))
        if (found := _correlation(picture, shown, box, 16)) > best:
            best, placed = found, (picture, shown, box)
    if placed is None:
        return 0.0
    picture, shown, box = placed
    return _agreement(picture, shown, _fitted(picture, shown, box, ((32, 4), (_FINE, 3))))


def _agreement(ground: Image.Image, shown: Image.Image, box: Box) -> float:
    """Return the lower quartile, over patches, of the correlation of `shown` with the box of `ground`.

    Correlated is how each patch changes along the direction in which it changes least: boards, joints and the shadow
    of a fence run along one direction, look alike everywhere, and are no evidence.
    """
    slopes = [_slopes(_cut(ground, box, _FINE)), _slopes(_cut(shown, None, _FINE))]
    tensors = np.sum([np.einsum("ipyx,jpyx->pij", one, one) for one in slopes], axis=0)
    least = np.linalg.eigh(tensors)[1][:, :, 0]  # eigenvalues ascend
    along = [np.einsum("pi,ipyx->pyx", least, one) for one in slopes]
    first, second = (one - one.mean(axis=(1, 2), keepdims=True) for one in along)
    size = (first**2).sum(axis=(1, 2)) * (second**2).sum(axis=(1, 2))
    return float(np.quantile((first * second).sum(axis=(1, 2)) / np.sqrt(size + 1e-3), 0.25))


def _slopes(picture: Floats) -> Floats:
    """Return how each patch changes downwards and to the right: (2, patches, edge, edge)."""
    edge = _FINE // _PATCHES
    rows = np.array(np.gradient(picture)).reshape(2, _PATCHES, edge, _PATCHES, edge)
    return rows.transpose(0, 1, 3, 2, 4).reshape(2, _PATCHES**2, edge, edge)


def _boxes() -> list[Box]:
    """List the windows that a picture is hashed in, the whole one first: left, top, right, bottom."""
    corners = ((x, y, _CORNER - x, _CORNER - y) for x, y in product((0.0, _CORNER), repeat=2))
    shares: list[Box] = [(0.0, 0.0, 0.0, 0.0), *corners, *product(_LEFT_OUT, _LEFT_OUT, _LEFT_OUT, _LEFT_OUT)]
    return [(x * EDGE, y * EDGE, (1 - u) * EDGE, (1 - v) * EDGE) for x, y, u, v in shares]


def _orientations(image: Image.Image) -> list[Image.Image]:
    """Return a picture turned by quarters, and its mirror image likewise."""
    from PIL import Image

    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    sides = (image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return [turned for side in sides for turned in (side, *(side.transpose(turn) for turn in turns))]


def _hashes(image: Image.Image) -> tuple[int, int]:
    import imagehash

    return (_packed(imagehash.phash(image)), _packed(imagehash.dhash(image)))


def _packed(found: Any) -> int:
    return int.from_bytes(np.packbits(found.hash.ravel()).tobytes(), "big")


def _near(windows: Bits, orientations: Bits) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell of each picture whether a window (n or 1, w, 2) is near an orientation (8, 2 or n, 8, 2) of the other."""
    several = orientations if orientations.ndim == 3 else orientations[None]
    near = np.zeros(max(len(windows), len(several)), bool)
    for number in range(several.shape[1]):
        turned = several[:, number]
        alike = np.bitwise_count(windows[..., 0] ^ turned[:, None, 0]) <= _MOST_PHASH
        rows, found = np.nonzero(alike)  # few: the second hash is looked at only there
        below = windows[rows if len(windows) > 1 else 0, found, 1]
        above = turned[rows if len(turned) > 1 else 0, 1]
        near[rows[np.bitwise_count(below ^ above) <= _MOST_DHASH]] = True
    return near


def _candidates(first: Fingerprint, second: Fingerprint) -> list[tuple[int, int, int]]:
    """List the likeliest ways in which one picture is a window of the other: (which is below, window, orientation)."""
    ways = np.stack(
        [
            np.bitwise_count(first.windows[:, None] ^ second.orientations[None]),
            np.bitwise_count(second.windows[:, None] ^ first.orientations[None]),
        ]
    )
    far = (ways[..., 0] > _MOST_PHASH) | (ways[..., 1] > _MOST_DHASH)
    total = np.where(far, 255, ways[..., 0])
    order = np.argsort(total, axis=None, kind="stable")[:_TRIES]
    places = zip(*np.unravel_index(order, total.shape), strict=True)
    return [(int(side), int(w), int(o)) for side, w, o in places if total[side, w, o] < 255]


def _image(found: Fingerprint) -> Image.Image:
    from PIL import Image

    return Image.frombytes("L", (EDGE, EDGE), found.grey)


def _cut(image: Image.Image, box: Box | None, edge: int) -> Floats:
    from PIL import Image

    return np.asarray(image.resize((edge, edge), Image.Resampling.BILINEAR, box=box), np.float64)


def _normed(picture: Floats) -> Floats:
    centred = picture - picture.mean()
    deviation = float(np.sqrt((centred**2).mean()))
    normed: Floats = centred / deviation if deviation > 1e-6 else centred * 0
    return normed


def _correlation(ground: Image.Image, shown: Image.Image, box: Box, edge: int) -> float:
    """Correlate two pictures without what changes slowly across them: light, a stain."""
    from scipy.ndimage import uniform_filter

    fine = [cut - uniform_filter(cut, 7) for cut in (_cut(ground, box, edge), _cut(shown, None, edge))]
    return float((_normed(fine[0]) * _normed(fine[1])).mean())


def _fitted(ground: Image.Image, shown: Image.Image, start: Box, steps: Sequence[tuple[int, int]]) -> Box:
    """Move the sides of a box in `ground` until it fits `shown` best; `steps` are (px a side, iterations)."""
    box = np.array(start)
    for edge, iterations in steps:
        target, along = _normed(_cut(shown, None, edge)), (np.arange(edge) + 0.5) / edge
        for _ in range(iterations):
            seen = _normed(_cut(ground, tuple(box), edge))
            down, right = np.gradient(seen)
            right, down = right * edge / (box[2] - box[0]), down * edge / (box[3] - box[1])
            slopes = np.stack(
                [right * (1 - along), down * (1 - along)[:, None], right * along, down * along[:, None]], axis=-1
            ).reshape(-1, 4)
            square = slopes.T @ slopes
            square[np.diag_indices(4)] += 1e-3 * np.trace(square) / 4 + 1e-9
            move = np.clip(np.linalg.solve(square, slopes.T @ (target - seen).ravel()), -4, 4)
            reach = EDGE * 0.31  # so much may be cropped at one end of a side, and a little more
            box = np.clip(box + move, (0, 0, EDGE - reach, EDGE - reach), (reach, reach, EDGE, EDGE))
            if np.abs(move).max() < 0.05:
                break
    left, top, right_end, bottom = map(float, box)
    return left, top, right_end, bottom
