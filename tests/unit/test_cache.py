"""`pytest-cosmos cache`: what the store holds, and making it smaller."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.cli.cache import read_days, read_size, written_size
from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.errors import CosmosError, StoreError
from pytest_cosmos.records import ModelRecord, Reply


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "replies.sqlite"
    opened = ReplyStore(path)
    for number in range(6):
        opened.put(number.to_bytes(32, "big"), f"i{number % 2}", Reply(case_key="c", raw="x" * 100))
    for number, name in enumerate(("tiny", "[red]reason2")):
        opened.put_model(f"i{number}", ModelRecord(name=name, engine="transformers", device="cpu", dtype="float32"))
    opened.close()
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["cache", *map(str, arguments)], catch_exceptions=True)
    if isinstance(result.exception, CosmosError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_info_lists_models(store: Path) -> None:
    told = run("info", "--store", store)
    assert f"{store}: 6 replies" in told
    rows = [line.split() for line in told.splitlines()]
    assert [row[0] for row in rows if "transformers" in row] == ["[red]reason2", "tiny"]  # the name is no markup


def test_no_store_is_no_error_and_makes_none(tmp_path: Path) -> None:
    assert "there is no reply store" in run("info", "--store", tmp_path / "none.sqlite")
    assert "there is no reply store" in run("prune", "--all", "--store", tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [(("--model", "tiny"), 3), (("--all",), 6), (("--older-than", "1d"), 0), (("--max-size", "0"), 6)],
)
def test_prune_deletes_what_is_said(store: Path, arguments: tuple[str, ...], gone: int) -> None:
    assert f"{gone} replies deleted, {6 - gone} left" in run("prune", *arguments, "--store", store)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "say which replies"),
        (("--all", "--model", "tiny"), "say which replies"),
        (("--model", "tinny"), "no reply of that model is stored. Models: "),
        (("--max-size", "big"), "must be a size such as 500MB"),
        (("--older-than", "soon"), "must be days or weeks"),
    ],
)
def test_prune_deletes_nothing_by_mistake(store: Path, arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CosmosError, match=problem):
        run("prune", *arguments, "--store", store)
    assert "6 replies" in run("info", "--store", store)


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="set aside"):
        run("info", "--store", path)


def test_sizes_and_times() -> None:
    assert [read_size(text) for text in ("0", "1.5 kB", "500MB", "2gb")] == [0, 1500, 500_000_000, 2_000_000_000]
    assert [read_days(text) for text in ("30d", "2 w")] == [30, 14]
    assert [written_size(number) for number in (12, 1200, 3_400_000)] == ["12 bytes", "1.2 kB", "3.4 MB"]
