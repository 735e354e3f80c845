"""What the validation split came to: over all, and by the categories that have enough cases to tell."""

from __future__ import annotations

from pytest_cosmos.finetune.validation import LEAST_CASES, summed_up


def test_shares_over_all_and_by_category() -> None:
    found = [("hard", False)] * 15 + [("easy", True)] * 20 + [("hard", True)] * 5 + [("", False)] * 20

    validated = summed_up(found)

    assert validated.accuracy == 25 / 60
    assert validated.by_category == {"easy": 1.0, "hard": 0.25}


def test_a_few_cases_make_no_category() -> None:
    few, enough = [("few", False)] * (LEAST_CASES - 1), [("enough", True)] * LEAST_CASES

    assert summed_up([*few, *enough]).by_category == {"enough": 1.0}
