"""The endpoint engine against a server that fails in every way it can: each case gets a reply or says why not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pytest_cosmos.engines import check_engine
from pytest_cosmos.engines.endpoint import EndpointEngine
from pytest_cosmos.engines.plan import Plan
from pytest_cosmos.errors import OptionError
from pytest_cosmos.judging import judge
from pytest_cosmos.records import Case, Reply, Verdict, Vision
from tests.endpoint_server import MODEL, Answer, Body, Server, fails, lists, running, says, text_of
from tests.unit.builders import BINARY, SEVERITY
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images

RIGHT = says("Yes")


def truthful(body: Body, number: int) -> Answer:
    return says("<think>\nIt is.\n</think>\n\n" + ("Yes" if "cracked" in text_of(body) else "3"))


def engine_of(server: Server, root: Path, **changes: object) -> EndpointEngine:
    values: dict[str, object] = {"engine": "endpoint", "endpoint": server.url, "model": "", "timeout": 20.0, **changes}
    engine = EndpointEngine(settings_of(root, **values), {SUITE: root})
    engine.load()
    return engine


def some_cases(root: Path, samples: int = 3) -> tuple[Case, ...]:
    return cases_of(write_images(root, [(20, 20)] * samples), (BINARY, SEVERITY))


def ask(server: Server, root: Path, cases: Sequence[Case], **changes: object) -> dict[str, Reply]:
    engine = engine_of(server, root, **changes)
    replies = list(engine.answer(cases))
    engine.close()
    assert sorted(reply.case_key for reply in replies) == sorted(case.key for case in cases)  # each once
    return {reply.case_key: reply for reply in replies}


def one(server: Server, root: Path, **changes: object) -> Reply:
    (case, *_) = some_cases(root, 1)
    return ask(server, root, [case], **changes)[case.key]


def test_a_sound_server(tmp_path: Path) -> None:
    cases = some_cases(tmp_path)
    with running(truthful) as server:
        replies = ask(server, tmp_path, cases)
    for case in cases:
        reply = replies[case.key]
        assert reply.answer == ("Yes" if case.prompt is BINARY else "3")
        assert reply.reasoning == "It is."
        assert (reply.finish, reply.error) == ("stop", "")
        assert (reply.input_tokens, reply.output_tokens) == (72, 5)
        assert reply.device == server.url
        assert reply.seconds is not None
        assert reply.seconds == reply.batch_seconds
    assert sorted(reply.batch or 0 for reply in replies.values()) == list(range(len(cases)))


def test_replies_come_back_in_the_order_in_which_they_are_ready(tmp_path: Path) -> None:
    first = threading.Event()

    def answer(body: Body, number: int) -> Answer:
        if "cracked" in text_of(body):
            first.wait(10)
        return RIGHT

    cases = some_cases(tmp_path, 1)
    with running(answer) as server:
        replies = engine_of(server, tmp_path).answer(cases)
        assert next(replies).case_key == cases[1].key
        first.set()
        assert next(replies).case_key == cases[0].key


def test_describe_tells_what_is_asked_of_whom(tmp_path: Path) -> None:
    with running(truthful, lists(MODEL, max_model_len=16384)) as server:
        record = engine_of(server, tmp_path, seed=7).describe()
    assert (record.name, record.engine, record.family, record.device) == (MODEL, "endpoint", "reason2", server.url)
    assert record.generation["temperature"] == "0"
    assert record.generation["seed"] == "7"
    assert record.generation["max_model_len"] == "16384"


def test_a_storm_of_429_is_waited_out_as_long_as_the_server_asks(tmp_path: Path) -> None:
    calm = [0.0]

    def answer(body: Body, number: int) -> Answer:
        if number == 0:
            calm[0] = time.monotonic() + 1.0
        if time.monotonic() < calm[0]:
            return fails(429, "slow down", Retry_After="1")
        return truthful(body, number)

    cases = some_cases(tmp_path, 10)
    with running(answer) as server:
        replies = ask(server, tmp_path, cases)
    assert all(reply.finish == "stop" for reply in replies.values())
    # those under way are refused, and nobody else asks before the time named
    assert len(server.requests) <= len(cases) + 8


def test_a_server_that_asks_to_wait_longer_than_a_case_may_take(tmp_path: Path) -> None:
    with running(lambda *_: fails(429, "come back tomorrow", Retry_After="86400")) as server:
        replies = ask(server, tmp_path, some_cases(tmp_path, 10))
    assert {reply.finish for reply in replies.values()} == {"error"}
    assert next(iter(replies.values())).error == (
        "no reply within 20 s (--cosmos-timeout), asked once: HTTP 429: come back tomorrow"
    )


def test_requests_at_a_time_grow_and_stay_within_the_bound(tmp_path: Path) -> None:
    with running(lambda *_: Answer(body=RIGHT.body, seconds=0.05)) as server:
        ask(server, tmp_path, some_cases(tmp_path, 30), concurrency=6)
    assert 4 < server.most_at_once <= 6


def test_requests_at_a_time_shrink_when_the_server_is_overloaded(tmp_path: Path) -> None:
    def answer(body: Body, number: int) -> Answer:
        return fails(503, "no room") if server.at_once > 2 else Answer(body=RIGHT.body, seconds=0.02)

    with running(answer) as server:
        engine = engine_of(server, tmp_path, concurrency=16)
        replies = list(engine.answer(some_cases(tmp_path, 20)))
        assert all(reply.finish == "stop" for reply in replies)
        refused = server.most_at_once
    assert refused <= 8  # it began with 4 and never thought that there was room for 16


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([fails(500, "boom"), fails(500, "boom"), RIGHT], 3),
        ([fails(503), RIGHT], 2),
        ([Answer(body=RIGHT.body, cut=20), RIGHT], 2),
        ([Answer(body="<html>gateway</html>"), RIGHT], 2),
        ([fails(502, "bad gateway"), fails(429), fails(504), RIGHT], 4),
    ],
)
def test_what_may_pass_is_asked_again(tmp_path: Path, answers: list[Answer], asked: int) -> None:
    with running(lambda body, number: answers[number]) as server:
        reply = one(server, tmp_path)
    assert (reply.finish, reply.answer) == ("stop", "Yes")
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("answer", "error", "asked"),
    [
        (fails(400, "context length exceeded"), "HTTP 400: context length exceeded", 1),
        (fails(401, "who are you"), "HTTP 401: who are you", 1),
        (fails(404, "no such model"), "HTTP 404: no such model", 1),
        (
            Answer(307, "", {"Location": "https://elsewhere/v1"}),
            "HTTP 307: the server redirects to https://elsewhere/v1",
            1,
        ),
        (fails(429, "insufficient_quota"), "HTTP 429: insufficient_quota", 1),
        (fails(500, "boom"), "HTTP 500: boom (asked 3 times in", 3),
        (Answer(500, "<h1>Oops</h1><script>x()</script>"), "HTTP 500: Oops (asked 3 times in", 3),
        (Answer(body="<html><b>Login</b></html>"), "the response is no JSON: Login (asked 2 times in", 2),
        (Answer(body=""), "the response is no JSON: it is empty", 2),
        (Answer(body="[]"), "the response is JSON, but no object", 2),
        (Answer(body={"error": {"message": "overloaded"}}), "the response is an error: overloaded", 2),
        (Answer(body={"choices": []}), "the response has no choices: ", 2),
        (Answer(body={"choices": "Yes"}), "the response has no choices: ", 2),
        (Answer(body={"choices": [{"message": None}]}), "the response is malformed: message: ", 2),
        (says(7), "the response is malformed: message.content: Input should be a valid string", 2),  # type: ignore[arg-type]
        (says("Yes", reasoning=["a"]), "the response is malformed: message.reasoning: ", 2),
    ],
)
def test_what_is_no_reply_is_an_error_never_an_answer(tmp_path: Path, answer: Answer, error: str, asked: int) -> None:
    with running(lambda *_: answer) as server:
        reply = one(server, tmp_path)
    assert (reply.finish, reply.raw, reply.answer, reply.confidence) == ("error", "", "", None)
    assert reply.error.startswith(error)
    assert len(server.requests) == asked
    (case, *_) = some_cases(tmp_path, 1)
    assert judge(case, reply).verdict is Verdict.ERROR


def test_a_hanging_server_costs_its_deadline_not_one_for_every_case(tmp_path: Path) -> None:
    with running(lambda *_: Answer(hang=True)) as server:
        replies = ask(server, tmp_path, some_cases(tmp_path, 20), timeout=1.0)
    errors = sorted(reply.error for reply in replies.values())
    assert errors[0].startswith("no reply within 1 s (--cosmos-timeout), asked ")
    assert ": no response within 0." in errors[0]
    assert sum(error == f"not asked: {server.url} has given no reply for 1 s" for error in errors) >= 30


def test_a_server_that_was_given_up_on_is_asked_again_when_more_cases_come(tmp_path: Path) -> None:
    cases = some_cases(tmp_path, 4)
    with running(truthful) as server:
        engine = engine_of(server, tmp_path, timeout=0.5)
        server.kill()
        assert {reply.finish for reply in engine.answer(cases[:4])} == {"error"}
        server.start()
        assert {reply.finish for reply in engine.answer(cases[4:])} == {"stop"}


def test_a_lost_request_is_sent_again(tmp_path: Path) -> None:
    with running(lambda body, number: Answer(hang=True) if number == 0 else RIGHT) as server:
        assert one(server, tmp_path, timeout=2.0).answer == "Yes"


def test_a_server_that_is_killed_and_comes_back_on_its_port(tmp_path: Path) -> None:
    cases = some_cases(tmp_path, 20)
    with running(lambda *_: Answer(body=RIGHT.body, seconds=0.02)) as server:
        replies = engine_of(server, tmp_path).answer(cases)
        answered = [next(replies) for _ in range(5)]
        server.kill()
        threading.Timer(0.7, server.start).start()
        answered += list(replies)
    assert len(answered) == len(cases)
    assert {reply.finish for reply in answered} == {"stop"}


def test_a_server_that_stays_away(tmp_path: Path) -> None:
    cases = some_cases(tmp_path, 20)
    with running(truthful) as server:
        replies = engine_of(server, tmp_path, timeout=1.0).answer(cases)
        first = next(replies)
        server.kill()
        rest = list(replies)
    assert first.finish == "stop"
    failed = [reply.error for reply in rest if reply.finish == "error"]
    assert len(rest) == len(cases) - 1
    assert len(failed) >= len(cases) - 10
    assert any("the connection failed" in error for error in failed)


@pytest.mark.parametrize("refusal", [400, 422])
def test_settings_that_a_server_does_not_know_are_left_out_and_remembered(tmp_path: Path, refusal: int) -> None:
    def answer(body: Body, number: int) -> Answer:
        unknown = {"logprobs", "top_logprobs", "seed"} & set(body)
        return fails(refusal, f"Unexpected fields: {unknown}") if unknown else RIGHT

    cases = some_cases(tmp_path, 10)
    with running(answer) as server:
        engine = engine_of(server, tmp_path, concurrency=1)
        replies = list(engine.answer(cases))
        assert len(server.requests) == len(cases) + 1
        replies += engine.answer(cases[:1])  # a later call knows it too
        assert len(server.requests) == len(cases) + 2
    assert {reply.answer for reply in replies} == {"Yes"}
    assert set(server.requests[-1]) == {"model", "messages", "max_tokens", "temperature"}


def test_a_setting_that_the_prompt_asks_for_is_not_left_out_in_silence(tmp_path: Path) -> None:
    (sample,) = write_images(tmp_path, [(20, 20)])
    prompt = BINARY.model_copy(update={"vision": Vision(max_pixels=1024)})
    cases = cases_of([sample], [prompt])
    with running(lambda *_: fails(422, "Unexpected fields: {'mm_processor_kwargs'}")) as server:
        (reply,) = ask(server, tmp_path, cases).values()
    assert reply.error == (
        "HTTP 422: Unexpected fields: {'mm_processor_kwargs'}. The server does not take mm_processor_kwargs, "
        "which the prompt's vision settings or --cosmos-sampling published ask for."
    )


def test_a_refusal_that_names_no_setting_is_final(tmp_path: Path) -> None:
    with running(lambda *_: fails(400, "the image is too large")) as server:
        assert one(server, tmp_path).error == "HTTP 400: the image is too large"
    assert len(server.requests) == 1


def test_media_that_cannot_be_read_fail_their_own_cases_only(tmp_path: Path) -> None:
    cases = some_cases(tmp_path, 2)
    (tmp_path / cases[0].sample.media[0]).unlink()
    with running(truthful) as server:
        replies = ask(server, tmp_path, cases)
    assert [replies[case.key].finish for case in cases] == ["error", "error", "stop", "stop"]
    assert replies[cases[0].key].error.startswith("the media of this sample cannot be read: ")


def in_another_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_close_from_another_thread_ends_it_at_once(tmp_path: Path) -> None:
    with running(lambda *_: Answer(hang=True)) as server:
        engine = engine_of(server, tmp_path, timeout=60.0)
        answered: list[Reply] = []
        thread = in_another_thread(lambda: answered.extend(engine.answer(some_cases(tmp_path))))
        while not server.requests:
            time.sleep(0.01)
        engine.close()
        engine.close()
        thread.join(5)
        assert not thread.is_alive()
    assert answered == []


def test_a_plan_that_is_closed_does_not_wait_for_a_hanging_server(tmp_path: Path) -> None:
    cases = some_cases(tmp_path)
    with running(lambda *_: Answer(hang=True)) as server:
        engine = engine_of(server, tmp_path, timeout=60.0)
        plan = Plan(engine, cases)
        plan.start()
        while not server.requests:
            time.sleep(0.01)
        thread = in_another_thread(plan.close)
        thread.join(5)
        assert not thread.is_alive()
        reply = plan.reply(cases[0])
        assert reply is not None
        assert reply.finish == "error"


def test_an_iterator_left_alone_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with running(truthful) as server:
        replies = engine_of(server, tmp_path).answer(some_cases(tmp_path))
        next(replies)
        replies.close()  # type: ignore[attr-defined]
        assert not [thread for thread in set(threading.enumerate()) - before if "cosmos" in thread.name]


@pytest.mark.parametrize("variable", ["COSMOS_API_KEY", "OPENAI_API_KEY"])
def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    tmp_path: Path, variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("COSMOS_API_KEY", raising=False)
    monkeypatch.setenv(variable, "sk-very-secret")
    caplog.set_level("DEBUG")
    with running(lambda *_: fails(401, "the key sk-very-secret is not known")) as server:
        engine = engine_of(server, tmp_path)
        (reply,) = engine.answer(some_cases(tmp_path, 1)[:1])
        assert server.headers[0]["authorization"] == "Bearer sk-very-secret"
        seen = (repr(engine), repr(vars(engine)), str(engine.describe()), str(reply), caplog.text)
    assert reply.error == "HTTP 401: the key *** is not known"
    assert not any("very-secret" in text for text in seen)


def test_a_proxy_in_the_environment_does_not_get_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with running(truthful) as server:
        assert one(server, tmp_path).finish == "stop"


def test_a_reply_longer_than_the_servers_context_is_refused_beforehand(tmp_path: Path) -> None:
    with running(truthful, lists(MODEL, max_model_len=4096)) as server:
        settings = settings_of(tmp_path, engine="endpoint", endpoint=server.url, model="", max_new_tokens=4096)
        with pytest.raises(OptionError, match="4096 tokens"):
            check_engine(settings)
