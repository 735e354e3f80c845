"""An engine in a process of its own: the same replies, and an end whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.engines.plan import Plan
from pytest_cosmos.engines.process import EngineDiedError, EngineProcess, ProcessEngine
from pytest_cosmos.errors import ModelUnavailable
from pytest_cosmos.records import Case
from pytest_cosmos.settings import Settings
from tests.unit.builders import case


def engine(tmp_path: Path, replies: dict[str, Any]) -> ProcessEngine:
    script = tmp_path / "replies.yaml"
    script.write_text(json.dumps(replies))
    settings = Settings(
        root=tmp_path, cases=tmp_path, thresholds=None, reports=tmp_path, engine="scripted", replies=script
    )
    return ProcessEngine(settings, {})


def cases(count: int) -> list[Case]:
    return [case(f"s{number}") for number in range(count)]


def test_replies_come_back_as_records(tmp_path: Path) -> None:
    apart = engine(tmp_path, {"*": {"expected": True, "confidence": 0.9}})
    apart.load()
    assert apart.describe().engine == "scripted"
    asked = cases(3)
    replies = list(apart.answer(asked))
    assert [reply.case_key for reply in replies] == [one.key for one in asked]
    assert {reply.confidence for reply in replies} == {0.9}
    assert list(apart.answer(asked)) != []  # it answers again
    apart.close()


def test_what_the_user_can_mend_is_told_as_such(tmp_path: Path) -> None:
    apart = engine(tmp_path, {"*": {"raw": "Yes", "error": "no"}})
    with pytest.raises(ModelUnavailable, match="exactly one of raw"):
        apart.load()
    apart.close()


def test_a_process_that_dies_leaves_errors_that_say_how(tmp_path: Path) -> None:
    apart = engine(tmp_path, {"s1*": "Yes", "*": {"raw": "Yes", "seconds": 30}})
    asked = cases(2)
    plan = Plan(apart, asked)
    plan.start()
    while plan.model is None:
        time.sleep(0.01)
    os.kill(apart._process._child.pid, signal.SIGKILL)
    reply = plan.reply(asked[0])
    plan.close()
    assert reply is not None
    assert reply.finish == "error"
    assert "signal 9" in reply.error


def test_close_ends_the_process_in_the_midst_of_a_batch(tmp_path: Path) -> None:
    apart = engine(tmp_path, {"*": {"raw": "Yes", "seconds": 30}})
    plan = Plan(apart, cases(1))
    plan.start()
    while plan.model is None:
        time.sleep(0.01)
    started = time.perf_counter()
    apart.close()
    plan.close()
    assert time.perf_counter() - started < 5
    assert apart._process._child.returncode is not None


def test_after_close_nobody_listens(tmp_path: Path) -> None:
    process = EngineProcess(warm=False)
    process.close()
    process.close()
    with pytest.raises(EngineDiedError):
        process.tell("load")


def test_no_child_outlives_its_parent(tmp_path: Path) -> None:
    parent = (
        "import os, time\nfrom pytest_cosmos.engines.process import EngineProcess\n"
        "child = EngineProcess(warm=False)\nprint(child._child.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
    for _ in range(200):
        if not is_running(child):
            return
        time.sleep(0.05)
    pytest.fail(f"the child {child} still runs")


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended but was not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
