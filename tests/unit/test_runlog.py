"""The run folder survives what happens to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.records import (
    AnswerKind,
    Case,
    Judgement,
    ModelRecord,
    Outcome,
    Prompt,
    Reply,
    Run,
    Sample,
    Verdict,
)
from pytest_cosmos.runlog import RunFolder, open_run, write_whole

STARTED = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
PROMPT = Prompt(name="p", text="?", kind=AnswerKind.YES_NO, choices=("Yes", "No"))


def outcome(number: int) -> Outcome:
    sample = Sample(id=f"s{number}", media=("a.png",), media_hash=f"{number:08x}" * 8, label="cracked")
    case = Case(suite="floors", sample=sample, prompt=PROMPT, expected="Yes")
    reply = Reply(case_key=case.key, raw="Yes \u2028 </script>", answer="Yes")
    return Outcome(case=case, reply=reply, judgement=Judgement(verdict=Verdict.CORRECT, answer="Yes"))


def run(folder: RunFolder) -> Run:
    return Run(id=folder.path.name, started=STARTED.isoformat(), model=ModelRecord(name="tiny", engine="scripted"))


def test_outcomes_come_back_as_they_went(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tiny", STARTED)
    folder.append([outcome(0)])
    folder.append([outcome(1), outcome(2)])
    folder.close()
    assert folder.read_outcomes() == [outcome(0), outcome(1), outcome(2)]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tiny", STARTED)
    folder.append([outcome(0), outcome(1)])
    folder.close()
    file = folder.path / "outcomes.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    assert folder.read_outcomes() == [outcome(0)]


def test_a_bad_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tiny", STARTED)
    folder.append([outcome(0), outcome(1)])
    folder.close()
    file = folder.path / "outcomes.jsonl"
    first, second = file.read_text().strip().split("\n")
    file.write_text(f"{first[:-9]}\n{second}\n")
    with pytest.raises(RunFolderError, match=r"outcomes\.jsonl:1"):
        folder.read_outcomes()


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    first, second = (RunFolder.create(tmp_path, "tiny", STARTED) for _ in range(2))
    assert first.path.name == "2026-11-21T12-30-00-tiny"
    assert second.path.name == "2026-11-21T12-30-00-tiny-2"
    assert (tmp_path / "latest").resolve() == second.path


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("nvidia/Cosmos-Reason2-2B", "Cosmos-Reason2-2B"),
        ("../../etc", "etc"),
        ("a@b c", "a-b-c"),
        ("..", "model"),
    ],
)
def test_a_model_name_cannot_leave_the_folder(tmp_path: Path, model: str, name: str) -> None:
    folder = RunFolder.create(tmp_path, model, STARTED)
    assert folder.path.name == f"2026-11-21T12-30-00-{name}"
    assert folder.path.parent == tmp_path / "runs"


def test_the_folder_explains_itself_once(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, "tiny", STARTED)
    (tmp_path / "README.md").write_text("mine")
    RunFolder.create(tmp_path, "tiny", STARTED)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert "*" in (tmp_path / ".gitignore").read_text()


def test_run_json_comes_back(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tiny", STARTED)
    folder.write_run(run(folder))
    assert open_run(tmp_path / "latest").read_run() == run(folder)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"has no run\.json"):
        open_run(tmp_path)


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tiny", STARTED)
    folder.write_run(run(folder))
    file = folder.path / "run.json"
    file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(RunFolderError, match="schema_version 99"):
        folder.read_run()


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    write_whole(file, b"old")
    with pytest.raises(TypeError):
        write_whole(file, "not bytes")  # type: ignore[arg-type]
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_thumbnails_are_kept_by_media_hash(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tiny", STARTED)
    one = outcome(1)
    folder.write_thumbnail(one.case.sample.media_hash, b"jpeg")
    assert folder.thumbnails([one, outcome(2)]) == {one.case.sample.media_hash: b"jpeg"}
