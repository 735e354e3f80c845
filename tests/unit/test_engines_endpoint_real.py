"""Against a real server: `transformers serve` on the embedded model says what the in-process engine says."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.engines import check_engine
from pytest_cosmos.engines.endpoint import EndpointEngine
from pytest_cosmos.engines.endpoint_confidence import confidence
from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.errors import OptionError
from pytest_cosmos.judging import judge
from pytest_cosmos.media import load_image
from pytest_cosmos.prompting import messages
from pytest_cosmos.records import Case
from pytest_cosmos.suites import read_suite
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.engine_builders import settings_of

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("fastapi", "uvicorn")),
    reason="needs a server: pip install 'transformers[serving]'",
)

FLOORS = Path(__file__).parents[2] / "cases" / "floor_cracks"
SERVE = "from transformers.cli.transformers import main; main()"
STARTED_WITHIN = 120
"""Seconds; it imports torch and transformers."""


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the server, without a Hugging Face cache: its list of models fails then."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    log = folder / "log.txt"
    arguments = ["serve", str(CHECKPOINT), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf"), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as words:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=environment,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/models", server, log)  # the first list takes long: it imports
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(STARTED_WITHIN * 10):
        try:
            with direct.open(url, timeout=STARTED_WITHIN):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    every = read_suite(FLOORS, decode=()).cases("test")
    samples = list(dict.fromkeys(case.sample.id for case in every))
    few = set(samples[:: max(1, len(samples) // 4)][:4])
    return tuple(case for case in every if case.sample.id in few)


def test_it_says_what_the_engine_in_this_process_says(served: str, cases: tuple[Case, ...]) -> None:
    folders = {cases[0].suite: FLOORS}
    settings = settings_of(FLOORS, engine="endpoint", endpoint=served, model=str(CHECKPOINT), max_new_tokens=64)
    check_engine(settings)
    engine = EndpointEngine(settings, folders)
    engine.load()
    record = engine.describe()
    there = {reply.case_key: reply for reply in engine.answer(cases)}
    engine.close()
    local = TransformersEngine(settings_of(FLOORS, max_new_tokens=64), folders)
    local.load()
    here = {reply.case_key: reply for reply in local.answer(cases)}
    local.close()
    assert record.family == "reason2"
    assert len(there) == len(cases) >= 12
    for case in cases:
        own, their = here[case.key], there[case.key]
        assert (their.raw, their.reasoning, their.answer) == (own.raw, own.reasoning, own.answer)
        assert judge(case, their) == judge(case, own)
        # the image is there; it counts the token that ends the text, as we do
        assert their.input_tokens == own.input_tokens
        assert (their.finish, their.error, their.prompt_text) == ("stop", "", own.prompt_text)
        assert their.confidence is None  # this server gives no log probabilities


def test_a_reply_that_is_cut_off(served: str, cases: tuple[Case, ...]) -> None:
    settings = settings_of(FLOORS, engine="endpoint", endpoint=served, model=str(CHECKPOINT), max_new_tokens=3)
    engine = EndpointEngine(settings, {cases[0].suite: FLOORS})
    engine.load()
    (reply,) = engine.answer(cases[:1])
    assert (reply.finish, reply.output_tokens) == ("length", 3)
    assert judge(cases[0], reply).answer is None


def test_a_model_that_it_does_not_serve(served: str, cases: tuple[Case, ...]) -> None:
    settings = settings_of(FLOORS, engine="endpoint", endpoint=served, model="somebody/else")
    engine = EndpointEngine(settings, {cases[0].suite: FLOORS})
    with pytest.raises(OptionError, match=r"somebody/else: .* does not serve it\. It serves: "):
        engine.load()


def test_confidence_from_log_probabilities_is_that_of_the_engine_that_sees_all_scores(cases: tuple[Case, ...]) -> None:
    engine = TransformersEngine(settings_of(FLOORS, max_new_tokens=64), {cases[0].suite: FLOORS})
    engine.load()
    loaded = load(locate("tiny"), settings_of(FLOORS))
    for reply, case in zip(engine.answer(cases), cases, strict=True):
        given = logprobs_of(loaded, case)
        assert reply.case_key == case.key
        found = confidence(given, case.prompt.choices, judge(case, reply).answer, reply.answer)
        assert found is not None
        assert found == pytest.approx(reply.confidence, abs=1e-3)
    engine.close()


def logprobs_of(loaded: Loaded, case: Case) -> dict[str, Any]:
    """Make what a server would send, from a plain `generate`."""
    import torch

    tokenizer = loaded.processor.tokenizer
    chat = messages(loaded.family, case.prompt)
    text = loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    inputs = loaded.processor(text=[text], images=[[load_image(FLOORS / case.sample.media[0])]], return_tensors="pt")
    with torch.inference_mode():
        out = loaded.model.generate(
            **inputs, do_sample=False, max_new_tokens=64, output_logits=True, return_dict_in_generate=True
        )
    content = []
    for token, logits in zip(out.sequences[0, inputs["input_ids"].shape[1] :].tolist(), out.logits, strict=True):
        scores, ids = torch.log_softmax(logits[0].float(), -1).topk(20)
        top = [
            {"token": tokenizer.decode([number]), "logprob": score}
            for number, score in zip(ids.tolist(), scores.tolist(), strict=True)
        ]
        content.append({"token": tokenizer.decode([token]), "logprob": top[0]["logprob"], "top_logprobs": top})
    return {"content": content}
