"""Waivers in thresholds.yaml: what they may say and how long they hold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.gate import read_thresholds
from pytest_cosmos.gate.waivers import holds, waiver_of
from pytest_cosmos.records import Waiver

HEAD = "version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.85}\nwaivers:"
GOOD = '  - {case: floor/a-binary, reason: "glare, being relabelled", owner: "A. Name", expires: 2026-12-31}'
WAIVER = Waiver(case="floor/a-binary", reason="glare", owner="A", expires="2026-12-31")


def read(folder: Path, waivers: str) -> tuple[Waiver, ...]:
    path = folder / "thresholds.yaml"
    path.write_text(f"{HEAD}{waivers}\n")
    return read_thresholds(path).waivers


def problems(folder: Path, waivers: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        read(folder, waivers)
    return [line.removeprefix(f"{folder}/thresholds.yaml") for line in caught.value.lines]


@pytest.mark.parametrize("expires", ["2026-12-31", '"2026-12-31"', "2001-01-01"])
def test_a_waiver(tmp_path: Path, expires: str) -> None:
    (waiver,) = read(tmp_path, "\n" + GOOD.replace("2026-12-31", expires))
    assert waiver == Waiver(
        case="floor/a-binary",
        reason="glare, being relabelled",
        owner="A. Name",
        expires=expires.strip('"'),
        where=f"{tmp_path}/thresholds.yaml:6",
    )


def test_no_waivers_at_all_may_be_said(tmp_path: Path) -> None:
    assert read(tmp_path, " []") == ()


@pytest.mark.parametrize(
    ("waivers", "problem"),
    [
        (" {case: a}", ":5: waivers must be a list. Write below it, per case: - {case: floor_cracks/"),
        ("", ":5: waivers must be a list."),
        (f"\n{GOOD}\n{GOOD}", ":7: waivers: 'floor/a-binary' is already waived in line 6. Remove one"),
        ("\n  - x", ":6: waivers: an entry is 'x' (text), but must be a mapping such as {case: floor_cracks/"),
        ("\n  - {}", ":6: waivers: an entry is empty, but must be a mapping"),
        ("\n  - {case: a/b, reason: c, expires: 2026-12-31}", ":6: waivers: owner missing. Write {case: "),
        ("\n  - {case: a/b}", ":6: waivers: reason, owner, expires missing."),
        (
            "\n" + GOOD.replace("owner", "oner"),
            ":6: waivers: an entry: unknown key 'oner'. Allowed: case, reason, owner, expires. Did you mean 'owner'?",
        ),
        (
            "\n" + GOOD.replace("floor/a", "a"),
            ":6: waivers: case is 'a-binary', but must be suite/sample-prompt, as reports show",
        ),
        (
            "\n" + GOOD.replace('"A. Name"', "no"),
            ":6: waivers: owner is no (a boolean), but must be text. YAML reads a bare no as a boolean."
            ' Write: owner: "no"',
        ),
        ("\n" + GOOD.replace('"A. Name"', '" "'), ":6: waivers: owner is empty"),
    ],
)
def test_mistakes(tmp_path: Path, waivers: str, problem: str) -> None:
    assert any(line.startswith(problem) for line in problems(tmp_path, waivers)), problems(tmp_path, waivers)


@pytest.mark.parametrize(
    "expires", ["never", "2026-02-30", "31.12.2026", "2026-12-31 10:00:00", "20261231", "2026-W01-1", "2026", "[]", ""]
)
def test_a_date_is_year_month_day(tmp_path: Path, expires: str) -> None:
    (problem,) = problems(tmp_path, "\n" + GOOD.replace("2026-12-31", expires))
    assert problem == f":6: waivers: expires is '{expires.strip('[]')}', but must be a date such as 2026-12-31"


@pytest.mark.parametrize(
    ("today", "held"), [("2026-12-30", True), ("2026-12-31", True), ("2027-01-01", False), ("2000-01-01", True)]
)
def test_its_date_is_the_last_day(today: str, held: bool) -> None:
    assert holds(WAIVER, date.fromisoformat(today)) is held


def test_a_waiver_is_found_by_the_whole_key() -> None:
    assert waiver_of("floor/a-binary", (WAIVER,)) is WAIVER
    assert waiver_of("floor/a-binary2", (WAIVER,)) is None
    assert waiver_of("other/a-binary", (WAIVER,)) is None


def test_a_waiver_that_is_there_twice_is_told_by_its_line_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    (problem,) = problems(folder, f"\n{GOOD}\n{GOOD}")
    assert problem == ":7: waivers: 'floor/a-binary' is already waived in line 6. Remove one"


def test_every_mistake_of_an_entry_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "\n  - {case: a, reason: 1, expires: never}") == [
        ':6: waivers: owner missing. Write {case: floor_cracks/floor-0042-binary_safety, reason: "…", owner: "…",'
        " expires: 2026-12-31}",
        ':6: waivers: reason is 1 (a number), but must be text. Quote it. Write: reason: "1"',
        ":6: waivers: expires is 'never', but must be a date such as 2026-12-31",
        ":6: waivers: case is 'a', but must be suite/sample-prompt, as reports show",
    ]
