"""The ledger of comparisons: every candidate counts once a test split, whoever writes beside."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

from pytest_cosmos.records import ModelRecord, Run
from pytest_cosmos.runlog import ledger
from tests.unit.builders import outcome, run_of


def candidate(fingerprint: str, adapter: str = "", **fields: Any) -> Run:
    model = ModelRecord(name="m", engine="transformers", fingerprint=fingerprint, adapter_fingerprint=adapter)
    return run_of([outcome()]).model_copy(update={"model": model, **fields})


BASELINE = run_of([outcome()], model="old")


def enter(reports: Path, *candidates: Run) -> None:
    for run in candidates:
        ledger.record(reports, ledger.entries_of(run, BASELINE))


def count(reports: Path, digest: str = "") -> int:
    return ledger.candidates_so_far(ledger.read(reports), "floor", digest)


def test_different_candidates_are_counted_once_each(tmp_path: Path) -> None:
    assert count(tmp_path) == 0
    enter(tmp_path, candidate("a"), candidate("a"), candidate("b"), candidate("b", "x"), candidate("b", "y"))
    assert count(tmp_path) == 4
    lines = (tmp_path / ledger.FILE).read_text().splitlines()
    assert len(lines) == 4, "the same comparison is entered once"
    assert json.loads(lines[2])["candidate"] == "b:x"
    assert set(json.loads(lines[0])) == {"suite", "digest", "candidate", "model", "baseline", "time"}


def test_other_labels_are_other_test_cases(tmp_path: Path) -> None:
    other = candidate("a")
    suites = tuple(suite.model_copy(update={"digest": "new"}) for suite in other.suites)
    enter(tmp_path, candidate("a"), candidate("b"), other.model_copy(update={"suites": suites}))
    assert (count(tmp_path), count(tmp_path, "new")) == (2, 1)


def test_other_splits_are_there_to_choose_by(tmp_path: Path) -> None:
    enter(tmp_path, candidate("a", split="validation"))
    assert not (tmp_path / ledger.FILE).exists()


def test_suites_that_only_one_side_asked_do_not_count() -> None:
    baseline = run_of([outcome(suite="other")])
    assert ledger.entries_of(candidate("a"), baseline) == ()


def test_a_model_without_a_fingerprint_is_known_by_its_name(tmp_path: Path) -> None:
    enter(tmp_path, run_of([outcome()], model="one"), run_of([outcome()], model="two"))
    assert count(tmp_path) == 2


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    enter(tmp_path, candidate("a"))
    with (tmp_path / ledger.FILE).open("a") as file:
        file.write('{"suite": "floor", "dig\n')
    enter(tmp_path, candidate("b"))
    assert count(tmp_path) == 2


def test_without_a_reports_folder_nothing_is_made(tmp_path: Path) -> None:
    enter(tmp_path / "gone", candidate("a"))
    assert not (tmp_path / "gone").exists()


def write_many(reports: Path, name: str) -> None:
    enter(reports, *(candidate(f"{name}{number}") for number in range(40)))


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(tmp_path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert count(tmp_path) == 80
