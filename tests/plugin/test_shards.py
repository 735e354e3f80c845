"""`--shard K/N`, and `pytest-cosmos merge`: parts answered apart come to what the whole would have come to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.errors import CosmosError

from .conftest import RIGHT, Project, Result

MIXED = {"floors/s0-*": "No", "floors/s3-cracked": "Perhaps.", **RIGHT}


def run_shards(project: Project, count: int, *args: str) -> list[Result]:
    return [project.run("--shard", f"{number}/{count}", *args) for number in range(1, count + 1)]


def merged(project: Project, shards: list[Result] | list[Path], *args: str) -> Result:
    """Merge shards as the command line does; the text is what it prints, or the error."""
    paths = [shard.folder if isinstance(shard, Result) else shard for shard in shards]
    reports = project.path / "merged"
    words = ["merge", *map(str, paths), "--reports", str(reports), "--root", str(project.path), *args]
    result = CliRunner().invoke(app, words)
    if isinstance(result.exception, CosmosError):
        assert not reports.exists()
        return Result(4, str(result.exception), None)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return Result(result.exit_code, result.output, max((reports / "runs").iterdir()))


def without_times(run: dict[str, Any]) -> dict[str, Any]:
    for key in ("id", "command", "started", "finished", "seconds"):
        del run[key]
    return run


def metrics(result: Result) -> list[dict[str, Any]]:
    assert result.folder is not None
    found = json.loads((result.folder / "metrics.json").read_text())["metrics"]
    timing = ("latency", "cases_per_second", "tokens_per_second")
    return [metric for metric in found if not metric["name"].startswith(timing)]


MUST_PASS = {"floors/s2-cracked": "No", "floors/s5-*": "No"}


@pytest.mark.parametrize(
    ("workers", "script"),
    [
        ((), RIGHT),
        ((), {"*-cracked": "No", **RIGHT}),
        ((), {**MUST_PASS, **MIXED}),
        (("-n2",), {"floors/s1-severity": {"error": "gone"}, **MUST_PASS, **MIXED}),
    ],
    ids=["passes", "misses", "must-pass", "n2"],
)
def test_merged_is_the_plain_run(project: Project, script: dict[str, Any]) -> None:
    project.suite("floors", samples=20, extra={2: "true", 5: "true"})
    project.script(script)
    plain, shards = project.run(), run_shards(project, 3)
    whole = merged(project, shards)
    assert whole.exit_code == plain.exit_code, whole.text
    assert whole.verdicts == plain.verdicts
    assert metrics(whole) == metrics(plain)
    one, other = without_times(whole.run), without_times(plain.run)
    assert sorted(one.pop("failed_tests")) == sorted(other.pop("failed_tests"))
    assert one == other


def test_a_shard_answers_for_its_part_only(lone_project: Project) -> None:
    lone_project.script({"*": "No idea."})  # far below every bar
    lone_project.suite("floors", samples=20)
    shards = run_shards(lone_project, 3)
    assert [(shard.exit_code, shard.outcome) for shard in shards] == [(0, "no_evidence")] * 3, shards[0].text
    assert [shard.run["shard"] for shard in shards] == ["1/3", "2/3", "3/3"]
    assert "SHARD 2/3: scripted" in shards[1].text
    keys = [key for shard in shards for key in shard.verdicts]
    assert len(keys) == len(set(keys)) == 40
    for shard in shards:
        samples = {key.rpartition("-")[0] for key in shard.verdicts}
        assert len(shard.verdicts) == 2 * len(samples) == shard.run["decision"]["planned"]
    assert merged(lone_project, shards).outcome == "missed_bar"


def test_more_shards_than_samples(project: Project) -> None:
    project.suite("floors", samples=2)
    shards = run_shards(project, 4)
    assert [shard.exit_code for shard in shards] == [0] * 4, "\n".join(shard.text for shard in shards)
    assert sorted(len(shard.verdicts) if shard.run["decision"]["answered"] else 0 for shard in shards)[:2] == [0, 0]
    whole = merged(project, shards)
    assert (whole.exit_code, whole.outcome) == (0, "passed"), whole.text


def test_limit_comes_first(lone_project: Project) -> None:
    lone_project.suite("floors", samples=20)
    drawn = set(lone_project.run("--limit", "6").verdicts)
    shards = run_shards(lone_project, 2, "--limit", "6")
    assert {key for shard in shards for key in shard.verdicts} == drawn
    whole = merged(lone_project, shards)
    assert (whole.exit_code, whole.outcome) == (1, "partial")
    assert whole.run["limit"] == 6


def test_k_within_a_shard_makes_the_whole_partial_not_the_shard(lone_project: Project) -> None:
    shards = run_shards(lone_project, 2, "-k", "severity")
    assert [shard.exit_code for shard in shards] == [0, 0]
    whole = merged(lone_project, shards)
    assert (whole.exit_code, whole.outcome, len(whole.verdicts)) == (1, "partial", 8)


def test_rows_in_another_order_are_the_same_shards(lone_project: Project) -> None:
    before = [set(shard.verdicts) for shard in run_shards(lone_project, 2)]
    table = lone_project.path / "cases/floors/samples.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows)]) + "\n")
    assert [set(shard.verdicts) for shard in run_shards(lone_project, 2)] == before


def test_a_shard_that_stops_early_is_partial_and_cannot_be_merged(lone_project: Project) -> None:
    lone_project.script({"floors/*-cracked": "Perhaps.", **RIGHT})
    one, two = run_shards(lone_project, 2, "-x", "--cosmos-strict")
    assert one.exit_code == two.exit_code == 1
    stopped = merged(lone_project, [one, two])
    assert stopped.exit_code == 4
    assert "cases that it meant to ask are answered. Run this shard again." in stopped.text


def test_a_shard_whose_tests_could_not_be_collected_is_not_taken_for_an_empty_one(lone_project: Project) -> None:
    one = lone_project.run("--shard", "1/2", "--allow-partial")
    lone_project.write("benchmarks/test_broken.py", "import nowhere\n")
    two = lone_project.run("--shard", "2/2", "--allow-partial")
    assert (one.exit_code, two.exit_code) == (0, 2), two.text
    refused = merged(lone_project, [one, two])
    assert refused.exit_code == 4
    assert "did not finish" in refused.text


def test_a_failing_shard_fails_and_the_whole_with_it(lone_project: Project) -> None:
    lone_project.script({"floors/s0-cracked": {"error": "connection reset"}, **RIGHT})
    shards = run_shards(lone_project, 2)
    assert sorted(shard.exit_code for shard in shards) == [0, 1]
    whole = merged(lone_project, shards)
    assert (whole.exit_code, whole.outcome) == (1, "errors")


def test_a_merged_run_can_be_gated_and_rendered_again_and_has_its_pictures(lone_project: Project) -> None:
    shards = run_shards(lone_project, 2)
    shutil.rmtree(lone_project.path / "cases")  # a machine that only merges
    whole = merged(lone_project, shards)
    assert whole.folder is not None
    assert len(list((whole.folder / "media").iterdir())) == 8
    assert "data:image/jpeg" in (whole.folder / "index.html").read_text()
    root = ("--root", str(lone_project.path))
    assert CliRunner().invoke(app, ["gate", str(whole.folder), *root]).exit_code == 0
    assert CliRunner().invoke(app, ["report", str(whole.folder), *root]).exit_code == 0
    assert (lone_project.path / "merged/latest/run.json").is_file()


def test_what_cannot_be_merged_exits_4_and_writes_nothing(lone_project: Project) -> None:
    one, two = run_shards(lone_project, 2)
    assert one.folder is not None and two.folder is not None  # noqa: PT018
    plain = lone_project.run()
    assert "is no shard: it is a whole run" in merged(lone_project, [one, plain]).text
    assert merged(lone_project, [one]).text == "shard 2/2 is missing. Run it with --shard 2/2."
    torn = shutil.copytree(two.folder, lone_project.path / "torn")
    file = torn / "outcomes.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    assert "cases in outcomes.jsonl, but" in merged(lone_project, [one.folder, torn]).text
    lines = (two.folder / "outcomes.jsonl").read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0][:40] + "\n", *lines[1:]]))
    assert "outcomes.jsonl:1: not an outcome" in merged(lone_project, [one.folder, torn]).text
    (torn / "run.json").unlink()
    assert "it has no run.json" in merged(lone_project, [one.folder, torn]).text


def test_bars_that_changed_since_are_refused(lone_project: Project) -> None:
    shards = run_shards(lone_project, 2)
    lone_project.write("thresholds.yaml", "version: 1\nrelease:\n  floors:\n    accuracy: {at_least: 0.01}\n")
    assert "thresholds.yaml: has changed since the shards ran" in merged(lone_project, shards).text
    later = lone_project.run("--shard", "2/2")
    assert "thresholds digest differs" in merged(lone_project, [shards[0], later]).text


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/2/3", "+1/2", " 1/2", "01/2", "1/0"])
def test_what_is_no_shard_is_refused(lone_project: Project, text: str) -> None:
    result = lone_project.run(f"--shard={text}")
    assert result.exit_code == 4
    assert f"'{text}' is no shard. Write K/N with 1 <= K <= N, e.g. 2/4" in result.text
    assert result.folder is None
