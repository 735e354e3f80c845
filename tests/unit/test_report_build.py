from __future__ import annotations

import pytest

from pytest_cosmos.records import Case, Confusion, Decision, Reply
from pytest_cosmos.report.build import build_view, case_row, check_row, confusion_view
from pytest_cosmos.report.figures import hazard_error, headline, kind, simulated_only
from tests.unit.report_builders import PROMPTS, SUITE, MadeUp, made_up, outcome, sample, with_decision


@pytest.fixture(scope="module")
def made() -> MadeUp:
    return made_up(60, pictures=False)


def rating(expected: str) -> Case:
    import random

    return Case(suite=SUITE, sample=sample(1, random.Random(1)), prompt=PROMPTS[2], expected=expected)


def test_hazard_errors_agree_with_what_is_measured(made: MadeUp) -> None:
    figures = {m.name: m.value for m in made.summary.metrics if not m.slice}
    told = [hazard_error(outcome) for outcome in made.outcomes]
    assert told.count("missed hazard") == figures["missed_hazards"]
    assert told.count("false alarm") == figures["false_alarms"]


@pytest.mark.parametrize(
    ("expected", "answer", "told", "style"),
    [
        ("4", "4", "correct", "good"),
        ("3", "2", "correct, missed hazard", "warn"),
        ("4", "1", "missed hazard", "bad"),
        ("1", "5", "false alarm", "warn"),
        ("3", "5", "wrong", "warn"),
        ("4", None, "unparsed, missed hazard", "bad"),
        ("1", None, "unparsed", "warn"),
    ],
)
def test_what_became_of_a_case_is_said_in_words(expected: str, answer: str | None, told: str, style: str) -> None:
    assert kind(outcome(rating(expected), answer)) == (told, style)


def test_error_is_no_missed_hazard() -> None:
    case = rating("5")
    lost = outcome(case, None, reply=Reply(case_key=case.key, finish="error", error="worker lost"))
    assert kind(lost) == ("error", "bad")
    assert case_row(lost).said == "worker lost"


def test_raw_text_is_had_back_by_joining_at_the_reasoning(made: MadeUp) -> None:
    for given in made.outcomes:
        row = case_row(given)
        if len(given.reply.raw) < 10_000 and given.reply.raw.isprintable():
            assert row.reasoning.join(row.raw) == given.reply.raw


def test_reasoning_is_held_once(made: MadeUp) -> None:
    row = case_row(made.outcomes[0])
    assert row.reasoning
    assert all(row.reasoning not in part for part in row.raw)


def test_confusion_cells_tell_missed_hazards_from_false_alarms() -> None:
    table = Confusion(
        suite=SUITE,
        prompt="severity",
        rows=("2", "3", "5"),
        columns=("2", "3", "4", "(unparsed)"),
        counts=((8, 1, 0, 0), (0, 0, 0, 0), (1, 1, 7, 1)),
    )
    rows = {
        expected: [(cell.kind, cell.heat) for cell in cells]
        for expected, cells in confusion_view(table, PROMPTS[2]).rows
    }
    assert rows["2"] == [("right", 5), ("alarm", 1), ("alarm", 0), ("none", 0)]
    assert rows["3"] == [("missed", 0), ("right", 0), ("right", 0), ("none", 0)]
    assert rows["5"] == [("missed", 1), ("wrong", 1), ("right", 4), ("none", 1)]


def test_unknown_prompt_still_has_a_matrix() -> None:
    table = Confusion(suite=SUITE, prompt="gone", rows=("a",), columns=("a", "b"), counts=((3, 1),))
    assert [cell.kind for cell in confusion_view(table, None).rows[0][1]] == ["right", "wrong"]


def test_simulated_only_needs_every_source_to_be_simulation(made: MadeUp) -> None:
    assert simulated_only(made.run)
    mixed = made.run.suites[0].model_copy(update={"sources": ("simulation", "real")})
    assert not simulated_only(made.run.model_copy(update={"suites": (mixed,)}))
    unknown = mixed.model_copy(update={"sources": ()})
    assert not simulated_only(made.run.model_copy(update={"suites": (unknown,)}))


def test_measured_only_run_is_not_called_passed(made: MadeUp) -> None:
    passed = with_decision(made, Decision(outcome="passed", exit_code=0, answered=1, planned=1)).run
    assert headline(passed).text == "Passed"
    assert headline(passed.model_copy(update={"gated": False})).text == "Measured"


def test_check_row_says_why_only_where_there_is_no_data(made: MadeUp) -> None:
    rows = [check_row(check) for check in made.checks]
    assert {(row.word, bool(row.message)) for row in rows} == {
        ("met", False),
        ("NOT MET", False),
        ("no data", True),
        ("not met: would not be released", False),
    }


def test_view_lists_the_worst_cases_first_and_the_least_confident(made: MadeUp) -> None:
    view = build_view(made.run, made.summary, made.checks, made.outcomes)
    assert view.worst[0].kind == "error"
    assert view.worst[0].said_word == "no reply:"
    confidences = [float(card.confidence) for card in view.low_confidence]
    assert confidences == sorted(confidences)
    assert len(view.cases) == len(made.outcomes)


def test_outcomes_missing_from_the_summary_lists_are_skipped(made: MadeUp) -> None:
    view = build_view(made.run, made.summary, made.checks, made.outcomes[:3])
    keys: set[str] = {o.case.key for o in made.outcomes[:3]}
    assert {card.key for card in (*view.worst, *view.low_confidence)} <= keys


def test_second_suite_gets_figures_of_its_own(made: MadeUp) -> None:
    other = made.run.suites[0].model_copy(update={"name": "stairs", "title": "Stairs"})
    run = made.run.model_copy(update={"suites": (*made.run.suites, other)})
    first, second = build_view(run, made.summary, made.checks, made.outcomes).suites
    assert first.groups
    assert second.groups == ()
    assert second.figures[0].share.value is None


def test_confidence_that_is_no_number_is_no_data() -> None:
    case = rating("1")
    row = case_row(outcome(case, "1", confidence=float("nan")))
    assert row.confidence is None


def test_a_model_is_named_with_its_adapter(made: MadeUp) -> None:
    model = made.run.model.model_copy(update={"adapter": "adapters/floors"})
    run = made.run.model_copy(update={"model": model})

    view = build_view(run, made.summary, made.checks, made.outcomes)

    assert view.title.startswith(f"{model.name} + floors: ")
    assert view.facts[0].value.startswith(f"{model.name} + floors")
