from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_cosmos.records import AnswerKind
from pytest_cosmos.suites import Suite, find_suites, read_suite
from tests.unit.suite_files import PROMPTS, write_image, write_suite

FULL = """\
title: Floors
labels: [cracked, not cracked]
categories: [hazard, safe]
columns: [severity, Surface kind]
prompts:
  binary:
    text: "Cracked?"
    kind: yes_no
    expected: {cracked: "yes", not cracked: ""}
    hazard: "YES"
  severity:
    text: "How bad?"
    kind: rating
    expected: severity
    hazard: ">=3"
    tolerance: 1
    reasoning: false
  surface:
    text: "What is it made of?"
    kind: choice
    choices: [concrete, wood]
    expected: Surface kind
"""

FULL_TABLE = """\
id,file,label,category,split,source,group,must_pass,severity,surface kind
one,media/a.png,cracked,hazard,,real,g1,TRUE,4.0,Wood
two,media/b.png ; ./media/a.png,not cracked,safe,train,,,,,
"""


@pytest.fixture
def full(tmp_path: Path) -> Suite:
    return read_suite(write_suite(tmp_path, yaml=FULL, table=FULL_TABLE))


def test_five_lines_of_yaml_and_a_table_are_a_suite(tmp_path: Path) -> None:
    suite = read_suite(write_suite(tmp_path))
    assert (suite.name, suite.title, suite.columns) == ("floor", "floor", ())
    assert [(case.id, case.expected) for case in suite.cases()] == [("a-binary", "Yes"), ("b-binary", "No")]
    assert suite.samples[0].split == "test"


def test_every_standard_column_reaches_its_sample(full: Suite) -> None:
    first, second = full.samples
    assert (first.id, first.media, first.label, first.category) == (
        "one",
        ("media/a.png",),
        "cracked",
        "hazard",
    )
    assert (first.split, first.source, first.group, first.must_pass) == ("test", "real", "g1", True)
    assert first.fields == {"severity": "4.0", "Surface kind": "Wood"}
    assert second.media == ("media/b.png", "media/a.png")
    assert not second.must_pass


def test_expected_answers_become_one_of_the_choices(full: Suite) -> None:
    assert [case.expected for case in full.cases()] == ["Yes", "4", "wood"]


def test_prompts_carry_choices_hazard_tolerance_and_reasoning(full: Suite) -> None:
    binary, severity, surface = full.prompts
    assert (binary.kind, binary.choices, binary.hazard, binary.reasoning) == (
        AnswerKind.YES_NO,
        ("Yes", "No"),
        "Yes",
        True,
    )
    assert (severity.choices, severity.hazard, severity.tolerance) == (("1", "2", "3", "4", "5"), ">= 3", 1)
    assert severity.reasoning is False
    assert severity.is_hazard("3") is True
    assert surface.choices == ("concrete", "wood")


def test_a_blank_answer_makes_no_case_and_is_counted(full: Suite) -> None:
    assert full.cases("train") == ()
    assert full.blank("train") == 3
    assert full.blank() == 0


def test_all_prompts_of_a_sample_are_adjacent(tmp_path: Path) -> None:
    yaml = PROMPTS + PROMPTS.removeprefix("prompts:\n").replace("binary", "again")
    suite = read_suite(write_suite(tmp_path, yaml=yaml))
    assert [case.id for case in suite.cases()] == ["a-binary", "a-again", "b-binary", "b-again"]


def test_samples_can_be_listed_in_the_yaml_itself(tmp_path: Path) -> None:
    yaml = "columns: [depth]\nsamples:\n- {file: media/a.png, label: cracked, depth: 3.50, must_pass: true}\n"
    suite = read_suite(write_suite(tmp_path, yaml=yaml + PROMPTS, table=None))
    assert [case.expected for case in suite.cases()] == ["Yes"]
    assert suite.samples[0].fields == {"depth": "3.50"}
    assert suite.samples[0].must_pass


@pytest.mark.parametrize(
    "header", ["Image / Video,Label,Category", "FILE, label ,Category", "image/video,LABEL,category"]
)
def test_headers_that_people_already_have(tmp_path: Path, header: str) -> None:
    table = f"{header}\nmedia/a.png,cracked,hazard\n"
    suite = read_suite(write_suite(tmp_path, table=table))
    assert (suite.samples[0].media, suite.samples[0].category) == (("media/a.png",), "hazard")


@pytest.mark.parametrize("name", ["samples.tsv", "my.csv"])
def test_tabs_separate_cells_where_the_header_has_them(tmp_path: Path, name: str) -> None:
    yaml = PROMPTS if name == "samples.tsv" else f"samples: {name}\n{PROMPTS}"
    folder = write_suite(tmp_path, yaml=yaml, table="file\tlabel\nmedia/a.png\tcracked\n", table_name=name)
    assert [case.id for case in read_suite(folder).cases()] == ["a-binary"]


def test_byte_order_mark_blank_lines_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    table = b"\xef\xbb\xbffile,label\r\n\r\nmedia/a.png,cracked\r\n,\r\n"
    assert len(read_suite(write_suite(tmp_path, table=table)).samples) == 1


def test_only_the_splits_asked_for_are_decoded(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, table="file,label,split\nmedia/a.png,cracked,\nmedia/b.png,cracked,train\n")
    (folder / "media/b.png").write_bytes(b"no image")
    first, second = read_suite(folder).samples
    assert first.media_hash == hashlib.sha256((folder / "media/a.png").read_bytes()).hexdigest()
    assert second.media_hash == ""


def test_the_digest_changes_with_either_label_file(tmp_path: Path) -> None:
    folder = write_suite(tmp_path)
    digests = [read_suite(folder).digest]
    for name in ("suite.yaml", "samples.csv"):
        with (folder / name).open("a") as file:
            file.write("\n")
        digests.append(read_suite(folder).digest)
    assert len(set(digests)) == 3
    write_image(folder / "media/a.png", "red")
    assert read_suite(folder).digest == digests[-1]


def test_labels_may_be_words_that_yaml_takes_for_booleans(tmp_path: Path) -> None:
    yaml = PROMPTS.replace("{cracked: ", '{"yes": ').replace("not cracked", '"no"')
    suite = read_suite(write_suite(tmp_path, yaml=yaml, table="file,label\nmedia/a.png,yes\nmedia/b.png,no\n"))
    assert [case.expected for case in suite.cases()] == ["Yes", "No"]


def test_a_symlink_that_stays_inside_is_fine(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, table="file,label\nlink.png,cracked\n")
    (folder / "link.png").symlink_to("media/a.png")
    assert len(read_suite(folder).cases()) == 1


def test_suites_are_the_subfolders_with_a_suite_yaml(tmp_path: Path) -> None:
    folder = write_suite(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").touch()
    assert find_suites(tmp_path) == {"floor": folder}
    assert find_suites(tmp_path / "nowhere") == {}


def test_the_shipped_suite_is_in_order() -> None:
    suite = read_suite(Path(__file__).parents[2] / "cases" / "floor_cracks", decode=())
    assert [prompt.name for prompt in suite.prompts] == ["binary_safety", "traversal", "severity"]
    assert len(suite.cases()) + suite.blank() == 3 * sum(sample.split == "test" for sample in suite.samples)


def test_importing_loads_neither_torch_nor_pil() -> None:
    code = "import sys, pytest_cosmos.suites; print(sorted({'torch', 'PIL', 'transformers'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
