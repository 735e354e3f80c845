"""The plan: ahead of the tests, and never leaving one waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from pytest_cosmos.engines.plan import Plan, Progress
from pytest_cosmos.errors import ModelUnavailable
from pytest_cosmos.records import AnswerKind, Case, ModelRecord, Prompt, Reply, Sample

PROMPT = Prompt(name="p", text="?", kind=AnswerKind.YES_NO, choices=("Yes", "No"))


def case(number: int) -> Case:
    sample = Sample(id=f"s{number}", media=(f"{number}.png",), label="cracked")
    return Case(suite="floors", sample=sample, prompt=PROMPT, expected="Yes")


def reply_of(plan: Plan, one: Case) -> Reply:
    reply = plan.reply(one)
    assert reply is not None
    return reply


class Engine:
    """Replies in reverse order; forgets, fails or waits where told."""

    def __init__(
        self,
        *,
        forget: str = "",
        fail_after: int | None = None,
        wait_from: int = 0,
        load_error: Exception | None = None,
        load_until_closed: bool = False,
    ) -> None:
        self.seconds: dict[str, float] = {"load": 0.5}
        self.asked: list[tuple[str, ...]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.ended = threading.Event()
        self._wait_from, self._load_until_closed = wait_from, load_until_closed
        self._forget, self._fail_after, self._load_error = forget, fail_after, load_error

    @property
    def closed(self) -> bool:
        return self.ended.is_set()

    def load(self) -> None:
        if self._load_until_closed:
            self.ended.wait(5)
            raise RuntimeError("closed in the midst of loading")
        if self._load_error is not None:
            raise self._load_error

    def describe(self) -> ModelRecord:
        return ModelRecord(name="fake", engine="fake")

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        self.asked.append(tuple(case.key for case in cases))
        for number, one in enumerate(reversed(cases)):
            if number >= self._wait_from:
                self.gate.wait(5)
            if self._fail_after == number:
                raise RuntimeError("the device fell off")
            if one.key != self._forget:
                yield Reply(case_key=one.key, raw="Yes", answer="Yes")

    def close(self) -> None:
        self.ended.set()


def test_every_case_gets_its_own_reply() -> None:
    cases = [case(n) for n in range(5)]
    plan = Plan(Engine(), cases)
    plan.start()
    assert [reply_of(plan, one).case_key for one in cases] == [one.key for one in cases]
    plan.close()


def test_the_share_goes_to_the_engine_at_once() -> None:
    engine, cases = Engine(), [case(n) for n in range(5)]
    plan = Plan(engine, cases)
    plan.start()
    plan.reply(cases[0])
    plan.close()
    assert engine.asked == [tuple(one.key for one in cases)]


def test_a_case_of_another_share_is_answered_on_demand_with_its_group() -> None:
    engine = Engine()
    plan = Plan(engine, [case(0)], others=[[case(1), case(2)], [case(3)]])
    plan.start()
    assert reply_of(plan, case(2)).answer == "Yes"
    assert reply_of(plan, case(1)).answer == "Yes"
    plan.close()
    assert engine.asked == [("floors/s0-p",), ("floors/s1-p", "floors/s2-p")]


def test_a_forgotten_case_is_an_error_not_a_hang() -> None:
    plan = Plan(Engine(forget="floors/s1-p"), [case(0), case(1)])
    plan.start()
    reply = reply_of(plan, case(1))
    plan.close()
    assert reply.finish == "error"
    assert "gave no reply" in reply.error


def test_an_engine_that_dies_leaves_errors_and_keeps_what_was_answered() -> None:
    plan = Plan(Engine(fail_after=1), [case(0), case(1), case(2)])
    plan.start()
    assert reply_of(plan, case(2)).answer == "Yes"
    assert reply_of(plan, case(0)).error == "RuntimeError: the device fell off"
    plan.close()


def test_a_model_that_cannot_be_had_says_so_for_every_case() -> None:
    plan = Plan(Engine(load_error=ModelUnavailable("no weights here")), [case(0)])
    plan.start()
    assert reply_of(plan, case(0)).error == "no weights here"
    plan.close()


def test_at_the_deadline_nothing_more_is_asked_and_what_was_answered_stays() -> None:
    engine, cases = Engine(wait_from=2), [case(n) for n in range(4)]
    plan = Plan(engine, cases, others=[[case(7)]], deadline=time.time() + 0.5)
    engine.gate.clear()
    plan.start()
    assert [plan.reply(one) is None for one in cases] == [True, True, False, False]
    assert plan.reply(case(7)) is None
    engine.gate.set()  # replies that come later are replies all the same, or none, but never errors
    plan.close()
    assert engine.closed
    late = [plan.reply(one) for one in cases[:2]]
    assert all(reply is None or reply.finish == "stop" for reply in late)
    assert engine.asked == [tuple(one.key for one in cases)]


def test_an_engine_closed_while_it_loads_gives_no_errors() -> None:
    engine = Engine(load_until_closed=True)
    plan = Plan(engine, [case(0)], deadline=time.time() + 0.1)
    plan.start()
    assert plan.reply(case(0)) is None
    plan.close()
    assert plan.reply(case(0)) is None


def test_after_the_deadline_not_even_the_model_is_loaded() -> None:
    engine = Engine(load_error=ModelUnavailable("must not be loaded"))
    plan = Plan(engine, [case(0)], deadline=time.time() - 1)
    plan.start()
    assert plan.reply(case(0)) is None
    plan.close()
    assert engine.closed


def test_an_engine_that_dies_before_the_deadline_gives_errors() -> None:
    plan = Plan(Engine(fail_after=0), [case(0)], deadline=time.time() + 0.3)
    plan.start()
    first = plan.reply(case(0))
    assert first is not None
    assert first.finish == "error"
    time.sleep(0.4)
    assert plan.reply(case(0)) == first
    plan.close()


def test_progress_is_told_while_waiting() -> None:
    engine, seen = Engine(), list[Progress]()
    engine.gate.clear()
    plan = Plan(engine, [case(0), case(1)])
    plan.start()

    def tick(progress: Progress) -> None:
        seen.append(progress)
        engine.gate.set()

    plan.reply(case(0), tick=tick, every=0.01)
    plan.close()
    assert seen
    assert (seen[0].answered, seen[0].total) == (0, 2)


def test_close_stops_the_thread_and_frees_the_engine() -> None:
    engine = Engine()
    plan = Plan(engine, [case(0)])
    plan.start()
    plan.reply(case(0))
    plan.close()
    assert engine.closed
    assert plan.seconds["load"] == 0.5
    assert reply_of(plan, case(7)).finish == "error"


def test_a_case_given_twice_is_asked_once() -> None:
    engine = Engine()
    plan = Plan(engine, [case(0), case(0)])
    plan.start()
    plan.reply(case(0))
    plan.close()
    assert engine.asked == [("floors/s0-p",)]


@pytest.mark.parametrize(
    ("answered", "seconds", "rate", "left"),
    [(0, 0.0, None, None), (0, 2.0, None, None), (10, 2.0, 5.0, 18.0)],
)
def test_rate_and_time_left(answered: int, seconds: float, rate: float | None, left: float | None) -> None:
    progress = Progress(answered, 100, seconds)
    assert progress.rate == rate
    assert progress.seconds_left == left
