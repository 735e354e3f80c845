"""Whatever a file holds: a sound suite comes of it, or an error that says what is wrong, and never half of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pytest_cosmos.cli.check_cases import check_cases
from pytest_cosmos.errors import CosmosError
from pytest_cosmos.finetune.import_cases import Importing, import_cases
from tests.unit.suite_files import write_image

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
asked = st.sampled_from(("Is it wet? {x}", "\n<image>\nWhich?\n(A) a\n(B) b", "How deep?")) | st.text(max_size=12)
said = st.sampled_from(("Yes", "no.", "3", "B", "(A)", "<think>\nSo.\n</think>\n\nYes", "A: a")) | st.text(max_size=5)
good = st.sampled_from(("0.png", "1.png", "./0.png", "sub/2.png"))
paths = good | good | good | st.sampled_from(("../0.png", "/0.png", "nul\0.png", "fake.png", "sub", ""))
extras = {key: st.text(max_size=5) | anything for key in ("id", "split", "category", "source", "group")}
turns = st.tuples(asked, said).map(lambda texts: [{"from": "x", "value": text} for text in texts])
options = st.dictionaries(st.sampled_from("ABCd"), st.text(max_size=5), min_size=1, max_size=3)
questions = st.fixed_dictionaries({"question": asked, "index2ans": options, "answer": st.sampled_from("ABCd")})
llava = st.fixed_dictionaries({"image": paths, "conversations": turns}, optional=extras)
line = {"image_path": paths | st.lists(paths, max_size=3), "prompt": asked, "target": said}
kinds = (
    llava,
    st.fixed_dictionaries(line, optional=extras),
    st.fixed_dictionaries({"video": paths, "qa_pairs": questions | st.lists(questions, max_size=2)}),
    st.fixed_dictionaries({**line, "case": anything}),
)
files = st.one_of(*(st.lists(kind | kind | kind | anything, max_size=8) for kind in kinds))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for number, name in enumerate(("0.png", "1.png", "sub/2.png")):
        write_image(folder / name, ("red", "blue", "gray")[number])
    (folder / "fake.png").write_text("no picture")
    return folder


@settings(max_examples=60, deadline=None)
@given(items=files, skip=st.sampled_from((True, True, False)), listed=st.booleans())
def test_a_sound_suite_or_an_error(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, items: list[Any], skip: bool, listed: bool
) -> None:
    file, out = folder / "any.json", tmp_path_factory.mktemp("out") / "suite"
    file.write_text(json.dumps(items) if listed else "\n".join(map(json.dumps, items)))
    try:
        imported = import_cases([file], out, Importing(skip=skip))
    except CosmosError as error:
        event(type(error).__name__)
        assert str(error)  # noqa: PT017
        assert not out.exists()
    else:
        event("a suite")
        assert check_cases(out) == 0
        assert imported.suite.cases("test") or imported.suite.cases("train") or imported.suite.cases("validation")
    assert list(out.parent.glob(".*")) == []
