"""xdist with the real engine: a device for each worker, and nothing forgotten when an engine's process dies."""

from __future__ import annotations

import os
from collections import Counter
from importlib import metadata

import pytest

from .conftest import TEST, Project
from .test_tiny import SAMPLES, replies, use_shipped_images

SMI = "#!/bin/sh\nprintf 'GPU 0: A (UUID: GPU-aaaa)\\nGPU 1: B (UUID: GPU-bbbb)\\n'\n"

NOTE_DEVICE = """
import os, sys
if "process_child" in " ".join(sys.orig_argv):
    with open(os.environ["COSMOS_TEST_NOTES"], "a") as notes:
        notes.write(f"{os.environ['PYTEST_XDIST_WORKER']} {os.environ.get('CUDA_VISIBLE_DEVICES')}\\n")
"""

DIE_FIRST = """
import os
def pytest_collection_modifyitems():
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        os._exit(1)
"""

KILL_ENGINE = """
import os, signal
from pathlib import Path

def pytest_runtest_logfinish(nodeid):
    if os.environ.get("PYTEST_XDIST_WORKER") != "gw0":
        return
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = process.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(os.getpid()) and b"process_child" in process.joinpath("cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue  # ended meanwhile
"""


@pytest.fixture
def two_gpus(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A machine with two GPUs, as far as nvidia-smi knows."""
    if "+cpu" in metadata.version("torch"):
        pytest.skip("this torch has no CUDA: nvidia-smi is not asked")
    project = Project(pytester, ())
    use_shipped_images(project)
    project.write("bin/nvidia-smi", SMI).chmod(0o755)
    monkeypatch.setenv("PATH", f"{project.path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return project


@pytest.mark.parametrize("args", [("--model", "tiny"), ()], ids=["controller", "worker"])
def test_more_workers_than_devices_are_refused(two_gpus: Project, args: tuple[str, ...]) -> None:
    result = two_gpus.run("-n3", *args, engine=())
    assert result.exit_code == 4, result.text
    assert "-n 3: each worker takes a CUDA device of its own, but 2 CUDA devices are visible. Use -n 2" in result.text
    assert result.folder is None
    assert ("created: 3/3 workers" in result.text) == (not args)  # without an option of ours the workers find out


def test_each_worker_has_its_device_and_a_replacement_that_of_the_dead(
    two_gpus: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = two_gpus.path / "notes"
    two_gpus.write("site/sitecustomize.py", NOTE_DEVICE)
    two_gpus.write("conftest.py", DIE_FIRST)
    monkeypatch.setenv("PYTHONPATH", f"{two_gpus.path / 'site'}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("COSMOS_TEST_NOTES", str(notes))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bbbb,GPU-aaaa")
    result = two_gpus.run("-n2", "--model", "tiny", engine=())
    assert result.exit_code == 0, result.text
    assert len(result.verdicts) == 3 * SAMPLES
    assert sorted(notes.read_text().splitlines()) == ["gw0 GPU-bbbb", "gw1 GPU-aaaa", "gw2 GPU-bbbb"]


def test_cases_of_an_engine_that_was_killed_are_errors(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    use_shipped_images(project)
    project.write("conftest.py", KILL_ENGINE)
    result = project.run("--cosmos-batch-size", "1", engine=())
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    said = replies(result.folder)
    assert len(said) == 3 * SAMPLES
    finishes = Counter(str(reply["finish"]) for reply in said.values())
    assert finishes["error"] > 0
    assert finishes["stop"] > 0
    assert all("signal 9" in str(reply["error"]) for reply in said.values() if reply["finish"] == "error")


def test_an_engine_still_loading_when_the_time_is_up_leaves_no_errors(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ())
    use_shipped_images(project)
    result = project.run("--cosmos-time-budget", "1", engine=())
    assert (result.exit_code, result.outcome) == (1, "no_data"), result.text
    assert f"{3 * SAMPLES} skipped" in result.text
    assert not result.run["failed_tests"]


def test_cases_of_a_worker_that_died_are_answered_by_the_other(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    use_shipped_images(project)
    crash = "    import os\n    if os.environ['PYTEST_XDIST_WORKER'] == 'gw0':\n        os._exit(1)\n"
    project.write("benchmarks/test_floors.py", TEST.replace("    assert", crash + "    assert"))
    result = project.run(engine=())
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    # the one test that gw0 died of is reported as failed; who died is not asked again
    assert len(result.run["failed_tests"]) == 1
    assert {reply["finish"] for reply in replies(result.folder).values()} == {"stop"}
    assert result.run["decision"]["answered"] + 1 == 3 * SAMPLES
