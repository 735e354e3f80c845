"""`--cosmos-repeats` and `--cosmos-check-determinism`: how far to trust an answer, beside the answer that counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.endpoint_server import Answer, Body, running, says, text_of

from .conftest import RIGHT, Project, Result
from .test_shards import merged, run_shards

WAVERING = {
    "floors/s0-cracked": {"raw": "Yes", "repeats": ["Yes", "No", "Yes", "No"], "confidence": 0.6},
    "floors/s1-cracked": {"raw": "No", "repeats": ["No", "No", "No", {"error": "gone"}]},
    "floors/s2-severity": {"raw": "4", "repeats": ["1"]},
    **RIGHT,
}


def repeats(result: Result) -> list[dict[str, Any]]:
    assert result.folder is not None
    return [json.loads(line) for line in (result.folder / "repeats.jsonl").read_text().splitlines()]


def summary(result: Result) -> dict[str, Any]:
    assert result.folder is not None
    found: dict[str, Any] = json.loads((result.folder / "metrics.json").read_text())
    return found


def stability(result: Result) -> dict[str, Any]:
    (found,) = summary(result)["stability"]
    figures = {metric["name"]: metric["value"] for metric in found["metrics"] if not metric["slice"]}
    return {**found, **figures}


def test_repeats_are_asked_kept_and_measured_and_gate_nothing(project: Project) -> None:
    project.script(WAVERING)
    result = project.run("--cosmos-repeats", "4")
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text
    lines = repeats(result)
    assert len(lines) == 4 * 16
    assert len({(line["case_key"], line["number"]) for line in lines}) == 4 * 16
    assert len({line["seed"] for line in lines}) == 4
    found = stability(result)
    assert (found["repeats"], found["lost"]) == (4, 1)
    assert found["flip_rate"] == pytest.approx(1 / 16)
    assert found["flip_from_greedy_rate"] == pytest.approx(2 / 16)
    assert found["answer_agreement"] == pytest.approx(15.5 / 16)
    assert found["answer_entropy"] == pytest.approx(1 / 16)
    assert found["accuracies"] == pytest.approx([15 / 16, 14 / 16, 15 / 16, 13 / 15])
    assert [one["case"] for one in found["unstable"]] == ["floors/s0-cracked"]
    assert found["unstable"][0]["answers"] == {"No": 2, "Yes": 2}
    assert result.run["repeats"] == 4
    assert set(result.verdicts.values()) == {"correct"}
    assert "4 repeats" in result.text
    assert "1 of 64 repeats got no reply" in result.text
    assert (result.folder / "index.html").read_text().count("s0-cracked") > 1  # type: ignore[operator]


def test_every_seed_starts_from_that_of_the_run(lone_project: Project) -> None:
    def seeds(*args: str) -> list[int]:
        return sorted({line["seed"] for line in repeats(lone_project.run("--cosmos-repeats", *args))})

    two, four = seeds("2"), seeds("4")
    assert set(two) < set(four)
    assert not set(two) & set(seeds("2", "--cosmos-seed", "1"))
    assert two == seeds("2")


def test_repeats_that_could_not_be_asked_are_errors_not_gone(project: Project) -> None:
    project.script({"floors/s3-*": {"expected": True, "repeats": [{"crash": "out of luck"}]}, **RIGHT})
    result = project.run("--cosmos-repeats", "2")
    assert result.exit_code == 0, result.text
    lines = repeats(result)
    assert len(lines) == 32
    lost = [line for line in lines if line["judgement"]["verdict"] == "error"]
    assert stability(result)["lost"] == len(lost) >= 4
    assert any("out of luck" in line["reply"]["error"] for line in lost)


def test_gate_and_report_find_the_repeats_again(lone_project: Project) -> None:
    from typer.testing import CliRunner

    from pytest_cosmos.cli import app

    lone_project.script(WAVERING)
    result = lone_project.run("--cosmos-repeats", "3", "--cosmos-check-determinism")
    before = summary(result)
    for command in ("gate", "report"):
        told = CliRunner().invoke(app, [command, str(result.folder), "--root", str(lone_project.path)])
        assert told.exit_code == 0, told.output
        after = summary(result)
        assert (after["stability"], after["determinism"]) == (before["stability"], before["determinism"])
    assert result.folder is not None
    lines = (result.folder / "repeats.jsonl").read_text().splitlines()
    (result.folder / "repeats.jsonl").write_text("\n".join([*lines[1:], ""]))
    told = CliRunner().invoke(app, ["gate", str(result.folder), "--root", str(lone_project.path)])
    assert told.exit_code == 0
    assert summary(result) != before  # what was taken out is missed


def test_merged_repeats_are_those_of_the_plain_run(lone_project: Project) -> None:
    lone_project.suite("floors", samples=20)
    lone_project.script(WAVERING)
    asked = ("--cosmos-repeats", "2", "--cosmos-check-determinism")
    plain, shards = lone_project.run(*asked), run_shards(lone_project, 3, *asked)
    whole = merged(lone_project, shards)
    assert whole.exit_code == plain.exit_code, whole.text
    assert summary(whole)["stability"] == summary(plain)["stability"]
    assert summary(whole)["determinism"]["cases"] >= summary(plain)["determinism"]["cases"]


def test_shards_with_and_without_repeats_are_not_merged(lone_project: Project) -> None:
    first = lone_project.run("--shard", "1/2", "--cosmos-repeats", "2")
    different = merged(lone_project, [first, lone_project.run("--shard", "2/2")])
    assert different.exit_code == 4
    assert "repeats differs: 2 in" in different.text


def test_a_batch_that_changes_answers_is_a_warning(project: Project) -> None:
    said = {"raw": "<think>Yes.</think>Yes", "alone": {"raw": "<think>No.</think>No", "confidence": 0.5}}
    project.script({"floors/s0-cracked": {**said, "confidence": 0.9}, **RIGHT})
    result = project.run("--cosmos-check-determinism")
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text
    found = summary(result)["determinism"]
    assert (found["cases"], found["texts"], found["answers"], found["lost"]) == (16, 1, 1, 0)
    assert found["confidence"] == pytest.approx(0.4)
    assert (found["accuracy_batched"], found["accuracy_alone"]) == (1.0, pytest.approx(15 / 16))
    assert found["changed"] == ["floors/s0-cracked"]
    assert "16 cases asked again alone: 1 answer differs" in result.text
    assert result.folder is not None
    assert "asked again alone" in (result.folder / "index.html").read_text()


def test_a_sample_of_every_prompt_is_drawn(lone_project: Project) -> None:
    lone_project.suite("floors", samples=40)
    found = [lone_project.run("--cosmos-check-determinism", *args) for args in ((), ("-n2",))]
    drawn = [{line["case_key"] for line in repeats(result)} for result in found]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 24
    assert sum(key.endswith("cracked") for key in drawn[0]) == 12


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--cosmos-repeats", "1"), "'1' must be a whole number of at least 2: one repeat shows nothing"),
        (("--cosmos-check-determinism", "--cosmos-sampling", "published"), "draws the words anew each time"),
        (("--cosmos-check-determinism", "--cosmos-replay-only"), "--cosmos-replay-only asks nothing"),
    ],
)
def test_what_could_show_nothing_is_refused(lone_project: Project, arguments: tuple[str, ...], problem: str) -> None:
    engine = () if "published" in arguments or "--cosmos-replay-only" in arguments else ("--engine", "scripted")
    result = lone_project.run(*arguments, engine=engine)
    assert result.exit_code == 4
    assert problem in result.text
    assert not lone_project.folders()


def test_what_is_stopped_early_says_so(lone_project: Project) -> None:
    lone_project.script({"floors/s0-cracked": "No", **RIGHT})
    result = lone_project.run("--cosmos-repeats", "2", "--cosmos-strict", "-x")
    assert result.exit_code == 1
    assert {line["judgement"]["verdict"] for line in repeats(result)} == {"error"}


def test_a_server_is_asked_again_with_seeds_and_one_at_a_time(lone_project: Project) -> None:
    at_once: list[int] = []

    def wavering(body: Body, number: int) -> Answer:
        at_once.append(server.at_once)
        yes = "cracked" in text_of(body) and body["seed"] % 2 == 0
        return Answer(body=says("Yes" if yes else "4").body, seconds=0.01)

    with running(wavering) as server:
        asked = ("--cosmos-no-gate", "--cosmos-repeats", "2", "--cosmos-check-determinism")
        result = lone_project.run(*asked, engine=("--engine", "endpoint", "--endpoint", server.url))
    assert result.exit_code == 0, result.text
    assert len(server.requests) == 4 * 16
    seeds = {line["seed"] for line in repeats(result) if line["manner"] == "sampled"}
    assert {body["seed"] for body in server.requests} == {0, *seeds}
    assert {(body["temperature"], body["seed"] in seeds) for body in server.requests} == {(0.0, False), (0.6, True)}
    alone = [count for count, body in zip(at_once, server.requests, strict=True) if not body["temperature"]][16:]
    assert set(alone) == {1}
    found = summary(result)["determinism"]
    assert (found["cases"], found["answers"]) == (16, 0)
    assert "were in no batch" not in result.text
