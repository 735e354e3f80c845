"""What a second, identical run costs: nothing but what pytest, measuring and the report cost anyway.

    python benchmarks/perf/store.py [--model tiny] [--rounds 5]

Asks the shipped suite once, with a reply store of its own, then runs it again and again in two ways that take turns:

- stored:   the same command again; every reply must come from the store, none may be asked;
- scripted: the same run with the scripted engine and the shortest of scripts: every answer is right, so that there
  is nothing to look up and no wrong answer to report (which makes the comparison harder, not easier).

Prints both in wall-clock and processor seconds (median of the rounds), and their ratio, which should be below 1.3.
Exit code 1 where a single case was asked again, or the median ratio is not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BAR = 1.3


@dataclass(frozen=True)
class Round:
    """One run of pytest, from the start of its process to its end."""

    wall: float
    processor: float
    """Of the process and of those it started."""
    asked: int
    stored: int


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        model = [f"--cosmos-model={options.model}", f"--cosmos-store={work / 'store' / 'replies.sqlite'}"]
        first = run(work, model)
        print(f"first run: {first.asked} asked, {first.stored} from the store, {first.wall:.1f} s")
        (work / "replies.yaml").write_text('"*": {expected: true, confidence: 0.9}\n')
        scripted = ["--cosmos-engine=scripted", f"--cosmos-replies={work / 'replies.yaml'}"]
        rounds: dict[str, list[Round]] = {"stored": [], "scripted": []}
        for _ in range(options.rounds):
            rounds["stored"].append(run(work, model))
            rounds["scripted"].append(run(work, scripted))
    return report(rounds)


def report(rounds: dict[str, list[Round]]) -> int:
    """Print both ways and the ratio; return the exit code."""
    for name, some in rounds.items():
        wall, processor = (statistics.median(getattr(one, key) for one in some) for key in ("wall", "processor"))
        each = " ".join(f"{one.wall:.2f}" for one in some)
        print(f"{name:<9} wall {wall:6.2f} s  processor {processor:6.2f} s  (wall, each round: {each})")
    pairs = list(zip(rounds["stored"], rounds["scripted"], strict=True))
    asked = sum(one.asked for one in rounds["stored"])
    wall = statistics.median(ours.wall / theirs.wall for ours, theirs in pairs)
    processor = statistics.median(ours.processor / theirs.processor for ours, theirs in pairs)
    print(f"asked again: {asked} of {rounds['stored'][0].stored} cases a round; bar: 0: {met(asked == 0)}")
    print(f"stored / scripted: wall {wall:.2f}, processor {processor:.2f}; bar: wall < {BAR}: {met(wall < BAR)}")
    return 0 if asked == 0 and wall < BAR else 1


def met(yes: bool) -> str:
    return "met" if yes else "NOT MET"


def run(work: Path, options: Sequence[str]) -> Round:
    """Run pytest on the shipped suite."""
    command = [sys.executable, "-m", "pytest", "benchmarks/test_floor_cracks.py", "-q", "-p", "no:cacheprovider"]
    command += [f"--cosmos-reports={work}", *options]
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}
    )
    wall = time.perf_counter() - started
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode > 1:
        sys.exit(f"pytest ended with {result.returncode}:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    stored = sum(one["reply"]["stored"] for one in outcomes(work))
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Round(wall, processor, asked=len(outcomes(work)) - stored, stored=stored)


def outcomes(work: Path) -> list[dict[str, Any]]:
    """Read what the latest run left."""
    lines = (work / "latest" / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
