"""Measure the leak guard: planted copies found, honest pictures of different splits suspected, CPU seconds.

Command, from the project's root: `python benchmarks/leaks.py cases/floor_cracks [--real FOLDER]`, where the folder has
`labels.csv` with a column `file` (photographs; its pairs that agree most are listed to be looked at).
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pytest_cosmos.media import load_image
from pytest_cosmos.media.lookalikes import Fingerprint, fingerprint, likeness, lookalikes
from pytest_cosmos.suites import read_suite

Picture = Image.Image
Draw = np.random.Generator
MIRRORS = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)
TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
BOUNDS = (0.2, 0.3, 0.4, 0.5)


def reencoded(image: Picture, rng: Draw) -> Picture:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=int(rng.integers(30, 91)))
    return Image.open(io.BytesIO(data.getvalue())).convert("RGB")


def resized(image: Picture, rng: Draw) -> Picture:
    scale = float(rng.choice([0.5, 0.7, 1.5, 2]))
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)


def mirrored(image: Picture, rng: Draw) -> Picture:
    return image.transpose(MIRRORS[int(rng.integers(2))])


def turned(image: Picture, rng: Draw) -> Picture:
    return image.transpose(TURNS[int(rng.integers(3))])


def cropped(most: float) -> Callable[[Picture, Draw], Picture]:
    def crop(image: Picture, rng: Draw) -> Picture:
        left, top, right, bottom = rng.uniform(0, most, 4) * np.array([image.width, image.height] * 2)
        return image.crop((round(left), round(top), round(image.width - right), round(image.height - bottom)))

    return crop


def brightened(image: Picture, rng: Draw) -> Picture:
    changed = np.asarray(image, float) * rng.uniform(0.7, 1.3) + rng.uniform(-20, 20)
    return Image.fromarray(changed.clip(0, 255).astype(np.uint8))


def all_of_it(image: Picture, rng: Draw) -> Picture:
    for change in (cropped(0.15), mirrored, turned, resized, reencoded):
        image = change(image, rng)
    return image


COPIES: dict[str, Callable[[Picture, Draw], Picture]] = {
    "re-encoded (JPEG 30-90)": reencoded,
    "resized (0.5-2)": resized,
    "mirrored": mirrored,
    "turned by quarters": turned,
    "brightness, contrast": brightened,
    "cropped up to 10 % at each end": cropped(0.10),
    "cropped up to 15 % at each end": cropped(0.15),
    "cropped 15 %, mirrored, turned, resized, re-encoded": all_of_it,
}


def recall(files: list[Path], count: int) -> None:
    """Print how many copies are found at each bound of agreement."""
    rng = np.random.default_rng(0)
    chosen = [files[k] for k in rng.choice(len(files), count, replace=False)]
    originals = {file: load_image(file) for file in chosen}
    prints = {file: fingerprint(image) for file, image in originals.items()}
    print(f"| {count} copies | " + " | ".join(f">= {bound}" for bound in BOUNDS) + " |")
    for name, change in COPIES.items():
        found = np.array([likeness(prints[file], fingerprint(change(originals[file], rng))) for file in chosen])
        print(f"| {name} | " + " | ".join(str(int((found >= bound).sum())) for bound in BOUNDS) + " |", flush=True)


def false_alarms(first: list[Path], second: list[Path]) -> None:
    """Print the pairs of honest pictures that are suspected at the lowest bound."""
    started = time.process_time()
    prints: list[list[Fingerprint]] = [[fingerprint(load_image(file)) for file in part] for part in (first, second)]
    hashed = time.process_time() - started
    found = [(a, b, likeness(prints[0][a], prints[1][b])) for a, b in lookalikes(*prints, least=BOUNDS[0])]
    pairs = [(first[a].name, second[b].name, value) for a, b, value in found if first[a] < second[b] or first != second]
    seconds = time.process_time() - started
    print(f"{len(first)} x {len(second)}: {hashed:.1f} s to hash, {seconds:.1f} s CPU in all")
    print({bound: sum(value >= bound for _, _, value in pairs) for bound in BOUNDS})
    for pair in sorted(pairs, key=lambda pair: -pair[2])[:12]:
        print(*pair[:2], f"{pair[2]:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    suite = read_suite(options.suite, split=None, decode=())
    of = {
        split: [suite.folder / one.media[0] for one in suite.samples if one.split == split]
        for split in ("train", "test")
    }
    recall(of["test"], options.count)
    false_alarms(of["train"], of["test"])
    if options.real:
        with (options.real / "labels.csv").open(encoding="utf-8", newline="") as table:
            files = sorted(options.real / row["file"] for row in csv.DictReader(table))
        recall(files, options.count)
        false_alarms(files, files)


if __name__ == "__main__":
    main()
