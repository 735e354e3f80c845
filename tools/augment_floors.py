"""Does domain randomization keep the crack? Measured on generated floors, whose masks are known.

    python -m tools.augment_floors                              # the table of docs/finetune.md
    python -m tools.augment_floors --sheet sheet.jpg            # and a contact sheet, for the eye

*Contrast* is how much darker the crack is than the floor around it, as a part of that floor's brightness. What is kept
of it is the varied picture's over the original's. *Standing out* is the same difference over the deviation of the
floor around it: what noise takes away.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter

from pytest_cosmos.finetune.augment import Augmentation, augment, contact_sheet
from pytest_cosmos.finetune.augment_apply import coverage, moved, vary
from pytest_cosmos.finetune.augment_draw import draw
from tools.tiny.floors import Plan, Tile, draw_floor, draw_tile

_SIZE = (128, 128)
_SPARED, _RING = 5, 13  # px


@dataclass(frozen=True, slots=True)
class Kept:
    """What one variation leaves of a crack, as parts of 1."""

    uncovered: float
    contrast: float
    standing_out: float


def cracked(count: int) -> Iterator[Tile]:
    """Draw floors, all of them cracked, severity 2 to 5 in turn."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        yield draw_tile(rng, draw_floor(rng), Plan(2 + seed % 4))


def kept(tile: Tile, config: Augmentation, seed: int, *, masked: bool) -> Kept:
    """Vary a floor, told of the mask or not, and measure its crack before and after."""
    how = draw(config, _SIZE, seed, tile.mask if masked else None)
    varied = np.asarray(vary(Image.fromarray(tile.picture), how))
    there, hidden = moved(tile.mask, how), coverage(how)
    before, after = seen(tile.picture, tile.mask), seen(varied, there & ~hidden, near=~hidden)
    return Kept(1 - float(hidden[there].mean()), after[0] / before[0], after[1] / before[1])


def seen(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], near: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Return contrast and how a crack stands out, against the floor from 3 to 6 px beside it."""
    grey = picture.mean(axis=2)
    ring = maximum_filter(mask, _RING) & ~maximum_filter(mask, _SPARED)
    floor = grey[ring if near is None else ring & near]
    difference = floor.mean() - grey[mask].mean()
    return np.array([difference / floor.mean(), difference / floor.std()])


def table(tiles: Sequence[Tile]) -> str:
    """Measure at the usual strength and at the full one; hairlines besides."""
    lines = [
        "| strength | mask | cracks | uncovered: least / mean | contrast kept: 5 % / median | standing out: median |",
        "|---|---|---|---|---|---|",
    ]
    for strength in (0.5, 1.0):
        config = Augmentation(strength=strength)
        for masked in (True, False):
            found = [(tile.severity, kept(tile, config, seed, masked=masked)) for seed, tile in enumerate(tiles)]
            start = f"| {strength} | {'given' if masked else 'not given'} |"
            lines.append(f"{start} {_row('all', [one for _, one in found])}")
            lines.append(f"{start} {_row('hairlines', [one for severity, one in found if severity == 2])}")
    return "\n".join(lines)


def _row(name: str, found: Sequence[Kept]) -> str:
    uncovered = [one.uncovered for one in found]
    low, middle = np.quantile([one.contrast for one in found], (0.05, 0.5))
    standing = np.median([one.standing_out for one in found])
    return (
        f"{len(found)} {name} | {min(uncovered):.1%} / {np.mean(uncovered):.1%} "
        f"| {low:.0%} / {middle:.0%} | {standing:.0%} |"
    )


def rate(tiles: Sequence[Tile]) -> float:
    """Return pictures a second of one core."""
    pictures = [Image.fromarray(tile.picture) for tile in tiles]
    config = Augmentation()
    augment(pictures[0], config, 0)
    started = time.process_time()
    for seed, picture in enumerate(pictures):
        augment(picture, config, seed)
    return len(pictures) / (time.process_time() - started)


def sheet(tiles: Sequence[Tile], path: Path) -> None:
    """Show floors beside variants of usual and of full strength."""
    rows = []
    for place, tile in enumerate(tiles):
        picture = Image.fromarray(tile.picture)
        variants = [
            augment(picture, Augmentation(strength=0.5 if k < 4 else 1), 100 * place + k, tile.mask) for k in range(8)
        ]
        rows.append([picture, *variants])
    contact_sheet(rows, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and the rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floors", type=int, default=500)
    parser.add_argument("--sheet", type=Path, help="save a contact sheet, four variants at strength 0.5 and four at 1")
    options = parser.parse_args(arguments)
    tiles = tuple(cracked(options.floors))
    if options.sheet:
        sheet(tiles[:8], options.sheet)
    print(table(tiles))
    print(f"\n{rate(tiles):.0f} pictures of 128 x 128 px a second of one core, at the usual strength.")


if __name__ == "__main__":
    main()
