"""Draw the shipped suite `floor_cracks`: pictures and samples.csv, the same bytes every time.

Command, from the project's root: `python -m tools.tiny.make_cases cases/floor_cracks`
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from tools.tiny.distractors import DISTRACTORS
from tools.tiny.floors import Plan, Tile, draw_floor, draw_plan, draw_tile, suits
from tools.tiny.lessons import course
from tools.tiny.lighting import jpeg
from tools.tiny.phrases import COURSES, Truth
from tools.tiny.rationales import rationale
from tools.tiny.seeds import SPLITS

Category: TypeAlias = Literal["hazard", "safe", "ambiguous"]

SIZES = {"train": 3600, "validation": 640, "test": 400}
COLUMNS = ("file", "label", "category", "split", "source", "severity", "traversable", "group", "reasoning")
QUALITY = 88
SHARES: dict[Category, float] = {"hazard": 0.3, "safe": 0.3, "ambiguous": 0.4}
CRACKED_AMONG_AMBIGUOUS = 0.45
_PREFIX = {"train": "floor-train", "validation": "floor-val", "test": "floor"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tiles of a split that are drawn together, from seeds of their own."""

    split: str
    count: int
    seed: int  # the first; it draws the plans
    after: int = 0  # how many tiles of the split come before


# The second stretches of training and validation were added for fine-tuning: they leave every other tile as it was.
STRETCHES = (
    Stretch("train", 1200, SPLITS["train"].start),
    Stretch("validation", 160, SPLITS["validation"].start),
    Stretch("test", 400, SPLITS["test"].start),
    Stretch("train", 2400, SPLITS["train"].start + 500_000, after=1200),
    Stretch("validation", 480, SPLITS["validation"].start + 500_000, after=160),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One tile to draw: what it shows, on which floor, as which file."""

    split: str
    number: int
    category: Category
    plan: Plan
    floor_seed: int
    place: int  # which tile of its floor
    group: str

    @property
    def file(self) -> str:
        """Path of the picture, relative to the suite's folder."""
        return f"media/{self.split}/{_PREFIX[self.split]}-{self.number:04d}.jpg"


def jobs() -> Iterator[Job]:
    """Yield every tile of the suite; groups are numbered through all splits."""
    groups = 0
    for stretch in STRETCHES:
        found = list(_stretch_jobs(stretch, groups))
        groups += len({job.group for job in found})
        yield from sorted(found, key=lambda job: job.number)


def _stretch_jobs(stretch: Stretch, first_group: int) -> Iterator[Job]:
    rng = np.random.default_rng(stretch.seed)
    waiting = _plans(rng, stretch.count)
    numbers = iter(rng.permutation(stretch.count) + 1 + stretch.after)
    group = 0
    while waiting:
        group += 1
        seed = stretch.seed + group
        category, plan = waiting.pop()
        floor = draw_floor(np.random.default_rng(seed), plan.distractor)
        members = [(category, plan)]
        for _ in range(int(rng.integers(0, 3))):
            fitting = [k for k, (_, plan) in enumerate(waiting) if suits(floor, plan.distractor)]
            if fitting:
                members.append(waiting.pop(int(rng.choice(fitting))))
        for place, (category, plan) in enumerate(members):
            # The first member is the one that the floor was chosen for.
            number = int(next(numbers))
            yield Job(stretch.split, number, category, plan, seed, place, f"g{first_group + group:04d}")


def _plans(rng: np.random.Generator, count: int) -> list[tuple[Category, Plan]]:
    """Fill the quotas: each distractor equally often, each cracked in the same share."""
    plain = round(count * SHARES["hazard"])
    plans: list[tuple[Category, Plan]] = [("hazard", draw_plan(rng, cracked=True)) for _ in range(plain)]
    plans += [("safe", draw_plan(rng, cracked=False)) for _ in range(plain)]
    for k in range(count - 2 * plain):
        kinds = list(DISTRACTORS)
        distractor = kinds[k % len(kinds)]
        cracked = (k // len(kinds) * CRACKED_AMONG_AMBIGUOUS) % 1 + CRACKED_AMONG_AMBIGUOUS >= 1 - 1e-9
        plans.append(("ambiguous", draw_plan(rng, cracked, distractor)))
    return [plans[k] for k in rng.permutation(len(plans))]


def draw(job: Job, opener: str | None) -> Tile:
    """Draw one tile; `opener` is the distractor that its floor was chosen for."""
    floor = draw_floor(np.random.default_rng(job.floor_seed), opener)
    return draw_tile(np.random.default_rng([job.floor_seed, job.place]), floor, job.plan)


def openers(all_jobs: list[Job]) -> dict[str, str | None]:
    """Tell for each group which distractor its floor was chosen for."""
    return {job.group: job.plan.distractor for job in all_jobs if job.place == 0}


def row(job: Job, tile: Tile) -> dict[str, str]:
    """Describe one tile as a line of samples.csv; what a model is to think is told of what it may learn from."""
    truth = Truth(tile.material, tile.severity, COURSES[course(tile.mask)])
    return {
        "file": job.file,
        "label": "cracked" if truth.cracked else "not cracked",
        "category": job.category,
        "split": job.split,
        "source": "simulation",
        "severity": str(truth.severity),
        "traversable": "Yes" if truth.traversable else "No",
        "group": job.group,
        "reasoning": "" if job.split == "test" else rationale(truth, tile.distractor),
    }


def write(suite: Path) -> None:
    """Write all pictures, then the table that names them."""
    all_jobs = list(jobs())
    chosen_for = openers(all_jobs)
    rows = []
    for job in all_jobs:
        tile = draw(job, chosen_for[job.group])
        path = suite / job.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(tile.picture, QUALITY))
        rows.append(row(job, tile))
    with (suite / "samples.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
