"""Latency thresholds: a slowdown is caught, noise is no evidence, and whatever is missing is no data."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from pytest_cosmos.gate import Held, Timed, check_latency, decide
from pytest_cosmos.records import CheckStatus, Decision, Latency, Run, Threshold

from .latency_builders import H100, STEADY, bar, latency_of, latency_run, series

NAME = "image_yes_no"
NOISY = tuple(map(random.Random(1).uniform, [1.0] * 20, [1.5] * 20))
BEFORE = latency_of({NAME: STEADY}, run="before")
EDITED = latency_of({}, series=(series(NAME, STEADY[:12], started=range(20)),))  # the slow rounds are taken out


def times(factor: float, base: Sequence[float] = STEADY) -> Latency:
    return latency_of({NAME: [factor * value for value in base]})


def statuses(latency: Latency | None, *bars: Threshold, baseline: Latency | None = BEFORE) -> list[CheckStatus]:
    held = check_latency(bars or (bar(),), Timed(latency_run(NAME), latency, baseline))
    return [check.status for check in held.checks]


def outcome(run: Run, latency: Latency | None, *bars: Threshold, baseline: Latency | None = BEFORE) -> Decision:
    timed = Timed(run, latency, baseline)
    held = check_latency(bars, timed)
    return decide(run, (), held.checks, timed=timed.names, remarks=held.remarks)


@pytest.mark.parametrize(
    ("factor", "status"),
    [(0.5, CheckStatus.MET), (1.0, CheckStatus.MET), (1.05, CheckStatus.MET), (1.3, CheckStatus.NOT_MET)],
)
def test_steady_times_decide(factor: float, status: CheckStatus) -> None:
    assert statuses(times(factor)) == [status]


def test_noise_is_no_evidence_on_either_side_of_the_bar() -> None:
    assert statuses(times(1.0, NOISY), baseline=latency_of({NAME: NOISY}, run="before")) == [CheckStatus.NO_EVIDENCE]
    assert statuses(times(1.12, NOISY), baseline=latency_of({NAME: NOISY}, run="before")) == [CheckStatus.NO_EVIDENCE]


@pytest.mark.parametrize(
    ("latency", "baseline", "why"),
    [
        (None, BEFORE, "nothing was timed"),
        (times(1), None, "'before' was not asked for latency"),
        (times(1), latency_of({NAME: STEADY}, run="before", device="NVIDIA A100"), "timed on 'NVIDIA A100'"),
        (times(1), latency_of({"other": STEADY}, run="before"), "the baseline has not timed 'image_yes_no', but other"),
        (latency_of({"image_yesno": STEADY}), BEFORE, "Did you mean 'image_yesno'?"),
        (times(1), latency_of({NAME: STEADY[:9]}, run="before"), "9 usable rounds at most"),
        (times(1, STEADY[:9]), BEFORE, "9 usable rounds at most"),
        (times(math.nan), BEFORE, "20 usable rounds at most"),
        (times(0.0), BEFORE, "20 usable rounds at most"),
        (times(1).model_copy(update={"series": (series(NAME, error="OOM"),)}), BEFORE, "could not time it: OOM"),
        (times(1).model_copy(update={"series": (series(NAME), series(NAME))}), BEFORE, "timed 'image_yes_no' 2 times"),
        (times(1).model_copy(update={"series": (series(NAME, workload="x"),)}), BEFORE, "timed at something else"),
        (times(1).model_copy(update={"run": "another"}), BEFORE, "is of another run, another"),
        (times(1), latency_of({NAME: STEADY}, run="now"), "the baseline is this run itself"),
        (EDITED, BEFORE, "this run began 20 rounds, but has the times of 12"),
    ],
)
def test_what_cannot_be_compared_is_no_data(latency: Latency | None, baseline: Latency | None, why: str) -> None:
    run = latency_run(NAME)
    held = check_latency([bar()], Timed(run, latency, baseline))
    assert [check.status for check in held.checks] == [CheckStatus.NO_DATA]
    assert why in held.checks[0].message
    names = Timed(run, latency, baseline).names
    assert decide(run, (), held.checks, timed=names).exit_code == 1


def test_without_a_baseline_named_it_says_how_to_name_one() -> None:
    held = check_latency([bar()], Timed(latency_run(NAME, baseline=""), times(1)))
    assert held.checks[0].message == (
        "no data: there is no baseline. Name one: --baseline RUN or NAME; or say --baseline none"
    )
    assert held.checks[0].status is CheckStatus.NO_DATA


def test_a_bar_for_another_device_is_left_out_aloud() -> None:
    bars = bar(device="NVIDIA*"), bar("video_yes_no", device="AMD*")
    held = check_latency(bars, Timed(latency_run(NAME), times(1), BEFORE))
    assert [check.threshold.metric for check in held.checks] == [NAME]
    assert held.remarks == (f"latency video_yes_no: left out, it is for 'AMD*', this is '{H100}'.",)


def test_bars_of_which_none_is_for_this_device_are_no_data() -> None:
    assert statuses(times(1), bar(device="AMD*"), bar("x", device="cpu*")) == [CheckStatus.NO_DATA] * 2
    assert outcome(latency_run(NAME), times(1), bar(device="AMD*")).outcome == "no_data"


def test_a_bar_whose_device_is_not_known_is_held() -> None:
    assert statuses(None, bar(device="AMD*")) == [CheckStatus.NO_DATA]


def test_the_interval_is_that_of_the_confidence_asked_for() -> None:
    draws = list(map(random.Random(1).uniform, [1.0] * 20, [1.03] * 20))
    sure, less = (
        check_latency([bar(confidence=level)], Timed(latency_run(NAME), times(1.0, draws), BEFORE)).checks[0].metric
        for level in (0.99, 0.8)
    )
    assert sure.low is not None
    assert less.low is not None
    assert sure.low < less.low
    assert (sure.confidence, sure.cases) == (0.99, 20)


def test_what_else_differs_is_told() -> None:
    model = BEFORE.model.model_copy(update={"dtype": "float32"})
    then = BEFORE.model_copy(update={"model": model, "series": (series(NAME, tokens=[30] * 20),)})
    now = times(1).model_copy(update={"series": (series(NAME, tokens=[60] * 20),)})
    message = check_latency([bar()], Timed(latency_run(NAME), now, then)).checks[0].message
    assert message.endswith("[dtype float32 then; 60 tokens written, 30 then]")


def test_a_run_not_asked_for_latency_is_not_held_against_it_but_says_so() -> None:
    run = latency_run(latency=None)
    held = check_latency([bar()], Timed(run, None, BEFORE))
    assert held.checks == ()
    assert "not asked for" in held.remarks[0]


def test_no_baseline_on_purpose_leaves_the_bars_out_and_says_so() -> None:
    decision = outcome(latency_run(NAME, baseline="none"), times(1), bar(), baseline=None)
    assert (decision.outcome, decision.exit_code) == ("no_evidence", 0)
    assert any("1 bar left out: --baseline none" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("latency", "bars", "word", "exit_code"),
    [
        (times(1), (bar(),), "passed", 0),
        (times(2), (bar(),), "missed_bar", 1),
        (times(0.87, NOISY), (bar(),), "no_evidence", 1),
        (times(1), (bar(), bar("video")), "no_data", 1),
        (times(1), (), "no_evidence", 0),
        (None, (bar(),), "no_data", 1),
        (None, (), "no_data", 1),
    ],
)
def test_what_a_run_of_latency_alone_comes_to(
    latency: Latency | None, bars: tuple[Threshold, ...], word: str, exit_code: int
) -> None:
    decision = outcome(latency_run(NAME), latency, *bars)
    assert (decision.outcome, decision.exit_code) == (word, exit_code)


def test_no_benchmark_collected_is_no_data() -> None:
    decision = outcome(latency_run(), None)
    assert (decision.outcome, decision.exit_code) == ("no_data", 1)
    assert "no benchmark was collected" in decision.reasons[0]


def test_some_of_the_benchmarks_are_a_partial_run() -> None:
    run = latency_run(NAME, "video_yes_no")
    decision = outcome(run, times(1), bar())
    assert (decision.outcome, decision.exit_code) == ("partial", 1)
    assert "1 of 2 benchmarks timed" in decision.reasons[0]
    allowed = outcome(run.model_copy(update={"allow_partial": True}), times(1), bar(), bar("video_yes_no"))
    assert allowed.exit_code == 0


def test_no_part_of_the_benchmarks_excuses_a_baseline_that_is_not_there() -> None:
    run = latency_run(NAME, "video_yes_no").model_copy(update={"allow_partial": True})
    decision = decide(run, (), check_latency((bar(),), Timed(run, times(1), None)).checks, timed=(NAME,))
    assert (decision.outcome, decision.exit_code) == ("no_data", 1)


def test_two_benchmarks_of_one_name_are_an_error() -> None:
    assert outcome(latency_run(NAME, NAME), times(1), bar()).outcome == "errors"


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (
            1.0,
            "x1.000 (95 % CI 0.998-1.002; median 1 s, baseline 1 s; 20 and 20 rounds) is within x1.1",
        ),
        (1.3, "is above x1.1"),
        (0.5, "median 501 ms, baseline 1 s; 20 and 20 rounds) is within x1.1"),
    ],
)
def test_message(factor: float, message: str) -> None:
    (check,) = check_latency([bar()], Timed(latency_run(NAME), times(factor), BEFORE)).checks
    assert check.message.endswith(message)


def test_message_of_noise() -> None:
    noisy = latency_of({NAME: NOISY}, run="before")
    (check,) = check_latency([bar()], Timed(latency_run(NAME), times(1.0, NOISY), noisy)).checks
    assert check.message.endswith("; 20 and 20 rounds) is not for sure within x1.1")


def test_the_figure_is_the_ratio_of_the_fewer_rounds() -> None:
    (check,) = check_latency([bar()], Timed(latency_run(NAME), times(1.0, STEADY[:15]), BEFORE)).checks
    found = check.metric
    assert (found.suite, found.name, found.cases, found.confidence) == ("latency", NAME, 15, 0.95)
    assert found.value == pytest.approx(1.0, abs=0.01)
    assert (found.low or 0) < (found.value or 0) < (found.high or 0)


def test_a_bar_without_a_ratio_holds_nothing() -> None:
    endless = bar().model_copy(update={"max_ratio": None})
    (check,) = check_latency([endless], Timed(latency_run(NAME), times(1), BEFORE)).checks
    assert (check.status, check.message) == (CheckStatus.NO_DATA, "no data: its times are no times")
    assert (check.metric.suite, check.metric.name, check.metric.value) == ("latency", NAME, None)


def test_fewer_tokens_allowed_and_written_are_told() -> None:
    model = BEFORE.model.model_copy(update={"generation": {"max_new_tokens": "64"}})
    then = BEFORE.model_copy(update={"model": model})
    message = check_latency([bar()], Timed(latency_run(NAME), times(1), then)).checks[0].message
    assert message.endswith("[at most 64 then]")
    now = times(1).model_copy(update={"model": model})
    assert (
        check_latency([bar()], Timed(latency_run(NAME), now, BEFORE)).checks[0].message.endswith("[at most none then]")
    )


def test_no_bar_is_no_remark_and_several_are_counted() -> None:
    assert check_latency([], Timed(latency_run(latency=None), None)) == Held()
    held = check_latency([bar(), bar("video")], Timed(latency_run(latency=None), None))
    assert held.remarks == ("latency: 2 bars not held: it was not asked for (--suite latency).",)


def test_only_what_was_timed_without_an_error_counts_as_timed() -> None:
    now = times(1).model_copy(update={"series": (series(NAME), series("video", error="OOM"))})
    assert Timed(latency_run(NAME), now).names == (NAME,)
    assert Timed(latency_run(NAME), None).names == ()


def test_the_device_of_bars_that_are_for_another_is_told() -> None:
    (check,) = check_latency([bar(device="AMD*")], Timed(latency_run(NAME), times(1), BEFORE)).checks
    assert check.message == f"no data: it is for 'AMD*', this is '{H100}'"


def test_a_bar_is_met_up_to_and_with_its_ratio() -> None:
    latency, then = times(1.0, NOISY), latency_of({NAME: NOISY}, run="before")
    (check,) = check_latency([bar()], Timed(latency_run(NAME), latency, then)).checks
    low, high = check.metric.low, check.metric.high
    assert low is not None
    assert high is not None
    assert statuses(latency, bar(max_ratio=high), baseline=then) == [CheckStatus.MET]
    assert statuses(latency, bar(max_ratio=low), baseline=then) == [CheckStatus.NO_EVIDENCE]


@pytest.mark.parametrize(
    ("latency", "baseline", "why"),
    [
        (None, BEFORE, "nothing was timed"),
        (times(1), latency_of({NAME: STEADY}, run="now"), "the baseline is this run itself"),
        (
            times(1).model_copy(update={"series": (series(NAME, workload="x"),)}),
            BEFORE,
            "the baseline was timed at something else (other media or another prompt): save it anew",
        ),
        (latency_of({}), BEFORE, "this run has not timed 'image_yes_no', but nothing."),
        (
            times(1),
            latency_of({"video": STEADY, "image_yesno": STEADY}, run="before"),
            "the baseline has not timed 'image_yes_no', but video, image_yesno. Did you mean 'image_yesno'?",
        ),
    ],
)
def test_why_there_is_no_data_in_full(latency: Latency | None, baseline: Latency, why: str) -> None:
    (check,) = check_latency([bar()], Timed(latency_run(NAME), latency, baseline)).checks
    assert check.message == f"no data: {why}"


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        ((60, 30), (30, 60), ""),
        ((30, 60), (30, 50), " [45 tokens written, 40 then]"),
        ((60, 60), (), ""),
        ((), (60, 60), ""),
    ],
)
def test_the_median_of_the_rounds_tells_how_many_tokens_were_written(
    now: tuple[int, ...], before: tuple[int, ...], told: str
) -> None:
    """They are known only if they are of both; and a median of a second is told as a second."""
    ours, theirs = (
        latency_of({}, run=run, series=(series(NAME, [1.0] * 20, tokens=tokens * 10),))
        for run, tokens in (("now", now), ("before", before))
    )
    (check,) = check_latency([bar()], Timed(latency_run(NAME), ours, theirs)).checks
    assert check.message == (
        "x1.000 (95 % CI 1.000-1.000; median 1 s, baseline 1 s; 20 and 20 rounds) is within x1.1" + told
    )
