"""From a selected case to a judged answer: the plan that runs ahead of the tests, and what a test is handed."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
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
from pytest_cosmos.gate import holds
from pytest_cosmos.judging import judge
from pytest_cosmos.plugin.again import ask_round, draw, rounds_of
from pytest_cosmos.plugin.collection import Collection, case_of
from pytest_cosmos.plugin.live import LiveLine, duration
from pytest_cosmos.plugin.shares import make_batches, sample_key, share_of
from pytest_cosmos.plugin.turns import Turns
from pytest_cosmos.plugin.workers import deadline_of, place_of
from pytest_cosmos.records import Case, Judgement, Outcome, Repeat, Reply, Verdict, Waiver

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

OUTCOME = pytest.StashKey[Outcome]()
"""On an item: what became of its case."""

EARLIER = pytest.StashKey[list[Outcome | None]]()
"""On an item: what became of its case with each baseline; None: it was not asked."""

MAX_SHOWN = 300
"""Characters of reasoning shown in a test's message."""


@dataclass(frozen=True, slots=True)
class CosmosAnswer:
    """What the fixture `cosmos_answer` gives a test: the model's answer to one case, judged."""

    case: Case
    reply: Reply
    judgement: Judgement

    def __repr__(self) -> str:
        return f"<{self.case.key}: {self.explanation}>"

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
        self._turns: Turns | None = None
        self._process: EngineProcess | None = None
        self._apart = False
        self._engines: list[Engine] = []
        self._started = time.time()
        self._live = live
        self._answered: dict[str, Case] = {}
        self._drawn: frozenset[str] = frozenset()
        self._again = 0.0
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
        self._drawn = draw(cases.values(), self._collection.settings.seed)
        turns, more = self._collection.settings.turns(), bool(rounds_of(self._collection.settings))
        self._engines = [self._choose_engine(settings, keep=more or settings is not turns[-1]) for settings in turns]
        mine = [cases[node] for batch in share for node in batch]
        theirs = [[cases[node] for node in batch] for batch in others]
        names = [settings.model if len(turns) > 1 else "" for settings in turns]
        plans = [
            Plan(engine, mine, theirs, deadline=self.deadline, name=name)
            for engine, name in zip(self._engines, names, strict=True)
        ]
        self._turns = Turns(plans, self._engines)
        self._turns.start()

    def answer(self, item: pytest.Item, case: Case) -> CosmosAnswer:
        """Wait for the reply to a case and judge it; a case without a reply fails its test."""
        if self._turns is None:
            self.start([item])
        turns = self._turns
        assert turns is not None
        reply = turns.candidate.reply(case, tick=lambda _: self._live.draw(turns.progress()))
        if reply is None:
            pytest.skip(
                f"not asked: the time budget of {duration(self._collection.settings.time_budget or 0)} is spent"
            )
        self._answered[case.key] = case
        judgement = judge(case, reply)
        item.stash[OUTCOME] = Outcome(case=case, reply=reply, judgement=judgement)
        item.stash[EARLIER] = [
            Outcome(case=case, reply=said, judgement=judge(case, said)) if said is not None else None
            for said in turns.earlier(case)
        ]
        if judgement.verdict is Verdict.ERROR:
            pytest.fail(f"no reply to {case.key}: {printable(judgement.reason)}", pytrace=False)
        return CosmosAnswer(case, reply, judgement)

    def ask_again(self, keep: Callable[[Repeat], None]) -> None:
        """Ask what is to be asked once more, of the cases whose tests have run; `keep` takes what they come to."""
        rounds = rounds_of(self._collection.settings)
        if self._turns is None or not rounds:
            return
        started = time.perf_counter()
        self._turns.candidate.drain()
        self._turns.candidate.close()
        try:
            for one in rounds:
                chosen = self._drawn if one.manner == "alone" else self._answered.keys()
                cases = [case for key, case in self._answered.items() if key in chosen]
                engine = self._choose_engine(one.settings, keep=one is not rounds[-1])
                self._engines.append(engine)
                for repeat in ask_round(one, engine, cases, self.deadline, self._live.draw):
                    keep(repeat)
        except BaseException:  # Ctrl-C must not wait for a model in the midst of a batch
            self.close()
            raise
        finally:
            self._again = time.perf_counter() - started

    def progress(self) -> Progress | None:
        """Say how far the plan of this process has come; None where there is none."""
        return self._turns.progress() if self._turns is not None else None

    def rest(self) -> None:
        """Wait until everything planned is answered, then free the models; what was said stays to be had."""
        if self._turns is not None:
            self._turns.drain()
        self.close()

    def close(self) -> None:
        """Stop the plans."""
        if self._process is not None:
            self._process.close()
        if self._turns is not None:
            self._turns.close()

    def _choose_engine(self, settings: Settings, *, keep: bool) -> Engine:
        """Return the engine, behind the reply store where there is one; what is scripted is not stored.

        `keep`: its process serves another model after it.
        """
        make = functools.partial(self._make_engine, settings, keep=keep)
        if settings.store is None or settings.engine == "scripted":
            return make()
        return StoredEngine(make, settings, self._collection.folders(), collected=self._started)

    def _make_engine(self, settings: Settings, *, keep: bool) -> Engine:
        folders = self._collection.folders()
        if not self._apart:
            return make_engine(settings, folders)
        if self._process is None or not self._process.alive:
            self._process = self._make_process()
        return ProcessEngine(settings, folders, self._process, start=self._make_process, keep=keep)

    def _make_process(self) -> EngineProcess:
        """Start a child; a worker's sees the device that is this worker's."""
        place = place_of(self._config)
        own = device_environment(self._collection.settings, *place) if place is not None else {}
        return EngineProcess(warm=True, environment=own)

    def record(self) -> dict[str, Any]:
        """Describe what this process did, as builtins that travel between processes."""
        plans = self._turns.plans if self._turns is not None else ()
        stored = [engine for engine in self._engines if isinstance(engine, StoredEngine)]
        seconds = [plan.seconds for plan in plans]
        if self._again:
            seconds[-1] = {**seconds[-1], "again": self._again}
        return {
            "problems": list(self._collection.problems),
            "named": sorted(self._collection.suites),
            "suites": [suite.model_dump(mode="json") for suite in self._collection.suite_records(self.selected)],
            "models": [plan.model.model_dump(mode="json") if plan.model is not None else None for plan in plans],
            "remarks": [line for engine in stored for line in engine.remarks],
            "seconds": seconds,
            "read cases": self._collection.seconds,
        }


def fails_outright(outcome: Outcome, settings: Settings, waiver: Waiver | None, today: date) -> bool:
    """Tell whether a wrong or unparsed answer fails its test: a must-pass sample without a waiver, or a strict run."""
    waived = waiver is not None and holds(waiver, today)
    return settings.strict or (outcome.case.sample.must_pass and not waived)


def why_outright(outcome: Outcome, waiver: Waiver | None, today: date) -> str:
    """Say in a few words why a case fails its test."""
    if outcome.judgement.verdict is Verdict.ERROR:
        return "no reply"
    if not outcome.case.sample.must_pass:
        return "strict"
    expired = waiver is not None and not holds(waiver, today)
    return f"must pass; its waiver expired on {waiver.expires}" if waiver and expired else "must pass"
