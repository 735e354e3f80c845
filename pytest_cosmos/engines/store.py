"""The reply store: one SQLite file in which every reply lies under the key of all that decides it.

Several processes use it at once (WAL; replies are committed as they come, so that a killed process loses nothing it
has written). It serves a run and never stops one: what goes wrong is a remark, and the cases are asked instead.
A damaged file is set aside, never deleted and never trusted: each reply carries a checksum.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from pytest_cosmos.records import ModelRecord, Reply

T = TypeVar("T")

SCHEMA: Final = 1
"""Of the tables, as `PRAGMA user_version`; a file of another version is set aside."""

_OURS: Final = 0x434F534D
"""`PRAGMA application_id` of a reply store: "COSM"."""

_TABLES: Final = (
    "CREATE TABLE models (identity TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE replies (key BLOB PRIMARY KEY, identity TEXT NOT NULL, stored REAL NOT NULL,"
    " reply TEXT NOT NULL, checksum BLOB NOT NULL)",
    "CREATE INDEX replies_by_identity ON replies (identity, stored)",
    f"PRAGMA application_id = {_OURS}",
    f"PRAGMA user_version = {SCHEMA}",
)

_SERVERS: Final = (
    "CREATE TABLE IF NOT EXISTS servers (url TEXT, model TEXT, served TEXT NOT NULL, seen REAL NOT NULL,"
    " PRIMARY KEY (url, model)) WITHOUT ROWID"
)

_WAIT: Final = 30.0
"""Seconds to wait for another process to finish writing."""

_AT_ONCE: Final = 500
"""Keys looked up by one statement."""

_CHECKED: Final = 256 * 2**20
"""A file up to this size is checked whole when it is opened, which takes a second at most; a larger one only after
a run has found it damaged."""

_README: Final = """The reply store of pytest-cosmos: what the models said, so that nothing is asked twice.

- `replies.sqlite`  every reply under the hash of all that decides it: model, settings, prompt, bytes of the media
- `*.set-aside-*`   a store that was damaged or written by another version; not used, safe to delete

`pytest-cosmos cache info` says what it holds, `pytest-cosmos cache prune` makes it smaller. Safe to delete as a whole:
the next run asks everything again. It can be copied to another machine while no run uses it.
"""


class StrangeFileError(Exception):
    """The file is a database, but not one of ours."""


class ReplyStore:
    """Replies by key. Used by several threads and processes at once; never raises: see `remarks`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.remarks: list[str] = []
        """What the user should know, each once."""
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._useless = False
        """Closed, or not worth another try."""

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """Return those of the replies that are there and whole."""
        found: dict[bytes, Reply] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            places = ",".join("?" * len(some))
            for key, text, checksum in self._rows(
                f"SELECT key, reply, checksum FROM replies WHERE key IN ({places})",  # noqa: S608
                *some,
            ):
                if checksum == _checksum(key, text):
                    with contextlib.suppress(ValidationError):  # as good as not there
                        found[key] = Reply.model_validate_json(text)
        return found

    def put(self, key: bytes, identity: str, reply: Reply) -> None:
        """Store a reply, in the place of an older one; on the disk (or with the system) when this returns."""
        self.put_all({key: reply}, identity)

    def put_all(self, replies: Mapping[bytes, Reply], identity: str) -> None:
        """Store replies that came together: all of them or none."""
        texts = ((key, reply.model_dump_json()) for key, reply in replies.items())
        rows = [(key, identity, time.time(), text, _checksum(key, text)) for key, text in texts]
        self.use(functools.partial(_insert, rows), None)

    def model(self, identity: str) -> ModelRecord | None:
        """Return what is known of the model that gave the replies of this identity."""
        for (text,) in self._rows("SELECT record FROM models WHERE identity = ?", identity):
            with contextlib.suppress(ValidationError):
                return ModelRecord.model_validate_json(text)
        return None

    def put_model(self, identity: str, record: ModelRecord) -> None:
        """Remember the model that gives the replies of this identity."""
        row = (identity, record.model_dump_json())
        self.use(lambda db: db.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", row), None)

    def server(self, url: str, model: str) -> tuple[str, float] | None:
        """Return what was put of a server, by URL and by the model as the user names it, and when (since the epoch)."""
        rows = self._rows("SELECT served, seen FROM servers WHERE url = ? AND model = ?", url, model)
        return next(((str(served), float(seen)) for served, seen in rows), None)

    def put_server(self, url: str, model: str, served: str) -> None:
        """Remember which model a server has, so that its replies can be told when it is gone."""
        row = (url, model, served, time.time())
        self.use(lambda db: db.execute("INSERT OR REPLACE INTO servers VALUES (?, ?, ?, ?)", row), None)

    def count(self, identity: str) -> int:
        """Say how many replies of this identity there are."""
        rows = self._rows("SELECT COUNT(*) FROM replies WHERE identity = ?", identity)
        return sum(count for (count,) in rows)

    def close(self) -> None:
        """Close the file; from now on nothing is found and nothing stored. From any thread, and twice."""
        with self._lock:
            self._useless = True
            self._disconnect()

    def use(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do something with the file; `otherwise` where that cannot be done, with a remark why."""
        with self._lock:
            if self._useless:
                return otherwise
            try:
                if self._connection is None:
                    self._connection = self._open()
                return work(self._connection)
            except (sqlite3.Error, UnicodeDecodeError, OSError, Timeout, StrangeFileError) as error:
                self._take_note(error)
                return otherwise

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.use(lambda db: db.execute(query, parameters).fetchall(), [])

    def _take_note(self, error: Exception) -> None:
        again = "The replies that could not be stored are asked again by the next run."
        if _is_full(error):  # there may be room again later
            self._remark(f"reply store {self.path}: the disk is full. {again}")
            return
        self._useless = True
        self._disconnect()
        if isinstance(error, StrangeFileError):
            self._remark(
                f"reply store {self.path}: {error}. It is left alone and nothing is stored. Name another file."
            )
        elif _is_damaged(error):
            with contextlib.suppress(OSError):
                self._suspicion.touch()
            self._remark(
                f"reply store {self.path}: damaged ({error}). The next run sets it aside and begins a new one."
            )
        else:
            self._remark(f"reply store {self.path}: cannot be used ({error}). {again}")

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    @property
    def _suspicion(self) -> Path:
        """A file beside the store that says: check it whole before you use it."""
        return self.path.with_name(f"{self.path.name}.suspect")

    def _open(self) -> sqlite3.Connection:
        """Open the file, made where it is missing; one process at a time, as only one may set a bad file aside."""
        explain(self.path.parent)
        with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=_WAIT):
            for retry in (True, False):
                connection = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
                try:
                    self._prepare(connection)
                except BaseException as error:
                    connection.close()
                    if not retry or not _is_damaged(error):
                        raise
                    self._set_aside(error)
                else:
                    return connection
        raise AssertionError("the second try returns or raises")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Check the file, and make its tables where it is empty."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        if tables and application != _OURS:
            raise StrangeFileError("a database, but not a reply store")
        if tables and version != SCHEMA:
            raise _UnfitError(f"of another version of pytest-cosmos (schema {version}, this one reads {SCHEMA})")
        if self.path.stat().st_size <= _CHECKED or self._suspicion.exists():
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _UnfitError(f"damaged ({verdict})")
            self._suspicion.unlink(missing_ok=True)
        connection.execute("PRAGMA journal_mode = WAL")
        # a killed process loses nothing; a power cut may cost the last replies, never the file
        connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("COMMIT")
        connection.execute(_SERVERS)  # came later than the others

    def _set_aside(self, error: BaseException) -> None:
        stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
        aside = self.path.with_name(f"{self.path.name}.set-aside-{stamp}-{os.getpid()}")
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        self._suspicion.unlink(missing_ok=True)
        why = str(error) if isinstance(error, _UnfitError) else f"damaged ({error})"
        self._remark(f"reply store {self.path}: {why}, so it was set aside as {aside.name} and a new one begun.")


class _UnfitError(Exception):
    """The file is a reply store that cannot be used; says why."""


def explain(folder: Path) -> None:
    """Make the store's folder with its README and .gitignore; one that is there already is left as it is."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(_README, encoding="utf-8")
    (folder / ".gitignore").write_text("*\n!README.md\n!.gitignore\n", encoding="utf-8")


def _insert(rows: Sequence[tuple[object, ...]], db: sqlite3.Connection) -> None:
    with db:  # commits, or rolls back
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", rows)


def _checksum(key: bytes, text: str) -> bytes:
    """SQLite does not notice a flipped bit inside a text; a release must not hang on one."""
    return hashlib.blake2b(key + text.encode(), digest_size=16).digest()


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code; the extended one has more bits."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _is_full(error: Exception) -> bool:
    return _code(error) == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def _is_damaged(error: BaseException) -> bool:
    # sqlite3 cannot even tell what is wrong where the damage is in a name that it wants to tell
    unreadable = isinstance(error, (_UnfitError, UnicodeDecodeError))
    return unreadable or _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
