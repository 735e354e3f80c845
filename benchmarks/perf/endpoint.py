"""How much of a server's speed the endpoint engine reaches: its cases/s beside those of a bare loop of requests.

    python benchmarks/perf/endpoint.py --endpoint http://127.0.0.1:8000/v1 [--model NAME] [--samples 67] [--rounds 2]

The bare loop posts requests made beforehand, so many at a time, and looks at no reply. Both are shown samples of the
shipped suite that the server has not seen, in turn, and then the same ones again. A script, no test.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import httpx2 as httpx  # noqa: E402

from pytest_cosmos.engines.endpoint import EndpointEngine  # noqa: E402
from pytest_cosmos.engines.endpoint_request import Requests  # noqa: E402
from pytest_cosmos.engines.endpoint_server import family_of_server, find_once  # noqa: E402
from pytest_cosmos.records import Case  # noqa: E402
from pytest_cosmos.settings import MOST_REQUESTS, Settings  # noqa: E402
from pytest_cosmos.suites import read_suite  # noqa: E402

SUITE = ROOT / "cases" / "floor_cracks"
REFUSABLE = ("mm_processor_kwargs", "media_io_kwargs")
"""What servers may not let a request say; the engine finds out and leaves it out, too."""


def main() -> None:
    """Let both take their turns and print what they reached."""
    parser = argparse.ArgumentParser(description="Compare the endpoint engine with a bare loop of requests.")
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument("--model", default="")
    parser.add_argument("--samples", type=int, default=67, help="of three cases each, in every turn")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    settings = Settings(root=ROOT, cases=SUITE.parent, thresholds=None, reports=ROOT, engine="endpoint",
                        endpoint=options.endpoint, model=options.model, max_new_tokens=options.tokens)  # fmt: skip
    by_sample: dict[str, list[Case]] = {}
    for case in read_suite(SUITE, decode=()).cases("test"):
        by_sample.setdefault(case.sample.id, []).append(case)
    samples = list(by_sample.values())
    turns = [name for number in range(options.rounds) for name in (("bare", "engine"), ("engine", "bare"))[number % 2]]
    count = len(turns) + 1
    shares = [[case for sample in samples[n::count][: options.samples] for case in sample] for n in range(count)]
    timed("engine", settings, shares[-1])  # a server's first requests are slow
    for what in ("first sight", "again"):
        print(f"{what}, load average {os.getloadavg()[0]:.1f}:")
        for name, cases in zip(turns, shares, strict=False):
            seconds = timed(name, settings, cases)
            print(f"  {name:6} {len(cases)} cases in {seconds:5.1f} s: {len(cases) / seconds:6.1f} cases/s", flush=True)


def timed(name: str, settings: Settings, cases: Sequence[Case]) -> float:
    """Ask all cases one way; return the seconds."""
    if name == "bare":
        bodies = made(settings, cases)
        started = time.perf_counter()
        asyncio.run(post_all(settings.endpoint, bodies))
        return time.perf_counter() - started
    engine = EndpointEngine(settings, {SUITE.name: SUITE})
    engine.load()
    started = time.perf_counter()
    errors = [reply.error for reply in engine.answer(cases) if reply.finish == "error"]
    seconds = time.perf_counter() - started
    engine.close()
    if errors:
        raise SystemExit(f"{len(errors)} cases without a reply, the first: {errors[0]}")
    return seconds


def made(settings: Settings, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Make the requests as the engine does."""
    served = find_once(settings)
    requests = Requests(settings, served, family_of_server(settings, served), {SUITE.name: SUITE})
    return [{key: value for key, value in requests.of(case).body.items() if key not in REFUSABLE} for case in cases]


async def post_all(url: str, bodies: Sequence[dict[str, Any]]) -> None:
    """Post all requests, as many at a time as the engine may."""
    room = asyncio.Semaphore(MOST_REQUESTS)
    limits = httpx.Limits(max_connections=MOST_REQUESTS)
    async with httpx.AsyncClient(timeout=600, limits=limits) as client:

        async def post(body: dict[str, Any]) -> None:
            async with room:
                response = await client.post(f"{url}/chat/completions", json=body)
                response.raise_for_status()

        await asyncio.gather(*map(post, bodies))


if __name__ == "__main__":
    main()
