"""One test per mistake in suite.yaml: the whole message, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.suite_files import PROMPTS, prompt
from tests.unit.suite_files import problems_of_yaml as of_yaml

TEXT, YES_NO, RATING = 'text: "Cracked?"', "kind: yes_no", "kind: rating"
EXPECTED = 'expected: {cracked: "Yes", not cracked: "No"}'
RATED = "expected: {cracked: 5, not cracked: 1}"


def test_yaml_syntax(tmp_path: Path) -> None:
    assert of_yaml(tmp_path, "labels: [a\ntitle: b\n") == [
        "suite.yaml:2: not valid YAML: while parsing a flow sequence, expected ',' or ']', but got ':' "
        "(it begins in line 1). Look for a bracket that is never closed, or a comma missing."
    ]


def test_an_unquoted_comparison(tmp_path: Path) -> None:
    (line,) = of_yaml(tmp_path, prompt(TEXT, RATING, RATED, "hazard: >= 3"))
    assert line.startswith("suite.yaml:6: not valid YAML")
    assert line.endswith('Quote what begins with > or |, e.g. hazard: ">= 3".')


@pytest.mark.parametrize("yaml", ["!!python/object/apply:os.system [ls]", "a: !!set {x}", "a: !mine 1"])
def test_yaml_tags(tmp_path: Path, yaml: str) -> None:
    (line,) = of_yaml(tmp_path, yaml)
    assert line.startswith("suite.yaml:1: the YAML tag ")
    assert line.endswith("is not supported. Remove it")


def test_an_alias_of_itself(tmp_path: Path) -> None:
    (line,) = of_yaml(tmp_path, "labels: &a [*a]\n")
    assert line == "suite.yaml:1: an alias (*) inside of what it stands for has no end"


def test_yaml_nested_without_end(tmp_path: Path) -> None:
    (line,) = of_yaml(tmp_path, "[" * 5000)
    assert line.startswith("suite.yaml:1: not valid")


def test_a_list_instead_of_a_mapping(tmp_path: Path) -> None:
    (line,) = of_yaml(tmp_path, "- a\n")
    assert line.startswith("suite.yaml:1: the file is a list, but must be a mapping such as {prompts: ")


def test_an_unknown_key(tmp_path: Path) -> None:
    assert of_yaml(tmp_path, PROMPTS + "lables:\n- cracked\n") == [
        "suite.yaml:7: the file: unknown key 'lables'. "
        "Allowed: title, labels, categories, columns, samples, vision, reasoning, system, prompt_file, prompts. "
        "Did you mean 'labels'?"
    ]


def test_a_key_twice(tmp_path: Path) -> None:
    assert of_yaml(tmp_path, "title: a\n" + PROMPTS + "title: b\n") == [
        "suite.yaml:8: the file: 'title' is already given in line 1. Remove one"
    ]


def test_no_prompts(tmp_path: Path) -> None:
    (line,) = of_yaml(tmp_path, "title: a\n")
    assert line.startswith("suite.yaml:1: prompts are missing: nothing is asked. Write e.g. prompts: ")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (
            "labels: [yes, no]",
            'labels: an entry is yes (a boolean), but must be text. YAML reads a bare yes as a boolean. Write: "yes"',
        ),
        ("labels: [1]", 'labels: an entry is 1 (a number), but must be text. Quote it. Write: "1"'),
        ("labels: [a, A]", "labels: 'A' is there twice. Remove one"),
        ("labels: []", "labels is empty, but must be a list such as [one, two]"),
        ("labels: cracked", "labels is 'cracked' (text), but must be a list such as [one, two]"),
        (
            "title: 2026-01-01",
            'title is 2026-01-01 (a date), but must be text. Quote it. Write: title: "2026-01-01"',
        ),
        ("title:", "title is nothing, but must be text."),
        ("columns: [Label]", "columns: 'Label' is a standard name and needs no declaration. "),
        ("columns: ['a=b']", "columns: 'a=b' is no column name. Use letters, digits, _ and -, a letter first"),
    ],
)
def test_words_of_the_suite(tmp_path: Path, yaml: str, message: str) -> None:
    assert of_yaml(tmp_path, f"{yaml}\n{PROMPTS}")[0].startswith(f"suite.yaml:1: {message}")


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ((YES_NO, EXPECTED), 2, 'text is missing: text: "Is this floor cracked?"'),
        (("text: ''", YES_NO, EXPECTED), 3, "text is empty"),
        ((TEXT, EXPECTED), 2, "kind is missing. Kinds: yes_no, choice, rating."),
        (
            (TEXT, "kind: ratng"),
            4,
            "unknown kind 'ratng'. Kinds: yes_no, choice, rating. Did you mean 'rating'?",
        ),
        (
            (TEXT, YES_NO, EXPECTED, "hazrad: x"),
            6,
            "unknown key 'hazrad'. Allowed: text, kind, expected, hazard, tolerance, scale, choices, "
            "vision, reasoning, system, prompt_file. "
            "Did you mean 'hazard'?",
        ),
        (
            (TEXT, YES_NO, "expected: {cracked: Yes, not cracked: 'No'}"),
            5,
            "expected for 'cracked' is Yes (a boolean), but must be text. "
            'YAML reads a bare Yes as a boolean. Write: cracked: "Yes"',
        ),
        (
            (TEXT, YES_NO, "expected: {cracked: 'Yep', not cracked: 'No'}"),
            5,
            "expected for 'cracked' is 'Yep'. Allowed: Yes, No",
        ),
        (
            (TEXT, YES_NO, "expected: {cracked: 'Yes'}"),
            5,
            "expected: nothing for the label 'not cracked'. "
            'Add not cracked: with an answer, or with "" where it is not to be asked',
        ),
        (
            (TEXT, YES_NO, "expected: safe"),
            5,
            "expected: there is no column 'safe'. Columns: label, category. "
            "Declare it under 'columns:', or map the labels to answers",
        ),
        (
            (TEXT, YES_NO, "expected: Yes"),
            5,
            'expected is Yes (a boolean), but must be text. YAML reads a bare Yes as a boolean. Write: expected: "Yes"',
        ),
        (
            (TEXT, YES_NO, EXPECTED, "hazard: Yes"),
            6,
            'hazard is Yes (a boolean), but must be text. YAML reads a bare Yes as a boolean. Write: hazard: "Yes"',
        ),
        ((TEXT, YES_NO, EXPECTED, "hazard: danger"), 6, "hazard is 'danger'. Allowed: Yes, No"),
        ((TEXT, YES_NO, EXPECTED, "hazard: ''"), 6, "hazard is empty. Name an answer, or remove the key"),
        ((TEXT, RATING, RATED, "hazard: '=> 3'"), 6, "hazard is '=> 3'. Allowed: whole numbers from 1 to 5"),
        (
            (TEXT, RATING, RATED, "hazard: '> 5'"),
            6,
            "hazard '> 5' is true of every rating or of none. Ratings: whole numbers from 1 to 5",
        ),
        (
            (TEXT, YES_NO, EXPECTED, "tolerance: 1"),
            6,
            "tolerance belongs to kind rating, this is yes_no. Remove it",
        ),
        (
            (TEXT, RATING, RATED, "tolerance: 4"),
            6,
            "tolerance is 4: with this scale it must be from 0 to 3",
        ),
        ((TEXT, RATING, RATED, "tolerance: 0.5"), 6, "tolerance is 0.5 (a number), but must be a whole number"),
        (
            (TEXT, RATING, RATED, "scale: [5, 1]"),
            6,
            "scale must be [lowest, highest], at most 100 apart, e.g. [1, 5]",
        ),
        (
            (TEXT, RATING, RATED, "scale: [1, 999999999]"),
            6,
            "scale must be [lowest, highest], at most 100 apart, e.g. [1, 5]",
        ),
        ((TEXT, "kind: choice"), 2, "choices are missing: choices: [dry, wet, icy]"),
        ((TEXT, "kind: choice", "choices: [dry]"), 5, "one choice is no choice. Give two or more"),
        (
            (TEXT, "kind: choice", "choices: [on, wet]"),
            5,
            'choices: an entry is on (a boolean), but must be text. YAML reads a bare on as a boolean. Write: "on"',
        ),
        (
            (TEXT, YES_NO, EXPECTED, "reasoning: maybe"),
            6,
            "reasoning is 'maybe' (text), but must be true or false",
        ),
    ],
)
def test_prompts(tmp_path: Path, lines: tuple[str, ...], line: int, message: str) -> None:
    assert f"suite.yaml:{line}: prompt 'p': {message}" in of_yaml(tmp_path, prompt(*lines))


def test_a_label_as_answer_where_it_is_none(tmp_path: Path) -> None:
    lines = of_yaml(tmp_path, prompt(TEXT, YES_NO))
    assert len(lines) == 2
    assert lines[0] == (
        "suite.yaml:2: prompt 'p': expected: the label 'cracked' is no answer to it. "
        "Map the labels to answers: expected: {cracked: 'Yes', …}"
    )


def test_an_unknown_label_in_a_mapping(tmp_path: Path) -> None:
    yaml = "labels: [cracked, not cracked]\n" + PROMPTS.replace("{cracked", "{craked")
    assert of_yaml(tmp_path, yaml)[1] == (
        "suite.yaml:6: prompt 'binary': expected: unknown label 'craked'. "
        "Labels: cracked, not cracked. Did you mean 'cracked'?"
    )


def test_a_prompt_name_that_no_test_id_can_hold(tmp_path: Path) -> None:
    assert of_yaml(tmp_path, PROMPTS.replace("binary", "is-it")) == [
        "suite.yaml:2: prompt 'is-it': a prompt's name is of letters, digits and _"
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{file: media/a.png, label: no}",
            'samples: label is no (a boolean), but must be text. YAML reads a bare no as a boolean. Write: label: "no"',
        ),
        (
            "{file: media/a.png, label: 1}",
            'samples: label is 1 (a number), but must be text. Quote it. Write: label: "1"',
        ),
        (
            "{file: media/a.png, label: cracked, lable: x}",
            "samples: the column 'lable' is not declared. Known: id, file, label, category, split, source, "
            "group, must_pass, reasoning. Did you mean 'label'? To slice by it, add it to 'columns:' in suite.yaml",
        ),
        ("{file: media/a.png, Label: a, label: b}", "samples: label is given twice. Remove one"),
        (
            "media/a.png",
            "samples: an entry must be a mapping such as {file: media/a.jpg, label: cracked}",
        ),
        ("{file: media/x.gif, label: cracked}", "file 'media/x.gif' does not exist"),
    ],
)
def test_samples_listed_in_the_yaml(tmp_path: Path, entry: str, message: str) -> None:
    lines = of_yaml(tmp_path, f"{PROMPTS}samples:\n- {{file: media/b.png, label: cracked}}\n- {entry}\n")
    assert any(line.startswith(f"suite.yaml:9: {message}") for line in lines), lines


def test_no_samples_listed(tmp_path: Path) -> None:
    assert "suite.yaml:1: samples is empty. List samples, or name a table" in of_yaml(
        tmp_path, f"samples: []\n{PROMPTS}"
    )
