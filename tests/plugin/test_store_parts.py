"""The reply store where a run is one of several parts (stopped by its time budget, or a shard), or its server is gone.

Asked is a server that counts: what it was asked twice was stored in vain.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.endpoint_server import MODEL, Answer, Body, Server, lists, running, says, text_of

from .conftest import Project, Result
from .test_shards import merged

SAMPLES = 12
CASES = 2 * SAMPLES
BARS = "version: 1\nrelease:\n  floors:\n    parse_rate: {at_least: 0.9}\n"


def answer(body: Body, number: int) -> Answer:
    return says("Yes" if "cracked" in text_of(body) else "4")


@pytest.fixture
def server() -> Iterator[Server]:
    with running(answer) as server:
        yield server


def run(project: Project, server: Server, *args: str) -> tuple[Result, int]:
    """Run, and count the requests that it made."""
    before = len(server.requests)
    result = project.run(*args, engine=("--endpoint", server.url))
    return result, len(server.requests) - before


def asked_twice(server: Server) -> int:
    asked = [json.dumps(body["messages"]) for body in server.requests]
    return len(asked) - len(set(asked))


@pytest.fixture
def floors(project: Project) -> Project:
    return prepared(project)


def prepared(project: Project) -> Project:
    project.suite("floors", samples=SAMPLES)
    project.write("thresholds.yaml", BARS)
    return project


def test_a_run_stopped_by_its_budget_is_resumed_and_asks_only_what_is_missing(
    pytester: pytest.Pytester, workers: tuple[str, ...], server: Server
) -> None:
    floors = prepared(Project(pytester, ()))
    server.answer = lambda body, number: answer(body, number) if number < 10 else Answer(hang=True)
    stopped, _ = run(floors, server, "--cosmos-time-budget", "5s")
    assert (stopped.exit_code, stopped.outcome) == (1, "partial"), stopped.text
    answered = len(stopped.verdicts)
    assert answered == 10

    server.answer = answer
    floors.workers = workers
    resumed, asked = run(floors, server)
    assert (resumed.exit_code, resumed.outcome) == (0, "passed"), resumed.text
    assert asked == CASES - answered
    assert (len(resumed.verdicts), resumed.run["stored"]) == (CASES, answered)
    assert resumed.verdicts.items() >= stopped.verdicts.items()


def test_shards_share_a_store_and_ask_nothing_twice(floors: Project, server: Server) -> None:
    parts = [run(floors, server, "--shard", f"{number}/3") for number in (1, 2, 3)]
    assert all(part.exit_code == 0 for part, _ in parts)
    assert [asked for _, asked in parts] == [len(part.verdicts) for part, _ in parts]
    assert (len(server.requests), asked_twice(server)) == (CASES, 0)
    # another division, the whole, one shard again: all is there
    for args in (("--shard", "1/2"), (), ("--shard", "2/3")):
        result, asked = run(floors, server, *args)
        assert (result.exit_code, asked, result.run["stored"]) == (0, 0, len(result.verdicts)), result.text
    assert merged(floors, [part for part, _ in parts]).exit_code == 0


def test_pictures_alike_in_two_shards_are_asked_in_the_first(lone_project: Project, server: Server) -> None:
    prepared(lone_project)
    media = lone_project.path / "cases/floors/media"
    for number in range(1, SAMPLES):
        shutil.copy(media / "s0.png", media / f"s{number}.png")
    (one, first), (two, second) = (run(lone_project, server, "--shard", f"{number}/2") for number in (1, 2))
    assert (one.exit_code, two.exit_code, second) == (0, 0, 0), two.text
    assert first > 0
    assert two.run["stored"] == len(two.verdicts) == CASES - len(one.verdicts)


def test_shards_at_the_same_time_share_a_store(lone_project: Project, server: Server) -> None:
    prepared(lone_project)
    server.answer = lambda body, number: Answer(body=answer(body, number).body, seconds=0.05)
    command = [sys.executable, "-m", "pytest", "benchmarks", "--endpoint", server.url]
    shards = [
        subprocess.Popen([*command, "--shard", f"{number}/2"], cwd=lone_project.path, stdout=subprocess.DEVNULL)
        for number in (1, 2)
    ]
    assert [shard.wait(120) for shard in shards] == [0, 0]
    assert (len(server.requests), asked_twice(server)) == (CASES, 0)
    replayed, asked = run(lone_project, server, "--cosmos-replay-only")
    assert (replayed.exit_code, replayed.run["stored"], asked) == (0, CASES, 0), replayed.text


def test_a_replay_of_a_shard_needs_that_shard_only(floors: Project, server: Server) -> None:
    empty, asked = run(floors, server, "--shard", "1/2", "--cosmos-replay-only")
    assert (empty.exit_code, empty.outcome, asked) == (1, "errors", 0)
    assert set(empty.verdicts.values()) == {"error"}

    one, _ = run(floors, server, "--shard", "1/2")
    replay, asked = run(floors, server, "--shard", "1/2", "--cosmos-replay-only")
    assert (replay.exit_code, asked, replay.run["stored"]) == (0, 0, len(one.verdicts)), replay.text
    assert (replay.verdicts, replay.run["model"]) == (one.verdicts, one.run["model"])
    other, asked = run(floors, server, "--shard", "2/2", "--cosmos-replay-only")
    assert (other.exit_code, other.outcome, asked) == (1, "errors", 0)
    assert "error" in other.verdicts.values()
    assert other.verdicts.keys().isdisjoint(one.verdicts)

    two, _ = run(floors, server, "--shard", "2/2")
    whole = merged(floors, [replay, two])  # one asked, one replayed
    assert whole.exit_code == 0, whole.text
    assert len(whole.verdicts) == CASES


@pytest.mark.parametrize("model", [(), ("--model", MODEL)])
def test_a_server_that_is_gone_is_replayed_as_it_was_last_seen(
    floors: Project, server: Server, model: tuple[str, ...]
) -> None:
    first, _ = run(floors, server, *model)
    server.kill()
    replay, asked = run(floors, server, *model, "--cosmos-replay-only")
    assert (replay.exit_code, asked, replay.run["stored"]) == (0, 0, CASES), replay.text
    assert (replay.verdicts, replay.run["model"]) == (first.verdicts, first.run["model"])
    said = " ".join(replay.text.split())
    assert f"{server.url} does not answer: what is replayed is what {MODEL} said there, last seen on 20" in said

    # to be asked it must be there; another name, or another store, is not known
    for args in (model, (*model, "--cosmos-replay-only", "--cosmos-store", "other.sqlite")):
        refused, _ = run(floors, server, *args)
        assert (refused.exit_code, refused.folder) == (4, None)
        assert f"--endpoint {server.url}: cannot be reached" in refused.text
    server.start()
    again, asked = run(floors, server, *model, "--cosmos-replay-only")
    assert (again.exit_code, asked) == (0, 0)
    assert "does not answer" not in again.text
    server.models = lists(MODEL, root="/other/weights")
    other, asked = run(floors, server, *model, "--cosmos-replay-only")
    assert (other.exit_code, other.outcome, asked) == (1, "errors", 0)
