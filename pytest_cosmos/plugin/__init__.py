"""pytest hooks and fixtures: they wire, they do not compute.

pytest imports this in every project where it is installed. So nothing of weight is imported here, no file is read
and no folder made until a test with our marker, or one of our options, has been seen.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.plugin.configure import cases_folder, check_settings
from pytest_cosmos.plugin.latency_asked import MARKER as LATENCY_MARKER
from pytest_cosmos.plugin.latency_asked import is_asked, remember_compared
from pytest_cosmos.plugin.options import add_options, asked_explicitly, configured_in_ini, short_aliases

if TYPE_CHECKING:
    from pytest_cosmos.plugin.latency import CosmosLatency
    from pytest_cosmos.plugin.running import CosmosAnswer
    from pytest_cosmos.plugin.session import CosmosSession
    from pytest_cosmos.records import Benchmark, Case

__all__ = ["CosmosAnswer", "CosmosLatency", "cosmos_answer", "cosmos_benchmark", "cosmos_case", "cosmos_latency"]


def __getattr__(name: str) -> Any:
    if name == "CosmosAnswer":  # for annotations in tests, without importing pydantic for everybody
        from pytest_cosmos.plugin.running import CosmosAnswer

        return CosmosAnswer
    if name == "CosmosLatency":
        from pytest_cosmos.plugin.latency import CosmosLatency

        return CosmosLatency
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Add the short options after the conftests had their say."""
    with short_aliases(early_config, parser, args):
        yield


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; a run with one of our options must answer for something, whatever is collected."""
    config.addinivalue_line(
        "markers",
        "cosmos(suite): ask the model every case of a suite; without a suite, of every suite that no test names",
    )
    config.addinivalue_line(
        "markers",
        "cosmos_latency(case, measure, name): time one case; without arguments, the usual benchmarks of latency",
    )
    if asked_explicitly(config):
        _session(config)
    elif configured_in_ini(config):
        check_settings(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Look for the weights before xdist starts its workers."""
    if (ours := _existing(session.config)) is not None:
        ours.before_workers()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Turn a marked test into one item per case."""
    marker = metafunc.definition.get_closest_marker("cosmos")
    if marker is not None:
        _session(metafunc.config).parametrize(metafunc, marker)
    timed = metafunc.definition.get_closest_marker(LATENCY_MARKER)
    if timed is not None and is_asked(metafunc.config, metafunc.definition.path):
        _session(metafunc.config).parametrize_latency(metafunc, timed)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Leave out our tests without a case before pytest counts what it has collected."""
    report = yield
    if (ours := _existing(collector.config)) is not None:
        ours.leave_out_empty(report)
    report.result = [node for node in report.result if not _is_unasked(node)]
    return report


@pytest.fixture
def cosmos_case(request: pytest.FixtureRequest) -> Case:
    """Return the case that this item asks: sample, prompt and expected answer."""
    if not hasattr(request, "param"):
        pytest.fail('cosmos_answer needs the marker @pytest.mark.cosmos(suite="NAME") on its test.', pytrace=False)
    case: Case = request.param
    return case


@pytest.fixture
def cosmos_answer(request: pytest.FixtureRequest, cosmos_case: Case) -> CosmosAnswer:
    """Return the model's answer to this item's case, judged."""
    return _session(request.config).runner.answer(request.node, cosmos_case)


@pytest.fixture
def cosmos_benchmark(request: pytest.FixtureRequest) -> Benchmark:
    """Return what this item times: a measure of a case."""
    if not hasattr(request, "param"):
        pytest.fail("cosmos_latency needs the marker @pytest.mark.cosmos_latency on its test.", pytrace=False)
    benchmark: Benchmark = request.param
    return benchmark


@pytest.fixture
def cosmos_latency(request: pytest.FixtureRequest, cosmos_benchmark: Benchmark, benchmark: Any) -> CosmosLatency:
    """Return how long this item's benchmark took, round by round; pytest-benchmark is told too."""
    return _session(request.config).time(request.node, benchmark)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Say on what latency was measured."""
    ours = _existing(config)
    if ours is not None and (ours_of_latency := ours.latency.machine_info()) is not None:
        machine_info["cosmos"] = ours_of_latency


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_compare_machine_info(
    config: pytest.Config, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Keep what is said there of our machine."""
    remember_compared(config, machine_info, compared_benchmark)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Stop on bad input before a model is loaded; drop what `--suite` leaves out."""
    if (ours := _existing(config)) is not None:
        ours.selected(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[Any]:
    """Set the plan going before the first test."""
    if (ours := _existing(session.config)) is not None:
        ours.start(session)
    result = yield
    if ours is not None:
        ours.ask_again()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a wrong answer its own verdict, and attach the outcome to the report."""
    ours = _existing(item.config)
    if ours is not None:
        ours.spare_traceback(item, call)
    report = yield
    if ours is not None:
        ours.judge_report(item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Show wrong and unparsed answers as what they are."""
    if not hasattr(report, "wasxfail") or not report.skipped:
        return None
    verdict = next((value for name, value in report.user_properties if name == "cosmos_verdict"), None)
    if verdict == "wrong":
        return "wrong", "w", ("WRONG", {"yellow": True})
    if verdict == "unparsed":
        return "unparsed", "u", ("UNPARSED", {"yellow": True})
    return None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Decide, and let the exit status say so."""
    if (ours := _existing(session.config)) is not None:
        ours.finish(session)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None]:
    """Print what the run came to."""
    ours = _existing(config)
    if ours is None:
        return (yield)
    ours.print_summary(terminalreporter)
    if ours.latency.result is None:
        return (yield)
    with ours.latency.regressions_told(config.pluginmanager.get_plugin("session"), terminalreporter):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Listen to the workers, and send them whole batches under `--dist load`."""
    if not cases_folder(config).is_dir():
        return None
    settings = _session(config).settings
    if config.getoption("dist") != "load":
        return None
    from pytest_cosmos.plugin.distribution import BatchScheduling

    return BatchScheduling(config, log, settings)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what it cannot know."""
    if (ours := _existing(node.config)) is not None:
        ours.greet_worker(node)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take in what a worker says of itself."""
    if "cosmos" in getattr(node, "workeroutput", {}) or _existing(node.config) is not None:
        _session(node.config).miss_worker(node)


def _is_unasked(node: object) -> bool:
    """Tell whether an item is a benchmark of latency in a run that was not asked for it."""
    if not isinstance(node, pytest.Item) or node.get_closest_marker(LATENCY_MARKER) is None:
        return False
    return not is_asked(node.config, node.path)


def _session(config: pytest.Config) -> CosmosSession:
    """Return our state of this pytest session, made at first sight of one of our tests or options."""
    from pytest_cosmos.plugin.session import SESSION, make_session

    ours = config.stash.get(SESSION, None)
    return ours if ours is not None else make_session(config)


def _existing(config: pytest.Config) -> CosmosSession | None:
    """Return our state if there is any; never makes it."""
    module = sys.modules.get("pytest_cosmos.plugin.session")
    return config.stash.get(module.SESSION, None) if module is not None else None
