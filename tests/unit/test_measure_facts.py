"""Outcomes as columns: which cases hang together, and that a doctored run cannot raise the score.

Outcomes that occur twice or contradict themselves are refused.
"""

from __future__ import annotations

import pytest

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.measure import measure, read_facts, summarise
from pytest_cosmos.records import ERROR, UNPARSED, Judgement, Outcome, Verdict
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL, outcome, outcomes_of


def judged_as(one: Outcome, verdict: Verdict, answer: str | None) -> Outcome:
    return one.model_copy(update={"judgement": Judgement(verdict=verdict, answer=answer)})


def test_a_case_answered_twice_is_named() -> None:
    cases = [*outcomes_of(3, 1), outcome("r0")]
    with pytest.raises(RunFolderError, match=r"Cases answered more than once: floor/r0-binary_safety\."):
        summarise(cases)
    with pytest.raises(RunFolderError, match="floor/r0-binary_safety"):
        measure(cases, "floor", "accuracy")


def test_many_duplicates_are_named_in_part() -> None:
    with pytest.raises(RunFolderError, match=r"Cases answered more than once: .* and 4 more"):
        summarise(outcomes_of(9, 0) * 2)


def test_the_same_sample_in_two_suites_is_no_duplicate() -> None:
    assert set(read_facts([outcome(suite="a"), outcome(suite="b")])) == {"a", "b"}


@pytest.mark.parametrize(
    "broken",
    [
        judged_as(outcome(said="No"), Verdict.CORRECT, "No"),
        judged_as(outcome(said="No"), Verdict.CORRECT, None),
        judged_as(outcome(said="Yes"), Verdict.WRONG, "Yes"),
        judged_as(outcome(said="No"), Verdict.UNPARSED, "No"),
        judged_as(outcome(said=ERROR), Verdict.UNPARSED, None),
        judged_as(outcome(said=ERROR), Verdict.CORRECT, "Yes"),
        judged_as(outcome(said="Yes"), Verdict.ERROR, None),
        judged_as(outcome(said="No"), Verdict.WRONG, "Maybe"),
        judged_as(outcome("s1", SEVERITY, "1", "5"), Verdict.CORRECT, "5"),
        outcome().model_copy(update={"reply": outcome("s2").reply}),
        outcome(expected="Maybe", said=UNPARSED),
    ],
    ids=lambda one: f"{one.judgement.verdict}-{one.judgement.answer}",
)
def test_a_case_that_contradicts_itself_is_named(broken: Outcome) -> None:
    with pytest.raises(RunFolderError, match="that contradict themselves"):
        read_facts([broken, outcome("s9")])


def test_two_versions_of_a_prompt_are_not_counted_together() -> None:
    other = BINARY.model_copy(update={"text": "Cracked?"})
    with pytest.raises(RunFolderError, match="prompt 'binary_safety' differs"):
        read_facts([outcome("a"), outcome("b", other)])


def test_equal_prompts_of_different_identity_are_one() -> None:
    again = [Outcome.model_validate_json(one.model_dump_json()) for one in outcomes_of(2, 1)]
    assert len(read_facts(again)["floor"].prompts) == 1


def clusters(*outcomes: Outcome) -> list[set[str]]:
    facts = read_facts(outcomes)["floor"]
    found: dict[int, set[str]] = {}
    for one, number in zip(facts.outcomes, facts.cluster, strict=True):
        found.setdefault(int(number), set()).add(one.case.sample.id)
    assert facts.clusters == len(found)
    return sorted(found.values(), key=sorted)


def test_cases_of_one_sample_or_one_group_are_a_cluster() -> None:
    cases = [outcome("a"), outcome("a", TRAVERSAL), outcome("b", group="hall"), outcome("c", group="hall")]
    assert clusters(*cases) == [{"a"}, {"b", "c"}]


def test_a_group_named_like_a_sample_has_nothing_to_do_with_it() -> None:
    assert clusters(outcome("a"), outcome("b", group="a"), outcome("aa", media_hash="a")) == [{"a"}, {"aa"}, {"b"}]


def test_samples_of_the_same_media_are_a_cluster_whatever_they_are_called() -> None:
    cases = [outcome("a", media_hash="ff"), outcome("b", media_hash="ff"), outcome("c", media_hash="ee")]
    assert clusters(*cases) == [{"a", "b"}, {"c"}]
    assert clusters(outcome("a"), outcome("b")) == [{"a"}, {"b"}]  # without a hash nothing is known of the media


def test_a_copy_in_another_group_joins_both_groups() -> None:
    cases = [outcome("a", group="1"), outcome("b", group="1", media_hash="ff"), outcome("c", group="2"),
             outcome("d", group="2", media_hash="ff"), outcome("e", group="3")]  # fmt: skip
    assert clusters(*cases) == [{"a", "b", "c", "d"}, {"e"}]


def test_copies_of_a_case_are_no_evidence() -> None:
    alone = [outcome(f"s{n}", said="Yes" if n % 4 else "No", media_hash=f"{n}") for n in range(20)]
    copies = [outcome(f"copy{n}", said="Yes" if n % 4 else "No", media_hash=f"{n}") for n in range(20)]
    one, both = measure(alone, "floor", "accuracy"), measure(alone + copies, "floor", "accuracy")
    assert (both.cases, both.samples, both.clusters) == (40, 40, 20)
    assert one.low is not None
    assert both.low is not None
    assert both.low < one.low  # t for the normal quantile makes it even a little wider
