"""Two runs compared: which cases are pairs, what changed, and that no doctored run gets through."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.measure import METRICS, Pairs, compare, difference, differences, pair
from pytest_cosmos.measure.comparison import COMPARED, PAIRED_SHARES, adjusted
from pytest_cosmos.measure.formulas import Parameters, figure
from pytest_cosmos.measure.paired import holm, tango
from pytest_cosmos.records import ERROR, UNPARSED, Difference, Outcome, Prompt
from tests.unit.builders import BINARY, MATERIAL, SEVERITY, TRAVERSAL, outcome, run_of

PROMPTS = (BINARY, TRAVERSAL, SEVERITY, MATERIAL)


def said(answers: str, prompt: Prompt = BINARY, **fields: Any) -> list[Outcome]:
    """Build an outcome per letter: `r` right and `w` wrong about a hazard, `R` and `W` about none, `u` unparsed."""
    words = {"r": "Yes Yes", "w": "Yes No", "R": "No No", "W": "No Yes", "u": f"Yes {UNPARSED}", "e": f"Yes {ERROR}"}
    pairs = [words[letter].split(" ", 1) for letter in answers]
    return [outcome(f"s{n}", prompt, expected, answer, **fields) for n, (expected, answer) in enumerate(pairs)]


def changed(one: Outcome, **sample: Any) -> Outcome:
    """Doctor the sample of an outcome."""
    case = one.case.model_copy(update={"sample": one.case.sample.model_copy(update=sample)})
    return one.model_copy(update={"case": case})


def accuracy(before: Sequence[Outcome], after: Sequence[Outcome], **where: str) -> Difference:
    return difference(pair(before, after), "floor", "accuracy", where)


def reasons(pairs: Pairs) -> dict[str, str]:
    return {one.case.removeprefix("floor/"): one.reason for one in pairs.unpaired}


def test_fixed_broken_both_and_neither() -> None:
    before, after = said("rrrrrwwwuw"), said("rrrrwrrwww")
    found = accuracy(before, after)
    assert (found.fixed, found.broken, found.both, found.neither) == (2, 1, 4, 3)
    assert (found.baseline, found.candidate) == (0.5, 0.6)
    assert found.value == pytest.approx(0.1)
    assert (found.cases, found.samples, found.clusters) == (10, 10, 10)
    assert (found.low, found.high) == pytest.approx(tango(2, 1, 10, 1.959964))
    assert found.p_value == 1
    assert found.change == "no_evidence"


def test_the_keys_of_what_changed() -> None:
    compared = compare(run_of(model="old"), run_of(model="new"), pair(said("rwrw"), said("rrww")), remarks=["a remark"])
    assert compared.fixed == ("floor/s1-binary_safety",)
    assert compared.broken == ("floor/s2-binary_safety",)
    assert (compared.baseline_model, compared.candidate_model) == ("old", "new")
    assert (compared.pairs, compared.right_before, compared.right_after) == (4, 2, 2)
    assert (compared.remarks, compared.faults) == (("a remark",), ())


@pytest.mark.parametrize(
    ("fixed", "broken", "change"), [(9, 1, "improved"), (1, 9, "worse"), (8, 3, "no_evidence"), (0, 0, "no_evidence")]
)
def test_only_evidence_is_called_better_or_worse(fixed: int, broken: int, change: str) -> None:
    before, after = "w" * fixed + "r" * broken + "r" * 40, "r" * fixed + "w" * broken + "r" * 40
    found = accuracy(said(before), said(after))
    assert found.change == change
    assert found.p_value == pytest.approx(min(1.0, mcnemar([[40, fixed], [broken, 0]], exact=True).pvalue))


def test_lower_is_better_for_unparsed_replies() -> None:
    found = difference(pair(said("r" * 30), said("u" * 12 + "r" * 18)), "floor", "unparsed_rate")
    assert found.change == "worse"
    assert found.value == pytest.approx(0.4)
    assert (found.fixed, found.broken, found.both, found.neither) == (0, 12, 18, 0)  # 12 became bad


def test_a_figure_without_a_better_side_is_called_changed() -> None:
    before = [outcome(f"s{n}", confidence=0.6 + n / 200) for n in range(30)]
    after = [outcome(f"s{n}", confidence=0.8 + n / 200) for n in range(30)]
    found = difference(pair(before, after), "floor", "mean_confidence")
    assert found.value == pytest.approx(0.2)
    assert found.change == "changed"


@pytest.mark.parametrize("name", COMPARED)
def test_the_same_run_twice_shows_no_difference_and_no_certainty(name: str) -> None:
    run = said("rrwRRWuW" * 5) + said("rrw" * 5, SEVERITY_LIKE)
    found = difference(pair(run, run), "floor", name)
    if name == "mean_absolute_error":
        run = [outcome(f"s{n}", SEVERITY, "3", str(n % 5 + 1)) for n in range(20)]
        found = difference(pair(run, run), "floor", name)
    assert found.value == 0
    assert found.low is not None
    assert found.high is not None
    assert -4 < found.low < 0 < found.high < 4
    assert found.p_value == 1
    assert found.change == "no_evidence"


SEVERITY_LIKE = TRAVERSAL.model_copy(update={"hazard": "Yes"})


def test_pairs_need_equal_media_prompts_and_expected_answers() -> None:
    before = said("rrrrrr")
    other = BINARY.model_copy(update={"text": "Is this floor broken? Yes or No."})
    after = [
        before[0],
        changed(before[1], media_hash="ff"),
        outcome("s3", BINARY, "No", "No"),
        outcome("s4", said=ERROR),
        outcome("s6"),
    ]
    found = pair(before, after)
    assert reasons(found) == {
        "s1-binary_safety": "other media",
        "s2-binary_safety": "only in the baseline",
        "s3-binary_safety": "other expected answer",
        "s4-binary_safety": "no reply of the candidate",
        "s5-binary_safety": "only in the baseline",
        "s6-binary_safety": "only in the candidate",
    }
    assert len(found) == 1
    assert reasons(pair(said("r"), [outcome("s0", other)])) == {"s0-binary_safety": "other prompt"}
    assert reasons(pair(said("e"), said("e"))) == {"s0-binary_safety": "no reply of the baseline and of the candidate"}
    assert reasons(pair(said("e"), said("r"))) == {"s0-binary_safety": "no reply of the baseline"}


@pytest.mark.parametrize(
    "doctored",
    [
        {"hazard": "No"},
        {"tolerance": 1},
        {"choices": ("Yes", "No", "Maybe")},
        {"system": "Say yes."},
        {"reasoning": False},
    ],
)
def test_any_part_of_a_prompt_makes_it_another(doctored: dict[str, Any]) -> None:
    other = BINARY.model_copy(update=doctored)
    assert reasons(pair(said("r"), said("r", other))) == {"s0-binary_safety": "other prompt"}


def test_a_case_that_is_there_twice_is_an_error_on_either_side() -> None:
    run = said("rw")
    for sides in ((run + run[:1], run), (run, run + run[1:])):
        with pytest.raises(RunFolderError, match="answered more than once"):
            pair(*sides)


def test_a_case_that_contradicts_itself_is_an_error() -> None:
    wrong, right = said("w")[0], said("r")[0]
    doctored = wrong.model_copy(update={"judgement": right.judgement.model_copy(update={"answer": "No"})})
    with pytest.raises(RunFolderError, match="contradict"):
        pair([right], [doctored])


@pytest.mark.parametrize(("before", "after"), [("", ""), ("r", ""), ("", "r"), ("e", "r")])
def test_without_a_pair_there_is_no_data(before: str, after: str) -> None:
    pairs = pair(said(before), said(after))
    assert len(pairs) == 0
    assert differences(pairs) == ()
    found = difference(pairs, "floor", "accuracy")
    assert (found.value, found.low, found.p_value, found.cases, found.change) == (None, None, None, 0, "no_data")


def test_a_slice_that_no_pair_is_in_has_no_data() -> None:
    pairs = pair(said("r"), said("r"))
    for where in ({"category": "unheard of"}, {"colour": "red"}):
        assert difference(pairs, "floor", "accuracy", where).change == "no_data"
    assert difference(pairs, "elsewhere", "accuracy").change == "no_data"


@pytest.mark.parametrize("name", ["missed_hazards", "latency_p50", "majority_baseline", "error_rate", "cases"])
def test_figures_without_an_interval_have_no_difference(name: str) -> None:
    found = difference(pair(said("rwrw"), said("rrrw")), "floor", name)
    assert (found.value, found.change) == (None, "no_data")


def test_one_side_without_a_figure_makes_no_difference() -> None:
    found = difference(pair(said("WRR"), said("RRR")), "floor", "precision")  # the candidate says no hazard
    assert (found.baseline, found.candidate, found.value, found.change) == (0.0, None, None, "no_data")


def test_confidences_that_are_no_numbers_do_not_count() -> None:
    before = [outcome(f"s{n}", confidence=0.5) for n in range(4)]
    after = [outcome(f"s{n}", confidence=value) for n, value in enumerate([0.9, float("nan"), float("inf"), 0.7])]
    found = difference(pair(before, after), "floor", "mean_confidence")
    assert found.value == pytest.approx(0.3)
    assert np.isfinite([found.low or np.nan, found.high or np.nan]).all()


def test_slices_are_compared_and_holm_is_theirs_alone() -> None:
    others = [outcome(f"t{n}", TRAVERSAL_YES, category="b") for n in range(20)]
    before = said("r" * 20, category="a") + others
    after = said("w" * 7 + "r" * 13, category="a") + others
    found = {one.key: one for one in differences(pair(before, after)) if one.metric == "accuracy"}
    assert set(found) == {
        "accuracy",
        "accuracy[prompt=binary_safety]",
        "accuracy[prompt=traversal]",
        "accuracy[category=a]",
        "accuracy[category=b]",
    }
    p_value = 2 * 0.5**7
    assert found["accuracy"].p_adjusted is None
    assert found["accuracy[prompt=binary_safety]"].p_value == pytest.approx(p_value)
    slices = [one for key, one in found.items() if key != "accuracy"]
    assert [one.p_adjusted for one in slices] == pytest.approx(holm([one.p_value or 0 for one in slices]))
    # four slices: 4 x 0.016 is above 0.05
    assert found["accuracy[category=a]"].change == "no_evidence"
    assert found["accuracy"].change == "worse"


TRAVERSAL_YES = TRAVERSAL.model_copy(update={"hazard": "Yes"})


def test_every_difference_has_the_confidence_asked_for() -> None:
    others = [outcome(f"t{n}", TRAVERSAL_YES) for n in range(10)]
    found = differences(pair(said("r" * 10) + others, said("w" * 10) + others), 0.8)
    assert any(one.slice for one in found)
    assert {one.confidence for one in found} == {0.8}


def test_one_slice_alone_is_not_adjusted() -> None:
    one = accuracy(said("rrrr"), said("wwww"))
    none = Difference(suite="floor", metric="accuracy")
    assert adjusted([one, none]) == [one, none]
    assert [each.p_adjusted for each in adjusted([one, none, one])] == [0.25, None, 0.25]


def test_several_prompts_of_a_sample_are_one_cluster() -> None:
    before = said("r" * 12) + said("r" * 12, TRAVERSAL_YES)
    after = said("w" * 4 + "r" * 8) + said("w" * 4 + "r" * 8, TRAVERSAL_YES)
    found = accuracy(before, after)
    assert (found.cases, found.clusters, found.broken) == (24, 12, 8)
    assert found.p_value == 2 * 0.5**4  # four clusters changed, not eight cases


def test_the_confidence_asked_for_is_that_of_the_interval_and_of_the_word() -> None:
    pairs = pair(said("w" * 6 + "r" * 20), said("r" * 26))  # p = 0.031
    wide, usual = (difference(pairs, "floor", "accuracy", confidence=c) for c in (0.99, 0.95))
    assert wide.confidence == 0.99
    assert (wide.low or 0) < (usual.low or 0)
    assert (wide.change, usual.change) == ("no_evidence", "improved")


def _answers(prompt: Prompt) -> st.SearchStrategy[tuple[str, str, str]]:
    choices = st.sampled_from(prompt.choices)
    answer = st.one_of(choices, choices, st.sampled_from([UNPARSED, ERROR]))
    return st.tuples(choices, answer, answer)


@st.composite
def two_runs(draw: st.DrawFn) -> tuple[list[Outcome], list[Outcome]]:
    """Draw up to 24 cases, each answered twice."""
    runs: tuple[list[Outcome], list[Outcome]] = ([], [])
    for index, prompt in enumerate(draw(st.lists(st.sampled_from(PROMPTS), max_size=24))):
        expected, *answers = draw(_answers(prompt))
        fields: dict[str, Any] = {"category": f"c{index % 3}", "group": draw(st.sampled_from(["", "g1", "g2"]))}
        for run, answer in zip(runs, answers, strict=True):
            confidence = draw(st.one_of(st.none(), st.floats(0, 1)))
            run.append(outcome(f"s{index}", prompt, expected, answer, confidence=confidence, **fields))
    return runs


@given(two_runs())
@settings(max_examples=40, deadline=None)
def test_whatever_the_runs_differences_agree_with_their_figures_and_mirror(
    runs: tuple[list[Outcome], list[Outcome]],
) -> None:
    there, back = differences(pair(*runs)), differences(pair(*reversed(runs)))
    assert [one.key for one in there] == [one.key for one in back]
    for one, other in zip(there, back, strict=True):
        assert (one.baseline, one.candidate) == (other.candidate, other.baseline)
        if one.value is None:
            assert one.change == "no_data"
            continue
        assert one.baseline is not None
        assert one.candidate is not None
        assert one.low is not None
        assert one.high is not None
        assert one.value == pytest.approx(one.candidate - one.baseline)
        assert one.low < one.high
        assert one.low - 1e-9 <= one.value <= one.high + 1e-9
        assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low))
        assert (one.fixed, one.broken, one.both) == (other.broken, other.fixed, other.both)
        assert 0 <= (one.p_value or 0) <= 1
        assert one.p_value == pytest.approx(other.p_value, abs=1e-9)


@given(two_runs(), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_outcomes_does_not_matter(
    runs: tuple[list[Outcome], list[Outcome]], shuffler: random.Random
) -> None:
    before, after = ([*run] for run in runs)
    shuffler.shuffle(before)
    shuffler.shuffle(after)
    assert differences(pair(before, after)) == differences(pair(*runs))


@given(two_runs())
@settings(max_examples=30, deadline=None)
def test_paired_shares_are_of_the_same_cases_on_both_sides(runs: tuple[list[Outcome], list[Outcome]]) -> None:
    pairs, abstain = pair(*runs), Parameters(abstain_below=0.5)
    for name in PAIRED_SHARES:
        assert METRICS[name].proportion
        for suite in pairs.candidate:
            sides = [figure(name, side[suite], abstain).of for side in (pairs.baseline, pairs.candidate)]
            assert [[o.case.key for o in of.outcomes] for of in sides[:1]] == [
                [o.case.key for o in of.outcomes] for of in sides[1:]
            ]
            found = difference(pairs, suite, name, parameters=abstain)
            if found.value is not None:
                counts = [found.fixed or 0, found.broken or 0, found.both or 0, found.neither or 0]
                assert sum(counts) == found.cases == len(sides[0])
                good = [(counts[0] + counts[2]) / found.cases, (counts[1] + counts[2]) / found.cases]
                bad = METRICS[name].higher_is_better is False
                assert [found.candidate, found.baseline] == pytest.approx([1 - one if bad else one for one in good])


def test_f1_balanced_accuracy_and_precision_have_intervals_that_jackknife_confirms() -> None:
    rng = np.random.default_rng(8)
    before = said("".join(rng.choice(list("rrrwRRRWWu"), 100)))
    after = said(
        "".join(
            {"r": "r", "w": "r", "u": "w", "R": "R", "W": "R"}[k] if rng.random() < 0.3 else k
            for k in (_letter(one) for one in before)
        )
    )
    pairs = pair(before, after)
    for name in ("f1", "balanced_accuracy", "precision"):
        found = difference(pairs, "floor", name)
        left_out = [
            difference(pair(before[:n] + before[n + 1 :], after[:n] + after[n + 1 :]), "floor", name).value or 0
            for n in range(len(before))
        ]
        spread = np.sqrt(99 / 100 * ((np.array(left_out) - np.mean(left_out)) ** 2).sum())
        half = ((found.high or 0) - (found.low or 0)) / 2
        jackknife, unseen = 1.984 * spread, 1.96**2 / (found.clusters + 1.96**2)  # the latter: of no change at all
        assert np.hypot(jackknife, unseen) * 0.97 <= half <= np.hypot(jackknife, 1.5 * unseen) * 1.03


def _letter(one: Outcome) -> str:
    if one.judgement.answer is None:
        return "u"
    letter = "r" if one.judgement.answer == one.case.expected else "w"
    return letter if one.case.expected == "Yes" else letter.upper()


def test_figures_with_parameters_are_compared_with_them() -> None:
    pairs = pair(said("rrRRrrRR"), said("wrRWrrRR"))
    cost = Parameters(cost={"missed_hazard": 10, "false_alarm": 1})
    found = difference(pairs, "floor", "expected_cost", parameters=cost)
    assert found.value == pytest.approx(11 / 8)
    assert found.low is not None
    assert -10 <= found.low < 0
    assert difference(pairs, "floor", "expected_cost").change == "no_data"
    assert difference(pairs, "floor", "coverage", parameters=Parameters(abstain_below=0.6)).value == 0
    assert difference(pairs, "floor", "selective_accuracy", parameters=Parameters(abstain_below=0.6)).broken is None


def test_a_test_without_its_interval_is_no_evidence() -> None:
    # six clusters of three, all of which improve: p = 2 / 2^6, but six clusters prove little
    prompts = [BINARY.model_copy(update={"name": f"p{n}"}) for n in range(3)]
    before = [one for prompt in prompts for one in said("wwwwww" + "r" * 30, prompt)]
    after = [one for prompt in prompts for one in said("rwwwww" + "r" * 30, prompt)]
    found = accuracy(before, after)
    assert found.low is not None
    assert found.low < 0
    assert found.change == "no_evidence"
    sure = found.model_copy(update={"p_value": 0.001})
    assert [one.change for one in adjusted([sure, sure])] == ["no_evidence", "no_evidence"]
    above = sure.model_copy(update={"low": 0.01})
    assert [one.change for one in adjusted([above, above])] == ["improved", "improved"]


@pytest.mark.parametrize("name", ["brier", "auroc"])
def test_a_candidate_that_lost_confidences_is_not_compared_by_them(name: str) -> None:
    before = [outcome(f"s{n}", said="Yes" if n % 4 else "No") for n in range(40)]
    after = [outcome(f"s{n}", said="Yes" if n % 4 else "No", confidence=0.9 if n % 8 else None) for n in range(40)]
    assert difference(pair(before, after), "floor", name).change == "no_data"
    assert difference(pair(before, before), "floor", name).change != "no_data"
    assert difference(pair(after, before), "floor", name).change != "no_data"


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "precision"])
def test_one_case_that_changed_is_no_evidence_in_any_figure(name: str) -> None:
    before, after = said("rrrrwRRRRRRRWR"), said("rrrrrRRRRRRRWR" if name != "precision" else "rrrrwRRRRRRRRR")
    found = difference(pair(before, after), "floor", name)
    assert found.value != 0
    assert found.p_value == 1


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "precision", "mean_confidence"])
def test_figures_are_tested_by_exchanging_the_sides(name: str) -> None:
    rng = np.random.default_rng(3)
    letters = [(str(rng.choice(list("rw"))), str(rng.choice(list("rw")))) for _ in range(9)]
    letters += [(one.upper(), two.upper()) for one, two in letters[::-1]]
    before, after = ([said(side)[0] for side in one] for one in zip(*letters, strict=True))
    before, after = (
        [_renamed(one, f"s{n}", 0.6 + 0.01 * n + shift * (n % 3)) for n, one in enumerate(side)]
        for side, shift in ((before, 0.0), (after, 0.04))
    )
    found = difference(pair(before, after), "floor", name)
    by_hand = []
    for _ in range(400):
        swap = rng.random(len(before)) < 0.5
        mixed = [(b, a) if s else (a, b) for a, b, s in zip(after, before, swap, strict=True)]
        drawn = difference(pair([b for _, b in mixed], [a for a, _ in mixed]), "floor", name)
        by_hand.append(abs(drawn.value or 0) >= abs(found.value or 0) - 1e-9)
    assert found.p_value == pytest.approx(np.mean(by_hand), abs=0.12)


def _renamed(one: Outcome, sample: str, confidence: float) -> Outcome:
    return outcome(sample, one.case.prompt, one.case.expected, one.judgement.answer, confidence=confidence)


def test_a_figure_of_one_case_on_either_side_is_no_evidence() -> None:
    """A candidate that warns once, and rightly, or is sure once, has shown no precision; nor has such a baseline."""
    many, one = said("r" * 90 + "W" * 10 + "R" * 100), said("r" + "w" * 89 + "R" * 110)
    sure = Parameters(abstain_below=0.8)
    once = [each if n == 0 else outcome(f"s{n}", confidence=0.3) for n, each in enumerate(said("r" * 200))]
    rated = [outcome(f"s{n}", SEVERITY, "3", "3" if n % 2 else "4") for n in range(100)]
    mute = [each if n == 1 else outcome(f"s{n}", SEVERITY, "3", UNPARSED) for n, each in enumerate(rated)]
    for name, before, after in (
        ("precision", many, one),
        ("precision", one, many),
        ("selective_accuracy", said("r" * 180 + "w" * 20), once),
        ("mean_absolute_error", rated, mute),
    ):
        found = difference(pair(before, after), "floor", name, parameters=sure)
        assert found.low is not None
        assert found.high is not None
        assert found.low < -0.6, name
        assert found.high > 0.6, name
