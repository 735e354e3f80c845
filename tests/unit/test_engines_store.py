"""The reply store's file: shared by processes, and unharmed by what happens to them, to the disk and to itself."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cosmos.engines.store import _OURS, SCHEMA, ReplyStore
from pytest_cosmos.engines.store_prune import holdings, prune
from pytest_cosmos.records import ModelRecord, Reply

REPLY = Reply(case_key="floor/s-p", raw="<think>Ein Riß, 裂缝.</think>Yes", answer="Yes", confidence=0.5, device="cpu")
MODEL = ModelRecord(name="tiny", engine="transformers", fingerprint="ab" * 32)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "store" / "replies.sqlite"


def filled(path: Path, count: int = 50) -> None:
    """Make a store that holds so many replies."""
    store = ReplyStore(path)
    for number in range(count):
        store.put(key(number), "i", REPLY.model_copy(update={"output_tokens": number}))
    store.put_model("i", MODEL)
    store.close()
    assert store.remarks == []


def held(path: Path, count: int = 50) -> dict[bytes, Reply]:
    store = ReplyStore(path)
    found = store.get([key(number) for number in range(count)])
    store.close()
    return found


def test_replies_come_back_as_they_were_in_the_next_run(path: Path) -> None:
    filled(path, 1200)
    found = held(path, 1300)
    assert len(found) == 1200
    assert found[key(7)] == REPLY.model_copy(update={"output_tokens": 7})


def test_a_later_reply_takes_the_place_of_the_earlier(path: Path) -> None:
    filled(path, 1)
    store = ReplyStore(path)
    store.put(key(0), "i", REPLY)
    store.close()
    assert held(path) == {key(0): REPLY}


def test_the_folder_says_what_it_is_and_stays_out_of_version_control(path: Path) -> None:
    filled(path)
    assert "reply store of pytest-cosmos" in (path.parent / "README.md").read_text()
    subprocess.run(["git", "init", "-q", str(path.parents[2])], check=True)
    tracked = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=path.parents[2], capture_output=True, text=True
    )
    assert sorted(line.split("/")[-1] for line in tracked.stdout.splitlines()) == [".gitignore", "README.md"]


def test_a_folder_of_the_user_is_left_as_it_is(tmp_path: Path) -> None:
    filled(tmp_path / "mine.sqlite")
    assert not (tmp_path / "README.md").exists()
    assert not (tmp_path / ".gitignore").exists()


def test_nothing_is_made_before_it_is_used(path: Path) -> None:
    ReplyStore(path).close()
    assert not path.parent.exists()


def test_a_closed_store_does_nothing(path: Path) -> None:
    filled(path)
    store = ReplyStore(path)
    store.close()
    store.close()
    store.put(key(99), "i", REPLY)
    assert (store.get([key(0)]), store.model("i"), store.count("i"), store.remarks) == ({}, None, 0, [])
    assert len(held(path, 100)) == 50


WRITER = """
import sys
from pathlib import Path
from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.records import Reply

path, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store = ReplyStore(path)
for number in range(first, first + count):
    store.put(number.to_bytes(32, "big"), "i", Reply(case_key="c", raw="x" * 500, output_tokens=number))
    print(number, flush=True)
print(store.remarks, flush=True)
"""


def writer(path: Path, first: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first), str(count)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("before", ["nothing", "garbage"])
def test_processes_write_at_once(path: Path, before: str) -> None:
    if before == "garbage":  # then one of them sets it aside, and the others take what it made
        path.parent.mkdir(parents=True)
        path.write_bytes(b"this is no database" * 400)
    with writer(path, 0, 300) as one, writer(path, 300, 300) as two, writer(path, 600, 300) as three:
        remarks = [process.communicate()[0].splitlines()[-1] for process in (one, two, three)]
    assert sorted(held(path, 1000)) == [key(number) for number in range(900)]
    aside = list(path.parent.glob("*.set-aside-*"))
    assert (len(aside), sum("set aside" in remark for remark in remarks)) == ((1, 1) if before == "garbage" else (0, 0))


def test_a_process_killed_at_any_moment_has_lost_nothing_it_has_written(path: Path) -> None:
    chance = random.Random(7)
    for round_ in range(6):
        first = 10_000 * round_
        with writer(path, first, 10_000) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(chance.randrange(1, 150))]
            time.sleep(chance.random() / 100)
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in process.stdout.read().splitlines() if line.isdigit()]
        store = ReplyStore(path)
        found = store.get([key(number) for number in range(first, first + 10_000)])
        assert store.remarks == []
        assert {key(number) for number in said} <= set(found)
        # at most the one it was about to tell of is there besides
        assert len(found) <= len(said) + 1
        store.close()


def test_a_full_disk_costs_only_what_did_not_fit(path: Path) -> None:
    filled(path)
    store = ReplyStore(path)
    store.use(lambda db: db.execute("PRAGMA max_page_count = 30"), None)  # SQLite then says what it says of a full disk
    large = REPLY.model_copy(update={"raw": "x" * 3000})
    for number in range(100, 200):
        store.put(key(number), "i", large)
    assert len(store.remarks) == 1
    assert "the disk is full" in store.remarks[0]
    assert len(store.get([key(number) for number in range(50)])) == 50
    store.use(lambda db: db.execute("PRAGMA max_page_count = 100000"), None)
    store.put(key(300), "i", REPLY)  # there is room again
    store.close()
    found = held(path, 301)
    assert 50 < len(found) < 150
    assert key(300) in found
    assert quick_check(path) == "ok"


def quick_check(path: Path) -> str:
    with sqlite3.connect(path) as db:
        verdict: str = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    return verdict


def break_garbage(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def break_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def break_in_the_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [break_garbage, break_truncated, break_in_the_middle])
def test_a_damaged_file_is_set_aside_with_a_word_and_a_new_one_begun(path: Path, damage: object) -> None:
    filled(path)
    assert callable(damage)
    damage(path)
    broken = path.read_bytes()
    store = ReplyStore(path)
    assert store.get([key(0)]) == {}
    store.put(key(1), "i", REPLY)
    store.close()
    assert held(path) == {key(1): REPLY}
    (aside,) = path.parent.glob("replies.sqlite.set-aside-*")
    assert aside.read_bytes() == broken
    assert len(store.remarks) == 1
    assert f"set aside as {aside.name} and a new one begun" in store.remarks[0]


def test_a_file_of_another_version_is_set_aside(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.close()
    store = ReplyStore(path)
    store.put(key(1), "i", REPLY)
    store.close()
    assert f"of another version of pytest-cosmos (schema {SCHEMA + 1}, this one reads {SCHEMA})" in store.remarks[0]
    assert len(list(path.parent.glob("*.set-aside-*"))) == 1
    assert held(path) == {key(1): REPLY}


def test_a_database_of_somebody_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    before = path.read_bytes()
    store = ReplyStore(path)
    store.put(key(1), "i", REPLY)
    store.close()
    assert path.read_bytes() == before
    assert "a database, but not a reply store. It is left alone" in store.remarks[0]


def test_damage_found_while_a_run_uses_it_is_mended_by_the_next(path: Path) -> None:
    filled(path, 400)
    store = ReplyStore(path)
    assert len(store.get([key(0)])) == 1
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    with path.open("r+b") as file:
        file.write(data)
    store.use(lambda db: db.execute("PRAGMA shrink_memory"), None)  # it forgets the pages that it has read
    assert len(store.get([key(number) for number in range(400)])) < 400
    assert "damaged" in store.remarks[0]
    assert "The next run sets it aside" in store.remarks[0]
    store.close()
    again = ReplyStore(path)
    again.put(key(1), "i", REPLY)
    again.close()
    assert "set aside" in again.remarks[0]
    assert held(path) == {key(1): REPLY}


def test_a_flipped_bit_in_a_reply_is_a_miss_not_another_answer(path: Path) -> None:
    filled(path, 3)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE replies SET reply = REPLACE(reply, 'Yes', 'Yet') WHERE key = ?", (key(1),))
        db.execute("UPDATE replies SET key = ? WHERE key = ?", (key(9), key(2)))  # the reply to something else
    db.close()
    assert set(held(path)) == {key(0)}


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_no_damage_of_one_byte_gives_a_wrong_reply_or_an_exception(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    path = tmp_path_factory.mktemp("store") / "replies.sqlite"
    filled(path, 4)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= flip
    path.write_bytes(data)
    for at, reply in held(path, 4).items():
        assert reply == REPLY.model_copy(update={"output_tokens": int.from_bytes(at, "big")})


@pytest.mark.parametrize("obstacle", ["a file in the way", "a folder in the way"])
def test_a_place_that_cannot_be_used_is_a_remark(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "store" / "replies.sqlite"
    if obstacle == "a file in the way":
        path.parent.write_text("")
    else:
        path.mkdir(parents=True)
    store = ReplyStore(path)
    for number in range(3):
        store.put(key(number), "i", REPLY)
    assert store.get([key(0)]) == {}
    assert len(store.remarks) == 1
    assert f"reply store {path}: cannot be used" in store.remarks[0]


def test_the_file_is_marked_as_ours(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (_OURS,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_holdings_and_pruning(path: Path) -> None:
    store = ReplyStore(path)
    for number in range(20):
        store.put(key(number), f"i{number % 2}", REPLY)
    store.put_model("i0", MODEL)
    store.put_model("i1", MODEL.model_copy(update={"name": "reason2", "fingerprint": "cd" * 32}))
    assert {(one.model.name if one.model else "", one.replies) for one in holdings(store)} == {
        ("tiny", 10),
        ("reason2", 10),
    }
    tiny = next(one for one in holdings(store) if one.identity == "i0")
    assert (tiny.is_of("tiny"), tiny.is_of("t*"), tiny.is_of("ab" * 5), tiny.is_of("ab"), tiny.is_of("reason2")) == (
        True, True, True, False, False,
    )  # fmt: skip
    middle = store._rows("SELECT stored FROM replies WHERE key = ?", key(8))[0][0]
    assert prune(store, before=middle, identities=("i0",)) == 4
    assert set(store.get([key(number) for number in range(20)])) == {key(n) for n in range(20) if n % 2 or n >= 8}
    size = len(REPLY.model_dump_json())
    assert prune(store, at_most=5 * size) == 11
    assert set(store.get([key(number) for number in range(20)])) == {key(n) for n in range(15, 20)}
    assert prune(store, at_most=5 * size) == 0
    assert prune(store, identities=("i1",)) == 3
    assert [one.identity for one in holdings(store)] == ["i0"]
    assert store.model("i1") is None
    assert prune(store) == 2
    assert holdings(store) == ()
    assert store.remarks == []
    store.close()


def test_pruning_gives_the_room_back(path: Path) -> None:
    filled(path, 2000)
    before = path.stat().st_size
    store = ReplyStore(path)
    assert prune(store) == 2000
    store.close()
    assert path.stat().st_size < before / 10
