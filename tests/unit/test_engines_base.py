"""Replies are taken as many at a time as there are, and never waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import pytest

from pytest_cosmos.engines.base import bundles
from pytest_cosmos.engines.scripted import ScriptedEngine
from pytest_cosmos.records import Case, Reply


class Sends(ScriptedEngine):
    """Gives replies that arrive in messages; a message is fetched when the last one is used up."""

    def __init__(self, *messages: str) -> None:
        self._coming = deque(messages)
        self._arrived: deque[str] = deque()

    @property
    def more_at_hand(self) -> bool:
        return bool(self._arrived)

    def answer(self, cases: Sequence[Case] = ()) -> Iterator[Reply]:
        while self._coming or self._arrived:
            if not self._arrived:
                self._arrived.extend(self._coming.popleft())
            yield Reply(case_key=self._arrived.popleft())


@pytest.mark.parametrize("messages", [("a", "bcd", "ef"), ("abc",), ("a", "b"), ()])
def test_a_bundle_is_what_arrived_together(messages: tuple[str, ...]) -> None:
    engine = Sends(*messages)
    found = ["".join(reply.case_key for reply in together) for together in bundles(engine, engine.answer())]
    assert found == list(messages)


def test_replies_of_an_engine_that_says_nothing_of_more_come_one_at_a_time() -> None:
    replies = [Reply(case_key=key) for key in "abc"]
    engine: ScriptedEngine = ScriptedEngine.__new__(ScriptedEngine)
    assert list(bundles(engine, iter(replies))) == [[reply] for reply in replies]
