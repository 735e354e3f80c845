"""One process or two on a CPU: the embedded model on the shipped suite, as a user starts it.

    python benchmarks/perf/workers.py [--rounds 3] [--limit 200]

Each way runs `pytest benchmarks/test_floor_cracks.py`; the ways take turns, and of each the best round counts. Prints
the time of the whole process and of its inference phase, and how busy the machine was beside. A script, no test.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pytest_cosmos.plugin.options import OPTIONS  # noqa: E402

WAYS = {
    "one process, 1 thread": ("--cosmos-threads", "1"),
    "one process, 2 threads": ("--cosmos-threads", "2"),
    "-n 2, 1 thread each": ("-n", "2"),
}


def main() -> None:
    """Run every way in turn and print the best of each."""
    parser = argparse.ArgumentParser(description="Compare one process with two workers.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, help="samples (default: all)")
    options = parser.parse_args()
    best: dict[str, tuple[float, float]] = {}
    cases = 0
    for _ in range(options.rounds):
        for name, words in WAYS.items():
            whole, answer, cases = timed(words, options.limit)
            known = best.get(name, (whole, answer))
            best[name] = min(whole, known[0]), min(answer, known[1])
    print(f"{cases} cases, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, best of {options.rounds}")
    for name, (whole, answer) in best.items():
        print(f"  {name:24} {whole:6.1f} s in all, {answer:6.1f} s answering, {cases / answer:5.0f} cases/s")


def timed(words: tuple[str, ...], limit: int | None) -> tuple[float, float, int]:
    """Run pytest once; return its seconds, those of the inference phase, and the cases."""
    # with a reply store a second run would ask nothing
    fresh = ["--cosmos-fresh"] if any(option.name == "fresh" for option in OPTIONS) else []
    limited = ["--cosmos-limit", str(limit)] if limit else []
    with tempfile.TemporaryDirectory() as reports:
        command = [sys.executable, "-m", "pytest", "-q", "benchmarks/test_floor_cracks.py", "--cosmos-model", "tiny",
                   "--cosmos-no-gate", "--cosmos-reports", reports, *words, *fresh, *limited]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        whole = time.perf_counter() - started
        run = json.loads(next(Path(reports).glob("runs/*/run.json")).read_text())
    return whole, float(run["seconds"]["answer"]), int(run["decision"]["answered"])


if __name__ == "__main__":
    main()
