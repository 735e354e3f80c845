"""An engine that answers in no time under the name of the embedded model, and cases whose media are real files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_cosmos.engines.scripted import ScriptedEngine
from pytest_cosmos.engines.store_key import identify
from pytest_cosmos.engines.stored import StoredEngine
from pytest_cosmos.media import media_hash
from pytest_cosmos.records import Case, ModelRecord, Reply
from pytest_cosmos.settings import Settings
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images

RIGHT = {"*": {"expected": True, "confidence": 0.9}}


class AsTiny(ScriptedEngine):
    """The scripted engine, described as the embedded model; counts what it is asked."""

    def __init__(self, path: Path, settings: Settings, changes: dict[str, object]) -> None:
        super().__init__(path)
        self._settings, self._changes = settings, changes
        self.asked: list[str] = []
        self.loads = 0
        self.closes = 0

    def load(self) -> None:
        super().load()
        self.loads += 1

    def describe(self) -> ModelRecord:
        identity = identify(self._settings)
        assert identity is not None
        return identity.provisional().model_copy(update={"parameters": 7, **self._changes})

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        for reply in super().answer(cases):
            self.asked.append(reply.case_key)
            yield reply

    def close(self) -> None:
        self.closes += 1


class Bench:
    """A folder with a suite, a script and a store; every call of `engine` is a new run."""

    def __init__(self, root: Path, samples: int = 3) -> None:
        self.root = root
        self.folder = root / "suite"
        self.folder.mkdir(exist_ok=True)
        self.cases = cases_of(write_images(self.folder, [(20, 20 + n) for n in range(samples)]))
        self.inner: list[AsTiny] = []
        self.describes: dict[str, object] = {}
        self.script(RIGHT)

    def script(self, replies: dict[str, Any]) -> None:
        (self.root / "replies.yaml").write_text(json.dumps(replies))

    def hashed(self) -> tuple[Case, ...]:
        """Return the cases as a suite reads them, with the hash of their media."""
        return tuple(
            case.model_copy(
                update={"sample": case.sample.model_copy(update={"media_hash": media_hash([self.path(case)])})}
            )
            for case in self.cases
        )

    def path(self, case: Case) -> Path:
        return self.folder / case.sample.media[0]

    def settings(self, **changes: object) -> Settings:
        return settings_of(self.root, store=self.root / "store" / "replies.sqlite", **changes)

    def engine(self, *, collected: float | None = None, **changes: object) -> StoredEngine:
        """Return an engine of a new run; its inner engines are added to `inner`."""
        settings = self.settings(**changes)
        return StoredEngine(
            self.maker(settings),
            settings,
            {SUITE: self.folder},
            collected=time.time() if collected is None else collected,
        )

    def maker(self, settings: Settings) -> Callable[[], AsTiny]:
        def make() -> AsTiny:
            self.inner.append(AsTiny(self.root / "replies.yaml", settings, self.describes))
            return self.inner[-1]

        return make

    def run(
        self, cases: Sequence[Case] | None = None, *, collected: float | None = None, **changes: object
    ) -> dict[str, Reply]:
        """Answer all cases in a run of its own; return the replies by case."""
        self.inner.clear()
        engine = self.engine(collected=collected, **changes)
        replies = {reply.case_key: reply for reply in engine.answer(self.cases if cases is None else cases)}
        engine.close()
        return replies

    @property
    def asked(self) -> list[str]:
        """What the last run really asked."""
        return [key for inner in self.inner for key in inner.asked]
