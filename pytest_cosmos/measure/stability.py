"""Is the answer stable: what repeats of the same cases came to, and cases asked again alone.

Repeats are drawn with sampling on; the answer that counts is the greedy one. An answer that could not be found is an
answer of its own; a repeat without a reply is none, and is counted as lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.measure.facts import NO_REPLY, Facts, Flags, read_facts
from pytest_cosmos.measure.interval import Values, interval
from pytest_cosmos.records import (
    ERROR,
    UNPARSED,
    Determinism,
    Judgement,
    Metric,
    Outcome,
    Repeat,
    Reply,
    Stability,
    Unstable,
    Verdict,
)

LISTED = 10
"""How many of the least stable cases are named."""


@dataclass(frozen=True, eq=False)
class _Votes:
    """What n cases of a suite were answered in K repeats."""

    greedy: Facts
    answers: NDArray[np.int64]
    """(K, n) as `Facts.answer`."""
    correct: Flags
    """(K, n)."""
    counts: NDArray[np.int64]
    """(A, n) how many repeats gave each answer, unparsed the first."""

    @property
    def replies(self) -> NDArray[np.int64]:
        """(n,) how many repeats have a reply."""
        total: NDArray[np.int64] = self.counts.sum(axis=0)
        return total


def stability(outcomes: Sequence[Outcome], repeats: Iterable[Repeat], asked: int) -> tuple[Stability, ...]:
    """Measure how far the `asked` repeats of each case agree, by suite; empty where none were asked.

    Raises `RunFolderError` where a repeat is of no case of the run, occurs twice or contradicts itself.
    """
    if not asked:
        return ()
    found = _by_number(outcomes, repeats, "sampled")
    if unknown := sorted({number for _, number in found if number > asked}):
        raise RunFolderError(f"repeats.jsonl: repeat {unknown[0]}, but run.json says there were {asked}.")
    rounds = [
        read_facts(_answered(outcome, found.get((outcome.case.key, number))) for outcome in outcomes)
        for number in range(1, asked + 1)
    ]
    greedy = read_facts(outcomes)
    return tuple(_of_suite(suite, facts, [each[suite] for each in rounds]) for suite, facts in greedy.items())


def _by_number(outcomes: Sequence[Outcome], repeats: Iterable[Repeat], manner: str) -> dict[tuple[str, int], Repeat]:
    known = {outcome.case.key for outcome in outcomes}
    found: dict[tuple[str, int], Repeat] = {}
    for repeat in repeats:
        if repeat.manner != manner:
            continue
        if repeat.case_key not in known:
            raise RunFolderError(f"repeats.jsonl: {repeat.case_key} is no case of outcomes.jsonl.")
        if (repeat.case_key, repeat.number) in found:
            raise RunFolderError(f"repeats.jsonl: repeat {repeat.number} of {repeat.case_key} is there twice.")
        found[repeat.case_key, repeat.number] = repeat
    return found


def _answered(outcome: Outcome, repeat: Repeat | None) -> Outcome:
    """Return what a case came to in a repeat; one that is missing has no reply."""
    key = outcome.case.key
    reply = repeat.reply if repeat else Reply(case_key=key, finish="error", error="it is not in repeats.jsonl")
    judgement = repeat.judgement if repeat else Judgement(verdict=Verdict.ERROR, reason=reply.error)
    return Outcome(case=outcome.case, reply=reply, judgement=judgement)


def _of_suite(suite: str, greedy: Facts, rounds: Sequence[Facts]) -> Stability:
    votes = _votes(greedy, rounds)
    prompts = [prompt.name for prompt in greedy.prompts]
    wheres: list[dict[str, str]] = [{}, *({"prompt": name} for name in sorted(prompts))]
    shares = [float(facts.replied.correct.mean()) if len(facts.replied) else None for facts in rounds]
    known = [share for share in shares if share is not None]
    return Stability(
        suite=suite,
        repeats=len(rounds),
        cases=len(greedy),
        lost=int((votes.answers == NO_REPLY).sum()),
        metrics=tuple(metric for where in wheres for metric in _metrics(suite, where, votes)),
        accuracies=tuple(shares),
        spread=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        unstable=_unstable(votes),
    )


def _votes(greedy: Facts, rounds: Sequence[Facts]) -> _Votes:
    answers = np.stack([facts.answer for facts in rounds])
    most = int(max(answers.max(initial=0), greedy.answer.max(initial=0)))
    counts = np.stack([(answers == answer).sum(axis=0) for answer in range(-1, most + 1)])
    return _Votes(greedy, answers, np.stack([facts.correct for facts in rounds]), counts)


def _metrics(suite: str, where: Mapping[str, str], votes: _Votes) -> tuple[Metric, ...]:
    """Measure one slice; what compares repeats needs two replies to a case."""
    inside = votes.greedy.values_of("prompt") == where["prompt"] if where else np.ones(len(votes.greedy), dtype=bool)
    replies = votes.replies
    several = inside & (replies > 1)
    per_reply = np.maximum(replies, 1)
    held = votes.greedy.answer
    unlike = ((votes.answers != held) & (votes.answers != NO_REPLY)).any(axis=0)
    figures: tuple[tuple[str, Flags, Values, float], ...] = (
        ("answer_agreement", several, votes.counts.max(axis=0) / per_reply, 1.0),
        ("flip_rate", several, (votes.counts.max(axis=0) < replies).astype(np.float64), 1.0),
        ("flip_from_greedy_rate", inside & (replies > 0) & (held != NO_REPLY), unlike.astype(np.float64), 1.0),
        ("answer_entropy", several, entropy(votes.counts), float(np.log2(min(len(votes.counts), len(votes.answers))))),
        ("repeat_accuracy", inside & (replies > 0), votes.correct.sum(axis=0) / per_reply, 1.0),
    )
    return tuple(
        _mean(suite, name, where, votes.greedy.take(rows), values[rows], top) for name, rows, values, top in figures
    )


def entropy(counts: NDArray[np.int64]) -> Values:
    """Return the entropy of each column of (A, n) counts, in bits (Shannon 1948, of the shares seen)."""
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    logs = np.log2(shares, where=shares > 0, out=np.zeros_like(shares))
    bits: Values = np.abs((shares * logs).sum(axis=0))  # abs: not -0.0
    return bits


def _mean(suite: str, name: str, where: Mapping[str, str], of: Facts, values: Values, top: float) -> Metric:
    """Return the mean of a value per case, between 0 and `top`, with its interval."""
    value = float(values.mean()) if len(of) else None
    bounds = None
    if value is not None and top > 0:
        bounds = interval(value / top, (values - value) / (top * len(of)), of.cluster)
    low, high = bounds or (None, None)
    return Metric(
        suite=suite,
        name=name,
        slice=dict(where),
        value=value,
        low=None if low is None else low * top,
        high=None if high is None else high * top,
        cases=len(of),
        samples=of.samples,
        clusters=of.clusters,
    )


def _unstable(votes: _Votes) -> tuple[Unstable, ...]:
    """Name the cases whose repeats differ most."""
    bits = entropy(votes.counts)
    keys = [outcome.case.key for outcome in votes.greedy.outcomes]
    order = sorted(np.flatnonzero(bits > 0), key=lambda row: (-bits[row], keys[row]))[:LISTED]
    return tuple(_case(votes, int(row), float(bits[row])) for row in order)


def _case(votes: _Votes, row: int, bits: float) -> Unstable:
    outcome: Outcome = votes.greedy.outcomes[row]
    choices = outcome.case.prompt.choices
    said = Counter(_word(int(answer), choices) for answer in votes.answers[:, row])
    return Unstable(
        case=outcome.case.key,
        expected=outcome.case.expected,
        greedy=_word(int(votes.greedy.answer[row]), choices),
        answers=dict(sorted(said.items(), key=lambda pair: (-pair[1], pair[0]))),
        entropy=bits,
    )


def _word(answer: int, choices: Sequence[str]) -> str:
    return choices[answer] if answer >= 0 else ERROR if answer == NO_REPLY else UNPARSED


def determinism(outcomes: Sequence[Outcome], repeats: Iterable[Repeat]) -> Determinism:
    """Compare cases that were asked again alone with what they came to in the run.

    Raises `RunFolderError` where one is of no case of the run or occurs twice.
    """
    alone = _by_number(outcomes, repeats, "alone")
    batched = {outcome.case.key: outcome for outcome in outcomes}
    every = [(batched[key], _answered(batched[key], repeat)) for (key, _), repeat in sorted(alone.items())]
    read_facts(other for _, other in every)  # refuses one that contradicts itself
    pairs = [pair for pair in every if all(one.judgement.verdict is not Verdict.ERROR for one in pair)]
    changed = [one.case.key for one, other in pairs if one.judgement.answer != other.judgement.answer]
    moved = [_moved(one.reply.confidence, other.reply.confidence) for one, other in pairs]
    return Determinism(
        cases=len(pairs),
        lost=len(every) - len(pairs),
        unbatched=sum(one.reply.batch_size == 1 for one, _ in pairs),
        texts=sum(one.reply.raw != other.reply.raw for one, other in pairs),
        answers=len(changed),
        confidence=max((move for move in moved if move is not None), default=None),
        accuracy_batched=_accuracy([one for one, _ in pairs]),
        accuracy_alone=_accuracy([other for _, other in pairs]),
        changed=tuple(changed),
    )


def _moved(before: float | None, after: float | None) -> float | None:
    known = before is not None and after is not None and np.isfinite(before) and np.isfinite(after)
    return abs(after - before) if known and before is not None and after is not None else None


def _accuracy(outcomes: Sequence[Outcome]) -> float | None:
    right = [outcome.judgement.verdict is Verdict.CORRECT for outcome in outcomes]
    return sum(right) / len(right) if right else None
