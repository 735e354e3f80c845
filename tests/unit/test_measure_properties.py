"""Whatever the outcomes: figures agree with scikit-learn, stay in bounds, and do not hang on the order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    mean_absolute_error,
    precision_score,
    recall_score,
)

from pytest_cosmos.measure import METRICS, measure, summarise
from pytest_cosmos.records import ERROR, UNPARSED, Outcome, Prompt
from tests.unit.builders import BINARY, MATERIAL, SEVERITY, TRAVERSAL, outcome

PROMPTS = (BINARY, TRAVERSAL, SEVERITY, MATERIAL)


def _one(index: int, prompt: Prompt) -> st.SearchStrategy[Outcome]:
    choices = st.sampled_from(prompt.choices)
    return st.builds(
        outcome,
        st.just(f"s{index // 2}x{index}"),
        st.just(prompt),
        choices,
        st.one_of(choices, choices, st.sampled_from([UNPARSED, ERROR])),
        confidence=st.one_of(st.none(), st.floats(0, 1)),
        seconds=st.one_of(st.none(), st.floats(0, 10)),
        category=st.sampled_from(["hazard", "safe", ""]),
        source=st.sampled_from(["simulation", "real"]),
        group=st.sampled_from(["", "", "hall", "drive 2"]),
        media_hash=st.sampled_from(["", "", "aa", "bb"]),
    )


def many(*prompts: Prompt) -> st.SearchStrategy[list[Outcome]]:
    """Draw up to 25 outcomes of these prompts."""
    picked = st.lists(st.sampled_from(prompts), max_size=25)
    return picked.flatmap(lambda each: st.tuples(*(_one(n, p) for n, p in enumerate(each))).map(list))


def value(outcomes: list[Outcome], name: str) -> float | None:
    return measure(outcomes, "floor", name).value


def close(measured: float | None, reference: float) -> bool:
    return measured is not None and measured == pytest.approx(reference)


@given(many(BINARY))
@settings(max_examples=30, deadline=None)
def test_binary_metrics_agree_with_scikit_learn(outcomes: list[Outcome]) -> None:
    replied = [one for one in outcomes if one.judgement.verdict != "error"]
    truth = [one.case.expected for one in replied]
    said = [one.judgement.answer or UNPARSED for one in replied]
    if replied:
        assert close(value(outcomes, "accuracy"), accuracy_score(truth, said))
    if "Yes" in truth:
        assert close(value(outcomes, "recall"), recall_score(truth, said, labels=["Yes"], average="macro"))
        f1 = f1_score(truth, said, labels=["Yes"], average="macro", zero_division=0.0)
        assert close(value(outcomes, "f1"), f1)
    if "Yes" in said:
        assert close(value(outcomes, "precision"), precision_score(truth, said, labels=["Yes"], average="macro"))
    if len(set(truth)) == 2 and UNPARSED not in said:
        assert close(value(outcomes, "balanced_accuracy"), balanced_accuracy_score(truth, said))


@given(many(SEVERITY))
@settings(max_examples=30, deadline=None)
def test_rating_error_agrees_with_scikit_learn(outcomes: list[Outcome]) -> None:
    pairs = [(int(o.case.expected), int(o.judgement.answer)) for o in outcomes if o.judgement.answer]
    if pairs:
        truth, said = zip(*pairs, strict=True)
        assert close(value(outcomes, "mean_absolute_error"), mean_absolute_error(truth, said))
    else:
        assert value(outcomes, "mean_absolute_error") is None


@given(many(*PROMPTS))
@settings(max_examples=20, deadline=None)
def test_every_figure_is_in_bounds_and_in_its_interval(outcomes: list[Outcome]) -> None:
    for metric in summarise(outcomes).metrics:
        low, high = METRICS[metric.name].bounds
        assert metric.value is None or low <= metric.value <= high
        if metric.low is not None and metric.high is not None and metric.value is not None:
            assert low <= metric.low <= metric.value <= metric.high <= min(high, 4)  # severity is rated from 1 to 5
        assert metric.clusters <= metric.samples <= metric.cases <= len(outcomes)


@given(many(*PROMPTS), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_outcomes_changes_nothing(outcomes: list[Outcome], chance: random.Random) -> None:
    shuffled = list(outcomes)
    chance.shuffle(shuffled)
    assert summarise(shuffled) == summarise(outcomes)


@given(many(*PROMPTS))
@settings(max_examples=20, deadline=None)
def test_complements_add_up(outcomes: list[Outcome]) -> None:
    for name, other in (("recall", "missed_hazard_rate"), ("parse_rate", "unparsed_rate")):
        one, rest = value(outcomes, name), value(outcomes, other)
        assert (one is None) == (rest is None)
        assert one is None or rest is None or one + rest == pytest.approx(1)


@given(many(*PROMPTS))
@settings(max_examples=20, deadline=None)
def test_confusions_count_every_outcome_once(outcomes: list[Outcome]) -> None:
    confusions = summarise(outcomes).confusions
    assert sum(sum(map(sum, confusion.counts)) for confusion in confusions) == len(outcomes)
