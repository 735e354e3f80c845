"""Whatever suite.yaml holds, it is read or complained of."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.suites.manifest import read_manifest
from pytest_cosmos.userfiles import Complaints

FILE = Path("suite.yaml")

WORDS = ("title", "labels", "samples", "prompts", "p", "text", "kind", "rating", "expected", "hazard", "scale")
PIECES = st.sampled_from(
    (
        *WORDS,
        ": ",
        ":",
        "\n",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        '"',
        "'",
        "yes",
        "3",
        "~",
        "&a ",
        "*a",
        "<<",
        ">= 3",
        "|",
    )
)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_manifest_or_a_complaint(data: bytes) -> None:
    complaints = Complaints()
    assert read_manifest(data, FILE, complaints) is not None or complaints


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_yaml_gives_a_manifest_or_a_complaint(text: str) -> None:
    complaints = Complaints()
    manifest = read_manifest(text.encode(), FILE, complaints)
    assert manifest is not None or complaints
    assert all(line.startswith("suite.yaml:") and "\n" not in line for line in complaints.lines())
