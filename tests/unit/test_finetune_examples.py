"""What a model is trained to say: reasoning only where it is asked for and known, and never the test split."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.examples import Example, examples
from pytest_cosmos.prompting import FAMILIES
from pytest_cosmos.suites import read_suite
from tests.unit.suite_files import write_suite

YAML = """\
prompts:
  binary:
    text: "Is this floor cracked? Yes or No."
    kind: yes_no
    expected: {cracked: "Yes", whole: "No", unclear: ""}
  plain:
    text: "Yes or No: a crack?"
    kind: yes_no
    reasoning: false
    expected: {cracked: "Yes", whole: "No", unclear: "No"}
"""
TABLE = """\
file,label,split,reasoning
media/a.png,cracked,train,A line runs across.
media/b.png,whole,train,
media/c.png,unclear,train,It is a shadow.
media/d.png,cracked,validation,
media/e.png,cracked,test,
"""


def examples_of(folder: Path, split: str, family: str = "reason2") -> tuple[Example, ...]:
    images = tuple(f"media/{name}.png" for name in "abcde")
    suite = read_suite(write_suite(folder, yaml=YAML, table=TABLE, images=images), decode=())
    return examples(suite, split, FAMILIES[family])


def test_reasoning_is_taught_where_it_is_asked_for_and_known(tmp_path: Path) -> None:
    made = {one.case.id: (one.case.prompt.reasoning, one.response) for one in examples_of(tmp_path, "train")}

    assert made == {
        "a-binary": (True, "<think>\nA line runs across.\n</think>\n\nYes"),
        "a-plain": (False, "Yes"),
        "b-binary": (False, "No"),  # nothing is known to think, so it is not asked to
        "b-plain": (False, "No"),
        "c-plain": (False, "No"),
    }


def test_the_reply_is_worded_as_the_family_asks(tmp_path: Path) -> None:
    first = examples_of(tmp_path, "train", "reason1")[0]

    assert first.response == "<think>\nA line runs across.\n</think>\n\n<answer>\nYes\n</answer>"


def test_validation_is_given_too(tmp_path: Path) -> None:
    assert [one.case.id for one in examples_of(tmp_path, "validation")] == ["d-binary", "d-plain"]


@pytest.mark.parametrize("split", ["test", "everything"])
def test_the_test_split_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(OptionError, match=f"the {split} split is no training data.*Allowed: train, validation"):
        examples_of(tmp_path, split)
