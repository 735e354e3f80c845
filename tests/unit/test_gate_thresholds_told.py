"""Reading thresholds.yaml: the whole of what is read, and of what is told where a section is no section."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.gate import Thresholds, read_thresholds
from pytest_cosmos.records import Threshold, Waiver

EVERYTHING = """\
version: 1
not_for_release: [tiny]
release:
  floor:
    accuracy: {at_least: 0.85}
guards:
  tiny:
    floor:
      accuracy: {at_least: 0.65}
regression:
  floor:
    accuracy: {max_drop: 0.02}
latency:
  image: {max_ratio: 1.1, where: "NVIDIA*"}
waivers:
  - {case: floor/7-safety, reason: known, owner: ada, expires: 2026-12-31}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "thresholds.yaml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> list[str]:
    """Read a file that must be refused; return its problems without the folder."""
    with pytest.raises(Problems) as caught:
        read_thresholds(write(folder, text))
    return [line.removeprefix(f"{folder}/thresholds.yaml:") for line in caught.value.lines]


def test_all_that_a_file_says_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, EVERYTHING)
    floor = {"suite": "floor", "metric": "accuracy"}
    assert read_thresholds(path) == Thresholds(
        release=(Threshold.model_validate({**floor, "at_least": 0.85, "where": f"{path}:5"}),),
        guards=(
            ("tiny", Threshold.model_validate({**floor, "kind": "guard", "at_least": 0.65, "where": f"{path}:9"})),
        ),
        regression=(
            Threshold.model_validate({**floor, "kind": "regression", "max_drop": 0.02, "where": f"{path}:12"}),
        ),
        latency=(
            Threshold(
                suite="latency", metric="image", kind="latency", max_ratio=1.1, device="NVIDIA*", where=f"{path}:14"
            ),
        ),
        waivers=(Waiver(case="floor/7-safety", reason="known", owner="ada", expires="2026-12-31", where=f"{path}:16"),),
        not_for_release=("tiny",),
        path=str(path),
        digest=sha256(EVERYTHING.encode()).hexdigest(),
        source=EVERYTHING.encode(),
    )


def test_guards_alone_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path, "version: 1\nguards:\n  tiny:\n    floor:\n      accuracy: {at_least: 0.65}\n")
    guard = Threshold(suite="floor", metric="accuracy", kind="guard", at_least=0.65, where=f"{path}:5")
    assert read_thresholds(path).guards == (("tiny", guard),)


def test_nothing_is_demanded_unless_it_is_said() -> None:
    nothing = Thresholds((), (), (), (), (), (), "", "", b"")
    assert Thresholds() == nothing
    assert nothing.suites_for("tiny") == ()
    assert nothing.may_release("tiny")


def test_messages_do_not_show_the_whole_file() -> None:
    assert "version" not in repr(Thresholds(source=b"version: 1"))


def test_a_section_that_is_none_is_told_with_an_example(tmp_path: Path) -> None:
    text = "version: one\nrelease: 1\nguards: 2\nregression: 3\nlatency: 4\n"
    assert problems(tmp_path, text) == [
        "1: version is 'one' (text), but must be a whole number",
        "2: release is 1 (a number), but must be a mapping such as {floor_cracks: {accuracy: {at_least: 0.85}}}",
        "3: guards is 2 (a number), but must be a mapping such as {tiny: {floor_cracks: {accuracy: {at_least: 0.85}}}}",
        "4: regression is 3 (a number), but must be a mapping such as {floor_cracks: {accuracy: {max_drop: 0.02}}}",
        "5: latency is 4 (a number), but must be a mapping such as {image_yes_no: {max_ratio: 1.10}}",
    ]


def test_a_guard_without_suites_is_told_with_its_model(tmp_path: Path) -> None:
    assert problems(tmp_path, "version: 1\nguards:\n  tiny: 5\n") == [
        "3: guards of 'tiny' is 5 (a number), but must be a mapping such as"
        " {floor_cracks: {accuracy: {at_least: 0.85}}}"
    ]


def test_a_file_that_gates_nothing_is_told_what_to_write(tmp_path: Path) -> None:
    example = "release: {floor_cracks: {accuracy: {at_least: 0.85}}}"
    assert problems(tmp_path, "- version\n") == [
        f"1: the file is a list, but must be a mapping such as {{version: 1, {example}}}"
    ]
    assert problems(tmp_path, "version: 1\n") == [
        f"1: no threshold is given, so nothing could be gated. Write e.g. {example}"
    ]
