"""How many requests at a time: up while latency holds, down by half where the server is overloaded."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.engines.endpoint_pace import START, Gate, Pace


def window(pace: Pace, seconds: float) -> int:
    """Answer as many requests as may be under way, each in so many seconds."""
    for _ in range(pace.limit):
        pace.answered(seconds, pace.epoch)
    return pace.limit


def test_it_doubles_while_latency_holds_up_to_the_bound() -> None:
    pace = Pace(50)
    assert [pace.limit, *(window(pace, 1.0) for _ in range(5))] == [START, 8, 16, 32, 50, 50]


def test_it_stays_where_latency_rises_and_then_grows_by_one() -> None:
    pace = Pace(64)
    assert window(pace, 1.0) == 8
    assert window(pace, 2.0) == 8
    assert window(pace, 2.0) == 8
    assert window(pace, 1.1) == 9
    assert window(pace, 1.1) == 10


def test_a_server_that_has_grown_slower_for_good_is_believed_in_time() -> None:
    pace = Pace(64)
    window(pace, 1.0)
    for _ in range(40):
        window(pace, 2.0)
    assert pace.limit > 8


def test_requests_refused_together_halve_it_once() -> None:
    pace = Pace(64)
    window(pace, 1.0)
    epoch = pace.epoch
    for _ in range(8):
        pace.overloaded(epoch)
    assert pace.limit == 4
    pace.overloaded(pace.epoch)
    assert pace.limit == 2
    assert window(pace, 1.0) == 3  # no more doubling: the server has shown where its end is


def test_what_began_before_a_decrease_tells_nothing() -> None:
    pace = Pace(64)
    old = pace.epoch
    pace.overloaded(old)
    for _ in range(20):
        pace.answered(0.1, old)
    assert pace.limit == 2


@given(st.integers(1, 100), st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=300))
def test_it_never_leaves_its_bounds(most: int, events: list[float | None]) -> None:
    pace = Pace(most)
    for event in events:
        if event is None:
            pace.overloaded(pace.epoch)
        else:
            pace.answered(event, pace.epoch)
        assert 1 <= pace.limit <= most


def test_the_gate_lets_as_many_through_as_the_pace_allows() -> None:
    async def scenario() -> int:
        gate, inside, most = Gate(Pace(3)), 0, 0

        async def request() -> None:
            nonlocal inside, most
            await gate.enter()
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            await gate.leave()

        await asyncio.gather(*(request() for _ in range(20)))
        return most

    assert asyncio.run(scenario()) == 3


def test_who_gives_up_while_waiting_takes_no_place() -> None:
    async def scenario() -> bool:
        gate = Gate(Pace(1))
        gate.pause(60)
        for _ in range(2):
            try:
                async with asyncio.timeout(0.01):
                    await gate.enter()
            except TimeoutError:
                continue
            return False
        gate._not_before = 0.0
        async with asyncio.timeout(5):
            await gate.enter()
        return True

    assert asyncio.run(scenario())
