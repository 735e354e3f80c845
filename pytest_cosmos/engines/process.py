"""An engine in a process of its own, so that model and tests do not wait for each other's turn in Python.

In one process the interpreter runs one thread at a time: measured on the embedded model, tests and model took the sum
of their times instead of the longer one. The child begins to import its libraries as soon as it is started, while
pytest collects. It ends when its standard input does: whatever becomes of the parent, no child is left behind.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest_cosmos
from pytest_cosmos.errors import ModelUnavailable
from pytest_cosmos.records import Case, Measure, ModelRecord, Reply, Timing
from pytest_cosmos.settings import Settings

_MAIN = "from pytest_cosmos.engines.process_child import main; main()"
_SHOWN = 2_000
"""Characters of the child's last words that an error quotes."""


class EngineDiedError(Exception):
    """The engine's process ended before it had answered."""


class EngineProcess:
    """The child process and the two pipes to it. Messages are pickled: both ends are this package."""

    def __init__(self, *, warm: bool, environment: Mapping[str, str] | None = None) -> None:
        """Start the child; `warm`: it begins to import what a transformers engine needs.

        `environment` is added to that of this process.
        """
        self._heard: deque[tuple[Any, ...]] = deque()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  (closed in close)
        package = str(Path(pytest_cosmos.__file__).parents[1])
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-c", _MAIN, *(["--warm"] if warm else [])],  # -P: the current folder is no library
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, **(environment or {}), "PYTHONPATH": path},
        )

    @property
    def alive(self) -> bool:
        """Whether the child is there to be told anything."""
        return self._child.poll() is None

    @property
    def next_at_hand(self) -> tuple[Any, ...] | None:
        """The next message, if it has arrived with those before it."""
        return self._heard[0] if self._heard else None

    def tell(self, *message: Any) -> None:
        """Send a message; EngineDiedError where nobody listens any more."""
        assert self._child.stdin is not None
        try:
            pickle.dump(message, self._child.stdin)
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise EngineDiedError(self._obituary()) from None

    def hear(self) -> tuple[Any, ...]:
        """Wait for the next message; EngineDiedError where none will come."""
        assert self._child.stdout is not None
        if not self._heard:
            try:
                self._heard.extend(pickle.load(self._child.stdout))  # noqa: S301  (our own child's words)
            except (EOFError, pickle.UnpicklingError, ValueError):
                raise EngineDiedError(self._obituary()) from None
        return self._heard.popleft()

    def close(self) -> None:
        """End the child at once, whatever it is doing; may be called from any thread, and twice."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not yet flushed has no reader left
                    pipe.close()
        self._words.close()

    def _obituary(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(5)
        code = self._child.returncode
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        memory = " (out of memory? try a smaller --cosmos-batch-size)" if code == -9 else ""
        return f"the engine's process {how}{memory}. {self._last_words()}".strip()

    def _last_words(self) -> str:
        with contextlib.suppress(ValueError, OSError):
            self._words.seek(0)
            return self._words.read().decode(errors="replace").strip()[-_SHOWN:]
        return ""


class ProcessEngine:
    """Any engine, asked through its process; the process may have been started beforehand."""

    def __init__(
        self,
        settings: Settings,
        folders: Mapping[str, Path],
        process: EngineProcess | None = None,
        *,
        start: Callable[[], EngineProcess] = lambda: EngineProcess(warm=True),
        keep: bool = False,
    ) -> None:
        """Take over a running `process`, or one that `start` starts; `keep`: it has another engine to serve after."""
        self._settings = settings
        self._folders = dict(folders)
        self._start = start
        self._keep = keep
        self._process = process or start()
        self._record: ModelRecord | None = None
        self.seconds: dict[str, float] = {}

    def load(self) -> None:
        """Load the engine over there; ModelUnavailable says what the user can mend."""
        if not self._process.alive:  # whoever had it before it may have ended it
            self._process = self._start()
        self._process.tell("load", self._settings, self._folders)
        self._record, self.seconds = self._expect("loaded")

    def describe(self) -> ModelRecord:
        """Say what answers."""
        if self._record is None:
            raise RuntimeError("the engine is not loaded: call load() first")
        return self._record

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield the replies as they come."""
        self._process.tell("answer", tuple(cases))
        while (reply := self._expect("reply")[0]) is not None:
            yield reply

    @property
    def more_at_hand(self) -> bool:
        """Whether the next reply is there already: the child sends as many at a time as it has."""
        message = self._process.next_at_hand
        return message is not None and message[0] == "reply" and message[1] is not None

    def time(self, measure: Measure, case: Case | None) -> Timing:
        """Execute a benchmark once over there, where the clock is too."""
        self._process.tell("time", measure, case)
        timing: Timing = self._expect("timed")[0]
        return timing

    def close(self) -> None:
        """End the process, unless it is kept for another engine."""
        if not self._keep:
            self._process.close()

    def _expect(self, kind: str) -> tuple[Any, ...]:
        said, *rest = self._process.hear()
        if said == "refused":
            raise ModelUnavailable(*rest)
        if said != kind:
            raise EngineDiedError(" ".join(map(str, rest)))
        return tuple(rest)
