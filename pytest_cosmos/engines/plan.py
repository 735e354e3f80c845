"""The plan: the selected cases, answered by an engine in a background thread that runs ahead of the tests.

Each test waits only for its own reply. Whatever happens to the thread, no test waits for ever: an engine that
fails leaves every case without a reply with an error reply that says why. A plan may have a deadline: what is not
answered by then is not asked, which is no error and no reply.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pytest_cosmos.engines.base import Engine, Recalls
from pytest_cosmos.errors import CosmosError
from pytest_cosmos.records import Case, ModelRecord, Reply


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan has come."""

    answered: int
    total: int
    seconds: float
    """Spent answering; 0 while the model loads."""
    recalled: int = 0
    """How many of the answered ones were not asked: they come from the reply store."""
    model: str = ""
    """Which of several models is at work; empty: there is only one."""

    @property
    def rate(self) -> float | None:
        """Cases asked per second; None before the first reply."""
        asked = self.answered - self.recalled
        return asked / self.seconds if asked and self.seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated time until the plan is done; None before the first reply."""
        return max(self.total - self.answered, 0) / self.rate if self.rate else None


@dataclass(slots=True)
class _Shared:
    """What the thread writes and the tests read, under one lock."""

    changed: threading.Condition = field(default_factory=threading.Condition)  # re-entrant: built on an RLock
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    queue: deque[tuple[Case, ...]] = field(default_factory=deque)
    failure: str | None = None
    """Why the thread has ended; None while it runs."""
    spent: bool = False
    """The deadline came before the thread had ended: what has no reply is not asked any more."""
    recalled: int = 0
    busy: bool = False
    """Whether cases are in hand: the engine is at work on them, or has just given the last reply."""
    answering: float = 0.0
    """Seconds spent with cases in hand."""
    since: float | None = None
    """When the cases in hand were taken up; None while idle."""


class Plan:
    """Cases on their way through an engine.

    `share` is answered ahead of the tests, in the engine's own order. A case of `others` (those of another process
    that died, say) is answered when a test asks for it, together with its whole group. At `deadline` (seconds since
    the epoch, a clock that processes share) the engine is closed, in the midst of whatever it does.

    Example::

        plan = Plan(engine, cases)
        plan.start()
        plan.reply(cases[0])   # waits for this one only
        plan.close()
    """

    def __init__(
        self,
        engine: Engine,
        share: Sequence[Case],
        others: Iterable[Sequence[Case]] = (),
        *,
        deadline: float | None = None,
        name: str = "",
    ) -> None:
        self._engine = engine
        self._name = name
        self._deadline = deadline
        self._alarm: threading.Timer | None = None
        self._groups = {case.key: tuple(group) for group in others for case in group}
        self._shared = _Shared()
        self._thread = threading.Thread(target=self._work, name="cosmos-plan", daemon=True)
        self._stop = threading.Event()
        self.model: ModelRecord | None = None
        self.seconds: dict[str, float] = {}
        self._enqueue(share)

    def start(self) -> None:
        """Begin to load the model and answer, unless the deadline has passed."""
        if self._deadline is not None and time.time() >= self._deadline:
            self._expire()
            return
        if self._deadline is not None:
            self._alarm = threading.Timer(self._deadline - time.time(), self._expire)
            self._alarm.daemon = True
            self._alarm.start()
        self._thread.start()

    def reply(self, case: Case, *, tick: Callable[[Progress], None] | None = None, every: float = 0.2) -> Reply | None:
        """Wait for the reply to one case; None: it is not asked, for the deadline came first.

        `tick` is called on this thread now and then while waiting.
        """
        shared, key = self._shared, case.key
        with shared.changed:
            if key not in shared.asked and not shared.spent:
                self._enqueue(self._groups.get(key, (case,)))
        while True:
            with shared.changed:
                if key not in shared.replies and shared.failure is None and not shared.spent:
                    shared.changed.wait(every)
                if key in shared.replies:
                    return shared.replies[key]
                if shared.spent:
                    return None
                if shared.failure is not None:
                    return error_reply(key, shared.failure)
            if tick is not None:
                tick(self.progress())

    @property
    def done(self) -> bool:
        """Whether it has ended: nothing more will be answered."""
        with self._shared.changed:
            return self._shared.failure is not None or self._shared.spent

    def said(self, case: Case) -> Reply | None:
        """Return the reply to a case if it is there, or that there will be none; does not wait."""
        shared, key = self._shared, case.key
        with shared.changed:
            lost = shared.failure is not None and key in shared.asked
            return shared.replies.get(key) or (error_reply(key, shared.failure or "") if lost else None)

    def drain(self) -> None:
        """Wait until everything asked so far has a reply, or will never have one, and the engine rests."""
        shared = self._shared
        with shared.changed:
            shared.changed.wait_for(
                lambda: shared.spent or shared.failure is not None or not (shared.queue or shared.busy)
            )

    def progress(self) -> Progress:
        """Say how far it has come."""
        shared = self._shared
        with shared.changed:
            running = time.perf_counter() - shared.since if shared.since is not None else 0.0
            spent = shared.answering + running
            return Progress(len(shared.replies), len(shared.asked), spent, shared.recalled, self._name)

    def close(self, timeout: float = 10.0) -> None:
        """Stop what is at hand and free the model; does not wait longer than `timeout` seconds."""
        if self._alarm is not None:
            self._alarm.cancel()
        with self._shared.changed:
            self._stop.set()
            self._shared.changed.notify_all()
        if self._thread.ident is not None:
            self._engine.close()  # it may be waiting for a reply that never comes
            self._thread.join(timeout)

    def _expire(self) -> None:
        """Ask nothing more; what was answered stays."""
        with self._shared.changed:
            if self._shared.failure is not None:
                return
            self._shared.spent = True
            self._stop.set()
            self._shared.changed.notify_all()
        self._engine.close()  # also in the midst of loading or of a batch, which may take longer than is left

    def _enqueue(self, cases: Sequence[Case]) -> None:
        shared = self._shared
        with shared.changed:
            fresh = tuple({case.key: case for case in cases if case.key not in shared.asked}.values())
            shared.asked.update(case.key for case in fresh)
            if fresh:
                shared.queue.append(fresh)
                shared.changed.notify_all()

    def _work(self) -> None:
        failure = "the run was stopped before this case was answered"
        try:
            loaded = False
            while (cases := self._next_cases()) is not None:
                left = self._recall(cases)
                if left and not loaded:
                    self._engine.load()
                    loaded = True
                    self.seconds.update(self._engine.seconds)
                    self.model = self._engine.describe()
                if left:
                    self._answer(left)
        except BaseException as error:  # the tests must hear of it, whatever it is: they fail with this text
            failure = str(error) if isinstance(error, CosmosError) else f"{type(error).__name__}: {error}"
        finally:
            self._engine.close()
            with self._shared.changed:
                if not self._shared.spent:  # an engine closed in the midst of its work fails, as it must
                    self._shared.failure = failure
                self._shared.changed.notify_all()

    def _next_cases(self) -> tuple[Case, ...] | None:
        shared = self._shared
        with shared.changed:
            shared.busy = False
            shared.changed.notify_all()
            while not shared.queue and not self._stop.is_set():
                shared.changed.wait()
            if self._stop.is_set():
                return None
            shared.busy = True
            return shared.queue.popleft()

    def _recall(self, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        """Take the replies that need no model; return the cases that do, none where the plan was stopped."""
        shared = self._shared
        if not isinstance(self._engine, Recalls):
            return cases
        for reply in self._engine.recall(cases):
            with shared.changed:
                shared.replies[reply.case_key] = reply
                shared.recalled += 1
                shared.changed.notify_all()
            if self._stop.is_set():
                return ()
        self.model = self.model or self._engine.describe()
        return tuple(case for case in cases if case.key not in shared.replies)

    def _answer(self, cases: tuple[Case, ...]) -> None:
        shared = self._shared
        started = time.perf_counter()
        with shared.changed:
            shared.since = started
        try:
            for reply in self._engine.answer(cases):
                with shared.changed:
                    shared.replies[reply.case_key] = reply
                    shared.changed.notify_all()
                if self._stop.is_set():
                    return
            with shared.changed:
                for case in cases:  # an engine that forgets a case must not leave its test waiting for ever
                    if case.key not in shared.replies and not shared.spent:
                        shared.replies[case.key] = error_reply(case.key, "the engine gave no reply to this case")
        finally:
            with shared.changed:
                shared.answering += time.perf_counter() - started
                shared.since = None
                self.seconds["answer"] = shared.answering
                shared.changed.notify_all()


def error_reply(key: str, why: str) -> Reply:
    """Make the reply that is none."""
    return Reply(case_key=key, finish="error", error=why or "no reply")
