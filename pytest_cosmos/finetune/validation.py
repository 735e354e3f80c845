"""The validation split, asked between epochs as the benchmark asks the test split: same engine, same judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_cosmos.engines import Engine
from pytest_cosmos.judging import judge
from pytest_cosmos.records import Case, Outcome, Verdict

LEAST_CASES = 20
"""Of a category, or of hazards: with fewer, one answer more or less would decide which epoch is kept."""


@dataclass(frozen=True, slots=True)
class Validated:
    """What the model, as it is at one moment, answers."""

    accuracy: float
    by_category: Mapping[str, float]
    recall: float | None
    """Share of the hazards that were found; None: too few to tell."""


class Answered(NamedTuple):
    """What became of one case."""

    category: str
    right: bool
    found: bool | None
    """Whether the answer names the hazard that there is; None: there is none."""


class Validation:
    """Asks the cases of the validation split; of several processes each asks its share."""

    def __init__(self, engine: Engine, cases: Sequence[Case], gather: Callable[[list[Any]], list[Any]]) -> None:
        self._engine, self._cases, self._gather = engine, cases, gather

    def __call__(self, rank: int = 0, processes: int = 1) -> Validated:
        """Ask and judge; RuntimeError where the model gave no reply to a case."""
        samples = list(dict.fromkeys(case.sample.id for case in self._cases))
        mine = set(samples[rank::processes])
        cases = {case.key: case for case in self._cases if case.sample.id in mine}
        answered: list[Answered] = []
        for reply in self._engine.answer(tuple(cases.values())):
            case = cases[reply.case_key]
            judgement = judge(case, reply)
            if judgement.verdict is Verdict.ERROR:
                raise RuntimeError(f"validation: {case.key} could not be asked: {judgement.reason}")
            said = Outcome(case=case, reply=reply, judgement=judgement).said_hazard
            found = said is True if case.is_hazard else None
            answered.append(Answered(case.sample.category, judgement.verdict is Verdict.CORRECT, found))
        return summed_up(self._gather(answered))


def summed_up(answered: Sequence[Answered]) -> Validated:
    """Return the share of right answers, over all and by category, and that of hazards found; of a few cases none."""
    of_category: dict[str, list[bool]] = {}
    for one in sorted(answered, key=lambda one: one.category):
        of_category.setdefault(one.category, []).append(one.right)
    hazards = [one.found for one in answered if one.found is not None]
    return Validated(
        accuracy=_share([one.right for one in answered]),
        by_category={
            name: _share(rights) for name, rights in of_category.items() if name and len(rights) >= LEAST_CASES
        },
        recall=_share(hazards) if len(hazards) >= LEAST_CASES else None,
    )


def _share(rights: Sequence[bool]) -> float:
    return sum(rights) / len(rights)
