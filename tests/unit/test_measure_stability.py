"""Repeats measured: agreement, flips, entropy, accuracy; what is missing is lost and never dropped."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.measure import determinism, stability
from pytest_cosmos.measure.stability import entropy
from pytest_cosmos.records import ERROR, UNPARSED, Outcome, Repeat, Stability
from tests.unit.builders import BINARY, SEVERITY, outcome

WORDS = ("Yes", "No", UNPARSED, ERROR)


def repeat(of: Outcome, said: str, number: int = 1, manner: str = "sampled") -> Repeat:
    """Build a repeat of a case in which this was said."""
    again = outcome(of.case.sample.id, of.case.prompt, of.case.expected, said)
    return Repeat.model_validate(
        {
            "case_key": of.case.key,
            "manner": manner,
            "number": number,
            "seed": 7,
            "reply": again.reply,
            "judgement": again.judgement,
        }
    )


def measured(said: Sequence[Sequence[str]], greedy: Sequence[str] = ()) -> Stability:
    """Measure cases that all expect Yes; `said` has the repeats of each."""
    outcomes = [outcome(f"s{i:03}", BINARY, "Yes", (greedy or ["Yes"] * len(said))[i]) for i in range(len(said))]
    repeats = [
        repeat(of, word, number)
        for of, words in zip(outcomes, said, strict=True)
        for number, word in enumerate(words, start=1)
    ]
    (found,) = stability(outcomes, repeats, len(said[0]))
    return found


def value(found: Stability, name: str) -> float | None:
    metric = found.metric(name)
    assert metric is not None
    return metric.value


def test_every_figure_of_a_small_run() -> None:
    found = measured([["Yes"] * 4, ["Yes", "No", "Yes", "No"], ["No", "No", UNPARSED, ERROR], ["No"] * 4])
    assert value(found, "answer_agreement") == pytest.approx((1 + 1 / 2 + 2 / 3 + 1) / 4)
    assert value(found, "flip_rate") == pytest.approx(2 / 4)
    assert value(found, "flip_from_greedy_rate") == pytest.approx(3 / 4)
    thirds = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3))
    assert value(found, "answer_entropy") == pytest.approx((0 + 1 + thirds + 0) / 4)
    assert value(found, "repeat_accuracy") == pytest.approx((1 + 1 / 2 + 0 + 0) / 4)
    assert found.accuracies == pytest.approx((2 / 4, 1 / 4, 2 / 4, 1 / 3))
    assert found.spread == pytest.approx(np.std([2 / 4, 1 / 4, 2 / 4, 1 / 3], ddof=1))
    assert (found.repeats, found.cases, found.lost) == (4, 4, 1)
    assert [one.case for one in found.unstable] == ["floor/s001-binary_safety", "floor/s002-binary_safety"]
    assert found.unstable[1].answers == {"No": 2, ERROR: 1, UNPARSED: 1}
    assert found.unstable[1].greedy == "Yes"


@given(st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.sampled_from(WORDS), min_size=k, max_size=k), min_size=1, max_size=12)
))  # fmt: skip
def test_figures_agree_with_counting(said: list[list[str]]) -> None:
    found = measured(said)
    replied = [[word for word in words if word != ERROR] for words in said]
    several = [Counter(words) for words in replied if len(words) > 1]
    assert found.lost == sum(word == ERROR for words in said for word in words)
    if not several:
        assert value(found, "answer_agreement") is value(found, "flip_rate") is value(found, "answer_entropy") is None
        return
    agreement = [max(words.values()) / words.total() for words in several]
    bits = [sum(-n / c.total() * math.log2(n / c.total()) for n in c.values()) for c in several]
    assert value(found, "answer_agreement") == pytest.approx(np.mean(agreement))
    assert value(found, "flip_rate") == pytest.approx(np.mean([len(words) > 1 for words in several]))
    assert value(found, "answer_entropy") == pytest.approx(np.mean(bits), abs=1e-12)
    for metric in found.metrics:
        if metric.value is not None and metric.low is not None and metric.high is not None:
            assert 0 <= metric.low <= metric.value + 1e-12
            assert metric.value - 1e-12 <= metric.high


def test_a_missing_line_is_a_lost_repeat() -> None:
    outcomes = [outcome(f"s{i}") for i in range(3)]
    lines = [repeat(of, "Yes", number) for of in outcomes for number in (1, 2)]
    (whole,), (torn,) = stability(outcomes, lines, 2), stability(outcomes, lines[1:], 2)
    assert (whole.lost, torn.lost) == (0, 1)
    agreement = torn.metric("answer_agreement")
    assert agreement is not None
    assert agreement.cases == 2  # a case of one reply shows nothing
    (none,) = stability(outcomes, [], 2)
    assert (none.lost, value(none, "answer_agreement"), none.spread) == (6, None, None)
    assert none.accuracies == (None, None)


def test_prompts_are_told_apart() -> None:
    outcomes = [outcome("s1", BINARY), outcome("s1", SEVERITY, "3")]
    lines = [repeat(outcomes[0], "Yes", 1), repeat(outcomes[0], "No", 2)]
    lines += [repeat(outcomes[1], "3", 1), repeat(outcomes[1], "3", 2)]
    (found,) = stability(outcomes, lines, 2)
    flips = {metric.key: metric.value for metric in found.metrics if metric.name == "flip_rate"}
    assert flips == {"flip_rate": 0.5, "flip_rate[prompt=binary_safety]": 1.0, "flip_rate[prompt=severity]": 0.0}


def test_no_repeats_no_figures() -> None:
    assert stability([outcome("s1")], [], 0) == ()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            [repeat(outcome("s1"), "Yes"), repeat(outcome("s1"), "No")],
            "repeat 1 of floor/s1-binary_safety is there twi",
        ),
        ([repeat(outcome("s9"), "Yes")], "floor/s9-binary_safety is no case of outcomes.jsonl"),
        ([repeat(outcome("s1"), "Yes", 3)], "repeat 3, but run.json says there were 2"),
        ([repeat(outcome("s1"), "Yes").model_copy(update={"reply": outcome("s2").reply})], "contradict themselves"),
    ],
)
def test_doctored_repeats_are_refused(lines: list[Repeat], problem: str) -> None:
    with pytest.raises(RunFolderError, match=problem):
        stability([outcome("s1"), outcome("s2")], lines, 2)


def test_entropy_of_columns() -> None:
    assert entropy(np.array([[4, 2, 0], [0, 2, 0]])).tolist() == [0.0, 1.0, 0.0]


def test_cases_asked_alone_are_compared() -> None:
    outcomes = [outcome("s1", confidence=0.9), outcome("s2", confidence=None), outcome("s3"), outcome("s4", said=ERROR)]
    lines = [repeat(one, said, manner="alone") for one, said in zip(outcomes, ("No", "Yes", ERROR, "Yes"), strict=True)]
    found = determinism(outcomes, [*lines, repeat(outcomes[0], "Yes", 2)])
    assert (found.cases, found.lost, found.answers, found.texts) == (2, 2, 1, 1)
    assert found.changed == ("floor/s1-binary_safety",)
    assert found.confidence == 0.0
    assert (found.accuracy_batched, found.accuracy_alone) == (1.0, 0.5)
    none = determinism(outcomes, [])
    assert (none.cases, none.confidence, none.accuracy_alone) == (0, None, None)


def test_a_text_may_differ_where_the_answer_does_not() -> None:
    one = outcome("s1")
    again = repeat(one, "Yes", manner="alone")
    other = again.model_copy(update={"reply": again.reply.model_copy(update={"raw": "Yes!", "confidence": math.nan})})
    found = determinism([one], [other])
    assert (found.texts, found.answers, found.confidence) == (1, 0, None)
