"""Which cases of two runs are pairs, and which pairs hang together: neither side can talk its way out of a slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_cosmos.measure import difference, pair
from pytest_cosmos.measure.facts import joined
from pytest_cosmos.records import Difference, Outcome
from tests.unit.builders import outcome


def run(right: int, wrong: int = 0, start: int = 0, **fields: Any) -> list[Outcome]:
    """Build outcomes with the samples s`start` and so on."""
    answers = ["Yes"] * right + ["No"] * wrong
    return [outcome(f"s{start + n:03d}", said=said, **fields) for n, said in enumerate(answers)]


def changed(one: Outcome, **sample: Any) -> Outcome:
    """Doctor the sample of an outcome."""
    case = one.case.model_copy(update={"sample": one.case.sample.model_copy(update=sample)})
    return one.model_copy(update={"case": case})


def accuracy(before: list[Outcome], after: list[Outcome], **where: str) -> Difference:
    return difference(pair(before, after), "floor", "accuracy", where)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"category": "hazard"}, {"category": "safe"}),
        ({"category": "hazard"}, {"category": ""}),
        ({"source": "real"}, {"source": "simulation"}),
        ({"label": "Yes"}, {"label": "Crack"}),  # that means the same answer
        ({"fields": {"floor": "wet"}}, {"fields": {"floor": "dry"}}),
        ({"fields": {"floor": "wet", "lamp": "on"}}, {"fields": {"floor": "dry"}}),
    ],
)
def test_a_case_with_other_labels_is_no_pair(before: dict[str, Any], after: dict[str, Any]) -> None:
    one = run(1)[0]
    found = pair([changed(one, **before)], [changed(one, **after)])
    assert [each.reason for each in found.unpaired] == ["other labels"]
    assert len(found) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"fields": {"floor": "wet"}}),
        ({"fields": {"floor": "wet", "lamp": "on"}}, {"fields": {"floor": "wet"}}),
        ({"group": "g"}, {"group": ""}),
        ({"reasoning": "Look."}, {"reasoning": ""}),
    ],
)
def test_columns_that_came_or_went_and_groups_do_not_part_a_pair(before: dict[str, Any], after: dict[str, Any]) -> None:
    one = run(1)[0]
    found = pair([changed(one, **before)], [changed(one, **after)])
    assert (len(found), found.unpaired) == (1, ())


def test_wrong_answers_cannot_be_relabelled_out_of_their_slice() -> None:
    before = run(200, category="hazard") + run(200, start=200, category="safe")
    after = run(100, 0, category="hazard") + run(0, 100, start=100, category="safe")
    after += run(200, start=200, category="safe")
    found = pair(before, after)
    assert len([one for one in found.unpaired if one.reason == "other labels"]) == 100
    assert difference(found, "floor", "accuracy", {"category": "hazard"}).cases == 100


def test_nor_by_taking_a_column_or_a_group_from_them() -> None:
    before = [changed(one, group="g", fields={"floor": "wet"}) for one in run(8)]
    bare = [changed(one, group="", fields={}) for one in run(4, 4)]
    for sides in ((before, bare), (bare, before)):
        assert accuracy(*sides, floor="wet").cases == 8
        assert accuracy(*sides, group="g").cases == 8


def test_what_hangs_together_on_either_side_is_one_cluster() -> None:
    before = [changed(one, group=f"g{n // 3}") for n, one in enumerate(run(30))]
    alone = [changed(one, group="") for one in run(24, 6)]
    for sides in ((before, before), (before, alone), (alone, before)):
        assert accuracy(*sides).clusters == 10
    assert accuracy(alone, alone).clusters == 30
    reach = [
        accuracy(before, after) for after in ([changed(one, group=f"g{n // 3}") for n, one in enumerate(alone)], alone)
    ]
    assert (reach[0].low, reach[0].high) == (reach[1].low, reach[1].high)


def test_chains_over_both_sides_make_one_cluster() -> None:
    first, second = np.array([0, 0, 1, 1, 2]), np.array([5, 6, 6, 7, 8])
    one, *others = joined(first, second).tolist()
    assert others[:3] == [one] * 3
    assert others[3] != one
    assert len(set(joined(np.array([3, 1]), np.array([0, 2])).tolist())) == 2
    assert len(joined(first[:0], second[:0])) == 0
