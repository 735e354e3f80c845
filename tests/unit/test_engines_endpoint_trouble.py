"""What a failed request means, and what is shown of a server's words."""

from __future__ import annotations

import email.utils
import time
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_cosmos.engines.endpoint_trouble import LONGEST_WAIT, Trouble, retry_after, said_in, trouble_of, wait_seconds


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("", 0.0), ("soon", 0.0), ("nan", 0.0), ("inf", 1e6)]
)
def test_retry_after_in_seconds(header: str, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    assert 100 < retry_after(email.utils.formatdate(time.time() + 120, usegmt=True)) <= 121
    assert retry_after(email.utils.formatdate(time.time() - 120, usegmt=True)) == 0.0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"error": {"message": "too long", "code": 400}}', "too long"),
        ('{"error": "boom"}', "boom"),
        ('{"object": "error", "message": "bad\\u0000 thing"}', "bad thing"),
        ('{"detail": "Unexpected fields"}', "Unexpected fields"),
        ('{"detail": [{"loc": ["body"], "msg": "missing"}]}', "[{'loc': ['body'], 'msg': 'missing'}]"),
        ("<html><head><style>a{}</style></head><h1>502</h1>\n<p>Bad &amp; worse", "502 Bad & worse"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("{}", ""),
        ("", ""),
    ],
)
def test_what_a_server_said(body: str, text: str) -> None:
    assert said_in(body) == text


def test_a_long_text_is_cut() -> None:
    assert len(said_in("x" * 10_000)) == 300
    assert len(said_in('{"error": "' + "data:image/png;base64,AAAA" * 10_000 + '"}')) == 300


def state(error: Exception, attempt: int) -> Any:
    return SimpleNamespace(outcome=SimpleNamespace(exception=lambda: error), attempt_number=attempt)


def test_waiting_has_jitter_grows_and_has_an_end() -> None:
    early = [wait_seconds(state(Trouble("x", tries=None), 1)) for _ in range(200)]
    late = [wait_seconds(state(Trouble("x", tries=None), 1000)) for _ in range(200)]
    assert 0 <= min(early) < max(early) <= 0.5
    assert len(set(early)) > 100
    assert 10 < max(late) <= LONGEST_WAIT


def test_waiting_is_never_shorter_than_the_server_asks() -> None:
    waits = [wait_seconds(state(Trouble("x", tries=None, after=5.0), 1)) for _ in range(200)]
    assert 5.0 <= min(waits) < max(waits) <= 6.0


def test_an_exception_nobody_thought_of_is_told_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_API_KEY", "sk-secret")
    trouble = trouble_of(RuntimeError("Bearer sk-secret"))
    assert (str(trouble), trouble.tries) == ("RuntimeError: Bearer ***", 1)
