"""How many cases are answered at a time."""

from __future__ import annotations

from itertools import groupby

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.engines.transformers_sizes import BatchSizes, is_out_of_memory, sample_key, split
from pytest_cosmos.records import Case
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL, case

PROMPTS = (BINARY, TRAVERSAL, SEVERITY)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=12), st.integers(1, 20))
def test_a_batch_splits_no_sample_that_fits(prompts: list[int], size: int) -> None:
    cases = [case(f"s{i}", prompt, "Yes") for i, count in enumerate(prompts) for prompt in PROMPTS[:count]]
    first, rest = split(cases, size)
    assert [*first, *rest] == cases
    assert 1 <= len(first) <= size
    if rest and sample_key(first[-1]) == sample_key(rest[0]):
        assert len({sample_key(one) for one in first}) == 1, "only a sample too large for a batch is split"
        assert _prompts_of(cases, first[0]) > size


@given(st.integers(1, 12), st.integers(1, 20))
def test_a_batch_is_as_large_as_it_may_be(samples: int, size: int) -> None:
    cases = [case(f"s{i}", prompt, "Yes") for i in range(samples) for prompt in PROMPTS]
    first, rest = split(cases, size)
    assert not rest or len(first) + len(PROMPTS) > size


def _prompts_of(cases: list[Case], one: Case) -> int:
    groups = groupby(cases, key=sample_key)
    return next(len(list(group)) for key, group in groups if key == sample_key(one))


def test_the_first_batch_is_small_then_full() -> None:
    sizes = BatchSizes(None, gpu=False)
    assert [sizes.next(left) for left in (10_000, 9_600, 9_408)] == [24, 192, 192]


@given(st.integers(1, 3000))
def test_what_is_left_is_shared_out_evenly(cases: int) -> None:
    sizes = BatchSizes(None, gpu=False)
    sizes.next(cases)
    left, taken = cases, []
    while left:
        taken.append(min(left, sizes.next(left)))
        left -= taken[-1]
    assert max(taken) - min(taken) <= 1
    assert max(taken) <= sizes.most == 288
    assert len(taken) == max(1, round(cases / 192))


def test_the_size_a_user_sets_is_kept() -> None:
    sizes = BatchSizes(10, gpu=False)
    assert [sizes.next(left) for left in (25, 15, 11)] == [10, 8, 10]
    assert sizes.most == 10


def test_it_falls_by_half_when_memory_runs_out_and_stays_there() -> None:
    sizes = BatchSizes(64, gpu=True)
    sizes.ran_out(40)
    assert (sizes.most, sizes.next(200)) == (20, 20)
    sizes.ran_out(64)
    assert sizes.most == 20
    for _ in range(9):
        sizes.ran_out(sizes.most)
    assert sizes.next(200) == 1


def test_running_out_of_memory_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**52)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))
