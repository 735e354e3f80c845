"""Small suites on disk: `write_suite(tmp_path, table="file,label\\nmedia/a.png,cracked\\n")`."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pytest_cosmos.errors import Problems
from pytest_cosmos.suites import read_suite

PROMPTS = """\
prompts:
  binary:
    text: "Is this floor cracked? Yes or No."
    kind: yes_no
    expected: {cracked: "Yes", not cracked: "No"}
    hazard: "Yes"
"""

TABLE = "file,label\nmedia/a.png,cracked\nmedia/b.png,not cracked\n"


def write_image(path: Path, colour: str = "gray", size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def write_suite(
    folder: Path,
    *,
    yaml: str = PROMPTS,
    table: str | bytes | None = TABLE,
    table_name: str = "samples.csv",
    images: tuple[str, ...] = ("media/a.png", "media/b.png"),
) -> Path:
    """Write a suite named `floor` below `folder`, and return where it is."""
    suite = folder / "floor"
    suite.mkdir(parents=True)
    (suite / "suite.yaml").write_text(yaml, encoding="utf-8")
    if table is not None:
        (suite / table_name).write_bytes(table.encode() if isinstance(table, str) else table)
    for name in images:
        write_image(suite / name)
    return suite


def problems(folder: Path, decode: tuple[str, ...] = ("test",)) -> list[str]:
    """Return what is wrong with a suite, its folder's path taken off."""
    with pytest.raises(Problems) as caught:
        read_suite(folder, decode=decode)
    return [line.removeprefix(f"{folder}/") for line in caught.value.lines]


def problems_of_table(tmp_path: Path, table: str | bytes, yaml: str = PROMPTS) -> list[str]:
    return problems(write_suite(tmp_path, table=table, yaml=yaml))


def problems_of_yaml(tmp_path: Path, yaml: str) -> list[str]:
    return problems(write_suite(tmp_path, yaml=yaml))


def prompt(*lines: str) -> str:
    """Write a suite.yaml whose prompt `p` has these lines, from line 3 on."""
    return "prompts:\n  p:\n" + "".join(f"    {line}\n" for line in lines)
