"""What a user can get wrong, as exceptions whose text is the whole message (no traceback is ever shown).

CosmosError
├── Problems            several mistakes in the user's files, listed at once
├── OptionError         an option or setting that cannot be obeyed
├── ModelUnavailable    the weights are not here and could not be had
├── RunFolderError      a run folder that cannot be read
├── StoreError          a reply store that cannot be used
└── TrainingError       a training run that cannot go on; what it has learnt so far is kept
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class CosmosError(Exception):
    """The root of every error a user can mend."""


class Problems(CosmosError):
    """Several mistakes in the user's files, each a line of the form ``file:line: what is wrong``."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines: tuple[str, ...] = tuple(lines)
        super().__init__("\n".join(self.lines))


class OptionError(CosmosError):
    """An option or setting that cannot be obeyed."""


class ModelUnavailable(CosmosError):
    """The weights are not on this machine and could not be had."""


class RunFolderError(CosmosError):
    """A run folder that cannot be read."""


class StoreError(CosmosError):
    """A reply store that cannot be used; a run goes on without it, `pytest-cosmos cache` does not."""


class TrainingError(CosmosError):
    """A training run that cannot go on; what it has learnt so far is kept."""


def suggest(wrong: str, allowed: Sequence[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest allowed name, or an empty string."""
    near = difflib.get_close_matches(wrong, allowed, n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
