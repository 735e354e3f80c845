"""An engine with a memory: answers from the reply store what was answered before, and asks another the rest."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pytest_cosmos.engines.base import Engine, bundles
from pytest_cosmos.engines.plan import error_reply
from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.engines.store_key import Identity, Keys, identify
from pytest_cosmos.errors import CosmosError
from pytest_cosmos.media import media_hash, media_paths
from pytest_cosmos.records import Case, ModelRecord, Reply
from pytest_cosmos.settings import Settings

_CLOCK: Final = 2.0
"""Seconds by which file times may be coarse: a file changed this shortly before counts as changed since."""

_AT_ONCE: Final = 200
"""Cases looked up together: few enough that the first replies come at once."""

Marks: TypeAlias = tuple[tuple[int, int, int, int], ...]
"""By what a change of files shows: inode, size, times of both kinds."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A sample's media when their hash was taken."""

    marks: Marks
    digest: str


class StoredEngine:
    """Any engine, asked only what the store does not hold.

    `recall` gives what is to be had without loading the engine; where that is everything, the engine's process, if
    one was started beforehand, is ended at once.
    """

    def __init__(
        self, make: Callable[[], Engine], settings: Settings, folders: Mapping[str, Path], *, collected: float
    ) -> None:
        """Wrap the engine that `make` makes.

        `make` is called at once, and again where an engine that was ended is needed after all; `collected`: since
        when (seconds since the epoch) the media hashes of the samples were taken.
        """
        assert settings.store is not None, "without a store there is nothing to wrap"
        self._make = make
        self._engine = make()
        self._ended = False
        self._closed = False
        self._ending = threading.Lock()
        self._settings = settings
        self._folders = folders
        self._collected = collected
        self._store = ReplyStore(settings.store)
        self._identity: Identity | None = None
        self._keys: Keys | None = None
        self._known = False
        self._loaded = False
        self._held: int | None = None
        self._seen: dict[tuple[str, tuple[str, ...]], _Seen | None] = {}
        self.seconds: dict[str, float] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of the store."""
        told = (self._identity.remark,) if self._identity is not None and self._identity.remark else ()
        return (*self._store.remarks, *told)

    def recall(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield the replies that need no asking: those stored, and in a replay an error for each of the rest."""
        missed = False
        for start in range(0, len(cases), _AT_ONCE):
            some = cases[start : start + _AT_ONCE]
            found = {} if self._settings.fresh else self._look_up(some)
            for case in some:
                if case.key in found:
                    yield found[case.key]
                elif self._settings.replay_only:
                    yield error_reply(case.key, self._why_missed(case))
                else:
                    missed = True
        if not missed and not self._loaded and not self._ended:
            self._ended = True
            self._engine.close()

    def load(self) -> None:
        """Load the engine itself, and put the store's keys right by what was loaded."""
        with self._ending:
            if self._closed:
                raise RuntimeError("the engine is closed")
            if self._ended:  # cases that nobody foresaw, such as those of a worker that died
                self._ended, self._engine = False, self._make()
        self._engine.load()
        self._loaded = True
        self.seconds = self._engine.seconds
        record = self._engine.describe()
        identity = self._identify()
        if identity is not None:
            self._use(identity.confirmed(record))
            self._remember_model(record)

    def describe(self) -> ModelRecord:
        """Say what answers, or what answered when the replies were stored."""
        if self._loaded:
            return self._engine.describe()
        identity = self._identify()
        if identity is None:
            return ModelRecord(name=self._settings.model, engine=self._settings.engine)
        stored = self._store.model(identity.digest)
        if stored is None:
            return identity.provisional()
        return stored.model_copy(update={"name": identity.model, "adapter": identity.adapter})

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield the replies that are stored, then ask the others and store each as it comes."""
        missing = {case.key: case for case in cases}
        while missing:
            for reply in self.recall(tuple(missing.values())):
                missing.pop(reply.case_key)
                yield reply
            looked_up = self._identity
            if missing and not self._loaded:
                self.load()
            if self._identity == looked_up:  # otherwise it was not foretold rightly: look again
                break
        # the keys of the media as they are before they are read
        keys = {name: self._key(case) for name, case in missing.items()}
        if missing:
            for together in bundles(self._engine, self._engine.answer(tuple(missing.values()))):
                yield from self._keep(together, missing, keys)

    def close(self) -> None:
        """Close the engine and the store."""
        with self._ending:
            self._closed = True
        self._engine.close()
        self._store.close()

    def _keep(
        self, replies: Sequence[Reply], cases: Mapping[str, Case], keys: Mapping[str, bytes | None]
    ) -> list[Reply]:
        """Store replies, but for those that are none, and those whose media changed while they were made."""
        device = "" if all(reply.device for reply in replies) else self._engine.describe().device
        complete = [
            reply if reply.device or reply.finish == "error" else reply.model_copy(update={"device": device})
            for reply in replies
        ]
        whole = self._unchanged([cases[reply.case_key] for reply in complete if reply.case_key in cases])
        kept = {
            key: reply
            for reply in complete
            if reply.finish != "error" and reply.case_key in whole and (key := keys[reply.case_key]) is not None
        }
        if kept and self._identity is not None:
            self._store.put_all(kept, self._identity.digest)
        return complete

    def _look_up(self, cases: Sequence[Case]) -> dict[str, Reply]:
        """Return the stored replies of these cases, by the cases' own names."""
        keys = {case.key: key for case in cases if (key := self._key(case)) is not None}
        found = self._store.get(tuple(dict.fromkeys(keys.values())))
        return {
            name: found[key].model_copy(update={"case_key": name, "stored": True})
            for name, key in keys.items()
            if key in found
        }

    def _key(self, case: Case) -> bytes | None:
        """Return the key of a case; None where it has none: nobody knows what will answer, or its media are gone."""
        self._identify()
        seen = self._look_at(case)
        if self._keys is None or seen is None:
            return None
        return self._keys.key(case.prompt, case.sample, seen.digest)

    def _identify(self) -> Identity | None:
        if not self._known:
            self._known = True
            try:
                self._use(identify(self._settings))
            except (CosmosError, OSError, ValueError):
                if self._settings.replay_only:
                    raise
                # the engine, when it is loaded, says what is wrong
        return self._identity

    def _use(self, identity: Identity | None) -> None:
        self._identity = identity
        self._keys = Keys(identity) if identity is not None else None
        if identity is not None and (served := identity.served):
            self._store.put_server(self._settings.endpoint, self._settings.model, served)

    def _remember_model(self, record: ModelRecord) -> None:
        if self._identity is not None and self._store.model(self._identity.digest) != record:
            self._store.put_model(self._identity.digest, record)

    def _look_at(self, case: Case) -> _Seen | None:
        """Return the hash of a sample's media as they are now; read anew where they changed since collection."""
        name = (case.suite, case.sample.media)
        if name not in self._seen:
            paths = media_paths(self._folders.get(case.suite, Path()), case.sample)
            try:
                marks = marks_of(paths)
                recent = any(max(times) / 1e9 > self._collected - _CLOCK for _, _, *times in marks)
                known = "" if recent else case.sample.media_hash
                self._seen[name] = _Seen(marks, known or media_hash(paths))
            except OSError:
                self._seen[name] = None
        return self._seen[name]

    def _unchanged(self, cases: Sequence[Case]) -> set[str]:
        """Return the keys of those whose media are still what was hashed."""
        samples = {(case.suite, case.sample.media): case for case in cases}
        same = {name for name, case in samples.items() if self._is_unchanged(case)}
        return {case.key for case in cases if (case.suite, case.sample.media) in same}

    def _is_unchanged(self, case: Case) -> bool:
        seen = self._seen.get((case.suite, case.sample.media))
        try:
            return seen is not None and marks_of(media_paths(self._folders[case.suite], case.sample)) == seen.marks
        except OSError:
            return False

    def _why_missed(self, case: Case) -> str:
        """Say what a replay lacks, and what to do."""
        if self._held is None:
            self._held = self._store.count(self._identity.digest) if self._identity is not None else 0
        held = self._held
        if self._look_at(case) is None:
            return "its media cannot be read, so its stored reply cannot be found"
        if held:
            replies = "1 reply" if held == 1 else f"{held:,} replies"
            what = f"of this model with these settings {replies}, but none to this prompt and these media"
        else:
            what = "nothing of this model with these settings and versions"
        return f"not in {self._store.path}: it holds {what}. To ask, run without --cosmos-replay-only"


def marks_of(paths: Sequence[Path]) -> Marks:
    """Return by what a change of these files, or of the files in these folders, shows."""
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return tuple((s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in map(os.stat, files))
