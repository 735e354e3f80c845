"""Shares of xdist's workers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.plugin.shares import SAMPLES_PER_BATCH, deal, make_batches, share_of


def ids(samples: int, prompts: int) -> tuple[list[str], dict[str, str]]:
    nodes = {f"t.py::test[s{s}-p{p}]": f"s{s}" for s in range(samples) for p in range(prompts)}
    return list(nodes), nodes


@given(st.integers(0, 60), st.integers(1, 4), st.integers(1, 5))
def test_shares_are_disjoint_whole_and_keep_samples_together(samples: int, prompts: int, workers: int) -> None:
    nodes, by_sample = ids(samples, prompts)
    batches = make_batches(nodes, by_sample)
    shares = [share_of(batches, {"workerid": f"gw{k}", "workercount": workers})[0] for k in range(workers)]
    flat = [node for share in shares for batch in share for node in batch]
    assert sorted(flat) == sorted(nodes)
    for share in shares:
        mine = {node for batch in share for node in batch}
        for sample in {by_sample[node] for node in mine}:
            assert {node for node in nodes if by_sample[node] == sample} <= mine


def test_others_are_left_out() -> None:
    nodes, by_sample = ids(2, 2)
    assert make_batches(["plain.py::test", *nodes], by_sample) == [tuple(nodes)]


def test_batches_hold_whole_samples() -> None:
    nodes, by_sample = ids(SAMPLES_PER_BATCH + 1, 3)
    assert [len(batch) for batch in make_batches(nodes, by_sample)] == [3 * SAMPLES_PER_BATCH, 3]


def test_alone_everything_is_mine() -> None:
    nodes, by_sample = ids(20, 3)
    mine, others = share_of(make_batches(nodes, by_sample), None)
    assert [node for batch in mine for node in batch] == nodes
    assert others == []


def test_a_worker_that_replaces_a_dead_one_starts_with_nothing() -> None:
    nodes, by_sample = ids(20, 3)
    mine, others = share_of(make_batches(nodes, by_sample), {"workerid": "gw2", "workercount": 2})
    assert mine == []
    assert sum(map(len, others)) == len(nodes)


def test_a_replacement_takes_the_share_that_nobody_claims() -> None:
    nodes, by_sample = ids(30, 2)
    batches = make_batches(nodes, by_sample)
    workers = [{"workerid": name, "workercount": 3} for name in ("gw0", "gw2", "gw4")]
    dealt = deal(batches, workers)
    assert sorted(node for share in dealt for batch in share for node in batch) == sorted(nodes)
    assert [dealt[0], dealt[1]] == [share_of(batches, worker)[0] for worker in workers[:2]]


def test_two_tests_of_one_sample_stay_together() -> None:
    nodes = [f"{test}.py::test[s{number}-p]" for test in "ab" for number in range(20)]
    batches = make_batches(nodes, {node: node.partition("[")[2] for node in nodes})
    assert all(
        batch.count(f"a.py::test[s{n}-p]") == batch.count(f"b.py::test[s{n}-p]") for batch in batches for n in range(20)
    )
