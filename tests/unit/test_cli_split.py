"""`pytest-cosmos split`: a table on the terminal, and files only where asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pytest_cosmos.cli import app
from pytest_cosmos.cli.split import read_shares
from pytest_cosmos.errors import OptionError
from pytest_cosmos.suites import read_suite
from tests.unit.suite_files import PROMPTS, write_suite

NAMES = tuple(f"media/{number}.png" for number in range(20))


def split(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["split", *arguments])


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    rows = [f"{name},{'cracked' if number % 2 else 'not cracked'},g{number // 4}" for number, name in enumerate(NAMES)]
    return write_suite(tmp_path, table="\n".join(["file,label,group", *rows]), images=NAMES)


def test_nothing_is_written_unless_asked_for(suite: Path) -> None:
    before = (suite / "samples.csv").read_bytes()
    result = split(str(suite), "--shares", "train=0.6,test=0.4")
    assert result.exit_code == 0, result.output
    assert "12 (60.0%) in 3 groups" in result.output
    assert "Nothing was written" in result.output
    assert (suite / "samples.csv").read_bytes() == before
    assert {file.name for file in suite.iterdir()} == {"suite.yaml", "samples.csv", "media"}


def test_write_replaces_the_table_and_keeps_what_it_was(suite: Path) -> None:
    before = (suite / "samples.csv").read_bytes()
    assert split(str(suite), "--write").exit_code == 0
    assert (suite / "samples.before-split-1.csv").read_bytes() == before
    samples = read_suite(suite, split=None, decode=()).samples
    assert {one.split for one in samples} == {"train", "validation", "test"}
    assert len({(one.group, one.split) for one in samples}) == 5

    again = split(str(suite), "--write")
    assert "has these splits already" in again.output
    other = split(str(suite), "--write", "--shares", "train=0.4,test=0.6")
    assert "The suite is split already (train 12, " in other.output
    assert (suite / "samples.before-split-2.csv").is_file()


def test_out_writes_a_new_file_only(suite: Path, tmp_path: Path) -> None:
    assert split(str(suite), "--out", str(tmp_path / "new.csv")).exit_code == 0
    assert (tmp_path / "new.csv").read_text().startswith("file,label,group,split\nmedia/0.png,not cracked,g0,")
    result = split(str(suite), "--out", str(tmp_path / "new.csv"))
    assert isinstance(result.exception, OptionError)
    assert "is not overwritten" in str(result.exception)


def test_strata_without_samples_in_a_split_are_told(suite: Path) -> None:
    output = split(str(suite), "--by", "label", "--stratify", "label").output
    assert "\ncracked: none in validation and test. It has 10 samples, 10 of them in one group.\n" in output


def test_samples_listed_in_the_manifest_are_not_rewritten(tmp_path: Path) -> None:
    yaml = PROMPTS + "samples:\n  - {file: media/a.png, label: cracked}\n  - {file: media/b.png, label: not cracked}\n"
    result = split(str(write_suite(tmp_path, yaml=yaml, table=None)), "--write")
    assert "lists the samples itself" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "grupp"), "--by 'grupp': there is no such column. Allowed: id, file, label, "),
        (("--stratify", "label,weather"), "--stratify 'weather': there is no such column"),
        (("--shares", "train=0.6,test=0.3"), "--shares 'train=0.6,test=0.3' add up to 0.9, not to 1"),
        (("--shares", "train=1,tset=0"), "Did you mean 'test'?"),
        (("--shares", "train=all"), "'all' is no number"),
        (("--shares", "train=-1,test=2"), "a share lies between 0 and 1"),
    ],
)
def test_wrong_options_are_explained(suite: Path, arguments: tuple[str, ...], message: str) -> None:
    result = split(str(suite), *arguments)
    assert isinstance(result.exception, OptionError)
    assert message in str(result.exception)


def test_shares_are_read() -> None:
    assert read_shares("train=0.5, test=0.5") == {"train": 0.5, "test": 0.5}
