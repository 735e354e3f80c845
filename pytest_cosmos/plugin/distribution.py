"""xdist: each worker is sent its whole share at once, so that it can answer it in batches.

Only imported where xdist runs. A crashed worker's rest is dealt again by xdist's own rules to the living, who
answer it when a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScheduling

from pytest_cosmos.errors import CosmosError
from pytest_cosmos.plugin.shares import deal, make_batches, sample_key
from pytest_cosmos.suites import find_suites, read_suite

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings


class BatchScheduling(LoadScheduling):  # type: ignore[misc]  # xdist ships no types
    """LoadScheduling whose first distribution follows the plan's batches."""

    collection: list[str] | None
    maxschedchunk: int | None

    def __init__(self, config: pytest.Config, log: Any, settings: Settings) -> None:
        super().__init__(config, log)
        self._settings = settings

    def schedule(self) -> None:
        """Send every worker its share of our items and an even part of the others; without ours, as xdist does."""
        first_time = self.collection is None
        samples = samples_by_node(next(iter(self.node2collection.values())), self._settings) if first_time else {}
        if not samples or not self._check_nodes_have_same_collection():
            super().schedule()
            return
        self.collection = next(iter(self.node2collection.values()))
        if self.maxschedchunk is None:
            self.maxschedchunk = len(self.collection)
        for node, indices in zip(self.nodes, self._shares(self.collection, samples), strict=True):
            self.node2pending[node].extend(indices)
            if indices:
                node.send_runtest_some(indices)
        for node in self.nodes:
            node.shutdown()

    def _shares(self, collection: list[str], samples: dict[str, str]) -> list[list[int]]:
        """Split the indices of the collection: by batch for our items, evenly for the others."""
        position = {nodeid: index for index, nodeid in enumerate(collection)}
        others = [index for nodeid, index in position.items() if nodeid not in samples]
        workers = [node.workerinput for node in self.nodes]
        dealt = deal(make_batches(collection, samples), workers)
        return [
            sorted([position[nodeid] for batch in share for nodeid in batch] + others[number :: len(workers)])
            for number, share in enumerate(dealt)
        ]


def samples_by_node(nodeids: list[str], settings: Settings) -> dict[str, str]:
    """Map our node ids to their sample; the parameter in brackets holds a case id, or its suite's name before it."""
    known = {}
    for name, folder in find_suites(settings.cases).items() if settings.cases.is_dir() else ():
        try:
            suite = read_suite(folder, decode=(), split=settings.split)
        except CosmosError:  # the workers report it, with every other mistake
            continue
        for case in suite.cases(settings.split):
            for text in (case.id, f"{name}-{case.id}"):
                known[text] = known[text.encode("unicode_escape").decode()] = sample_key(case)
    found = {nodeid: _sample(nodeid.partition("[")[2].removesuffix("]"), known) for nodeid in nodeids}
    return {nodeid: sample for nodeid, sample in found.items() if sample is not None}


def _sample(parameter: str, known: dict[str, str]) -> str | None:
    """Find the case id in a parameter, which holds others too where a user's own are stacked on ours."""
    words = parameter.split("-")
    spans = ((start, end) for start in range(len(words)) for end in range(len(words), start, -1))
    texts = ("-".join(words[start:end]) for start, end in spans)
    return next((known[text] for text in texts if text in known), None)
