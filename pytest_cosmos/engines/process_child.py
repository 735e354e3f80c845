"""The other end of `process`: runs in the child, takes orders on standard input, replies on standard output."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
from typing import Any, BinaryIO

from pytest_cosmos.engines.base import Engine, Timed
from pytest_cosmos.errors import CosmosError


class _Servant:
    """Obeys one order after the other."""

    def __init__(self, mouth: _Mouth, imported: float) -> None:
        self._say = mouth.say
        self._imported = imported
        self._engine: Engine | None = None

    def obey(self, order: str, *arguments: Any) -> None:
        """Carry an order out; what goes wrong is told, not raised."""
        try:
            if order == "load":
                self._load(*arguments)
            elif order == "time":
                self._time(*arguments)
            else:
                self._answer(*arguments)
        except CosmosError as error:
            self._say("refused", str(error))
        except Exception as error:  # it fails the tests over there, with this text
            self._say("failed", f"{type(error).__name__}: {error}")

    def _load(self, *arguments: Any) -> None:
        from pytest_cosmos.engines import make_engine
        from pytest_cosmos.engines.transformers import TransformersEngine

        engine, before = make_engine(*arguments), self._engine
        self._engine = None
        if isinstance(engine, TransformersEngine) and isinstance(before, TransformersEngine):
            engine.follow(before)
        elif before is not None:
            before.close()
        del before
        engine.load()
        self._engine = engine
        seconds = {**self._engine.seconds, "import": self._imported} if self._imported else self._engine.seconds
        self._say("loaded", self._engine.describe(), seconds)

    def _answer(self, cases: Any) -> None:
        assert self._engine is not None, "load comes before answer"
        for reply in self._engine.answer(cases):
            self._say("reply", reply)
        self._say("reply", None)

    def _time(self, *arguments: Any) -> None:
        assert isinstance(self._engine, Timed), "load comes before time"
        self._say("timed", self._engine.time(*arguments))


class _Mouth:
    """Sends messages from a thread of its own, as many at a time as there are.

    The pipe holds few replies, and the parent is slow to read while it runs tests: the model need not wait for it.
    """

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        threading.Thread(target=self._send, daemon=True).start()

    def say(self, *message: Any) -> None:
        """Send a message soon; they arrive in their order."""
        self._waiting.put(message)

    def _send(self) -> None:
        while True:
            together = [self._waiting.get()]
            while not self._waiting.empty():
                together.append(self._waiting.get())
            try:
                pickle.dump(together, self._pipe)
                self._pipe.flush()
            except BrokenPipeError:  # nobody listens any more: the other thread hears of it, and ends this process
                return


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    orders, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the replies
    inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders, inbox), daemon=True).start()
    servant = _Servant(_Mouth(replies), _warm() if "--warm" in sys.argv else 0.0)
    while True:
        servant.obey(*inbox.get())


def _listen(orders: BinaryIO, inbox: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    """Pass orders on; when the parent is gone, so is this process, in the midst of whatever it does."""
    while True:
        try:
            inbox.put(pickle.load(orders))  # noqa: S301  (our own parent's words)
        except EOFError:
            os._exit(0)


def _warm() -> float:
    """Import what a transformers engine needs; return the seconds it took."""
    from pytest_cosmos.engines.transformers import warm_imports

    started = time.perf_counter()
    warm_imports()
    return time.perf_counter() - started
