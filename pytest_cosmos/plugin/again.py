"""What is asked once more when the tests are done: each case some times with sampling on, a few of them alone.

The answer that is asserted and gated is there by then. What is asked here only shows how far to trust it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_cosmos.engines import Engine, Plan, Progress, error_reply
from pytest_cosmos.judging import judge
from pytest_cosmos.records import Case, Repeat, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_cosmos.settings import Settings

RepeatKey: TypeAlias = tuple[str, str, int]
"""Case, manner, number."""

ALONE = 24
"""How many cases are asked again alone."""

NOT_ASKED = "not asked: the time budget is spent"
NEVER_TOLD = "not asked: its process ended, or the run was stopped, before its turn came"


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over cases that were asked before."""

    manner: Literal["sampled", "alone"]
    number: int
    settings: Settings
    name: str
    """What the live line calls it."""


def rounds_of(settings: Settings) -> tuple[Round, ...]:
    """Return what is to be asked again, in its order: alone first, right after the batches."""
    alone = (Round("alone", 1, settings.alone(), "alone"),) if settings.check_determinism else ()
    return alone + tuple(
        Round("sampled", one.repeat, one, f"repeat {one.repeat} of {settings.repeats}") for one in settings.repeated()
    )


def ask_round(
    one: Round, engine: Engine, cases: Sequence[Case], deadline: float | None, tick: Callable[[Progress], None]
) -> Iterator[Repeat]:
    """Yield what each case comes to; one that gets no reply comes to an error."""
    plan = Plan(engine, cases, deadline=deadline, name=one.name)
    plan.start()
    try:
        for case in cases:
            reply = plan.reply(case, tick=tick) or error_reply(case.key, NOT_ASKED)
            yield repeat_of(one, case, reply)
    finally:
        plan.close()


def repeat_of(one: Round, case: Case, reply: Reply) -> Repeat:
    """Judge the reply to a case that was asked again."""
    return Repeat(
        case_key=case.key,
        manner=one.manner,
        number=one.number,
        seed=one.settings.seed,
        reply=reply,
        judgement=judge(case, reply),
    )


def key_of(repeat: Repeat) -> RepeatKey:
    """Return what tells a repeat from others."""
    return repeat.case_key, repeat.manner, repeat.number


def lost_repeats(settings: Settings, cases: Sequence[Case], told: Set[RepeatKey]) -> Iterator[Repeat]:
    """Yield an error for every repeat that was meant to be and that no process told of."""
    for one in rounds_of(settings):
        if one.manner == "sampled":
            for case in cases:
                if (case.key, one.manner, one.number) not in told:
                    yield repeat_of(one, case, error_reply(case.key, NEVER_TOLD))


def draw(cases: Iterable[Case], seed: int, most: int = ALONE) -> frozenset[str]:
    """Draw the keys of at most `most` cases, evenly over all prompts; a function of the cases, whatever their order."""
    by_prompt: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        by_prompt.setdefault((case.suite, case.prompt.name), []).append(case.key)
    ranked = [sorted(by_prompt[prompt], key=lambda key: _rank(key, seed)) for prompt in sorted(by_prompt)]
    drawn = [key for key in chain.from_iterable(zip_longest(*ranked)) if key is not None]
    return frozenset(drawn[:most])


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()
