"""What pytest is told of an answer: the verdict of its test, and the outcome that travels with the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.gate import waived_until, waiver_of
from pytest_cosmos.pipeline import current_day
from pytest_cosmos.plugin.running import EARLIER, OUTCOME, explain, fails_outright, why_outright
from pytest_cosmos.records import Outcome, Verdict, Waiver

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

PROPERTY = "cosmos"
"""Name of the user property that carries an outcome from worker to controller."""

OUTRIGHT = "cosmos_must_pass"
"""Name of the user property of a test that failed only because its sample must pass: the key of its case."""

FAILURES = (AssertionError, pytest.fail.Exception)
"""How a test body says that it does not accept an answer."""


def spare_traceback(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Let a wrong answer explain itself: pytest's traceback takes longer than all the rest of its test.

    The test's body is not to blame, and nothing would show it.
    """
    outcome = item.stash.get(OUTCOME, None)
    if outcome is None or call.when != "call" or outcome.judgement.verdict is Verdict.CORRECT:
        return
    if call.excinfo is not None and call.excinfo.errisinstance(FAILURES):
        item.repr_failure = lambda *_, **__: explain(outcome)  # type: ignore[method-assign]


def judge_report(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    settings: Settings,
    waivers: tuple[Waiver, ...],
) -> None:
    """Turn the report of a wrong or unparsed case into that verdict, and attach the outcome once."""
    outcome = item.stash.get(OUTCOME, None)
    if outcome is None or report.when == "teardown" or (report.when == "setup" and report.passed):
        return
    told = [one.model_dump(mode="json") if one else None for one in (*item.stash.get(EARLIER, []), outcome)]
    report.user_properties.append((PROPERTY, told))
    item.user_properties.extend(shown_properties(outcome))  # JUnit reads those of the teardown
    verdict = outcome.judgement.verdict
    refused = call.excinfo is None or report.skipped or call.excinfo.errisinstance(FAILURES)
    if report.when == "setup" or verdict is Verdict.CORRECT or not refused:
        return  # a fixture or a body that is broken: an ordinary failure
    key, today = outcome.case.key, current_day()
    waiver = waiver_of(key, waivers) if outcome.case.sample.must_pass else None
    if verdict is Verdict.ERROR or fails_outright(outcome, settings, waiver, today):
        report.outcome = "failed"
        report.longrepr = f"{key} ({why_outright(outcome, waiver, today)}): {explain(outcome)}"
        if verdict is not Verdict.ERROR and not settings.strict:
            report.user_properties.append((OUTRIGHT, key))
    else:
        report.outcome = "skipped"
        report.wasxfail = explain(outcome) + (f"; {waived_until(waiver)}" if waiver is not None else "")


def take_outcomes(report: pytest.TestReport) -> list[Outcome | None]:
    """Take the outcomes out of a report, the candidate's last; what others should show of that one stays."""
    data: Any = next((value for name, value in report.user_properties if name == PROPERTY), None)
    if data is None:
        return [None]
    outcomes = [Outcome.model_validate(one) if one is not None else None for one in data]
    report.user_properties = [pair for pair in report.user_properties if pair[0] != PROPERTY]
    if outcomes[-1] is not None:
        report.user_properties += shown_properties(outcomes[-1])
    return outcomes


def shown_properties(outcome: Outcome) -> list[tuple[str, object]]:
    """Return what JUnit and other plugins should show of an outcome."""
    shown = {
        "cosmos_verdict": outcome.judgement.verdict.value,
        "cosmos_expected": outcome.case.expected,
        "cosmos_answer": outcome.judgement.answer,
        "cosmos_confidence": outcome.reply.confidence,
        "cosmos_category": outcome.case.sample.category,
    }
    return [(name, value) for name, value in shown.items() if value not in (None, "")]


def is_lost(report: pytest.TestReport) -> bool:
    """Tell whether xdist made this report for a worker that died."""
    return report.when == "???"  # type: ignore[comparison-overlap]


def remember_failed(config: pytest.Config, nodeid: str) -> None:
    """Let `--lf` and `--ff` treat a wrong case as a failed one."""
    cache: Any = config.pluginmanager.get_plugin("lfplugin")
    if cache is not None:
        cache.lastfailed[nodeid] = True
