"""What a reply store holds, and how it is made smaller: for `pytest-cosmos cache`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import ValidationError

from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.records import ModelRecord


@dataclass(frozen=True, slots=True)
class Holding:
    """The replies of one identity: one model, asked in one way."""

    identity: str
    model: ModelRecord | None
    """None: nothing is known of it."""
    replies: int
    bytes: int
    """Of the replies' own text; the file has room besides."""
    oldest: float
    """When its first and its last reply were stored, in seconds since the epoch."""
    newest: float

    def is_of(self, model: str) -> bool:
        """Tell whether `model` (a name, a glob, or the first characters of a fingerprint) means this one."""
        record = self.model
        if record is None:
            return False
        return fnmatchcase(record.name, model) or (len(model) >= 8 and record.fingerprint.startswith(model))


def holdings(store: ReplyStore) -> tuple[Holding, ...]:
    """List what the store holds, by model, the newest first."""
    return store.use(_holdings, ())


def prune(
    store: ReplyStore,
    *,
    before: float | None = None,
    at_most: int | None = None,
    identities: Sequence[str] | None = None,
) -> int:
    """Delete replies and give their room back; return how many went.

    Of `identities` only (None: of all); those stored before `before` (seconds since the epoch) and, oldest first, as
    many as it takes until all text left in the store has `at_most` bytes. With neither of the two, all of them.
    """
    return store.use(lambda db: _prune(db, before, at_most, identities), 0)


def _holdings(db: sqlite3.Connection) -> tuple[Holding, ...]:
    models = dict(db.execute("SELECT identity, record FROM models").fetchall())
    rows = db.execute(
        "SELECT identity, COUNT(*), SUM(LENGTH(reply)), MIN(stored), MAX(stored) FROM replies"
        " GROUP BY identity ORDER BY MAX(stored) DESC"
    )
    return tuple(Holding(row[0], _record(models.get(row[0])), *row[1:]) for row in rows)


def _record(text: str | None) -> ModelRecord | None:
    try:
        return ModelRecord.model_validate_json(text) if text else None
    except ValidationError:
        return None


def _prune(db: sqlite3.Connection, before: float | None, at_most: int | None, identities: Sequence[str] | None) -> int:
    db.execute("BEGIN IMMEDIATE")
    try:
        (count,) = db.execute("SELECT COUNT(*) FROM replies").fetchone()
        db.execute("CREATE TEMP TABLE chosen (identity TEXT PRIMARY KEY)")
        every = db.execute("SELECT DISTINCT identity FROM replies").fetchall() if identities is None else None
        db.executemany("INSERT INTO chosen VALUES (?)", every or [(one,) for one in identities or ()])
        ours = "identity IN (SELECT identity FROM chosen)"
        if before is not None:
            db.execute(f"DELETE FROM replies WHERE {ours} AND stored < ?", (before,))  # noqa: S608
        if at_most is not None:
            (size,) = db.execute("SELECT IFNULL(SUM(LENGTH(reply)), 0) FROM replies").fetchone()
            _delete_oldest(db, ours, size - at_most)
        if before is None and at_most is None:
            db.execute(f"DELETE FROM replies WHERE {ours}")  # noqa: S608
        db.execute("DELETE FROM models WHERE identity NOT IN (SELECT identity FROM replies)")
        (left,) = db.execute("SELECT COUNT(*) FROM replies").fetchone()
        db.execute("DROP TABLE chosen")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(count - left)


def _delete_oldest(db: sqlite3.Connection, ours: str, excess: int) -> None:
    """Delete the oldest replies until `excess` bytes are gone."""
    gone = []
    if excess > 0:
        for row, size in db.execute(f"SELECT rowid, LENGTH(reply) FROM replies WHERE {ours} ORDER BY stored"):  # noqa: S608
            gone.append((row,))
            excess -= size
            if excess <= 0:
                break
    db.executemany("DELETE FROM replies WHERE rowid = ?", gone)
