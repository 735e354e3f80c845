"""Outcomes as columns: taken apart once, so that slicing and counting are array operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.measure.interval import Codes, Values, distinct
from pytest_cosmos.records import AnswerKind, Outcome, Prompt, Sample, Verdict

NO_ANSWER = -1
"""In `Facts.answer`: the model replied, no answer could be found."""

NO_REPLY = -2
"""In `Facts.answer`: the model did not reply."""

_ROUNDING = 1e-6
"""By which a sum of probabilities in single precision may exceed 1."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Facts:
    """What metrics need of one suite's outcomes: columns of equal length, one row a case, sorted by key."""

    prompts: tuple[Prompt, ...]
    outcomes: NDArray[np.object_]
    row: Codes
    """Which row it was before any were left out."""
    prompt: Codes
    """Index into `prompts`."""
    sample: Codes
    """Equal for cases of one sample."""
    cluster: Codes
    """Equal for cases that are not independent of each other, see `_clusters`."""
    expected: Codes
    """Index into the choices of the prompt."""
    answer: Codes
    """Index into the choices of the prompt, or NO_ANSWER, or NO_REPLY."""
    correct: Flags
    has_hazard: Flags
    """The prompt has a hazard class."""
    hazard: Flags
    """The expected answer is of the hazard class."""
    alarm: Flags
    """The answer given is of the hazard class."""
    error: Values
    """Distance of a rating given from the rating expected; NaN: no rating prompt, or no answer."""
    confidence: Values
    """Of the answer given, 0 to 1; NaN: not known."""
    seconds: Values
    """What the case cost; like the columns around it NaN where unknown."""
    waited: Values
    """From handing the batch in to the reply."""
    tokens: Values
    stored: Flags
    """The reply comes from the reply store: its times are those of the run that asked."""

    def __len__(self) -> int:
        return len(self.outcomes)

    def take(self, rows: Flags) -> Facts:
        """Keep the rows where `rows` is true."""
        columns = ((field.name, getattr(self, field.name)) for field in fields(self))
        return Facts(**{name: col if name == "prompts" else col[rows] for name, col in columns})

    def values_of(self, key: str) -> NDArray[np.object_]:
        """Return what `key` (prompt, category, … or a declared column) is for each case; None: not known."""
        return _objects([outcome.case.slice_value(key) for outcome in self.outcomes])

    def where(self, conditions: Mapping[str, str]) -> Facts:
        """Keep the cases that meet every condition."""
        kept = self
        for key, value in conditions.items():
            kept = kept.take(kept.values_of(key) == value)
        return kept

    @cached_property
    def samples(self) -> int:
        """How many different samples these cases are of."""
        return distinct(self.sample)

    @cached_property
    def clusters(self) -> int:
        """How many independent clusters these cases are of."""
        return distinct(self.cluster)

    @cached_property
    def replied(self) -> Facts:
        """The cases with a reply: an error is no answer, neither right nor wrong."""
        return self.take(self.answer != NO_REPLY)

    @cached_property
    def parsed(self) -> Facts:
        """The cases with an answer."""
        return self.take(self.answer >= 0)

    @cached_property
    def rated(self) -> Facts:
        """The cases with an answer whose confidence is known."""
        return self.parsed.take(~np.isnan(self.parsed.confidence))

    @property
    def exact(self) -> Flags:
        """Whether it is the very answer expected: what a confidence is about, a tolerance or not."""
        return np.asarray(self.answer == self.expected, dtype=bool)

    @cached_property
    def graded(self) -> Facts:
        """The cases with a reply to a prompt that has a hazard class."""
        return self.replied.take(self.replied.has_hazard)

    @cached_property
    def hazards(self) -> Facts:
        """The cases with a reply whose expected answer is the hazard."""
        return self.graded.take(self.graded.hazard)

    @cached_property
    def harmless(self) -> Facts:
        """The cases with a reply whose expected answer is another than the hazard."""
        return self.graded.take(~self.graded.hazard)


def read_facts(outcomes: Iterable[Outcome]) -> dict[str, Facts]:
    """Take outcomes apart, by suite, whatever their order.

    A doctored or doubly merged run must not raise the score: `RunFolderError` names cases that occur twice
    or contradict themselves.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.case.key)
    _refuse_duplicates(ordered)
    by_suite: dict[str, list[Outcome]] = {}
    for outcome in ordered:
        by_suite.setdefault(outcome.case.suite, []).append(outcome)
    return {suite: _columns(rows) for suite, rows in by_suite.items()}


def _refuse_duplicates(outcomes: Sequence[Outcome]) -> None:
    counts = Counter(outcome.case.key for outcome in outcomes)
    _refuse([key for key, count in counts.items() if count > 1], "answered more than once")


def _refuse(keys: Sequence[str], what: str) -> None:
    if keys:
        more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
        raise RunFolderError(
            f"Cases {what}: {', '.join(keys[:5])}{more}. "
            "Each case counts once and as it was judged; run again, or merge each shard once."
        )


def _columns(outcomes: Sequence[Outcome]) -> Facts:
    prompts = _prompts(outcomes)
    _refuse_other_samples(outcomes)
    numbers = {prompt.name: number for number, prompt in enumerate(prompts)}
    samples: dict[str, int] = {}
    choices = [{choice: index for index, choice in enumerate(prompt.choices)} for prompt in prompts]
    prompt = _codes(numbers[outcome.case.prompt.name] for outcome in outcomes)
    _refuse([o.case.key for o, p in zip(outcomes, prompt, strict=True) if _contradicts(o, choices[p])], _BROKEN)
    hazard = [outcome.case.is_hazard for outcome in outcomes]
    replies = [outcome.reply for outcome in outcomes]
    return Facts(
        prompts=prompts,
        outcomes=_objects(outcomes),
        row=np.arange(len(outcomes)),
        prompt=prompt,
        sample=_codes(samples.setdefault(outcome.case.sample.id, len(samples)) for outcome in outcomes),
        cluster=_clusters([outcome.case.sample for outcome in outcomes]),
        expected=_codes(choices[p][o.case.expected] for o, p in zip(outcomes, prompt, strict=True)),
        answer=_codes(_answer(o, choices[p]) for o, p in zip(outcomes, prompt, strict=True)),
        correct=np.array([outcome.judgement.verdict is Verdict.CORRECT for outcome in outcomes], dtype=bool),
        has_hazard=np.array([value is not None for value in hazard], dtype=bool),
        hazard=np.array([value is True for value in hazard], dtype=bool),
        alarm=np.array([outcome.said_hazard is True for outcome in outcomes], dtype=bool),
        error=_values(map(_rating_error, outcomes)),
        confidence=probabilities(reply.confidence for reply in replies),
        seconds=_values(reply.seconds for reply in replies),
        waited=_values(reply.batch_seconds for reply in replies),
        tokens=_values(reply.output_tokens for reply in replies),
        stored=np.array([reply.stored for reply in replies], dtype=bool),
    )


_BROKEN = "that contradict themselves (verdict, answer and reply do not fit)"


def _contradicts(outcome: Outcome, choices: Mapping[str, int]) -> bool:
    """Tell whether the parts of an outcome can't all be true, as after a hand edit of outcomes.jsonl."""
    reply, verdict, answer = outcome.reply, outcome.judgement.verdict, outcome.judgement.answer
    if reply.case_key != outcome.case.key or outcome.case.expected not in choices:
        return True
    if (reply.finish == "error") != (verdict is Verdict.ERROR):
        return True
    if answer is None:
        return verdict in (Verdict.CORRECT, Verdict.WRONG)
    if answer not in choices or verdict not in (Verdict.CORRECT, Verdict.WRONG):
        return True
    error = _rating_error(outcome)
    right = answer == outcome.case.expected if error is None else error <= outcome.case.prompt.tolerance
    return right != (verdict is Verdict.CORRECT)


def _clusters(samples: Sequence[Sample]) -> Codes:
    """Return a number per case, equal for cases of one sample, one group or the same media bytes.

    Chains count: a copy of a picture in another group makes one cluster of both groups.
    """
    numbers: dict[tuple[str, str], int] = {}
    own = [numbers.setdefault(("sample", sample.id), len(numbers)) for sample in samples]
    links = set()
    for number, sample in zip(own, samples, strict=True):
        for tie in (("group", sample.group), ("media", sample.media_hash)):
            if tie[1]:
                links.add((number, numbers.setdefault(tie, len(numbers))))
    ends = np.array(sorted(links), dtype=np.int64).reshape(-1, 2).T
    return _components(ends[0], ends[1], len(numbers))[own]


def joined(first: Codes, second: Codes) -> Codes:
    """Return a number per case, equal for cases that are in one cluster by either numbering, or by a chain of both."""
    nodes = int(first.max(initial=-1)) + 1
    return _components(first, second + nodes, nodes + int(second.max(initial=-1)) + 1)[first]


def _components(starts: Codes, ends: Codes, nodes: int) -> Codes:
    """Return of each node the number of the component that links, from starts to ends, make it part of."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(starts)), (starts, ends)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    return np.asarray(component, dtype=np.int64)


def _prompts(outcomes: Sequence[Outcome]) -> tuple[Prompt, ...]:
    """Return the prompts met; two different ones of the same name can't be counted together."""
    prompts: dict[str, Prompt] = {}
    for outcome in outcomes:
        case = outcome.case
        prompt = case.prompt.unfilled
        known = prompts.setdefault(prompt.name, prompt)
        if known is not prompt and known != prompt:
            raise RunFolderError(
                f"{case.key}: prompt '{case.prompt.name}' differs from that of other cases of this run. "
                "Cases answered under two versions of a suite can't be counted together; run again."
            )
    return tuple(prompts.values())


def _refuse_other_samples(outcomes: Sequence[Outcome]) -> None:
    """Refuse samples that are not the same for each of their prompts: a slice could be rid of its wrong cases."""
    samples: dict[str, Sample] = {}
    for outcome in outcomes:
        case = outcome.case
        known = samples.setdefault(case.sample.id, case.sample)
        if known is not case.sample and known != case.sample:
            name = next(name for name in Sample.model_fields if getattr(known, name) != getattr(case.sample, name))
            raise RunFolderError(
                f"{case.key}: sample '{case.sample.id}' has another {name} than with its other prompts. "
                "Cases answered under two versions of a suite can't be counted together; run again."
            )


def _answer(outcome: Outcome, choices: Mapping[str, int]) -> int:
    if outcome.judgement.answer is None:
        return NO_REPLY if outcome.judgement.verdict is Verdict.ERROR else NO_ANSWER
    return choices[outcome.judgement.answer]


def _rating_error(outcome: Outcome) -> int | None:
    answer = outcome.judgement.answer
    if answer is None or outcome.case.prompt.kind is not AnswerKind.RATING:
        return None
    return abs(int(answer) - int(outcome.case.expected))


def _codes(values: Iterable[int]) -> Codes:
    return np.fromiter(values, dtype=np.int64)


def _values(values: Iterable[float | int | None]) -> Values:
    column = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    column[~np.isfinite(column) | (column < 0)] = np.nan  # no time, count or probability is like that
    return column


def probabilities(values: Iterable[float | None]) -> Values:
    """Return confidences as figures take them: NaN where one is not known or no probability."""
    column = _values(values)
    column[column > 1 + _ROUNDING] = np.nan
    return np.minimum(column, 1.0)


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
