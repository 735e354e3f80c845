"""What `pytest-cosmos merge` costs: a finished run multiplied, divided into shards, and merged again.

    python benchmarks/perf/merge.py reports/latest [--cases 300000] [--shards 4] [--reasoning 800]

The samples of the run are repeated under new ids, their reasoning cut or repeated to so many characters. Prints the
seconds and the peak memory of the merging process. A script, no test.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pytest_cosmos.gate import decide  # noqa: E402
from pytest_cosmos.records import Outcome, Run  # noqa: E402
from pytest_cosmos.runlog import RunFolder, open_run  # noqa: E402
from pytest_cosmos.suites import shard_of  # noqa: E402

MERGE = "import sys; from pytest_cosmos.cli import main; sys.argv[1:1] = ['merge']; main()"


def main() -> None:
    """Make the shards in a temporary folder and merge them in a process of its own."""
    parser = argparse.ArgumentParser(description="Time the merging of a large run, and its memory.")
    parser.add_argument("run", type=Path, help="a finished run, such as reports/latest")
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--reasoning", type=int, default=800, help="characters")
    options = parser.parse_args()
    source = open_run(options.run)
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(Path(folder), source.read_run(), list(multiplied(source, options)), options.shards)
        size = sum((shard / "outcomes.jsonl").stat().st_size for shard in shards)
        command = [sys.executable, "-c", MERGE, *map(str, shards), "--reports", f"{folder}/out"]
        started = time.perf_counter()
        subprocess.run([*command, "--root", str(ROOT)], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        seconds = time.perf_counter() - started
        if not list(Path(folder).glob("out/runs/*/index.html")):  # held against no bar, it exits 1 when all is well
            raise SystemExit("the shards could not be merged")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{options.cases} cases in {options.shards} shards, {size / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}:")
    print(f"  {seconds:.1f} s, {peak:.2f} GB at most ({1e6 * peak / options.cases:.0f} KB a case)")


def multiplied(source: RunFolder, options: argparse.Namespace) -> Iterator[Outcome]:
    """Repeat the outcomes of a run under new ids."""
    outcomes = source.read_outcomes()
    for number, one in zip(range(options.cases), itertools.cycle(outcomes), strict=False):
        sample = one.case.sample.model_copy(update={"id": f"{one.case.sample.id}-{number // len(outcomes)}"})
        case = one.case.model_copy(update={"sample": sample})
        text = (one.reply.reasoning or "Nothing. ") * (1 + options.reasoning // 9)
        told = {"case_key": case.key, "reasoning": text[: options.reasoning], "raw": text[: options.reasoning]}
        yield one.model_copy(update={"case": case, "reply": one.reply.model_copy(update=told)})


def write_shards(folder: Path, whole: Run, outcomes: list[Outcome], count: int) -> list[Path]:
    """Write the run folders of all shards."""
    paths = []
    for number in range(1, count + 1):
        mine = [one for one in outcomes if shard_of(one.case.suite, one.case.sample.id, count) == number]
        suites = [suite.model_copy(update={"selected": sum(one.case.suite == suite.name for one in mine)})
                  for suite in whole.suites]  # fmt: skip
        changes = {"shard": f"{number}/{count}", "suites": tuple(suites), "thresholds": "", "thresholds_digest": ""}
        run = whole.model_copy(update={**changes, "failed_tests": (), "decision": None})
        paths.append(folder / f"shard-{number}")
        paths[-1].mkdir()
        part = RunFolder(paths[-1])
        part.append(mine)
        part.close()
        part.write_run(run.model_copy(update={"decision": decide(run, mine, ())}))
    return paths


if __name__ == "__main__":
    main()
