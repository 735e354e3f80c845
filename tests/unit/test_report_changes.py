"""Before and after, in terminal and page: what changed, how sure that is, and nothing that a model said can act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from rich.cells import cell_len

from pytest_cosmos.gate import Compared, Thresholds, check_regressions
from pytest_cosmos.measure import compare, pair
from pytest_cosmos.records import Check, Judgement, Outcome, Reply, Threshold, Verdict
from pytest_cosmos.report import BeforeAfter, write_html
from pytest_cosmos.report.changes import change_rows, change_view, unpaired_lines
from pytest_cosmos.report.figures import by_key, check_interval, value_and_bar
from pytest_cosmos.report.terminal import change_lines, check_lines
from tests.unit.report_builders import HOSTILE, MadeUp, made_up


@pytest.fixture(scope="module")
def made() -> MadeUp:
    return made_up(60)


@pytest.fixture(scope="module")
def before(made: MadeUp) -> list[Outcome]:
    """What a worse model said: some correct answers are unparsed, with hostile text in their place."""
    doctored = []
    for number, one in enumerate(made.outcomes):
        if number % 6 == 0 and one.judgement.verdict == "correct":
            text = HOSTILE[number % len(HOSTILE)]
            reply = Reply(case_key=one.case.key, raw=text, answer=text, confidence=0.4)
            judgement = one.judgement.model_copy(update={"verdict": Verdict.UNPARSED, "answer": None, "reason": "none"})
            one = one.model_copy(update={"reply": reply, "judgement": judgement})
        doctored.append(Outcome.model_validate_json(one.model_dump_json()))
    return doctored[:-3]


@pytest.fixture(scope="module")
def compared(made: MadeUp, before: list[Outcome]) -> Compared:
    pairs = pair(before, made.outcomes)
    old = made.run.model_copy(update={"id": "2026-11-20T08-00-00-tiny"})
    return Compared(
        pairs, compare(old, made.run, pairs, faults=["the adapter changed nothing."], remarks=["not asked alike."])
    )


@pytest.fixture(scope="module")
def change(compared: Compared, before: list[Outcome]) -> BeforeAfter:
    return BeforeAfter(compared.comparison, by_key(before))


@pytest.fixture(scope="module")
def soup(made: MadeUp, change: BeforeAfter, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("report") / "index.html"
    write_html(path, made.run, made.summary, made.checks, made.outcomes, made.thumbnails, [change])
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one("#changes")


def test_rows_are_accuracy_with_its_slices_then_the_others(change: BeforeAfter) -> None:
    rows = change_rows(change.comparison)
    metrics = [row.metric for row in rows]
    assert metrics == sorted(metrics, key=lambda name: name != "accuracy")
    assert rows[0].name == "accuracy"
    assert {"binary_safety", "severity", "hazard"} <= {row.name for row in rows}
    assert "parse rate" not in {row.name for row in rows}, "the unparsed rate says it"
    assert rows[0].style == "good"
    assert rows[0].word == "improved"
    assert rows[0].change.startswith("+")
    assert rows[0].moved == f"{len(change.comparison.fixed)} / 0"


def test_figures_that_say_nothing_of_their_own_are_left_out(made: MadeUp) -> None:
    binary = [one for one in made.outcomes if one.case.prompt.name == "binary_safety" and one.judgement.answer]
    same = compare(made.run, made.run, pair(binary, binary))
    names = {row.metric for row in change_rows(same)}
    assert names.isdisjoint({"exact_accuracy", "mean_absolute_error", "unparsed_rate", "parse_rate"})


def test_answers_that_became_unreadable_are_broken(made: MadeUp) -> None:
    readable = [one for one in made.outcomes if one.judgement.answer]
    lost = [unread(one) if n < 3 else one for n, one in enumerate(readable)]
    for before, after, moved in ((readable, lost, "0 / 3"), (lost, readable, "3 / 0")):
        rows = {row.metric: row for row in change_rows(compare(made.run, made.run, pair(before, after)))}
        assert rows["unparsed_rate"].moved == moved


def unread(one: Outcome) -> Outcome:
    return one.model_copy(update={"judgement": Judgement(verdict=Verdict.UNPARSED)})


def test_a_change_of_nothing_has_no_sign_of_a_fall(made: MadeUp) -> None:
    (row, *_) = change_rows(compare(made.run, made.run, pair(made.outcomes, made.outcomes)))
    assert row.change == "+0.0"
    assert row.word == "no evidence"


def test_cases_show_what_both_said(made: MadeUp, change: BeforeAfter) -> None:
    view = change_view(change, by_key(made.outcomes))
    assert view.fixed_count == len(change.comparison.fixed)
    case = view.fixed[0]
    assert case.before != case.after == case.expected
    assert case.confidence.startswith("0.40 → ")
    gone = BeforeAfter(change.comparison, {})
    assert change_view(gone, by_key(made.outcomes)).fixed == ()


def test_what_could_not_be_compared_is_counted_by_reason(change: BeforeAfter) -> None:
    first, *others = unpaired_lines(change.comparison)
    assert first.startswith("3 cases only in the candidate, such as floor_cracks/")
    assert len(others) == 1
    assert "no reply of the baseline and of the candidate" in others[0]


def test_the_page_shows_it_all_and_nothing_hostile_acts(soup: Any, change: BeforeAfter) -> None:
    text = soup.get_text(" ", strip=True)
    for told in ("the adapter changed nothing.", "not asked alike.", "Not compared: 3 cases only in the candidate"):
        assert told in text
    assert soup.find("script") is None
    assert {link["href"].partition("=")[0] for link in soup.select("a")} == {"#case"}
    assert not soup.select("[onerror]")
    assert len(soup.select("ul.moved li")) == min(12, len(change.comparison.fixed))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_without_a_baseline_the_page_has_no_such_section(made: MadeUp, tmp_path: Path) -> None:
    page = write_html(tmp_path / "index.html", made.run, made.summary, made.checks, made.outcomes, {})
    text = page.read_text(encoding="utf-8")
    assert 'id="changes"' not in text
    assert "#changes" not in text


@pytest.mark.parametrize("width", [72, 80, 132])
@pytest.mark.parametrize("brief", [True, False])
def test_no_line_is_wider_than_the_terminal(change: BeforeAfter, width: int, brief: bool) -> None:
    lines = list(change_lines(change.comparison, width, brief=brief))
    assert all(cell_len(line.text) <= max(width, 96 if not brief else 0) for line in lines), lines
    assert all(line.text.isprintable() for line in lines)


def test_terminal_says_how_all_pairs_stand(change: BeforeAfter) -> None:
    comparison = change.comparison
    text = " ".join(" ".join(line.text for line in change_lines(comparison, 100, brief=False)).split())
    both = comparison.right_after - len(comparison.fixed)
    assert f"fixed {len(comparison.fixed)}, broken 0, both right {both}, both wrong" in text
    assert f"and {len(comparison.fixed) - 10} more (comparison.json)" in text


def regression(compared: Compared, **bars: float) -> Check:
    metric = "accuracy" if "max_drop" in bars else "mean_absolute_error"
    threshold = Threshold.model_validate({"suite": "floor_cracks", "metric": metric, "kind": "regression", **bars})
    outcomes = [outcome for facts in compared.pairs.candidate.values() for outcome in facts.outcomes]
    (check,) = check_regressions(Thresholds(regression=(threshold,)), outcomes, made_up(60).run, [compared])
    return check


def test_a_regression_check_shows_change_interval_and_margin(compared: Compared) -> None:
    check = regression(compared, max_drop=0.02)
    value, bar = value_and_bar(check)
    assert value.startswith("+")
    assert bar == "> -2"
    assert " to +" in check_interval(check)
    text = " ".join(" ".join(line.text for line in check_lines([check], 100)).split())
    assert "pairs of" in text
    assert "against 2026-11-20T08-00-00-tiny" in text
    assert value_and_bar(regression(compared, max_rise=0.25))[1] == "< +0.25"


def test_a_regression_without_a_baseline_shows_its_margin() -> None:
    threshold = Threshold(suite="floor_cracks", metric="accuracy", kind="regression", max_drop=0.02)
    run = made_up(60).run
    (check,) = check_regressions(Thresholds(regression=(threshold,)), made_up(60).outcomes, run, [])
    assert value_and_bar(check) == ("–", "> -2")
