"""Reading thresholds.yaml: what it may say, and every mistake at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_cosmos.errors import Problems
from pytest_cosmos.gate import matches, read_thresholds
from pytest_cosmos.measure import METRICS
from pytest_cosmos.records import Threshold

GOOD = """\
version: 1
not_for_release: [tiny, "draft-*"]
release:
  floor:
    accuracy: {at_least: 0.85, min_cases: 900}
    recall[category=hazard, source=real]: {at_least: 0.90}
  spills:
    latency_p95: {at_most: 2}
guards:
  tiny:
    floor:
      accuracy: {at_least: 0.65, at_most: 1}
  "reason*":
    ladders:
      error_rate: {at_most: -0.0}
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "thresholds.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(folder: Path, text: str | bytes) -> list[str]:
    """Read a file that must be refused; return its problems without the folder."""
    with pytest.raises(Problems) as caught:
        read_thresholds(write(folder, text))
    return [line.removeprefix(f"{folder}/") for line in caught.value.lines]


def of_bars(folder: Path, bars: str, metric: str = "accuracy") -> list[str]:
    return problems(folder, f"version: 1\nrelease:\n  floor:\n    {metric}: {bars}\n")


def test_a_good_file(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    thresholds = read_thresholds(path)
    assert thresholds.release == (
        Threshold(suite="floor", metric="accuracy", at_least=0.85, min_cases=900, where=f"{path}:5"),
        Threshold(
            suite="floor",
            metric="recall",
            slice={"category": "hazard", "source": "real"},
            at_least=0.9,
            where=f"{path}:6",
        ),
        Threshold(suite="spills", metric="latency_p95", at_most=2, where=f"{path}:8"),
    )
    assert [pattern for pattern, _ in thresholds.guards] == ["tiny", "reason*"]
    assert [threshold.kind for _, threshold in thresholds.guards] == ["guard", "guard"]
    assert str(thresholds.guards[1][1].at_most) == "0.0"
    assert thresholds.not_for_release == ("tiny", "draft-*")
    assert len(thresholds.digest) == 64


def test_paths_are_told_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert read_thresholds(path).path == "thresholds.yaml"
    assert read_thresholds(path).release[0].where == "thresholds.yaml:5"


def test_the_shipped_file_is_good() -> None:
    thresholds = read_thresholds(Path(__file__).parents[2] / "thresholds.yaml")
    assert thresholds.suites_for("tiny") == ("floor_cracks",)
    assert not thresholds.may_release("tiny")
    assert thresholds.may_release("reason2")
    assert thresholds.guards_for("tiny")


def test_a_model_answers_for_the_suites_of_release_and_of_its_guards(tmp_path: Path) -> None:
    thresholds = read_thresholds(write(tmp_path, GOOD))
    assert thresholds.suites_for("tiny") == ("floor", "spills")
    assert thresholds.suites_for("reason2@abc") == ("floor", "spills", "ladders")


@pytest.mark.parametrize(
    ("model", "pattern", "expected"),
    [
        ("tiny", "tiny", True),
        ("tiny@8f3a", "tiny", True),
        ("tiny@8f3a", "tiny@8f3a", True),
        ("tiny@8f3a", "tiny@*", True),
        ("tiny", "tiny@*", False),
        ("tiny2", "tiny", False),
        ("Tiny", "tiny", False),
        ("nvidia/Cosmos-Reason2-2B@main", "nvidia/*", True),
        ("reason2", "reason?", True),
        ("./run[1]", "./run[1]", True),
        ("tiny@x/other", "tiny", False),
        ("anything", "*", True),
    ],
)
def test_patterns_of_models(model: str, pattern: str, expected: bool) -> None:
    assert matches(model, pattern) is expected


def test_every_mistake_is_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """\
version: 2
not_for_release: tiny
relase:
  floor: 1
release:
  floor:
    acuracy: {at_least: 0.85}
    recall[category]: {at_least: 0.85}
    precision: {at_leest: 0.85}
    parse_rate: {at_least: 85}
    f1: {at_least: true}
  yes:
    accuracy: {at_least: 1}
guards:
  tiny:
    floor:
"""
    assert problems(tmp_path, text) == [
        "thresholds.yaml:1: version 2 is not known here. Write version: 1, or update pytest-cosmos",
        "thresholds.yaml:2: not_for_release is 'tiny' (text), but must be a list such as [one, two]",
        "thresholds.yaml:3: the file: unknown key 'relase'. Allowed: version, not_for_release, release, guards,"
        " regression, latency, waivers. Did you mean 'release'?",
        f"thresholds.yaml:7: unknown metric 'acuracy'. Metrics: {', '.join(METRICS)}. Did you mean 'accuracy'?",
        "thresholds.yaml:8: 'recall[category]': 'category' is no condition. Write name[key=value,key=value]",
        "thresholds.yaml:9: 'precision': unknown key 'at_leest'. Allowed: at_least, at_most, bound,"
        " confidence, cost, abstain_below, min_cases. Did you mean 'at_least'?",
        "thresholds.yaml:10: 'parse_rate' has at_least 85, which is out of range: parse_rate is from 0 to 1.",
        "thresholds.yaml:11: 'f1': at_least is true (a boolean), but must be a number without quotes, such as 0.85",
        "thresholds.yaml:12: release: a key is yes (a boolean), but must be text. YAML reads a bare yes as a boolean."
        ' Write: "yes"',
        "thresholds.yaml:16: suite 'floor' is nothing, but must be a mapping such as {accuracy: {at_least: 0.85}}",
    ]


@pytest.mark.parametrize(
    "bar", ["true", "no", '"0.85"', "1e-1", ".nan", ".inf", "-.inf", "", "[0.85]", "{a: 1}", "2020-01-01", "9" * 400]
)
def test_bars_are_finite_numbers(tmp_path: Path, bar: str) -> None:
    (problem,) = of_bars(tmp_path, f"{{at_least: {bar}}}")
    assert problem.startswith("thresholds.yaml:4: 'accuracy': at_least is ")
    assert problem.endswith("but must be a number without quotes, such as 0.85")


@pytest.mark.parametrize("bar", ["-0.01", "1.0001", "85"])
def test_bars_of_shares_lie_from_0_to_1(tmp_path: Path, bar: str) -> None:
    (problem,) = of_bars(tmp_path, f"{{at_least: {bar}}}")
    assert problem.endswith("which is out of range: accuracy is from 0 to 1.")


def test_bars_of_other_figures_are_not_negative(tmp_path: Path) -> None:
    (problem,) = of_bars(tmp_path, "{at_most: -1}", "missed_hazards")
    assert problem.endswith("has at_most -1, which is out of range: missed_hazards is 0 or more.")


@pytest.mark.parametrize("count", ["0", "-3", "1.5", "true", '"900"', ""])
def test_min_cases_is_a_whole_number_from_1_on(tmp_path: Path, count: str) -> None:
    (problem,) = of_bars(tmp_path, f"{{at_least: 0.5, min_cases: {count}}}")
    assert problem.endswith("but must be a whole number of at least 1")


@pytest.mark.parametrize(
    ("metric", "bars", "words"),
    [
        ("accuracy", "{at_most: 0.85}", "any low figure would pass. Write at_least."),
        ("error_rate", "{at_least: 0}", "any high figure would pass. Write at_most."),
        ("accuracy", "{min_cases: 3}", "'accuracy' has no bar. Write {at_least: …}."),
        ("accuracy", "{at_least: 0.9, at_most: 0.8}", "has at_least 0.9 above at_most 0.8: nothing meets both."),
        ("accuracy", "{at_least: 0}", "has at_least 0: everything would pass."),
        ("accuracy", "{at_least: 0.0, at_most: 1}", "has at_least 0: everything would pass."),
        ("error_rate", "{at_most: 1}", "has at_most 1: everything would pass."),
        ("unparsed_rate", "{at_least: 0, at_most: 1.0}", "has at_most 1: everything would pass."),
        ("mean_confidence", "{at_least: 0}", "has at_least 0: everything would pass."),
        ("cases", "{at_least: 0}", "has at_least 0: everything would pass."),
    ],
)
def test_bars_that_everything_or_nothing_would_meet(tmp_path: Path, metric: str, bars: str, words: str) -> None:
    (problem,) = of_bars(tmp_path, bars, metric)
    assert problem.endswith(words)


@pytest.mark.parametrize("bars", ["0.85", "", "{}", "[0.85]"])
def test_bars_are_a_mapping(tmp_path: Path, bars: str) -> None:
    assert "'accuracy' is " in of_bars(tmp_path, bars)[0]


@pytest.mark.parametrize(
    "metric",
    [
        "recall[]",
        "recall[category]",
        "recall[=hazard]",
        "recall[category=]",
        "recall[category=hazard,]",
        "recall[category=hazard",
        "recall]category=hazard[",
        "recall[category=a,category=b]",
        "recall[category=hazard] ",
        "[category=hazard]",
        "Recall",
    ],
)
def test_spelling_of_metrics(tmp_path: Path, metric: str) -> None:
    text = f'version: 1\nrelease:\n  floor:\n    "{metric}": {{at_least: 0.85}}\n'
    if metric == "recall[category=hazard] ":
        assert read_thresholds(write(tmp_path, text)).release[0].key == "recall[category=hazard]"
    else:
        assert problems(tmp_path, text)[0].startswith("thresholds.yaml:4: ")


@pytest.mark.parametrize(
    "text",
    ["", "# only a comment\n", "version: 1\n", "version: 1\nnot_for_release: [tiny]\n", "version: 1\nrelease:\n"],
)
def test_a_file_without_thresholds_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = "version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.9}\n    accuracy: {at_least: 0.1}\n"
    assert problems(tmp_path, text) == [
        "thresholds.yaml:5: suite 'floor': 'accuracy' is already given in line 4. Remove one"
    ]


def test_merged_entries_are_refused(tmp_path: Path) -> None:
    text = "version: 1\nguards:\n  tiny: &t {floor: {accuracy: {at_least: 0.5}}}\n  <<: {big: *t}\n"
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("thresholds.yaml:4: merging with << is not supported")


def test_that_no_model_is_excused_from_release_may_be_said(tmp_path: Path) -> None:
    assert read_thresholds(write(tmp_path, GOOD.replace('[tiny, "draft-*"]', "[]"))).not_for_release == ()


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, b"version: 1\nrelease: \xff\n") == [
        "thresholds.yaml:2: not UTF-8 text (byte 0xff). Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    ]


@pytest.mark.parametrize("text", ["release: [", "a: b: c\n", "\x00", "--- 1\n--- 2\n", "&a [*b]", "[" * 1500])
def test_what_is_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert ": not valid " in problem


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"missing\.yaml:1: the file cannot be read: No such file or directory"):
        read_thresholds(tmp_path / "missing.yaml")


def test_tags_execute_nothing(tmp_path: Path) -> None:
    assert of_bars(tmp_path, "{at_least: !!python/object/apply:os.getcwd []}")
    assert of_bars(tmp_path, '{at_least: !!int ""}')
    assert of_bars(tmp_path, "{at_least: !!float [1]}")


NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    [
                        *("version", "release", "guards", "regression", "latency", "waivers", "floor", "accuracy"),
                        *("at_least", "f1[category=a]", "min_cases", "bound", "confidence", "cost", "max_drop"),
                        *("max_ratio", "case", "expires"),
                    ]
                ),
                st.text(max_size=5),
                st.integers(),
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(
    st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode), NESTED.map(lambda x: yaml.dump(x).encode()))
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file_holds_it_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    try:
        thresholds = read_thresholds(write(tmp_path, data))
    except Problems:
        return
    assert thresholds.release or thresholds.guards or thresholds.regression or thresholds.latency
