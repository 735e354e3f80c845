"""Several models asked the same, one after the other: one set of weights in memory at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from pytest_cosmos.engines import Engine, Plan, Progress
from pytest_cosmos.records import Case, Reply


class Turns:
    """The plans of all models; the last is the candidate's, for whose replies the tests wait.

    A baseline is asked its whole share before the next model's turn. A case that comes late (of a worker that died)
    is asked the candidate only.
    """

    def __init__(self, plans: Sequence[Plan], engines: Sequence[Engine]) -> None:
        self.plans = tuple(plans)
        self._engines = tuple(engines)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="cosmos-turns", daemon=True)

    @property
    def candidate(self) -> Plan:
        """The plan that tests wait for."""
        return self.plans[-1]

    def start(self) -> None:
        """Let the first model begin."""
        if len(self.plans) > 1:
            self._thread.start()
        else:
            self.candidate.start()

    def earlier(self, case: Case) -> list[Reply | None]:
        """Return what the baselines said to a case."""
        return [plan.said(case) for plan in self.plans[:-1]]

    def progress(self) -> Progress:
        """Say how far the model at work has come."""
        at_work = next((plan for plan in self.plans[:-1] if not plan.done), self.candidate)
        return at_work.progress()

    def drain(self) -> None:
        """Wait until every model has answered its share, or will never do so."""
        if self._thread.ident is not None:
            self._thread.join()
        self.candidate.drain()

    def close(self) -> None:
        """Stop whoever is at work."""
        self._stop.set()
        for engine in reversed(self._engines):
            engine.close()
        for plan in self.plans:
            plan.close()
        if self._thread.ident is not None:
            self._thread.join(10)

    def _work(self) -> None:
        for plan in self.plans:
            if self._stop.is_set():
                return
            if plan is self.candidate:
                plan.start()
                return
            # whatever befalls a baseline, the tests must not wait for ever: what it did not answer fails the run later
            with contextlib.suppress(Exception):
                plan.start()
                plan.drain()
            with contextlib.suppress(Exception):
                plan.close()
