"""A whole run against a server: `--engine endpoint`, with and without xdist."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from tests.endpoint_server import MODEL, Answer, Body, Server, fails, lists, running, says, text_of
from tests.plugin.conftest import Project, Result

SECRET = "sk-very-secret"


def gloomy(body: Body, number: int) -> Answer:
    """Call every floor cracked, which every second one is."""
    return says("Yes" if "cracked" in text_of(body) else "4")


def run(project: Project, server: Server, *args: str) -> Result:
    return project.run("--cosmos-no-gate", *args, engine=("--engine", "endpoint", "--endpoint", server.url))


def test_a_run_against_a_server(project: Project) -> None:
    with running(gloomy) as server:
        result = run(project, server)
    assert result.exit_code == 0, result.text
    assert len(server.requests) == len(result.verdicts) == 16
    assert sorted(set(result.verdicts.values())) == ["correct", "wrong"]
    model = result.run["model"]
    assert (model["name"], model["engine"], model["family"], model["device"]) == (
        MODEL,
        "endpoint",
        "reason2",
        server.url,
    )
    assert result.folder is not None
    lines = [json.loads(line) for line in (result.folder / "outcomes.jsonl").read_text().splitlines()]
    assert {line["reply"]["device"] for line in lines} == {server.url}


def test_the_url_alone_says_what_engine_is_meant(lone_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(gloomy) as server:
        result = lone_project.run("--cosmos-no-gate", engine=("--endpoint", server.url))
        assert result.run["model"]["engine"] == "endpoint"
        monkeypatch.setenv("COSMOS_ENDPOINT", server.url)
        assert lone_project.run("--cosmos-no-gate", engine=("--engine", "endpoint")).exit_code == 0
        monkeypatch.delenv("COSMOS_ENDPOINT")
        lone_project.write("pytest.ini", f"[pytest]\ncosmos_engine = endpoint\ncosmos_endpoint = {server.url}\n")
        assert lone_project.run("--cosmos-no-gate", "-q", engine=("--model", MODEL)).exit_code == 0


def test_cases_without_a_reply_fail_the_run_and_say_why(project: Project) -> None:
    with running(
        lambda body, number: says("4") if "bad" in text_of(body) else fails(400, "no floors please")
    ) as server:
        result = run(project, server)
    assert result.exit_code == 1
    assert "HTTP 400: no floors please" in result.text
    assert list(result.verdicts.values()).count("error") == 8
    assert result.outcome == "errors"


def test_the_requests_at_a_time_are_shared_by_the_workers(project: Project) -> None:
    project.suite("floors", samples=24)
    with running(lambda *_: Answer(body=says("Yes").body, seconds=0.03)) as server:
        result = run(project, server, "--cosmos-concurrency", "4")
    assert result.exit_code == 0, result.text
    assert len(server.requests) == 48
    assert 1 < server.most_at_once <= 4


def test_fewer_requests_than_workers_cannot_be_shared(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    with running(gloomy) as server:
        result = run(project, server, "--cosmos-concurrency", "1")
    assert result.exit_code == 4
    assert "--cosmos-concurrency 1: less than one request for each of the 2 workers. Write: -n 1" in result.text
    assert server.requests == []


def test_a_server_killed_and_restarted_in_the_midst_of_a_run(project: Project) -> None:
    project.suite("floors", samples=40)

    def answer(body: Body, number: int) -> Answer:
        if number == 50:  # with two workers both are asking by then
            threading.Thread(target=restart).start()
        return Answer(body=says("Yes" if "cracked" in text_of(body) else "4").body, seconds=0.01)

    def restart() -> None:
        server.kill()
        time.sleep(0.5)
        server.start()

    with running(answer) as server:
        result = run(project, server)
    assert result.exit_code == 0, result.text
    assert len(result.verdicts) == 80
    assert "error" not in result.verdicts.values()


def test_nobody_listens(project: Project) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"
        result = project.run(engine=("--endpoint", url))
    assert result.exit_code == 4
    assert result.folder is None
    assert f"--endpoint {url}: cannot be reached (" in result.text
    assert "vllm serve nvidia/Cosmos-Reason2-2B" in result.text
    assert "Traceback" not in result.text


@pytest.mark.parametrize(
    ("args", "models", "text"),
    [
        (("--model", "reason3"), lists(MODEL, "b"), f"does not serve it. It serves: {MODEL}, b."),
        ((), lists("a", "b"), "needs --model NAME-AT-THE-SERVER for"),
        ((), fails(403, "keys only"), "HTTP 403: keys only. Put the server's key into COSMOS_API_KEY"),
        (
            ("--cosmos-max-new-tokens", "900"),
            lists(MODEL, max_model_len=800),
            "Allow shorter replies (--cosmos-max-new-tokens 400)",
        ),
    ],
)
def test_what_the_server_cannot_do_stops_the_run_before_it_starts(
    project: Project, args: tuple[str, ...], models: Answer, text: str
) -> None:
    with running(gloomy, models) as server:
        result = run(project, server, *args)
    assert result.exit_code == 4
    assert text in result.text
    assert result.text.count("ERROR") == 1
    assert server.requests == []


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        (("--engine", "endpoint"), "--engine endpoint needs --endpoint URL (or COSMOS_ENDPOINT)"),
        (("--endpoint", "gpu-box:8000"), "not a URL of the form http(s)://host:port/v1"),
        (("--endpoint", f"http://me:{SECRET}@box/v1"), "the URL holds credentials"),
        (("--endpoint", "http://box/v1", "--engine", "scripted"), "--endpoint is for --engine endpoint"),
        (("--endpoint", "http://box/v1", "--cosmos-timeout", "0"), "'0' is no time above 0"),
    ],
)
def test_options_that_cannot_be_obeyed(project: Project, engine: tuple[str, ...], text: str) -> None:
    result = project.run(engine=engine)
    assert result.exit_code == 4
    assert text in result.text
    assert SECRET not in result.text
    assert result.folder is None


def test_the_key_is_in_no_file_of_the_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_API_KEY", SECRET)
    with running(lambda *_: fails(401, f"{SECRET} is no key of mine")) as server:
        result = run(project, server, "-vv", "--log-level=DEBUG")
    assert result.exit_code == 1
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert "*** is no key of mine" in result.text
    assert SECRET not in result.text
    written = [path for path in (project.path / "reports").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
