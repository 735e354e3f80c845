"""An endpoint asked over a real connection: up, down, slow, closed, or something else altogether."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from pytest_cosmos.doctor.endpoint import Answer, ask_models, check_endpoint
from pytest_cosmos.doctor.finding import Status
from pytest_cosmos.engines.endpoint_address import read_address
from tests.unit.http_servers import server

KEY = "sk-very-secret"


def listed(*names: str) -> str:
    return json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def test_a_server_that_lists_its_models() -> None:
    with server(listed("nvidia/Cosmos-Reason2-2B", "other")) as (url, heard):
        answer = ask_models(read_address(f"{url}/v1"), KEY)
    assert answer == Answer(f"{url}/v1", 200, ("nvidia/Cosmos-Reason2-2B", "other"))
    ((path, headers),) = heard
    assert (path, headers["Authorization"]) == ("/v1/models", f"Bearer {KEY}")
    finding = check_endpoint(answer, ("reason2", "nvidia/Cosmos-Reason2-2B"), key=True)
    assert (finding.status, finding.found) == (Status.PASS, f"{url}/v1 serves nvidia/Cosmos-Reason2-2B, other")
    assert KEY not in f"{finding!r} {answer!r}"


def test_without_a_key_none_is_sent() -> None:
    with server(listed("a")) as (url, heard):
        ask_models(read_address(f"{url}/v1"), "")
    assert "Authorization" not in heard[0][1]


def test_a_proxy_does_not_get_between_this_machine_and_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with server(listed("a")) as (url, _):
        assert ask_models(read_address(f"{url}/v1"), "").models == ("a",)


def test_the_key_does_not_follow_a_redirect() -> None:
    with server(listed("a")) as (target, heard), server(status=302, headers={"Location": target}) as (url, _):
        answer = ask_models(read_address(f"{url}/v1"), KEY)
    assert (answer.status, heard) == (302, [])
    finding = check_endpoint(answer, (), key=True)
    assert (finding.status, finding.found) == (Status.FAIL, f"{url}/v1/models is no list of models (HTTP 302)")


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound, not listening: refused
        answer = ask_models(read_address(f"http://127.0.0.1:{port}/v1"), "")
    finding = check_endpoint(answer, (), key=False)
    assert finding.status is Status.FAIL
    assert finding.found.endswith("cannot be reached: connection refused: nothing listens there")


def test_no_such_host() -> None:
    assert ask_models(read_address("http://nowhere.invalid/v1"), "").problem == "no such host"


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask_models(read_address(f"http://127.0.0.1:{silent.getsockname()[1]}/v1"), "", seconds=0.05)
    assert (answer.status, answer.problem) == (None, "no answer within 3 seconds")


def test_a_server_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ssh:

        def greet() -> None:
            connection, _ = ssh.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        answer = ask_models(read_address(f"http://127.0.0.1:{ssh.getsockname()[1]}/v1"), "")
        thread.join()
    assert answer.status is None
    assert "SSH-2.0" in answer.problem


@pytest.mark.parametrize(
    ("status", "key", "verdict", "found"),
    [
        (401, False, Status.FAIL, "wants a key (HTTP 401)"),
        (403, True, Status.FAIL, "refuses the key (HTTP 403)"),
        (404, False, Status.FAIL, "/models is no list of models (HTTP 404)"),
        (500, False, Status.WARN, "answers, but cannot list its models (HTTP 500)"),
    ],
)
def test_a_server_that_refuses(status: int, key: bool, verdict: Status, found: str) -> None:
    with server("no", status=status) as (url, _):
        finding = check_endpoint(ask_models(read_address(f"{url}/v1"), KEY if key else ""), (), key=key)
    assert (finding.status, finding.found.removeprefix(f"{url}/v1").strip()) == (verdict, found)
    assert KEY not in repr(finding)


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"data": 3}', '{"data": [{"name": "x"}]}', "[" * 100_000])
def test_an_answer_that_is_no_list_of_models(body: str) -> None:
    with server(body) as (url, _):
        answer = ask_models(read_address(f"{url}/v1"), "")
    assert answer.models is None
    assert check_endpoint(answer, (), key=False).status is Status.FAIL


def test_a_server_without_the_model_wanted() -> None:
    answer = Answer("http://host/v1", 200, tuple("abcdef"))
    finding = check_endpoint(answer, ("reason2", "nvidia/Cosmos-Reason2-2B"), key=False)
    assert (finding.status, finding.found) == (
        Status.WARN,
        "http://host/v1 does not serve reason2. It serves: a, b, c, d, e, …",
    )
    assert check_endpoint(Answer("http://host/v1", 200, ()), (), key=False).status is Status.WARN
