"""The floor generator and the cases it ships: same seed, same picture; facts that match the pixels."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.tiny import make_cases, seeds
from tools.tiny.distractors import DISTRACTORS
from tools.tiny.floors import Plan, Tile, draw_floor, draw_tile
from tools.tiny.lessons import FloorBatches, cells
from tools.tiny.lighting import jpeg
from tools.tiny.materials import MATERIALS
from tools.tiny.phrases import Truth

SUITE = Path(__file__).parents[2] / "cases" / "floor_cracks"


def one_tile(seed: int, plan: Plan) -> Tile:
    return draw_tile(np.random.default_rng(seed), draw_floor(np.random.default_rng(seed), plan.distractor), plan)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (SUITE / "samples.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


@pytest.mark.parametrize("distractor", [None, *DISTRACTORS])
def test_same_seed_same_picture(distractor: str | None) -> None:
    first, second = (one_tile(7, Plan(3, distractor)) for _ in range(2))
    assert np.array_equal(first.picture, second.picture)
    assert np.array_equal(first.mask, second.mask)
    assert first.picture.shape == (128, 128, 3)


@pytest.mark.parametrize("seed", range(12))
def test_mask_is_empty_exactly_where_the_floor_is_whole(seed: int) -> None:
    distractor = [None, *DISTRACTORS][seed % (len(DISTRACTORS) + 1)]
    for severity in range(1, 6):
        tile = one_tile(seed, Plan(severity, distractor))
        assert tile.mask.any() == (severity > 1)
        assert cells(tile.mask).any() == (severity > 1)


def test_a_severer_crack_covers_more() -> None:
    covered = [np.mean([one_tile(s, Plan(k)).mask.mean() for s in range(15)]) for k in range(1, 6)]
    assert covered == sorted(covered)


def test_every_material_is_drawn() -> None:
    drawn = {draw_floor(np.random.default_rng(seed)).material for seed in range(200)}
    assert drawn == set(MATERIALS)


def test_batches_do_not_depend_on_where_training_resumed() -> None:
    whole = FloorBatches(seeds.PRETRAINING_CHECK, 2, first=0, count=3, distractors=0.0)
    resumed = FloorBatches(seeds.PRETRAINING_CHECK, 2, first=2, count=1, distractors=0.0)
    assert np.array_equal(whole[2].pictures, resumed[0].pictures)


def test_seed_ranges_are_disjoint() -> None:
    ranges = [seeds.PRETRAINING, seeds.PRETRAINING_CHECK, *seeds.SPLITS.values()]
    for one, other in combinations(ranges, 2):
        assert not range(max(one.start, other.start), min(one.stop, other.stop))
    jobs = list(make_cases.jobs())
    assert all(job.floor_seed in seeds.SPLITS[job.split] for job in jobs)


def test_shipped_pictures_are_what_the_generator_draws(rows: list[dict[str, str]]) -> None:
    jobs = list(make_cases.jobs())
    openers = make_cases.openers(jobs)
    by_file = {row["file"]: row for row in rows}
    for job in jobs[:: len(jobs) // 12]:
        tile = make_cases.draw(job, openers[job.group])
        assert make_cases.row(job, tile) == by_file[job.file]
        drawn = Image.open(io.BytesIO(jpeg(tile.picture, make_cases.QUALITY)))
        shipped = Image.open(SUITE / job.file)
        # Another processor may round a few pixels differently.
        assert np.abs(np.asarray(drawn, float) - np.asarray(shipped, float)).mean() < 1.0


def test_table_and_media_agree(rows: list[dict[str, str]]) -> None:
    assert tuple(rows[0]) == make_cases.COLUMNS
    listed = [row["file"] for row in rows]
    found = {path.relative_to(SUITE).as_posix() for path in (SUITE / "media").rglob("*.jpg")}
    assert set(listed) == found
    assert len({Path(file).stem for file in listed}) == len(listed)
    assert sum((SUITE / file).stat().st_size for file in listed) < 24e6


def test_labels_follow_the_stated_rule(rows: list[dict[str, str]]) -> None:
    for row in rows:
        truth = Truth("concrete", int(row["severity"]))
        assert row["label"] == ("cracked" if truth.cracked else "not cracked")
        assert row["traversable"] == ("Yes" if truth.traversable else "No")
        assert (row["category"], truth.cracked) not in {("hazard", False), ("safe", True)}


def test_splits_have_their_sizes_and_share_no_floor(rows: list[dict[str, str]]) -> None:
    assert Counter(row["split"] for row in rows) == make_cases.SIZES
    owner = {row["group"]: row["split"] for row in rows}
    assert all(owner[row["group"]] == row["split"] for row in rows)
    assert max(Counter(row["group"] for row in rows).values()) <= 3


def test_every_distractor_comes_with_and_without_a_crack() -> None:
    test_split = [job.plan for job in make_cases.jobs() if job.split == "test" and job.plan.distractor]
    counts = Counter((plan.distractor, plan.severity > 1) for plan in test_split)
    for distractor in DISTRACTORS:
        assert counts[distractor, True] + counts[distractor, False] == 20
        assert counts[distractor, True] == 9
