"""Where an endpoint is: what is taken for a URL, and that no secret is ever repeated."""

from __future__ import annotations

import pytest

from pytest_cosmos.engines.endpoint_address import Address, make_client, read_address, read_key, without_key
from pytest_cosmos.errors import OptionError


@pytest.mark.parametrize(
    ("text", "url", "loopback"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", True),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1", True),
        ("http://[::1]:8000", "http://[::1]:8000/v1", True),
        ("https://gpu-box:8000", "https://gpu-box:8000/v1", False),
        ("https://gpu-box/", "https://gpu-box/v1", False),
        ("https://gpu-box/team/llm/v1", "https://gpu-box/team/llm/v1", False),
        ("http://10.0.0.7:8000/v1", "http://10.0.0.7:8000/v1", False),
    ],
)
def test_a_url_up_to_v1(text: str, url: str, loopback: bool) -> None:
    assert read_address(text) == Address(url, loopback)


@pytest.mark.parametrize(
    "text",
    [
        *("gpu-box:8000", "127.0.0.1:8000/v1", "ftp://gpu-box/v1", "file:///etc/passwd", "http://"),
        *("http://box:port/v1", "http://box:99999/v1", "http://box /v1", "http://box/v1\nHost: x", "http://[::1/v1"),
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"^--endpoint.*: not a URL of the form http\(s\)://host:port/v1\. Example: "):
        read_address(text)


def test_no_url_at_all() -> None:
    with pytest.raises(OptionError, match=r"needs --endpoint URL \(or COSMOS_ENDPOINT\)"):
        read_address("")


@pytest.mark.parametrize(
    "text",
    [
        "http://me:hunter2@box:8000/v1",
        "http://hunter2@box:8000/v1",
        "https://box/v1?api_key=hunter2",
        "https://box/v1#hunter2",
        "http://me:hunter2@box:port/v1",
        "http://me:hunter2 @box/v1",
        "ftp://me:hunter2@box/v1",
    ],
)
def test_a_url_with_a_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        read_address(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("key", ["sk-geheim\nX-Other: 1", "sk-schlüssel", "sk-\x00"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"COSMOS_API_KEY": key})
    with pytest.raises(OptionError, match="COSMOS_API_KEY") as caught:
        read_key()
    assert "sk-" not in str(caught.value)


def test_the_own_variable_counts_before_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "common")
    monkeypatch.setenv("COSMOS_API_KEY", " own ")
    assert read_key() == "own"
    assert without_key("Bearer own, Bearer own!") == "Bearer ***, Bearer ***!"
    monkeypatch.setenv("COSMOS_API_KEY", "")
    assert read_key() == "common"


def test_without_a_key_the_client_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("COSMOS_API_KEY", raising=False)
    assert without_key("text") == "text"
    with make_client(read_address("http://127.0.0.1:9/v1"), connect=1, answer=1) as client:
        assert client.max_retries == 0
        assert str(client.base_url) == "http://127.0.0.1:9/v1/"
