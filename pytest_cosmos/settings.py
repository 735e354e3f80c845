"""One frozen Settings, made once from options, ini file and environment; nothing else reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EngineName = Literal["transformers", "scripted"]
ENGINES: tuple[EngineName, ...] = ("transformers", "scripted")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for."""

    root: Path
    """The project: pytest's rootdir, or the current folder for the command line."""
    cases: Path
    """The folder whose subfolders are suites."""
    thresholds: Path | None
    """The thresholds file; None: there is none."""
    reports: Path
    """Runs are written to `reports / "runs"`."""
    model: str = "tiny"
    engine: EngineName = "transformers"
    replies: Path | None = None
    """The scripted engine's file."""
    suites: tuple[str, ...] = ()
    """Only these suites; empty: all that the tests name."""
    limit: int | None = None
    """At most this many samples a suite."""
    seed: int = 0
    strict: bool = False
    """A wrong answer fails its test."""
    allow_partial: bool = False
    gate: bool = True
    """False: measure only, hold against no threshold."""
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int | None = None
    """Cases at a time; None: found by the engine."""
    max_new_tokens: int = 4096
    threads: int | None = None
    """CPU threads of this process's model; None: torch decides."""
