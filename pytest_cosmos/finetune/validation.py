"""The validation split, asked between epochs as the benchmark asks the test split: same engine, same judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_cosmos.engines import Engine
from pytest_cosmos.judging import judge
from pytest_cosmos.records import Case, Verdict

LEAST_CASES = 20
"""Of a category: with fewer, one answer more or less would decide which epoch is kept."""


@dataclass(frozen=True, slots=True)
class Validated:
    """What the model, as it is at one moment, answers."""

    accuracy: float
    by_category: Mapping[str, float]


class Validation:
    """Asks the cases of the validation split; of several processes each asks its share."""

    def __init__(self, engine: Engine, cases: Sequence[Case], gather: Callable[[list[Any]], list[Any]]) -> None:
        self._engine, self._cases, self._gather = engine, cases, gather

    def __call__(self, rank: int = 0, processes: int = 1) -> Validated:
        """Ask and judge; RuntimeError where the model gave no reply to a case."""
        samples = list(dict.fromkeys(case.sample.id for case in self._cases))
        mine = set(samples[rank::processes])
        cases = {case.key: case for case in self._cases if case.sample.id in mine}
        found: list[tuple[str, bool]] = []
        for reply in self._engine.answer(tuple(cases.values())):
            case = cases[reply.case_key]
            judgement = judge(case, reply)
            if judgement.verdict is Verdict.ERROR:
                raise RuntimeError(f"validation: {case.key} could not be asked: {judgement.reason}")
            found.append((case.sample.category, judgement.verdict is Verdict.CORRECT))
        return summed_up(self._gather(found))


def summed_up(found: Sequence[tuple[str, bool]]) -> Validated:
    """Return the share of right answers, over all and by category; a category of a few cases tells nothing."""
    of_category: dict[str, list[bool]] = {}
    for category, right in sorted(found):
        of_category.setdefault(category, []).append(right)
    return Validated(
        accuracy=_share([right for _, right in found]),
        by_category={
            name: _share(rights) for name, rights in of_category.items() if name and len(rights) >= LEAST_CASES
        },
    )


def _share(rights: Sequence[bool]) -> float:
    return sum(rights) / len(rights)
