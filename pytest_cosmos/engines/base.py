"""What an engine is: the one seam between the cases and whatever answers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from pytest_cosmos.records import Case, Measure, ModelRecord, Reply, Timing


class Engine(Protocol):
    """Answers cases. Driven from one thread; implementations do not subclass this.

    Order of use: `load`, `describe`, `answer` as often as wanted, `close`.
    """

    seconds: dict[str, float]
    """Where the start-up time went, filled by `load`: `import`, `load`."""

    def load(self) -> None:
        """Make ready to answer; raise a CosmosError where the user can mend what is wrong."""

    def describe(self) -> ModelRecord:
        """Say what answers, and how; only after `load`."""

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield one reply for every case, as soon as it is there and in any order.

        All prompts of a sample should be adjacent. A case that cannot be answered yields a reply whose
        `finish` is `error`; the iterator itself raises only where nothing more can be answered.
        """

    def close(self) -> None:
        """Stop at the next chance and free what `load` took; may be called from any thread, and twice."""


@runtime_checkable
class Recalls(Protocol):
    """What an engine has besides that need not be loaded for every case."""

    def recall(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield the replies that are to be had without `load`; the other cases are left to `answer`."""

    def describe(self) -> ModelRecord:
        """Say what answers, also before `load`."""


@runtime_checkable
class Timed(Engine, Protocol):
    """What an engine has besides whose latency can be measured; `latency.MEASURES` says of what."""

    def time(self, measure: Measure, case: Case | None) -> Timing:
        """Execute a benchmark once, with the device at rest before and after; raise where it cannot be done."""


@runtime_checkable
class Bundles(Protocol):
    """What an engine has besides whose replies arrive several at a time."""

    @property
    def more_at_hand(self) -> bool:
        """Whether the next reply is there already."""


def bundles(engine: Engine, replies: Iterable[Reply]) -> Iterator[list[Reply]]:
    """Yield an engine's replies as many at a time as there are, without waiting for more."""
    bundled = isinstance(engine, Bundles)
    together: list[Reply] = []
    for reply in replies:
        together.append(reply)
        if not (bundled and engine.more_at_hand):  # type: ignore[attr-defined]
            yield together
            together = []
