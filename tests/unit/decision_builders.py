"""Runs made up for the tests of the decision: floors of three categories, two prompts, seeded."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_cosmos.records import Case, Decision, ModelRecord, Outcome, Reply, Sample
from pytest_cosmos.runlog import RunFolder
from tests.unit.builders import BINARY, TRAVERSAL, judged, run_of

CATEGORIES = ("hazard", "safe", "ambiguous", "ambiguous")

TARGETS = """version: 1
release:
  floor:
    accuracy: {at_least: 0.85}
    error_rate: {at_most: 0}
"""
MARGIN = "regression:\n  floor:\n    accuracy[category=safe]: {max_drop: 0.05}\n"

PLAIN = {"hazard": 0.95, "safe": 0.95}
BASE = {**PLAIN, "ambiguous": 0.55}
"""Which share of each category is answered correctly."""


def answers(
    rates: Mapping[str, float], samples: int = 200, *, seed: int = 0, reasoning: str = "", must_pass: bool = False
) -> list[Outcome]:
    """Answer so many images under two prompts; which are right is the same for all rates that are as high."""
    dice = random.Random(seed)
    found = []
    for number in range(samples):
        category = CATEGORIES[number % 4]
        danger = category == "hazard" or (category == "ambiguous" and number % 8 == 3)
        image = Sample(
            id=f"s{number:03d}",
            media=(f"media/s{number:03d}.jpg",),
            media_hash=f"{number:064x}",
            label="cracked" if danger else "not cracked",
            category=category,
            source="simulation",
            must_pass=must_pass and number == 0,
        )
        for prompt in (BINARY, TRAVERSAL):
            expected = "Yes" if danger == (prompt is BINARY) else "No"
            case = Case(suite="floor", sample=image, prompt=prompt, expected=expected)
            right = dice.random() < rates[category]
            said = expected if right else {"Yes": "No", "No": "Yes"}[expected]
            raw = f"<think>{reasoning}</think>{said}" if reasoning else said
            reply = Reply(case_key=case.key, raw=raw, reasoning=reasoning, answer=said, confidence=dice.random())
            found.append(Outcome(case=case, reply=reply, judgement=judged(case, said)))
    return found


def write_run(
    project: Path, name: str, outcomes: Sequence[Outcome], *, adapter: str = "", fingerprint: str = "", **fields: Any
) -> RunFolder:
    """Write a finished run of a model called `name` into reports/runs."""
    folder = RunFolder(project / "reports/runs" / name)
    folder.path.mkdir(parents=True)
    folder.append(outcomes)
    folder.close()
    decision = Decision(outcome="missed_bar", exit_code=1, answered=len(outcomes), planned=len(outcomes))
    run = run_of(outcomes)
    suites = tuple(suite.model_copy(update={"sources": ("simulation",), "digest": "d"}) for suite in run.suites)
    weights = "base" if adapter else name
    model = ModelRecord(name=weights, engine="scripted", fingerprint=fingerprint or weights, adapter=adapter)
    told = {"id": name, "finished": "2026-01-02T03:05:05Z", "decision": decision, "model": model, "suites": suites}
    folder.write_run(run.model_copy(update={**told, **fields}))
    return folder
