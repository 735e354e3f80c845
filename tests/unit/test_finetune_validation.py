"""What the validation split came to: over all, and by the categories that have enough cases to tell."""

from __future__ import annotations

from pytest_cosmos.finetune.validation import LEAST_CASES, Answered, summed_up


def answered(category: str, right: bool, found: bool | None = None, times: int = 1) -> list[Answered]:
    return [Answered(category, right, found)] * times


def test_shares_over_all_and_by_category() -> None:
    hard = [*answered("hard", False, times=15), *answered("hard", True, times=5)]
    validated = summed_up([*hard, *answered("easy", True, times=20), *answered("", False, times=20)])

    assert validated.accuracy == 25 / 60
    assert validated.by_category == {"easy": 1.0, "hard": 0.25}
    assert validated.recall is None


def test_hazards_found_whatever_is_right() -> None:
    hazards = [*answered("", True, True, 15), *answered("", False, True, 3), *answered("", False, False, 2)]

    assert summed_up([*hazards, *answered("", True, None, 9)]).recall == 18 / 20
    assert summed_up(hazards[1:]).recall is None, "too few to tell"


def test_a_few_cases_make_no_category() -> None:
    few, enough = answered("few", False, times=LEAST_CASES - 1), answered("enough", True, times=LEAST_CASES)

    assert summed_up([*few, *enough]).by_category == {"enough": 1.0}
