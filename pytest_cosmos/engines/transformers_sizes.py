"""How many cases are answered at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeAlias

from pytest_cosmos.media import media_kind
from pytest_cosmos.records import Case, Vision

# The first batch is small, so that the first replies come early. Measured on the embedded model on a CPU: 192 cases
# at a time, a prompt after the other, are faster than 96. A GPU has more to spare; there memory is the bound.
_FIRST = 24
_MOST_CPU = 192
_MOST_GPU = 256
_MOST_CLIPS = 4
_SHARE_OF_FREE_MEMORY = 0.5
_EXPECTED_REPLY = 512


SampleKey: TypeAlias = tuple[str, str]
"""Suite and id: what tells samples apart."""


def sample_key(case: Case) -> SampleKey:
    """Return which sample a case is of."""
    return case.suite, case.sample.id


class BatchSizes:
    """The size of the next batch, in cases: chosen by itself, or as the user set it; halved when memory runs out."""

    def __init__(self, wanted: int | None, *, gpu: bool) -> None:
        self._usual = wanted or (_MOST_GPU if gpu else _MOST_CPU)
        # half as many again may be one batch: see `next`
        self._most = wanted or self._usual * 3 // 2
        self._begun = bool(wanted)

    @property
    def most(self) -> int:
        """The largest batch that may be tried."""
        return self._most

    def next(self, left: int) -> int:
        """Return how many of the cases left to take next.

        What is left is shared out evenly: a small last batch would take nearly as long as a full one.
        """
        if not self._begun:
            self._begun = True
            return min(_FIRST, self._most)
        batches = max(1, round(left / min(self._usual, self._most)))
        return min(self._most, math.ceil(left / batches))

    def ran_out(self, size: int) -> None:
        """Take note that memory ran out with `size` cases: from now on at most half as many."""
        self._most = max(1, min(self._most, size // 2))


def by_manner(cases: Sequence[Case], *, apart: bool) -> tuple[tuple[Case, ...], ...]:
    """Group cases by how their media are to be shown: a batch is prepared in one way.

    `apart`: those that are asked to reason are not answered together with others, for they are sampled otherwise.
    """
    groups: dict[tuple[Vision, bool], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.prompt.vision, apart and case.prompt.reasoning), []).append(case)
    return tuple(tuple(group) for group in groups.values())


def split(cases: Sequence[Case], size: int) -> tuple[Sequence[Case], Sequence[Case]]:
    """Split off a first batch of at most `size` cases that splits no sample.

    Only a sample with more than `size` prompts is split. A batch holds few videos, for their frames are all in memory.
    """
    count = clips = 0
    for _, prompts in groupby(cases[: size + 1], key=sample_key):
        group = list(prompts)
        clips += sum(media_kind(name) == "video" for name in group[0].sample.media)
        if count + len(group) > size or (count and clips > _MOST_CLIPS):
            break
        count += len(group)
    end = count or size
    return cases[:end], cases[end:]


def fits(model: Any, rows: int, tokens: int, limit: int) -> bool:
    """Estimate whether the key-value cache of so many prompts of so many tokens fits into half the free memory."""
    need = cache_bytes_per_token(model) * rows * (tokens + min(limit, _EXPECTED_REPLY))
    return need <= _SHARE_OF_FREE_MEMORY * _free_memory(model.device)


def cache_bytes_per_token(model: Any) -> int:
    """Return how much a position takes in the key-value cache: 2 x layers x heads x width x bytes of the dtype."""
    text = model.config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * model.dtype.itemsize)


def _free_memory(device: Any) -> int:
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        # what torch holds in reserve is free as well
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    import psutil  # type: ignore[import-untyped]  # accelerate needs it, so it is there

    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell running out of memory, on a GPU or a CPU, from other errors."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in _CPU_SIGNS)


# torch has no exception of its own for the CPU's allocator
_CPU_SIGNS = ("DefaultCPUAllocator", "can't allocate memory", "not enough memory", "out of memory")
