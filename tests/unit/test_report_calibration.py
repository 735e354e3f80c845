"""What the report says of confidences: the verdict in words, and charts whose points lie where they should."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings

from pytest_cosmos.measure import summarise
from pytest_cosmos.records import Calibration, Outcome
from pytest_cosmos.report.build import build_view
from pytest_cosmos.report.calibration import (
    calibration_told,
    calibration_views,
    coverage_chart,
    reliability_chart,
    verdict,
    with_interval,
)
from pytest_cosmos.report.figures import Figures
from pytest_cosmos.report.html import render_html
from tests.unit.builders import BINARY, TRAVERSAL, outcome, run_of
from tests.unit.report_builders import made_up
from tests.unit.test_measure_properties import PROMPTS, many


def answered(n: int, shift: float) -> list[Outcome]:
    """Build answers that are right as often as their confidence says, and `shift` more."""
    chance = np.random.default_rng(11)
    sure = chance.uniform(0.6, 0.9, n)
    return [
        outcome(f"s{i}", said="Yes" if chance.random() < sure[i] + shift else "No", confidence=float(sure[i]))
        for i in range(n)
    ]


def of_suite(outcomes: list[Outcome]) -> Calibration:
    return summarise(outcomes).calibrations[0]


@pytest.mark.parametrize(
    ("n", "shift", "begins", "style"),
    [
        (1200, 0.0, "calibrated, as far as 1,200 answers of 1,200 images can tell", "good"),
        (30, -0.1, "calibrated, as far as 30 answers of 30 images can tell", "good"),
        (1200, -0.15, "overconfident: it says 74.", "warn"),
        (1200, 0.1, "underconfident: it says 74.", "warn"),
    ],
)
def test_the_verdict_is_in_words(n: int, shift: float, begins: str, style: str) -> None:
    told, found = verdict(of_suite(answered(n, shift)))
    assert told.startswith(begins)
    assert found == style


def test_right_on_average_is_not_enough() -> None:
    sure = [outcome(f"a{n}", said="Yes" if n % 10 < 6 else "No", confidence=0.9) for n in range(500)]
    unsure = [outcome(f"b{n}", said="Yes" if n % 10 < 9 else "No", confidence=0.6) for n in range(500)]
    assert verdict(of_suite(sure + unsure))[0].startswith("right on average, but too sure of some")


def test_the_terminal_tells_of_the_whole_suite() -> None:
    summary = summarise([*answered(600, -0.15), outcome("x", TRAVERSAL)])
    told = calibration_told(summary, "floor", Figures(summary.metrics))
    assert told[0].startswith("confidence: overconfident: it says")
    assert "by chance" in told[1]
    assert told[2].startswith("Brier score 0.")
    assert "AUROC 0." in told[2]
    assert calibration_told(summary, "other", Figures(summary.metrics)) == ()


def test_a_figure_is_written_with_its_unit_and_interval() -> None:
    figures = Figures(summarise(answered(100, 0)).metrics)
    assert with_interval(figures.get("floor", "cases")) == "100"
    assert with_interval(figures.get("floor", "accuracy")).endswith("]")
    assert with_interval(None) == "–"


def test_prompts_are_shown_where_there_are_several() -> None:
    one = summarise([outcome("a"), outcome("b")])
    two = summarise([outcome("a", BINARY), outcome("b", TRAVERSAL)])
    assert [view.title for view in calibration_views(one, "floor", Figures(one.metrics))] == ["All answers"]
    titles = [view.title for view in calibration_views(two, "floor", Figures(two.metrics))]
    assert titles == ["All answers", "binary_safety", "traversal"]


def test_a_calibrated_bin_lies_on_the_line_and_an_overconfident_one_below_it() -> None:
    for shift, below in ((0.0, False), (-0.2, True)):
        dots = reliability_chart(of_suite(answered(3000, shift))).dots
        assert len(dots) == 15
        assert (np.mean([dot.y - dot.x for dot in dots]) < -15) == below
        assert "answers: confidence 6" in dots[0].title


@given(many(*PROMPTS))
@settings(max_examples=30, deadline=None)
def test_nothing_is_drawn_outside_its_chart(outcomes: list[Outcome]) -> None:
    for found in summarise(outcomes).calibrations:
        reliability, coverage = reliability_chart(found), coverage_chart(found)
        for dot in reliability.dots:
            assert all(-1e-6 <= place <= 100 + 1e-6 for place in (dot.x, dot.y, dot.low, dot.high))
        spots = [float(number) for spot in coverage.line.split() for number in spot.split(",")]
        assert all(-0.01 <= place <= 100.01 for place in spots)
        for ticks in (reliability.x, reliability.y, coverage.x, coverage.y):
            assert (ticks[0].place, ticks[-1].place) == pytest.approx((0, 100), abs=1e-6)
            assert ticks[-1].label == "100"
            assert 3 <= len(ticks) <= 6


def page_of(outcomes: list[Outcome]) -> Any:
    summary = summarise(outcomes)
    return BeautifulSoup(render_html(build_view(run_of(outcomes), summary, (), outcomes), {}), "html.parser")


def test_the_page_draws_both_charts_with_the_line_of_identity_and_tells_the_bins_in_numbers() -> None:
    section = page_of(answered(300, 0)).select_one("#confidence")
    assert len(section.select("svg.chart")) == 2
    assert section.select_one("line.identity")["y1"] == "100"
    assert len(section.select("g.bin")) == len(section.select("table.bins tbody tr")) == 15
    assert "15 bins of" in section.get_text()
    assert all(chart["aria-label"] for chart in section.select("svg"))
    text = section.get_text(" ", strip=True)
    for name in ("Calibration error", "Brier score", "AUROC", "Accuracy at 90 % coverage"):
        assert name in text


def test_without_confidences_the_page_has_no_such_section() -> None:
    page = page_of([outcome("a", confidence=None)])
    assert page.select_one("#confidence") is None
    assert page.select_one('nav a[href="#confidence"]') is None


def test_headline_figures_carry_their_interval_cases_images_and_groups() -> None:
    cases = [outcome(f"s{n}", said="Yes" if n % 5 else "No", group=f"g{n // 4}") for n in range(40)]
    figures = page_of(cases).select_one("dl.figures").get_text(" ", strip=True)
    assert "95 %:" in figures
    assert "of 40 cases, 40 images in 10 groups" in figures
    assert "8 missed of 40 hazards, 40 images in 10 groups" in figures


def test_every_share_of_the_table_tells_its_interval_when_pointed_at() -> None:
    made = made_up(40, pictures=False)
    view = build_view(made.run, made.summary, made.checks, made.outcomes)
    (suite,) = view.suites
    recall = suite.groups[0].rows[0].cells[suite.columns.index("Recall")]
    assert recall.hint.startswith("95 %: ")
    assert recall.hint.endswith("60 cases of 20 images")
    assert astuple(view.suites[0].calibrations[0].facts[0])[0] == "Calibration error"
