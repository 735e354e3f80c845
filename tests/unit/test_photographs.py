"""The real tiles as a suite: no photograph is in two splits, and no tile in two of them looks like another."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

from pytest_cosmos.suites import read_suite, suite_leaks
from tools.photographs import split_of, write


@pytest.mark.parametrize(
    ("original", "placed"),
    [
        ("D/UD/7001-80.jpg", ("train", "7001 train")),
        ("D/UD/7001-81.jpg", ("validation", "7001 validation")),
        ("D/UD/7001-96.jpg", ("test", "7001 test")),
        ("D/CD/7002-9.jpg", ("validation", "7002")),
        ("D/CD/7004-10.jpg", ("train", "7004")),
        ("D/CD/7006-5.jpg", ("test", "7006")),
        ("brick.png", ("test", "brick.png")),
    ],
)
def test_where_a_tile_goes(original: str, placed: tuple[str, str]) -> None:
    assert split_of(original) == placed


def test_the_suite_is_sound_and_without_leaks(tmp_path: Path) -> None:
    folder = os.environ.get("COSMOS_REAL_DATA")
    if not folder:
        pytest.skip("COSMOS_REAL_DATA is not set: there are no photographs")
    write(Path(folder), tmp_path / "photographs")

    suite = read_suite(tmp_path / "photographs", decode=("train", "validation", "test"))

    splits = defaultdict(set)
    for sample in suite.samples:
        splits[sample.group].add(sample.split)
    assert all(len(found) == 1 for found in splits.values())
    assert [len(suite.cases(split)) for split in ("train", "validation", "test")] == [101, 29, 82]
    assert suite_leaks(suite) == ()
