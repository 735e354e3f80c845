"""One training run in several processes of one machine's processor, each with its share of every batch.

A small model keeps no two cores busy by threads, but by processes. They meet as those of `torchrun` do.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_cosmos.errors import CosmosError, TrainingError
from pytest_cosmos.finetune.request import FinetuneRequest

if TYPE_CHECKING:
    from multiprocessing import SimpleQueue

_HERE = "127.0.0.1"


def shares_of(wanted: int, device: str) -> int:
    """Return how many processes are to train: one where others start them (`torchrun`), and on a GPU.

    No more than there are cores, and so many that each gets as many examples of what was to be shared by `wanted`.
    """
    import torch

    if "RANK" in os.environ or (device != "cpu" and torch.cuda.is_available()):
        return 1
    return max(count for count in range(1, (os.cpu_count() or 1) + 1) if wanted % count == 0)


def train_in_processes(request: FinetuneRequest, count: int) -> Path:
    """Train in `count` processes, and return the adapter's folder; errors as in one process.

    What training shows goes to the standard output of the first.
    """
    from torch.multiprocessing import get_context
    from torch.multiprocessing.spawn import ProcessException, ProcessExitedException, start_processes

    told = get_context("spawn").SimpleQueue()
    threads = max(1, (os.cpu_count() or count) // count)
    settings = replace(request.settings, device="cpu", threads=threads)
    share = replace(request, settings=settings, shares=count)
    try:
        start_processes(_train, (share, _free_port(), told), nprocs=count, start_method="spawn")
    except ProcessException as ended:
        if not told.empty():
            kind, what = told.get()
            raise kind(what) from None
        if isinstance(ended, ProcessExitedException):
            raise TrainingError(
                f"a process of training ended without a word ({ended}): killed, maybe for want of memory. The epochs "
                "so far are kept; --resume goes on."
            ) from None
        raise
    return request.out


def _train(rank: int, request: FinetuneRequest, port: int, told: SimpleQueue[Any]) -> None:
    """Do one process's share; an error is told to the parent."""
    from rich.console import Console

    from pytest_cosmos.finetune.running import run

    multiprocessing.set_start_method(None, force=True)  # the usual one: a loader need not begin anew, as we had to
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(request.shares)}
    # without OMP_NUM_THREADS accelerate takes all cores for each process
    os.environ |= {"MASTER_ADDR": _HERE, "MASTER_PORT": str(port), "OMP_NUM_THREADS": str(request.settings.threads)}
    try:
        run(request, Console(highlight=False))
    except CosmosError as error:
        told.put((type(error), getattr(error, "lines", str(error))))
        raise SystemExit(1) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        return int(probe.getsockname()[1])
