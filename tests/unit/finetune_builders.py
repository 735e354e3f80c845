"""A few tiles of the shipped suite as a suite of their own, and examples on a real checkpoint."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path

from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.finetune.batches import Drawn
from pytest_cosmos.finetune.examples import examples
from pytest_cosmos.suites import Suite, read_suite
from tests.unit.engine_builders import settings_of

SHIPPED = Path(__file__).parents[2] / "cases" / "floor_cracks"
COUNTS = {"train": 16, "validation": 4, "test": 4}


def write_floors(folder: Path, counts: Mapping[str, int] = COUNTS) -> Path:
    """Copy the first tiles of each split, and return the suite's folder."""
    suite = folder / "floors"
    suite.mkdir(parents=True)
    shutil.copy(SHIPPED / "suite.yaml", suite)
    with (SHIPPED / "samples.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    kept = [row for split, count in counts.items() for row in [r for r in rows if r["split"] == split][:count]]
    for row in kept:
        (suite / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / row["file"], suite / row["file"])
    with (suite / "samples.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    return suite


def read_floors(folder: Path, counts: Mapping[str, int] = COUNTS) -> Suite:
    return read_suite(write_floors(folder, counts), split="train", decode=("train", "validation", "test"))


def loaded(root: Path, model: str = "tiny") -> Loaded:
    return load(locate(model), settings_of(root, model=model))


def drawn(suite: Suite, model: Loaded, split: str = "train") -> list[Drawn]:
    return [Drawn(example, seed) for seed, example in enumerate(examples(suite, split, model.family))]
