"""Entries that were packed here -> the prompts and samples that they were packed from."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from pytest_cosmos.finetune.import_records import Entry
from pytest_cosmos.finetune.import_write import Draft
from pytest_cosmos.finetune.packed import PackedCase
from pytest_cosmos.media import media_kind
from pytest_cosmos.prompting import FAMILIES, split_reply
from pytest_cosmos.records import Prompt, Sample
from pytest_cosmos.suites.files import SuiteFolder
from pytest_cosmos.userfiles import Complaints, quoted

T = TypeVar("T", Prompt, Sample)

_READS_ALL = FAMILIES["generic"]
"""Understands the replies of every family."""


def restore(entries: Sequence[tuple[Entry, Mapping[str, Path]]], out: Path, complaints: Complaints) -> Draft:
    """Return the suite again; entries that contradict each other, or their own text, are complained of.

    `entries` come with where their media lie, by the paths in them. Of the suite, what makes no case in them is lost.
    """
    prompts: dict[str, tuple[Prompt, Entry]] = {}
    samples: dict[str, tuple[Sample, Entry]] = {}
    sources: dict[str, Path] = {}
    asked: dict[str, list[str]] = {}
    folder = SuiteFolder(out)
    for entry, found in entries:
        case = entry.case
        if case is None:
            entry.where.complain(complaints, "has no case, unlike others. Import foreign records by themselves")
            continue
        prompt, sample = case.prompt.unfilled, case.sample
        _once(prompts, prompt.name, prompt, entry, complaints)
        _once(samples, sample.id, sample, entry, complaints)
        if (problem := _contradiction(entry, case)) is not None:
            entry.where.complain(complaints, problem)
        sources |= _sources(entry, case, found, folder, complaints)
        asked.setdefault(sample.id, []).append(prompt.name)
    kept = _in_order(tuple(asked.values()), tuple(prompts))
    return Draft(
        prompts=tuple(prompts[name][0] for name in kept),
        samples=tuple(sample for sample, _ in samples.values()),
        sources=sources,
    )


def _once(known: dict[str, tuple[T, Entry]], name: str, now: T, entry: Entry, complaints: Complaints) -> None:
    """Note a prompt or sample; complain where one of its name is already known, and another."""
    first, where = known.setdefault(name, (now, entry))
    if first != now:
        told = f"its case has another {type(now).__name__.lower()} {quoted(name)} than {where.where}"
        entry.where.complain(complaints, f"{told}. Import what was packed together")


def _contradiction(entry: Entry, case: PackedCase) -> str | None:
    """Say where a record was edited in one place only: what it says and what it was made of are both there."""
    spoken = split_reply(_READS_ALL, entry.target, asked_reasoning=False)
    advice = "Change both, or pack the suite again"
    if spoken.answer != case.expected:
        return f"is answered by {quoted(spoken.answer)}, but its case expects {quoted(case.expected)}. {advice}"
    if spoken.reasoning and spoken.reasoning != case.sample.reasoning:
        return f"reasons otherwise than its case does. {advice}"
    if case.prompt.text.strip() not in entry.prompt:
        return f"asks otherwise than its case does, {quoted(case.prompt.text)}. {advice}"
    return None


def _sources(
    entry: Entry, case: PackedCase, found: Mapping[str, Path], folder: SuiteFolder, complaints: Complaints
) -> dict[str, Path]:
    """Return where the media of the sample lie, by their names in it."""
    shown = {"image": iter(entry.images), "video": iter(entry.videos)}
    names = case.sample.media
    if len(names) != len(entry.images) + len(entry.videos):
        entry.where.complain(complaints, f"its case has {len(names)} media, and it shows others")
        return {}
    sources = {}
    for name in names:
        problem = folder.name_problem(name) or ("holds a separator" if {";", "|"} & {*name} else None)
        stated = next(shown[media_kind(name)], None)
        if problem is not None or stated is None:
            entry.where.complain(complaints, f"its case has the file {quoted(name)}, which {problem or 'is not shown'}")
            return {}
        sources[name] = found[stated]
    return sources


def _in_order(sequences: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[str, ...]:
    """Order prompts as every sample was asked them: one that some are not asked may be met late."""
    before: dict[str, set[str]] = {name: set() for name in names}
    for sequence in dict.fromkeys(map(tuple, sequences)):
        for one, next_one in pairwise(sequence):
            before[next_one].add(one)
    try:
        return tuple(graphlib.TopologicalSorter(before).static_order())
    except graphlib.CycleError:  # shuffled records: any order will do
        return tuple(names)
