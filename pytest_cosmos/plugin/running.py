"""From a selected case to a judged answer: the plan that runs ahead of the tests, and what a test is handed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.engines import (
    Engine,
    EngineProcess,
    Plan,
    ProcessEngine,
    Progress,
    StoredEngine,
    device_environment,
    make_engine,
)
from pytest_cosmos.judging import judge
from pytest_cosmos.plugin.collection import Collection, case_of
from pytest_cosmos.plugin.live import LiveLine, duration
from pytest_cosmos.plugin.shares import make_batches, sample_key, share_of
from pytest_cosmos.plugin.workers import deadline_of, place_of
from pytest_cosmos.records import Case, Judgement, Outcome, Reply, Verdict

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

OUTCOME = pytest.StashKey[Outcome]()
"""On an item: what became of its case."""

MAX_SHOWN = 300
"""Characters of reasoning shown in a test's message."""


@dataclass(frozen=True, slots=True)
class CosmosAnswer:
    """What the fixture `cosmos_answer` gives a test: the model's answer to one case, judged."""

    case: Case
    reply: Reply
    judgement: Judgement

    @property
    def correct(self) -> bool:
        """Whether the answer is the expected one (a rating: within the prompt's tolerance)."""
        return self.judgement.verdict is Verdict.CORRECT

    @property
    def answer(self) -> str | None:
        """The answer found, one of the prompt's choices; None when none was found."""
        return self.judgement.answer

    @property
    def expected(self) -> str:
        """The answer the label calls for."""
        return self.case.expected

    @property
    def reasoning(self) -> str:
        """What the model said before its answer."""
        return self.reply.reasoning

    @property
    def confidence(self) -> float | None:
        """Probability of the answer among the prompt's alternatives; None when not to be had."""
        return self.reply.confidence

    @property
    def explanation(self) -> str:
        """What was said, what was expected, and why, in a line or two."""
        return explain(Outcome(case=self.case, reply=self.reply, judgement=self.judgement))


def explain(outcome: Outcome) -> str:
    """Say what was said and what was expected, with confidence and reasoning, safe to print."""
    judgement, reply = outcome.judgement, outcome.reply
    said = f"said {judgement.answer}" if judgement.answer is not None else f"no answer found: {judgement.reason}"
    sure = f" (confidence {reply.confidence:.2f})" if reply.confidence is not None else ""
    shown = printable(reply.reasoning or reply.raw)
    because = f' because "{shown}"' if shown else ""
    return f"{said}{sure}, expected {outcome.case.expected}{because}"


def printable(text: str) -> str:
    """Fold model text into one line without control characters, cut to a length that can be read."""
    clean = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_SHOWN])
    folded = " ".join(clean.split())
    return folded if len(folded) <= MAX_SHOWN else folded[: MAX_SHOWN - 1] + "…"


class Runner:
    """Answers the cases of this process."""

    def __init__(self, config: pytest.Config, collection: Collection, live: LiveLine) -> None:
        self._config = config
        self._collection = collection
        self._plan: Plan | None = None
        self._process: EngineProcess | None = None
        self._apart = False
        self._engine: Engine | None = None
        self._started = time.time()
        self._live = live
        self.deadline = deadline_of(config, collection.settings)
        self.selected: Counter[str] = Counter()

    def warm(self) -> None:
        """Start the engine's process, so that it imports its libraries while pytest collects."""
        if self._collection.settings.engine == "transformers" and not self._config.option.collectonly:
            self._apart = True
            self._process = self._make_process()

    def start(self, items: Sequence[pytest.Item]) -> None:
        """Make the plan of the selected items and set it going."""
        cases = {item.nodeid: case for item in items if (case := case_of(item)) is not None}
        self.selected.update(case.suite for case in {case.key: case for case in cases.values()}.values())
        batches = make_batches(
            [item.nodeid for item in items], {node: sample_key(case) for node, case in cases.items()}
        )
        share, others = share_of(batches, getattr(self._config, "workerinput", None))
        self._engine = self._choose_engine()
        self._plan = Plan(
            self._engine,
            [cases[node] for batch in share for node in batch],
            [[cases[node] for node in batch] for batch in others],
            deadline=self.deadline,
        )
        self._plan.start()

    def answer(self, item: pytest.Item, case: Case) -> CosmosAnswer:
        """Wait for the reply to a case and judge it; a case without a reply fails its test."""
        if self._plan is None:
            self.start([item])
        assert self._plan is not None
        reply = self._plan.reply(case, tick=self._live.draw)
        if reply is None:
            pytest.skip(
                f"not asked: the time budget of {duration(self._collection.settings.time_budget or 0)} is spent"
            )
        judgement = judge(case, reply)
        item.stash[OUTCOME] = Outcome(case=case, reply=reply, judgement=judgement)
        if judgement.verdict is Verdict.ERROR:
            pytest.fail(f"no reply to {case.key}: {printable(judgement.reason)}", pytrace=False)
        return CosmosAnswer(case, reply, judgement)

    def progress(self) -> Progress | None:
        """Say how far the plan of this process has come; None where there is none."""
        return self._plan.progress() if self._plan is not None else None

    def close(self) -> None:
        """Stop the plan."""
        if self._process is not None:
            self._process.close()
        if self._engine is not None:
            self._engine.close()
        if self._plan is not None:
            self._plan.close()

    def _choose_engine(self) -> Engine:
        """Return the engine, behind the reply store where there is one; what is scripted is not stored."""
        settings = self._collection.settings
        if settings.store is None or settings.engine == "scripted":
            return self._make_engine()
        return StoredEngine(self._make_engine, settings, self._collection.folders(), collected=self._started)

    def _make_engine(self) -> Engine:
        settings, folders = self._collection.settings, self._collection.folders()
        if not self._apart:
            return make_engine(settings, folders)
        process, self._process = self._process or self._make_process(), None
        return ProcessEngine(settings, folders, process)

    def _make_process(self) -> EngineProcess:
        """Start a child; a worker's sees the device that is this worker's."""
        place = place_of(self._config)
        own = device_environment(self._collection.settings, *place) if place is not None else {}
        return EngineProcess(warm=True, environment=own)

    def record(self) -> dict[str, Any]:
        """Describe what this process did, as builtins that travel between processes."""
        model = self._plan.model if self._plan is not None else None
        return {
            "problems": list(self._collection.problems),
            "named": sorted(self._collection.suites),
            "suites": [suite.model_dump(mode="json") for suite in self._collection.suite_records(self.selected)],
            "model": model.model_dump(mode="json") if model is not None else None,
            "remarks": list(self._engine.remarks) if isinstance(self._engine, StoredEngine) else [],
            "seconds": {**(self._plan.seconds if self._plan else {}), "read cases": self._collection.seconds},
        }


def fails_outright(outcome: Outcome, settings: Settings) -> bool:
    """Tell whether a wrong or unparsed answer fails its test: a must-pass sample, or a strict run."""
    return settings.strict or outcome.case.sample.must_pass


def why_outright(outcome: Outcome) -> str:
    """Say in a word or two why a case fails its test."""
    if outcome.judgement.verdict is Verdict.ERROR:
        return "no reply"
    return "must pass" if outcome.case.sample.must_pass else "strict"
