"""A line below pytest's dots that says how far the plan has come: only on a terminal, and only on long work.

It is drawn one row below the cursor, which then goes back to where pytest left it; it is taken away before pytest
writes again. All on pytest's own thread, so nothing is torn.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_cosmos.engines import Progress

PATIENCE = 1.0
"""Seconds of work before the line appears at all."""

EVERY = 0.25
"""Seconds between two drawings."""


def describe(progress: Progress) -> str:
    """Write progress as text: `cosmos: 96/1200 answered, 251/s, 4 s left`."""
    stored = f" ({progress.recalled} from the store)" if progress.recalled else ""
    who = f"{progress.model}: " if progress.model else ""
    text = f"cosmos: {who}{progress.answered}/{progress.total} answered{stored}"
    if progress.seconds == 0.0:
        return f"{text}, loading the model"
    rate, left = progress.rate, progress.seconds_left
    if rate is None or left is None:
        return text
    pace = f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    return f"{text}, {pace}, {duration(left)} left"


def duration(seconds: float) -> str:
    """Write a time for people: `4 s`, `3 min`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


class LiveLine:
    """Draws the line, or does nothing where pytest is quiet or its output is no terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._text = ""
        self._shown = False
        self._started = time.perf_counter()
        self._drawn = 0.0

    def draw(self, progress: Progress) -> None:
        """Show progress: the words change not too often, but are there again after each of pytest's own."""
        now = time.perf_counter()
        if now - self._started < PATIENCE or not self._wanted():
            return
        if now - self._drawn >= EVERY:
            self._drawn, self._text = now, describe(progress)
        elif self._shown:
            return
        self._below(self._text)
        self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._below("")
            self._shown = False

    def _wanted(self) -> bool:
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")  # xdist's workers have none
        quiet = self._config.get_verbosity() < 0 or self._config.option.capture == "no"  # -s: tests write there too
        return terminal is not None and bool(terminal.isatty) and not quiet

    def _below(self, text: str) -> None:
        writer = self._config.get_terminal_writer()
        shown = text[: max(writer.fullwidth - 1, 0)]
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture is not None else contextlib.nullcontext():
            # straight to the file: the writer's own count of columns must not change
            writer._file.write(f"\n\r\x1b[K\x1b[2m{shown}\x1b[0m\x1b[1A\x1b[{writer.width_of_current_line + 1}G")
            writer.flush()
