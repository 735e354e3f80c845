"""Splits: whole groups, shares kept, the same whatever the order of the rows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.records import Sample
from pytest_cosmos.suites.splits import assign_splits, bundles_of, largest_bundles

SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}
GROUPS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from("ab")), min_size=1, max_size=40)
SAMPLES = st.lists(
    st.tuples(st.sampled_from(("cracked", "whole")), st.sampled_from(("", *"abcdefgh")), st.integers(0, 60)),
    max_size=40,
)


def sample(number: int, label: str, group: str = "", file: str = "") -> Sample:
    return Sample(id=f"s{number}", media=(file or f"{number}.png",), label=label, group=group)


def pure_groups(groups: list[tuple[int, str]]) -> list[Sample]:
    """Return samples in groups of these sizes, each of one label."""
    kinds = [(name, f"g{number}") for number, (size, name) in enumerate(groups) for _ in range(size)]
    return [sample(number, label, group) for number, (label, group) in enumerate(kinds)]


def assign(samples: list[Sample], seed: int = 0, stratify: tuple[str, ...] = ("label",)) -> dict[str, str]:
    return assign_splits(samples, by="group", stratify=stratify, shares=SHARES, seed=seed)


@given(SAMPLES, st.integers(0, 3), st.randoms(use_true_random=False))
def test_neither_a_group_nor_a_file_is_in_two_splits(
    rows: list[tuple[str, str, int]], seed: int, order: random.Random
) -> None:
    samples = [sample(number, label, group, f"{file}.png") for number, (label, group, file) in enumerate(rows)]
    splits = assign(samples, seed)
    assert set(splits) == {one.id for one in samples}
    homes = defaultdict(set)
    for one in samples:
        homes[one.media].add(splits[one.id])
        if one.group:
            homes[one.group,].add(splits[one.id])
    assert all(len(home) == 1 for home in homes.values())
    shuffled = order.sample(samples, len(samples))
    assert assign(shuffled, seed) == splits


@given(GROUPS, st.integers(0, 3))
def test_a_single_stratum_is_nearer_to_its_shares_than_its_largest_group(
    groups: list[tuple[int, str]], seed: int
) -> None:
    samples = pure_groups(groups)
    got = Counter(assign(samples, seed, stratify=()).values())
    largest = largest_bundles(bundles_of(samples, "group"), ())[()]
    for split, share in SHARES.items():
        assert abs(got[split] - share * len(samples)) < largest


@given(GROUPS, st.integers(0, 3))
def test_each_of_several_strata_is_near_its_shares(groups: list[tuple[int, str]], seed: int) -> None:
    samples = pure_groups(groups)
    splits = assign(samples, seed)
    largest = largest_bundles(bundles_of(samples, "group"), ("label",))
    for label in "ab":
        members = [one for one in samples if one.label == label]
        got = Counter(splits[one.id] for one in members)
        for split, share in SHARES.items():
            # what the whole split needs may move one group more
            assert abs(got[split] - share * len(members)) < 2 * largest.get((label,), 0) + 1e-9 or not members


def test_many_small_strata_are_not_all_rounded_to_the_same_side() -> None:
    samples = [sample(number, f"label {number // 5}") for number in range(120)]
    got = Counter(assign(samples).values())
    assert all(abs(got[split] - share * 120) <= 4 for split, share in SHARES.items())


def test_another_seed_is_another_draw() -> None:
    samples = [sample(number, "cracked") for number in range(40)]
    assert assign(samples, 1) != assign(samples, 2)
    assert Counter(assign(samples, 1).values()) == {"train": 24, "validation": 6, "test": 10}


def test_a_split_without_a_share_gets_nothing() -> None:
    samples = [sample(number, "cracked") for number in range(10)]
    splits = assign_splits(
        samples, by="group", stratify=(), shares={"train": 0.7, "validation": 0, "test": 0.3}, seed=0
    )
    assert Counter(splits.values()) == {"train": 7, "test": 3}


def test_files_and_groups_chain_samples_together() -> None:
    samples = [sample(0, "a", "g", "x.png"), sample(1, "a", "h", "x.png"), sample(2, "a", "h"), sample(3, "a")]
    assert {bundle.name: len(bundle.samples) for bundle in bundles_of(samples, "group")} == {"s0": 3, "s3": 1}
