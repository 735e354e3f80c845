"""`pytest-cosmos finetune --model M --suite S --out DIR`: a LoRA adapter from a suite's training split."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pytest_cosmos.cli.pack import models_file, suite_folder
from pytest_cosmos.cli.printing import make_console
from pytest_cosmos.finetune import FinetuneRequest, finetune, merge_adapter, read_finetune
from pytest_cosmos.finetune.record import Finetune
from pytest_cosmos.settings import Settings


def command(
    suite: Annotated[str, typer.Option(help="A suite's folder, or its name below cases/")],
    out: Annotated[Path, typer.Option(help="The adapter's folder, e.g. adapters/NAME; it must be new")],
    model: Annotated[str, typer.Option(help="The base: a name as pytest's --model takes it")] = "tiny",
    config: Annotated[Path | None, typer.Option(help="finetune.yaml: rank, learning rate, epochs, …")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped in --out")] = False,
    merge: Annotated[
        Path | None, typer.Option(help="Also write the weights with the adapter worked in, into this new folder")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, …")] = "auto",
    dtype: Annotated[str, typer.Option(help="Number format of the base, as in evaluation")] = "auto",
    family: Annotated[str, typer.Option(help="How it is asked: auto, reason1, reason2, generic")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: all cores but one)", min=1)] = None,
    root: Annotated[Path, typer.Option(help="The project, where cases/ and models.yaml lie")] = Path(),
) -> None:
    """Fine-tune with LoRA on the training split; each epoch is validated by asking, the best one is kept."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the loader is a process of its own
    settings = Settings(
        root=root,
        cases=root / "cases",
        thresholds=None,
        reports=root / "reports",
        model=model,
        models_file=models_file(root),
        device=device,
        dtype=dtype,
        family=family,
        threads=threads or max(1, (os.cpu_count() or 2) - 1),
    )
    console = make_console()
    folder = _trained(FinetuneRequest(settings, suite_folder(suite, root), out, config, resume), console)
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes the first one speaks
    made = read_finetune(folder)
    assert made is not None, "training that ends without an error leaves its record"
    for line in told(made, folder):
        console.print(line)
    if merge is not None:
        merged = merge_adapter(settings, folder, merge)
        console.print(f"merged weights: {merged.as_posix()} (pytest benchmarks/ {_option('model', merged.as_posix())})")


def _trained(request: FinetuneRequest, console: Console) -> Path:
    """Train; Ctrl-C says how to go on."""
    try:
        return finetune(request, console)
    except KeyboardInterrupt:
        begun = (request.out / "checkpoints").is_dir()
        kept = f"Finished epochs are kept in {request.out}: the same command with --resume goes on."
        console.print(f"Stopped. {kept if begun else 'Nothing had been written.'}")
        raise typer.Exit(130) from None


def told(made: Finetune, folder: Path) -> tuple[str, ...]:
    """Say what came of it, and what to do next."""
    before, best = made.epochs[0], next(epoch for epoch in made.epochs if epoch.epoch == made.best)
    change = f"validation accuracy {before.val_accuracy:.1%} -> {best.val_accuracy:.1%}"
    stopped = f", stopped after epoch {made.epochs[-1].epoch}: no better for a while" if made.stopped_early else ""
    told = [f"kept epoch {made.best}: {change}{stopped} ({made.seconds:.0f} s)"]
    if not made.helped:
        told.append("No epoch was better than the base where it matters: do not expect this adapter to help.")
    shown = folder.as_posix()
    told.append(f"adapter: {shown} (card: {shown}/README.md, curves: {shown}/curves.svg)")
    # base and adapter are to be tested in the numbers in which they met
    quantized = "" if made.recipe.quantize == "none" else f" {_option('cosmos-quantize', made.recipe.quantize)}"
    tested = f"{_option('model', made.base.name)} {_option('adapter', shown)} --cosmos-compare-base{quantized}"
    told.append(f"test it: pytest benchmarks/ {tested}")
    return tuple(told)


def _option(name: str, value: str) -> str:
    """Write an option of pytest's: a path after a space it would take for that of tests."""
    return shlex.quote(f"--{name}={value}")
