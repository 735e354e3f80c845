"""Latency through pytest: measured when asked for and then alone, told to pytest-benchmark, held against a baseline.

No test rests on real times: the scripted engine takes those that its script states, which lie far apart.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app

from .conftest import Project, Result

TEST = """
import hypothesis._native  # noqa: F401  (as in conftest.py: can be loaded once per process)
import pytest

@pytest.mark.cosmos_latency
def test_latency(cosmos_latency):
    assert cosmos_latency.seconds
"""

ONE = """
import hypothesis._native  # noqa: F401
import pytest

@pytest.mark.cosmos_latency(case="floors/s0-cracked", name="my_floor")
def test_mine(cosmos_latency):
    assert cosmos_latency.median >= 0.01
    assert cosmos_latency.series.name == cosmos_latency.benchmark.name == "my_floor"
"""

FAST, SLOW = 0.005, 0.1
FILE = "benchmarks/test_latency.py"
NAMES = [f"{media}_{kind}" for media in ("image", "video") for kind in ("yes_no", "rating", "choice")]


def script(project: Project, seconds: float, **particular: dict[str, Any]) -> None:
    project.script({**particular, "latency/*": {"expected": True, "seconds": seconds}, "*": {"expected": True}})


@pytest.fixture
def timed(lone_project: Project) -> Project:
    lone_project.write(FILE, TEST)
    script(lone_project, FAST)
    return lone_project


def latency(result: Result, name: str = "latency.json") -> dict[str, Any]:
    assert result.folder is not None
    data: dict[str, Any] = json.loads((result.folder / name).read_text())
    return data


def bars(project: Project, **latency_bars: dict[str, Any]) -> None:
    release = {"floors": {"accuracy": {"at_least": 0.75}}}
    sections: dict[str, Any] = {"version": 1, "release": release}
    project.write("thresholds.yaml", json.dumps({**sections, **({"latency": latency_bars} if latency_bars else {})}))


def gate_against(before: Result, after: Result, root: Path) -> tuple[int, str]:
    """Hold a run against another as its baseline, without a model; return exit code and what was printed."""
    arguments = ["gate", str(after.folder), "--root", str(root), "--baseline", str(before.folder)]
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, " ".join(result.output.split())


def test_a_run_of_the_folder_neither_measures_nor_mentions_latency(timed: Project) -> None:
    result = timed.run("-v")
    assert result.exit_code == 0, result.text
    assert result.outcome == "passed"
    assert "benchmarks/test_latency.py" not in result.text
    assert "deselected" not in result.text
    assert "latency" not in result.text.partition("checks")[2]
    assert not (result.folder / "latency.json").exists()  # type: ignore[operator]


def test_a_run_of_another_suite_does_not_measure_latency(timed: Project) -> None:
    result = timed.run("--suite", "floors", FILE, "benchmarks/test_floors.py")
    assert result.exit_code == 0, result.text
    assert result.run["latency"] is None


@pytest.mark.parametrize("asked", [("--suite", "latency"), (FILE,)])
def test_it_is_measured_when_asked_for(timed: Project, asked: tuple[str, ...]) -> None:
    result = timed.run(*asked, "--cosmos-latency-rounds", "3")
    assert result.exit_code == 0, result.text
    assert result.outcome == "no_evidence"
    assert result.run["latency"] == NAMES
    assert not (result.folder / "outcomes.jsonl").exists() or not result.verdicts  # type: ignore[operator]
    measured = latency(result)
    assert [series["name"] for series in measured["series"]] == NAMES
    assert measured["run"] == result.run["id"]
    assert measured["device"] == "scripted"
    for series in measured["series"]:
        assert len(series["seconds"]) == 3
        assert all(seconds >= FAST for seconds in series["seconds"])
    assert "held against no bar" in result.text
    assert "test_latency[image_yes_no]" in result.text


def test_what_an_engine_cannot_be_timed_at_is_skipped_with_the_reason(timed: Project) -> None:
    result = timed.run(FILE, "--cosmos-latency-rounds", "2", "-rs")
    assert "not available: first_token of the scripted engine" in result.text
    assert "6 passed, 7 skipped" in result.text


def test_benchmarks_take_turns(timed: Project) -> None:
    result = timed.run(FILE, "--cosmos-latency-rounds", "4")
    turns = sorted((at, s["name"]) for s in latency(result)["series"] for at in s["started"])
    rounds = [[name for _, name in turns[start : start + 6]] for start in range(0, 24, 6)]
    assert all(sorted(names) == sorted(NAMES) for names in rounds)
    assert len({tuple(names) for names in rounds}) > 1, "the order within a round is drawn anew"


def test_latency_comes_after_the_plan_has_been_answered(timed: Project) -> None:
    timed.script({"latency/*": {"expected": True}, "*": {"expected": True, "seconds": 0.02}})
    result = timed.run("--suite", "floors", "--suite", "latency", "--cosmos-latency-rounds", "2", "-v")
    assert result.exit_code == 0, result.text
    assert result.outcome == "passed"
    assert result.run["decision"]["answered"] == 16 + 6
    first, last = result.text.index("test_latency["), result.text.rindex("test_floors[")
    assert last < first
    newest = max(json.loads(line)["reply"]["timestamp"] for line in lines(result))
    assert latency(result)["measured"] >= newest[:19]


def lines(result: Result) -> list[str]:
    assert result.folder is not None
    return (result.folder / "outcomes.jsonl").read_text().splitlines()


def test_an_order_turned_round_does_not_measure_beside_the_plan(timed: Project) -> None:
    timed.write(
        "conftest.py",
        """
        import pytest
        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(items):
            items.reverse()
        """,
    )
    timed.script({"latency/*": {"expected": True}, "*": {"expected": True, "seconds": 0.02}})
    result = timed.run("--suite", "floors", "--suite", "latency", "--cosmos-latency-rounds", "2")
    assert result.exit_code == 0, result.text
    assert set(result.verdicts.values()) == {"correct"}
    newest = max(json.loads(line)["reply"]["timestamp"] for line in lines(result))
    assert latency(result)["measured"] >= newest[:19]


def test_workers_are_refused(timed: Project) -> None:
    for asked in (("--suite", "latency"), (FILE,)):
        result = timed.run(*asked, "-n2")
        assert result.exit_code == 4, result.text
        assert "latency is measured by one process alone" in result.text
        assert "Traceback" not in result.text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--shard", "1/2"), "--shard: latency is not measured in parts"),
        (("--limit", "3", "--suite", "latencey"), "there is no such suite"),
    ],
)
def test_what_does_not_go_with_latency_stops_the_run(timed: Project, arguments: tuple[str, ...], why: str) -> None:
    result = timed.run("--suite", "latency", *arguments)
    assert result.exit_code == 4, result.text
    assert why in result.text


def test_a_suite_may_not_be_called_latency(timed: Project) -> None:
    timed.suite("latency")
    result = timed.run("--suite", "latency")
    assert result.exit_code == 4
    assert "a suite cannot be named latency" in result.text


def test_no_benchmark_collected_fails(timed: Project) -> None:
    (timed.path / FILE).unlink()
    result = timed.run("--suite", "latency", "--benchmark-only")
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text
    assert "no benchmark was collected" in result.text


def test_all_benchmarks_deselected_fails(timed: Project) -> None:
    result = timed.run("--suite", "latency", "-k", "nothing_of_this_name")
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text


def test_benchmarks_skipped_fail(timed: Project) -> None:
    result = timed.run("--suite", "latency", "--benchmark-skip")
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text


def test_some_benchmarks_are_a_partial_run(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 2})
    result = timed.run("--suite", "latency", "-k", "image", "--cosmos-latency-rounds", "2")
    assert (result.exit_code, result.outcome) == (1, "partial"), result.text
    assert "3 of 6 benchmarks timed" in " ".join(result.text.split())


def test_a_benchmark_without_a_reply_fails_its_test_and_the_run(timed: Project) -> None:
    script(timed, 0.0, **{"latency/video-rating": {"error": "out of memory"}})
    result = timed.run(FILE, "--cosmos-latency-rounds", "2")
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "video_rating" in result.text
    assert "out of memory" in result.text
    assert "5 passed, 7 skipped, 1 error" in result.text


def test_bars_are_held_by_a_run_asked_for_latency_only(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3})
    asked, not_asked = timed.run("--suite", "latency", "--cosmos-latency-rounds", "10"), timed.run()
    assert (asked.exit_code, asked.outcome) == (1, "no_data")
    assert "there is no baseline" in " ".join(asked.text.split())
    assert (not_asked.exit_code, not_asked.outcome) == (0, "passed")
    assert "1 bar not held: it was not asked for" in " ".join(not_asked.text.split())


def test_a_slowdown_is_caught_and_the_same_again_is_not(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3})
    before, again = (timed.run(FILE, "--cosmos-latency-rounds", "12") for _ in range(2))
    script(timed, FAST, **{"latency/image-yes_no": {"expected": True, "seconds": SLOW}})
    slower = timed.run(FILE, "--cosmos-latency-rounds", "12")
    code, text = gate_against(before, slower, timed.path)
    assert code == 1
    assert "FAILED" in text
    assert "above x3" in text
    code, text = gate_against(before, again, timed.path)
    assert "FAILED" not in text, "the same times again are no slowdown"
    assert "within x3" in text


def test_a_slowdown_against_a_saved_baseline(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3})
    asked = ("--suite", "latency", "--cosmos-latency-rounds", "12")
    before = timed.run(*asked, "--baseline", "none")
    assert (before.exit_code, before.outcome) == (0, "no_evidence"), before.text
    assert "1 bar left out: --baseline none" in " ".join(before.text.split())
    saved = CliRunner().invoke(app, ["baseline", "save", str(before.folder), "before", "--root", str(timed.path)])
    assert saved.exit_code == 0, saved.output
    again = timed.run(*asked, "--baseline", "before")
    assert again.outcome != "missed_bar", again.text
    assert "within x3" in " ".join(again.text.split())
    assert again.run["baseline"] == "baselines/before"
    script(timed, FAST, **{"latency/image-yes_no": {"expected": True, "seconds": SLOW}})
    slower = timed.run(*asked, "--baseline", "before")
    assert (slower.exit_code, slower.outcome) == (1, "missed_bar"), slower.text
    redone = CliRunner().invoke(app, ["gate", str(slower.folder), "--root", str(timed.path)])
    assert redone.exit_code == 1
    assert "above x3" in " ".join(redone.output.split())


def test_a_baseline_that_was_not_timed_is_no_data(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3})
    before = timed.run()
    result = timed.run("--suite", "latency", "--cosmos-latency-rounds", "10", "--baseline", str(before.folder))
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text
    assert "was not asked for latency" in " ".join(result.text.split())


def test_suites_and_latency_against_one_baseline(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3})
    asked = ("--suite", "floors", "--suite", "latency", "--cosmos-latency-rounds", "12")
    before = timed.run(*asked, "--baseline", "none")
    assert before.exit_code == 0, before.text
    script(timed, FAST, **{"latency/image-yes_no": {"expected": True, "seconds": SLOW}})
    slower = timed.run(*asked, "--baseline", str(before.folder))
    assert (slower.exit_code, slower.outcome) == (1, "missed_bar"), slower.text


def test_times_of_another_device_are_no_data(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3})
    before, after = (timed.run(FILE, "--cosmos-latency-rounds", "10") for _ in range(2))
    assert before.folder is not None
    (before.folder / "latency.json").write_text(json.dumps({**latency(before), "device": "NVIDIA A100"}))
    code, text = gate_against(before, after, timed.path)
    assert code == 1
    assert "the baseline was timed on 'NVIDIA A100', this run on 'scripted'" in text


def test_bars_all_for_other_devices_are_no_data(timed: Project) -> None:
    bars(timed, image_yes_no={"max_ratio": 3, "where": "NVIDIA*"})
    result = timed.run(FILE, "--cosmos-latency-rounds", "10")
    assert (result.exit_code, result.outcome) == (1, "no_data")
    assert "it is for 'NVIDIA*', this is 'scripted'" in " ".join(result.text.split())


def test_pytest_benchmark_saves_and_compares(timed: Project) -> None:
    few = (FILE, "--cosmos-latency-rounds", "5")
    assert timed.run(*few, "--benchmark-save=before").exit_code == 0
    saved = json.loads(next((timed.path / ".benchmarks").rglob("*_before.json")).read_text())
    assert saved["machine_info"]["cosmos"]["device"] == "scripted"
    assert saved["machine_info"]["cosmos"]["versions"]["pytest-cosmos"]
    assert {b["name"] for b in saved["benchmarks"]} == {f"test_latency[{name}]" for name in NAMES}
    for one in saved["benchmarks"]:
        assert one["stats"]["rounds"] == 5
        assert one["stats"]["median"] >= FAST
        assert one["extra_info"]["measure"] == "answer"
    compare = ("--benchmark-compare", "--benchmark-compare-fail=median:300%")
    again = timed.run(*few, *compare)
    assert again.exit_code == 0, again.text
    script(timed, SLOW)
    slower = timed.run(*few, *compare)
    assert slower.exit_code == 1
    assert "Traceback" not in slower.text
    assert "Performance has regressed" in slower.text


def test_what_pytest_benchmark_saved_on_another_device_is_refused(timed: Project) -> None:
    few = (FILE, "--cosmos-latency-rounds", "2")
    timed.run(*few, "--benchmark-save=before")
    file = next((timed.path / ".benchmarks").rglob("*_before.json"))
    saved = json.loads(file.read_text())
    saved["machine_info"]["cosmos"]["device"] = "NVIDIA A100"
    file.write_text(json.dumps(saved))
    result = timed.run(*few, "--benchmark-compare")
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "were taken on 'NVIDIA A100', these would be on 'scripted'" in result.text
    del saved["machine_info"]["cosmos"]
    file.write_text(json.dumps(saved))
    nobody_knows = timed.run(*few, "--benchmark-compare", "-W", "default")
    assert "nobody knows on what" in nobody_knows.text


def test_a_benchmark_of_ones_own(lone_project: Project) -> None:
    lone_project.write("benchmarks/test_mine.py", ONE)
    lone_project.script({"*": {"expected": True, "seconds": 0.01}})
    result = lone_project.run("benchmarks/test_mine.py", "--cosmos-latency-rounds", "2")
    assert result.exit_code == 0, result.text
    assert [series["name"] for series in latency(result)["series"]] == ["my_floor"]


@pytest.mark.parametrize(
    ("marker", "why"),
    [
        ('case="floors/s0-craked"', "Did you mean 'floors/s0-cracked'?"),
        ('case="flors/s0-cracked"', "there is no suite 'flors'"),
        ('case="floors/s0-cracked", measure="anser"', "Did you mean 'answer'?"),
        ('sample="s0"', "unknown 'sample'"),
        ('measure="answer"', "name a case"),
        ('measure="load", case="floors/s0-cracked"', "loading is of no case"),
        ('"floors"', "write @pytest.mark.cosmos_latency("),
    ],
)
def test_a_marker_that_says_nonsense(lone_project: Project, marker: str, why: str) -> None:
    lone_project.write("benchmarks/test_mine.py", ONE.replace('case="floors/s0-cracked", name="my_floor"', marker))
    result = lone_project.run("benchmarks/test_mine.py")
    assert result.exit_code == 4, result.text
    assert why in result.text


def test_nothing_goes_through_the_reply_store(timed: Project) -> None:
    timed.run(FILE, "--cosmos-latency-rounds", "2")
    assert not (timed.path / "reports" / "store").exists()


def test_pytest_benchmark_of_others_is_left_alone(timed: Project) -> None:
    """A benchmark that is not ours, saved and compared in a project that has this plugin."""
    timed.write("benchmarks/test_other.py", "def test_other(benchmark):\n    benchmark(lambda: 1)\n")
    alone = ("benchmarks/test_other.py", "--benchmark-max-time=0.01")
    first = timed.run(*alone, "--benchmark-save=other", engine=())
    assert first.exit_code == 0, first.text
    assert first.folder is None
    saved = json.loads(next((timed.path / ".benchmarks").rglob("*_other.json")).read_text())
    assert "cosmos" not in saved["machine_info"]


def test_the_embedded_model_is_timed_at_everything(timed: Project) -> None:
    result = timed.run(FILE, "--cosmos-latency-rounds", "1", engine=())
    assert (result.exit_code, result.outcome) == (0, "no_evidence"), result.text
    measured = latency(result)
    found = {series["name"]: series for series in measured["series"]}
    assert len(found) == 13
    assert measured["device"].startswith("cpu ")
    assert measured["model"]["fingerprint"]
    assert result.run["model"]["dtype"] == "float32"
    for series in found.values():
        assert series["error"] == ""
        assert len(series["seconds"]) == 1
        assert series["memory"] > 50_000_000
    assert found["image_first_token"]["tokens"] == [1]
    assert found["image_yes_no"]["tokens"][0] > 1
    assert not (timed.path / "reports" / "store").exists()
