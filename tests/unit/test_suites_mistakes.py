"""One test per mistake in the table and its media: the whole message, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.suites import read_suite
from tests.unit.suite_files import (
    PROMPTS,
    TABLE,
    problems,
    prompt,
    write_image,
    write_suite,
)
from tests.unit.suite_files import problems_of_table as of_table
from tests.unit.suite_files import problems_of_yaml as of_yaml

VIDEOS = "mp4 mov mkv webm avi m4v gif"
KINDS = f"Images: png jpg jpeg webp bmp. Videos: {VIDEOS}, or a folder of images"

# --- files


def test_suite_yaml_is_missing(tmp_path: Path) -> None:
    (tmp_path / "floor").mkdir()
    (line,) = problems(tmp_path / "floor")
    assert line.startswith("suite.yaml:1: the file 'suite.yaml' does not exist. It says what is asked. Write e.g.")


def test_the_folder_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "floor"
    assert problems(folder) == [f"suite.yaml:1: the folder '{folder}' does not exist"]


def test_a_folder_name_that_cannot_name_a_suite(tmp_path: Path) -> None:
    folder = write_suite(tmp_path).rename(tmp_path / "my floor")
    assert problems(folder) == [
        "suite.yaml:1: the folder's name 'my floor' cannot name a suite. "
        "Name it with letters, digits, _ and -, a letter or digit first"
    ]


def test_the_table_is_missing(tmp_path: Path) -> None:
    assert problems(write_suite(tmp_path, table=None)) == [
        "samples.csv:1: the file 'samples.csv' does not exist. "
        "Write one with the header: file,label (or list the samples under 'samples:' in suite.yaml)"
    ]


def test_the_table_named_is_missing(tmp_path: Path) -> None:
    (line,) = of_yaml(tmp_path, PROMPTS + "samples: other.csv\n")
    assert line.startswith("suite.yaml:7: the file 'other.csv' does not exist.")


def test_the_table_named_lies_outside(tmp_path: Path) -> None:
    assert of_yaml(tmp_path, PROMPTS + "samples: ../other.csv\n") == [
        "suite.yaml:7: samples: '../other.csv' leaves the suite's folder. Put the file inside of it, and write no '..'"
    ]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_empty_files(tmp_path: Path, content: bytes) -> None:
    assert of_table(tmp_path, content) == ["samples.csv:1: the file is empty"]
    (tmp_path / "floor" / "suite.yaml").write_bytes(content)
    assert problems(tmp_path / "floor") == ["suite.yaml:1: the file is empty"]


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    assert of_table(tmp_path, TABLE.encode() + "media/c.png,größer".encode("latin-1")) == [
        "samples.csv:4: not UTF-8 text (byte 0xf6). Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    ]


def test_utf16_is_named(tmp_path: Path) -> None:
    (line,) = of_table(tmp_path, TABLE.encode("utf-16"))
    assert line.startswith("samples.csv:1: not UTF-8 text (UTF-16).")


# --- the table


def test_the_header_lacks_columns(tmp_path: Path) -> None:
    yaml = "categories: [hazard]\ncolumns: [depth]\n" + PROMPTS
    assert of_table(tmp_path, "file,split\nmedia/a.png,test\n", yaml) == [
        "samples.csv:1: the header lacks label, category, depth. It reads: file, split."
    ]


def test_semicolons_instead_of_commas(tmp_path: Path) -> None:
    lines = of_table(tmp_path, "file;label\nmedia/a.png;cracked\n")
    assert lines[-1].endswith("Separate the columns by commas, not by semicolons")


def test_an_undeclared_column(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label,wether\nmedia/a.png,cracked,wet\n", "columns: [weather]\n" + PROMPTS)[0] == (
        "samples.csv:1: the column 'wether' is not declared. Known: id, file, label, category, split, source, "
        "group, must_pass, reasoning, weather. Did you mean 'weather'? To slice by it, add it to 'columns:' in "
        "suite.yaml"
    )


def test_a_column_twice(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label,label\nmedia/a.png,cracked,cracked\n") == [
        "samples.csv:1: the header has the column 'label' twice. Remove one"
    ]


def test_two_names_of_one_column(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label,Image / Video\nmedia/a.png,cracked,media/a.png\n") == [
        "samples.csv:1: two columns mean file: 'Image / Video' is one. Remove it"
    ]


def test_a_column_without_a_name(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label,\nmedia/a.png,cracked,\n") == [
        "samples.csv:1: column 3 of the header has no name. Name or remove it"
    ]


def test_rows_with_the_wrong_number_of_cells(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label\nmedia/a.png\nmedia/a.png,not, cracked\n\nmedia/b.png,cracked\n") == [
        "samples.csv:2: the row has 1 cell, the header 2. Keep empty cells' commas",
        'samples.csv:3: the row has 3 cells, the header 2. Put a text with commas in double quotes: "a, b"',
    ]


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    (line,) = of_table(tmp_path, 'file,label\nmedia/a.png,cracked\nmedia/b.png,"cracked\nx,y\n')
    assert line == ("samples.csv:3: broken row: unexpected end of data. Look for a double quote too many or too few")


# --- samples


def test_unknown_words(tmp_path: Path) -> None:
    yaml = "labels: [cracked, not cracked]\ncategories: [hazard, safe]\n" + PROMPTS
    table = "file,label,category,split,must_pass\nmedia/a.png,craked,hazrd,tset,maybe\nmedia/b.png,,,,\n"
    assert of_table(tmp_path, table, yaml) == [
        "samples.csv:2: unknown split 'tset'. Allowed: test, validation, train. Did you mean 'test'?",
        "samples.csv:2: unknown label 'craked'. Allowed: cracked, not cracked. Did you mean 'cracked'?",
        "samples.csv:2: unknown category 'hazrd'. Allowed: hazard, safe. Did you mean 'hazard'?",
        "samples.csv:2: must_pass is 'maybe'. Allowed: true, false, or nothing",
        "samples.csv:3: label is empty. Allowed: cracked, not cracked.",
        "samples.csv:3: category is empty. Allowed: hazard, safe.",
    ]


def test_an_id_twice(tmp_path: Path) -> None:
    assert of_table(tmp_path, "id,file,label\nx,media/a.png,cracked\nx,media/b.png,cracked\n") == [
        "samples.csv:3: the id 'x' is already taken by line 2. Give each its own"
    ]


def test_two_files_of_one_name(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, table="file,label\nmedia/a.png,cracked\nmore/a.png,cracked\n")
    write_image(folder / "more/a.png")
    assert problems(folder) == [
        "samples.csv:3: the id 'a' is already taken by line 2. It is the file's name: add a column id"
    ]


def test_a_file_twice(tmp_path: Path) -> None:
    assert of_table(tmp_path, "id,file,label\nx,media/a.png,cracked\ny,./media/a.png,cracked\n") == [
        "samples.csv:3: file './media/a.png' is already listed in line 2. Remove one"
    ]


def test_no_file(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label\n ; ,cracked\n") == [
        "samples.csv:2: file is empty. Write the path of an image or a video, relative to the suite's folder"
    ]


def test_control_characters(tmp_path: Path) -> None:
    lines = of_table(tmp_path, 'file,label\nmedia/a.png,"cra\x1b[31mcked"\n')
    assert lines[0] == r"samples.csv:2: label 'cra\x1b[31mcked' holds the control character '\x1b'"


def test_a_column_that_is_no_answer(tmp_path: Path) -> None:
    yaml = "columns: [depth]\n" + prompt('text: "How deep?"', "kind: rating", "expected: depth")
    assert of_table(tmp_path, "file,label,depth\nmedia/a.png,cracked,high\nmedia/b.png,cracked,2.5\n", yaml) == [
        "samples.csv:2: depth is 'high', which is no answer to prompt 'p'. Allowed: whole numbers from 1 to 5",
        "samples.csv:3: depth is '2.5', which is no answer to prompt 'p'. Allowed: whole numbers from 1 to 5",
    ]


def test_nothing_in_the_test_split(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label,split\nmedia/a.png,cracked,train\n") == [
        "samples.csv:1: no cases in the test split: 1 samples, 0 of them in it, 0 blank answers. "
        "Add samples of this split with expected answers"
    ]


def test_a_header_alone(tmp_path: Path) -> None:
    (line,) = of_table(tmp_path, "file,label\n")
    assert line.startswith("samples.csv:1: no cases in the test split: 0 samples")


# --- media


def test_missing_media_and_the_nearest_name(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label\nmedia/aa.png,cracked\nb.png,cracked\nmedia/zzzzzz.jpg,cracked\n") == [
        "samples.csv:2: file 'media/aa.png' does not exist. Did you mean 'media/a.png'?",
        "samples.csv:3: file 'b.png' does not exist. Did you mean 'media/b.png'?",
        "samples.csv:4: file 'media/zzzzzz.jpg' does not exist",
    ]


def test_a_missing_folder_is_told_once(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label\nmeda/a.png,cracked\nmeda/b.png,cracked\n") == [
        "samples.csv:2: the folder 'meda' does not exist in the suite's folder"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../a.png", "leaves the suite's folder. Put the file inside of it, and write no '..'"),
        ("media/../media/a.png", "leaves the suite's folder. Put the file inside of it, and write no '..'"),
        ("/etc/a.png", "is an absolute path. Write it relative to the suite's folder"),
        ("C:/a.png", "is an absolute path. Write it relative to the suite's folder"),
        ("media\\a.png", "holds a backslash. Write forward slashes: 'media/a.png'"),
        ("link.png", "leaves the suite's folder through a symbolic link. Put the file itself inside"),
        ("out/a.png", "leaves the suite's folder through a symbolic link. Put the file itself inside"),
        ("a.tiff", f"is of an unsupported type: .tiff. {KINDS}"),
        ("README", f"is of an unsupported type: no file extension. {KINDS}"),
        ("folder.png", "is a folder, but is named like a file. Name a folder of frames without an extension"),
        ("frames", "holds the frame b.png, a symbolic link out of the suite's folder. Put the file itself inside"),
        ("nothing", "is a folder without frames. Put images into it: png jpg jpeg webp bmp"),
        ("text.mp4", f"is corrupt or cut short: no video of the types {VIDEOS} can be read from it"),
        ("empty.MP4", "is an empty file (0 bytes)"),
        ("empty.png", "is an empty file (0 bytes)"),
        ("text.png", "is corrupt: its content is no image of the types png jpg jpeg webp bmp"),
        ("cut.png", "is corrupt: Truncated File Read"),
    ],
)
def test_media_that_cannot_be_used(tmp_path: Path, name: str, problem: str) -> None:
    folder = write_suite(tmp_path, table=f"file,label\n{name},cracked\n")
    outside = write_image(tmp_path / "elsewhere" / "a.png", size=(99, 99))
    (folder / "link.png").symlink_to(outside)
    (folder / "out").symlink_to(outside.parent)
    (folder / "folder.png").mkdir()
    write_image(folder / "frames/a.png")
    (folder / "frames/b.png").symlink_to(outside)
    (folder / "nothing").mkdir()
    (folder / "empty.png").touch()
    (folder / "empty.MP4").touch()
    (folder / "README").write_text("hello")
    (folder / "text.mp4").write_text("hello")
    (folder / "text.png").write_text("hello")
    (folder / "cut.png").write_bytes(outside.read_bytes()[:-30])
    assert problems(folder) == [f"samples.csv:2: file {name!r} {problem}"]


def test_every_file_of_a_sample_is_looked_at(tmp_path: Path) -> None:
    assert of_table(tmp_path, "file,label\nmedia/a.png;media/zzzzzz.png | y.mp3,cracked\n") == [
        "samples.csv:2: file 'media/zzzzzz.png' does not exist",
        f"samples.csv:2: file 'y.mp3' is of an unsupported type: .mp3. {KINDS}",
    ]


def test_corrupt_media_of_other_splits_are_found_when_asked_for(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, table="file,label,split\nmedia/a.png,cracked,\nmedia/b.png,cracked,train\n")
    (folder / "media/b.png").write_bytes(b"no image")
    assert len(read_suite(folder).samples) == 2
    (line,) = problems(folder, decode=("test", "train"))
    assert line.startswith("samples.csv:3: file 'media/b.png' is corrupt")


# --- all together


def test_all_mistakes_are_told_at_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    lines = of_table(
        tmp_path, "file,label\nmedia/x.png,cracked\nmedia/a.png\n", prompt('text: "Cracked?"', "kind: ratng") + "x: 1\n"
    )
    assert [line.split(": ")[0] for line in lines] == [
        "suite.yaml:4",
        "suite.yaml:5",
        "samples.csv:2",
        "samples.csv:3",
    ]


def test_paths_are_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_suite(tmp_path, table=None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Problems, match=r"^floor/samples\.csv:1: "):
        read_suite(folder)
