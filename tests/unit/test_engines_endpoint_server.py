"""What a server serves: which model is meant, which family it is of, and what is said where there is none."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from pytest_cosmos.engines import endpoint_server
from pytest_cosmos.engines.endpoint_server import Served, family_named, family_of_server, find_model
from pytest_cosmos.errors import ModelUnavailable, OptionError
from pytest_cosmos.settings import Settings
from pytest_cosmos.tiny import CHECKPOINT
from tests.endpoint_server import MODEL, Answer, fails, lists, running, says
from tests.unit.engine_builders import settings_of


def settings(url: str, model: str = "", **changes: object) -> Settings:
    return settings_of(Path(), engine="endpoint", endpoint=url, model=model, **changes)


def find(models: Answer, model: str = "") -> Served:
    with running(lambda *_: says("Yes"), models) as server:
        return find_model(settings(server.url, model))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("nvidia/Cosmos-Reason2-2B", "reason2"),
        ("nvidia/cosmos-reason2-8b", "reason2"),
        ("my-cosmos_reason2-lora", "reason2"),
        ("reason2-32b", "reason2"),
        ("Qwen/Qwen3-VL-4B-Instruct", "reason2"),
        ("qwen3vl", "reason2"),
        ("tiny", "reason2"),
        (str(CHECKPOINT), "reason2"),
        ("nvidia/Cosmos-Reason1-7B", "reason1"),
        ("reason1", "reason1"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "reason1"),
        ("qwen2_5_vl", "reason1"),
        ("Qwen/Qwen2-VL-7B-Instruct", "generic"),
        ("Qwen/Qwen3-8B", "generic"),
        ("nvidia/cosmos3-nano-reasoner", "generic"),
        ("reason12", "generic"),
        ("google/gemma-4-E4B-it", "generic"),
        ("HuggingFaceTB/tiny-something", "generic"),
        ("", "generic"),
    ],
)
def test_the_family_of_a_name(name: str, family: str) -> None:
    assert family_named(name) == family


def test_the_user_may_name_the_family() -> None:
    assert family_of_server(settings("http://x/v1"), Served("my-model")).name == "generic"
    assert family_of_server(settings("http://x/v1", family="reason1"), Served("my-model")).name == "reason1"


def test_the_only_model_is_taken() -> None:
    assert find(lists(MODEL, max_model_len=16384)) == Served(MODEL, "vllm", 16384)


@pytest.mark.parametrize("name", [MODEL, MODEL.upper(), "reason2"])
def test_a_model_is_found_by_its_name_its_case_and_its_short_name(name: str) -> None:
    assert find(lists("other", MODEL), name).id == MODEL


def test_of_several_models_one_must_be_named() -> None:
    with pytest.raises(OptionError, match=r"needs --model NAME-AT-THE-SERVER for http.*It serves: a, b\.$"):
        find(lists("a", "b"))


def test_a_model_that_is_not_served() -> None:
    with pytest.raises(OptionError) as caught:
        find(lists("base", "base-lora"), "base-lorra")
    assert str(caught.value).endswith("does not serve it. Did you mean 'base-lora'? It serves: base, base-lora.")


def test_a_list_that_fails_is_no_obstacle_where_the_model_is_named() -> None:
    assert find(fails(500), "my-model") == Served("my-model")
    with pytest.raises(OptionError, match="It does not say what it serves"):
        find(fails(500))


def test_a_list_of_the_cache_is_not_one_of_what_is_served() -> None:
    cache = lists("Qwen/Qwen3-8B", owner="Qwen")
    assert find(cache, "/models/mine") == Served("/models/mine")
    with pytest.raises(OptionError, match="needs --model NAME-AT-THE-SERVER"):
        find(cache)
    assert find(lists(), "/models/mine") == Served("/models/mine")


@pytest.mark.parametrize(
    ("models", "text"),
    [
        (fails(404, "nothing here"), r"/v1/models: HTTP 404: nothing here\. --endpoint is the URL up to /v1"),
        (fails(401, "no"), r"/v1/models: HTTP 401: no\. Put the server's key into COSMOS_API_KEY or OPENAI_API_KEY"),
        (Answer(body="<html>It works!</html>"), "answers, but not as an OpenAI-compatible server does"),
        (Answer(body={"data": "all"}), "answers, but not as an OpenAI-compatible server does"),
        (Answer(body=[1]), "answers, but not as an OpenAI-compatible server does"),
        (Answer(body={"data": [{"name": "x"}]}), "answers, but not as an OpenAI-compatible server does"),
    ],
)
def test_what_is_no_such_server(models: Answer, text: str) -> None:
    with pytest.raises(ModelUnavailable, match=text):
        find(models, "x")


def test_nobody_listens() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"
        with pytest.raises(ModelUnavailable) as caught:
            find_model(settings(url))
    assert str(caught.value).startswith(f"--endpoint {url}: cannot be reached (")
    assert "vllm serve nvidia/Cosmos-Reason2-2B" in str(caught.value)


def test_a_server_that_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_server, "LISTED_WITHIN", 0.2)
    with pytest.raises(ModelUnavailable, match=r"it takes the connection, but does not list its models within 0\.2 s"):
        find(Answer(hang=True))


def test_a_limit_holds_over_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_server, "REACHED_WITHIN", 0.1)
    monkeypatch.setattr(endpoint_server, "LISTED_WITHIN", 0.1)
    over = threading.Event()
    monkeypatch.setattr(endpoint_server, "_ask", lambda address: over.wait(30))
    with pytest.raises(ModelUnavailable, match=r"cannot be reached \(no answer within 0\.2 s\)"):
        find(lists(MODEL))
    over.set()
    waiting = [thread for thread in threading.enumerate() if thread.name == "cosmos-endpoint-check"]
    assert all(thread.daemon for thread in waiting)
