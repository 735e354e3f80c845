"""Shards of one run joined into the whole: every reason not to, or the run that no machine ran.

A merged run must never look better than an undivided one. So nothing is taken on trust: the parts must be all there,
of one model, one set of suites and bars, each with every case that it says it answered, and each case must belong to
the part that it was found in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from pytest_cosmos.errors import Problems
from pytest_cosmos.records import ModelRecord, Outcome, Prompt, Record, Repeat, Run, SuiteRecord
from pytest_cosmos.suites import Shard, shard_of

LIBRARIES = ("pytest-cosmos", "torch", "transformers")
"""Whose versions decide what a model says and how it is judged."""

_COMPARED = frozenset(("model", "suites", "versions", "required"))
"""Fields of a run that are compared one by one."""
_OWN = frozenset((
    "id", "started", "finished", "command", "shard", "failed_tests", "failed_cases", "waived", "stored", "seconds",
    "decision", "baselines",
))  # fmt: skip
"""Fields of a run that each shard has its own of."""
_NAMES = {
    "seed": "--seed",
    "limit": "--limit",
    "split": "--cosmos-split",
    "allow_partial": "--allow-partial",
    "thresholds": "thresholds file",
}

_LISTED = 3
_SHOWN = 60
"""Characters of a value that a problem quotes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One shard as it was read."""

    name: str
    """What problems call it: its path as given."""
    run: Run
    outcomes: tuple[Outcome, ...]
    repeats: tuple[Repeat, ...] = ()

    @property
    def shard(self) -> Shard | None:
        """Which part it says it is; None: none."""
        number, _, count = self.run.shard.partition("/")
        if not (number.isdecimal() and count.isdecimal()):
            return None
        shard = int(number), int(count)
        return shard if 1 <= shard[0] <= shard[1] else None

    @property
    def is_empty(self) -> bool:
        """Whether no sample fell to it: then nothing was loaded, and its record of the model says nothing."""
        return not self.outcomes and not any(suite.selected for suite in self.run.suites)


def merge(parts: Sequence[Part], *, id: str, command: str) -> tuple[Run, tuple[Outcome, ...]]:  # noqa: A002
    """Join the shards of one run, without a decision; `Problems` lists every reason why that cannot be."""
    problems = [*_shards(parts), *_differences(parts), *_contents(parts), *_duplicates(parts)]
    if problems:
        raise Problems(problems)
    ordered = sorted(parts, key=lambda part: part.shard or (0, 0))
    ordered.sort(key=lambda part: part.is_empty)
    run = ordered[0].run.model_copy(
        update={
            "id": id,
            "command": command,
            "shard": "",
            "decision": None,
            "started": min(part.run.started for part in ordered),
            "finished": max(part.run.finished for part in ordered),
            "model": _model(ordered),
            "suites": _suites(ordered),
            "failed_tests": tuple(dict.fromkeys(test for part in ordered for test in part.run.failed_tests)),
            "failed_cases": {test: case for part in ordered for test, case in part.run.failed_cases.items()},
            "waived": (),  # the day of the merge decides
            "stored": sum(part.run.stored for part in ordered),
            "baselines": (),  # those of the shards are parts
            "seconds": _seconds(ordered),
        }
    )
    return run, tuple(outcome for part in ordered for outcome in part.outcomes)


def _shards(parts: Sequence[Part]) -> Iterator[str]:
    """Find parts that are none, that are there twice or not at all."""
    for part in parts:
        if part.shard is None:
            said = f"its run.json says shard '{part.run.shard}'" if part.run.shard else "it is a whole run"
            yield f"{part.name}: is no shard: {said}. Merge what ran with --shard K/N."
    known = [(part, part.shard) for part in parts if part.shard is not None]
    counts = {count for _, (_, count) in known}
    if len(counts) > 1:
        by_part = ", ".join(f"{part.name}: {part.run.shard}" for part, _ in known)
        yield f"these are parts of different divisions: {by_part}. All must have the same N in --shard K/N."
        return
    for number in range(1, max(counts, default=0) + 1):
        same = [part.name for part, shard in known if shard[0] == number]
        if not same:
            yield f"shard {number}/{max(counts)} is missing. Run it with --shard {number}/{max(counts)}."
        elif len(same) > 1:
            yield f"shard {number}/{max(counts)} is there {len(same)} times: {', '.join(same)}. Name one of them."


def _differences(parts: Sequence[Part]) -> Iterator[str]:
    """Find what differs between parts that must not."""
    first, *others = sorted(parts, key=lambda part: part.is_empty)
    for part in others:
        one, other = (dict(_manifest(each)) for each in (first, part))
        for name in one:
            if name in other and one[name] != other[name]:
                values = f"{_short(one[name])} in {first.name}, {_short(other[name])} in {part.name}"
                yield f"{name} differs: {values}. Run all shards alike."
    yield from _prompts(parts)


def _prompts(parts: Sequence[Part]) -> Iterator[str]:
    """Find prompts of one name that ask different things."""
    prompts: dict[tuple[str, str], tuple[Part, Prompt]] = {}
    differing: dict[tuple[str, str], str] = {}  # each told once
    for part in parts:
        for case in (outcome.case for outcome in part.outcomes):
            key = case.suite, case.prompt.name
            known, prompt = prompts.setdefault(key, (part, case.prompt.unfilled))
            if prompt != case.prompt.unfilled and key not in differing:
                differing[key] = f"prompt {'/'.join(key)} differs: {known.name}, {part.name}. Run all shards alike."
    yield from differing.values()


def _manifest(part: Part) -> Iterator[tuple[str, Any]]:
    """Yield, by the names that problems use, what all shards of a run have in common.

    Every field does, unless it is known to be a shard's own: a field added later is compared, not forgotten.
    """
    run = part.run
    yield from (
        (_NAMES.get(name, name.replace("_", " ")), getattr(run, name)) for name in _fields(Run, _OWN | _COMPARED)
    )
    yield "suites", tuple(sorted(suite.name for suite in run.suites))
    for suite in run.suites:
        yield from (
            (f"suite {suite.name}: {name}", getattr(suite, name)) for name in _fields(SuiteRecord, {"selected"})
        )
    yield from ((f"version of {name}", run.versions.get(name)) for name in LIBRARIES)
    if not part.is_empty:
        yield "required suites", tuple(sorted(run.required))
        yield from ((f"model {name}", getattr(run.model, name)) for name in _fields(ModelRecord, {"device"}))


def _fields(record: type[Record], own: Set[str]) -> Iterator[str]:
    return (name for name in record.model_fields if name not in own)


def _contents(parts: Iterable[Part]) -> Iterator[str]:
    """Find parts that did not finish, that lost outcomes since, or that hold those of another part."""
    for part in parts:
        answered = Counter(suite for suite, _ in {(o.case.suite, o.case.key) for o in part.outcomes})
        decision = part.run.decision
        if decision is None or not part.run.finished:
            yield f"{part.name}: did not finish, says its run.json. Run this shard again."
            continue
        if answered.total() != decision.answered:
            yield (
                f"{part.name}: {answered.total()} cases in outcomes.jsonl, but {decision.answered} when it ended: "
                "the file was changed or cut off. Run this shard again."
            )
        for suite in part.run.suites:
            short = answered[suite.name] < suite.selected and not part.run.allow_partial
            if short or answered[suite.name] > suite.selected:
                yield (
                    f"{part.name}: {suite.name}: {answered[suite.name]} of the {suite.selected} cases that it meant to "
                    "ask are answered. Run this shard again."
                )
        yield from _foreign(part)


def _foreign(part: Part) -> Iterator[str]:
    known = {suite.name for suite in part.run.suites}
    cases = [outcome.case for outcome in part.outcomes]
    if strange := sorted({case.suite for case in cases} - known):
        yield f"{part.name}: holds outcomes of suites that its run.json does not name: {', '.join(strange)}."
    if part.shard is not None:
        number, count = part.shard
        wrong = sorted({case.key for case in cases if shard_of(case.suite, case.sample.id, count) != number})
        if wrong:
            yield f"{part.name}: holds cases that are not of shard {part.run.shard}: {_some(wrong)}."


def _duplicates(parts: Iterable[Part]) -> Iterator[str]:
    counts = Counter(outcome.case.key for part in parts for outcome in part.outcomes)
    twice = sorted(key for key, count in counts.items() if count > 1)
    if twice:
        yield f"cases answered more than once: {_some(twice)}. Each counts once."


def _model(parts: Sequence[Part]) -> ModelRecord:
    """Join what answered: the same model, on devices that may differ."""
    devices = dict.fromkeys(part.run.model.device for part in parts if part.run.model.device)
    return parts[0].run.model.model_copy(update={"device": ", ".join(devices)})


def _suites(parts: Sequence[Part]) -> tuple[SuiteRecord, ...]:
    selected = Counter[str]()
    for suite in (suite for part in parts for suite in part.run.suites):
        selected[suite.name] += suite.selected
    return tuple(suite.model_copy(update={"selected": selected[suite.name]}) for suite in parts[0].run.suites)


def _seconds(parts: Sequence[Part]) -> dict[str, float]:
    """Add up where the time went; when a first verdict came has no sum."""
    names = dict.fromkeys(name for part in parts for name in part.run.seconds if name != "first verdict")
    return {name: round(sum(part.run.seconds.get(name, 0.0) for part in parts), 3) for name in names}


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:_LISTED]) + (f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else "")
