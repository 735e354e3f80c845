from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pytest_cosmos.measure import METRICS
from pytest_cosmos.records import Metric
from pytest_cosmos.report import text
from tests.unit.report_builders import HOSTILE


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_a_model_says_reaches_a_screen_as_a_control_character(hostile: str) -> None:
    assert text.one_line(hostile, 70).isprintable()
    assert all(c.isprintable() or c in "\n\t" for c in text.paragraph(hostile))


def test_control_characters_are_spelled_out_not_dropped() -> None:
    assert text.visible("\x1b[31m\u202eno") == r"\x1b[31m\u202eno"
    assert text.visible("no\xa0break, 床, é, 🤖") == "no\xa0break, 床, é, 🤖"


@given(st.text(), st.integers(min_value=1, max_value=90))
def test_one_line_is_one_printable_line_no_wider_than_asked(said: str, width: int) -> None:
    line = text.one_line(said, width)
    assert cell_len(line) <= width
    assert "\n" not in line
    assert all(c.isprintable() or c.isspace() for c in line)


def test_long_text_is_cut_and_says_so() -> None:
    assert text.paragraph("x" * 60_000).endswith("(10,000 more characters: see outcomes.jsonl)")
    assert text.one_line("word " * 40, 12) == "word word w…"


def test_every_metric_is_written_in_the_unit_of_the_catalogue() -> None:
    units = {"": "share", "s": "seconds", "1/s": "number", "count": "number", "points": "number", "cost": "number"}
    scores = {"brier": "score", "auroc": "score"}
    expected = {name: units[kind.unit] for name, kind in METRICS.items()} | scores
    assert {name: text.unit(name) for name in METRICS} == expected


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("accuracy", 0.782, "78.2 %"),
        ("accuracy", None, "–"),
        ("accuracy", 0.0, "0.0 %"),
        ("latency_p95", 0.0345, "0.035 s"),
        ("latency_p95", 12.5, "12.50 s"),
        ("missed_hazards", 12.0, "12"),
        ("mean_absolute_error", 0.345, "0.34"),
    ],
)
def test_values_carry_their_unit_and_no_data_is_never_zero(name: str, value: float | None, written: str) -> None:
    assert text.quantity(name, value) == written


def test_bars_are_written_in_the_unit_of_their_metric() -> None:
    assert text.bar("accuracy", 0.85, None) == ">= 85 %"
    assert text.bar("latency_p95", 0.1, 2.0) == ">= 0.1 s and <= 2 s"


def test_a_value_just_below_its_bar_does_not_read_like_the_bar() -> None:
    assert text.against("accuracy", 0.8996, (0.9,)) == "89.96 %"
    assert text.against("accuracy", 0.9, (0.9,)) == "90.0 %"


@given(st.integers(0, 9999), st.integers(0, 10_000))
def test_rounding_never_hides_a_missed_bar(thousandths: int, bar: int) -> None:
    value, limit = thousandths / 10_000, bar / 10_000
    if value != limit:
        written = text.against("accuracy", value, (limit,)).removesuffix(" %")
        assert (float(written) < 100 * limit) == (value < limit) or abs(float(written) - 100 * limit) > 1e-9


@pytest.mark.parametrize(
    ("seconds", "written"), [(None, "–"), (0.0344, "0.034"), (7.251, "7.25"), (14.93, "14.9"), (185.0, "3:05")]
)
def test_seconds_have_three_digits(seconds: float | None, written: str) -> None:
    assert text.seconds(seconds) == written


def test_interval_stands_only_where_there_is_one() -> None:
    share = Metric(suite="s", name="accuracy", value=0.8, low=0.75, high=0.843)
    assert text.interval(share) == "75.0–84.3"
    assert text.interval(Metric(suite="s", name="f1", value=0.8)) == ""
    assert text.interval(None) == ""
    rating = Metric(suite="s", name="mean_absolute_error", value=0.5, low=0.3, high=0.814)
    assert text.interval(rating) == "0.30–0.81"


def test_dates_and_counts_read_like_words() -> None:
    assert text.when("2026-11-21T23:04:05+00:00") == "21 November 2026, 23:04 UTC"
    assert text.when("yesterday") == "yesterday"
    assert text.plural(1, "case") == "1 case"
    assert text.plural(1200, "reply", "replies") == "1,200 replies"
