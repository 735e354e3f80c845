"""The folder of an adapter: begun, gone on with, finished; and what went wrong in it, in words."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pytest_cosmos.errors import CosmosError, OptionError, TrainingError
from pytest_cosmos.finetune.card import write_card
from pytest_cosmos.finetune.curves import curves_svg
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.record import FILE, Epoch, Finetune, Plan
from pytest_cosmos.runlog import write_whole

PLAN = "plan.json"
BASE = "epoch-0.json"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
_STATE = "trainer_state.json"
_LITTLE = 64 * 2**20
"""Bytes: with less free than this, what failed to be written failed for want of room."""

_README = """An adapter in training, or trained, by `pytest-cosmos finetune`.

- `adapter_model.safetensors`, `adapter_config.json`  the adapter of the best epoch, as peft writes it
- `finetune.json`   what it was trained on and how, and the table of epochs; there once training is over
- `README.md`       its card
- `curves.svg`      loss and accuracy by epoch
- `pictures.jpg`    some training pictures with their variations
- `checkpoints/`    an adapter for each epoch; what only going on needs is removed when training is over
"""


def checkpoints(out: Path) -> Path:
    """Return where the Trainer writes."""
    return out / "checkpoints"


def check_out(out: Path, *, resume: bool) -> None:
    """Raise OptionError where training may not write into `out`."""
    if (out / FILE).is_file():
        raise OptionError(f"--out {out}: holds a trained adapter already. Name another folder, or remove this one.")
    begun = (checkpoints(out) / PLAN).is_file()
    if resume and not begun:
        raise OptionError(f"--resume: {out} holds no training run to go on with. Leave --resume out to begin one.")
    if begun and not resume:
        raise OptionError(f"--out {out}: holds a training run that was stopped. Add --resume, or name another folder.")
    if not begun and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OptionError(f"--out {out}: exists and is no folder of a training run. Name a new one.")


def begin(out: Path, plan: Plan, *, resume: bool) -> None:
    """Make the folder; of a resumed run, refuse to go on with anything else than what was begun."""
    path = checkpoints(out) / PLAN
    if resume:
        known = _read_plan(path)
        if differing := _differing(known, plan):
            raise OptionError(
                f"--resume: {out} was begun with another {', another '.join(differing)}. Go on as it was begun "
                f"({path} says how), or start anew in another folder."
            )
        return
    try:
        checkpoints(out).mkdir(parents=True, exist_ok=True)
        write_whole(checkpoints(out) / "README.txt", _README.encode())
        write_whole(path, plan.model_dump_json(indent=1).encode() + b"\n")
    except OSError as error:
        raise OptionError(f"--out {out}: cannot be written: {error.strerror}.") from None


_FOR_MEMORY = {"accumulation": 1, "checkpointing": False}
"""What may be another after memory ran out, for the result hangs on it only by rounding."""


def _differing(known: Plan, plan: Plan) -> list[str]:
    # the suite may have been moved: its media are known by their hashes
    sides = [
        one.model_copy(update={"recipe": one.recipe.model_copy(update=_FOR_MEMORY), "suite_path": ""})
        for one in (known, plan)
    ]
    return [name for name in Plan.model_fields if getattr(sides[0], name) != getattr(sides[1], name)]


def _read_plan(path: Path) -> Plan:
    try:
        return Plan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise OptionError(f"--resume: {path} cannot be read: {str(error).splitlines()[0]}") from None


def base_epoch(out: Path) -> Epoch | None:
    """Return what the base came to before training, where that was measured already."""
    path = checkpoints(out) / BASE
    return Epoch.model_validate_json(path.read_bytes()) if path.is_file() else None


def keep_base_epoch(out: Path, epoch: Epoch) -> None:
    """Write down what the base came to."""
    write_whole(checkpoints(out) / BASE, epoch.model_dump_json().encode() + b"\n")


def last_whole_checkpoint(out: Path) -> str | None:
    """Return the newest checkpoint that was written to its end; torn ones are removed."""
    for path in reversed(_ordered(out)):
        with contextlib.suppress(OSError, ValueError):
            json.loads((path / _STATE).read_bytes())  # the Trainer writes it last
            return str(path)
        shutil.rmtree(path, ignore_errors=True)
    return None


def log_of(checkpoint: str | None) -> list[dict[str, float]]:
    """Return the Trainer's log as a whole checkpoint has it; None: nothing yet."""
    return json.loads((Path(checkpoint) / _STATE).read_bytes())["log_history"] if checkpoint else []


def changed_by(out: Path, epoch: int) -> bool:
    """Tell whether an epoch's adapter changes the model: LoRA's output weights are zero before any training."""
    from safetensors import safe_open

    with safe_open(_ordered(out)[epoch - 1] / ADAPTER_FILES[1], framework="pt") as weights:
        return any(bool(weights.get_tensor(name).any()) for name in weights.keys() if ".lora_B." in name)  # noqa: SIM118


def _ordered(out: Path) -> list[Path]:
    """Return the checkpoints, that of the first epoch first."""
    return sorted(checkpoints(out).glob("checkpoint-*"), key=_step)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def finish(out: Path, record: Finetune) -> None:
    """Bring the best epoch's adapter to its place; then what only going on would need goes.

    Until the record says that the run is whole nothing goes, so that a run that is stopped here can be finished.
    """
    for name in ADAPTER_FILES:
        write_whole(out / name, (_ordered(out)[record.best - 1] / name).read_bytes())
    write_whole(out / "curves.svg", curves_svg(record.epochs, record.best).encode())
    write_card(out, record)
    write_whole(out / FILE, record.model_dump_json(indent=1).encode() + b"\n")
    _leave_the_adapters(out)


def _leave_the_adapters(out: Path) -> None:
    """Remove from the checkpoints all that only going on would need."""
    for path in _ordered(out):
        for file in path.iterdir():
            if file.name not in (*ADAPTER_FILES, _STATE):
                file.unlink() if file.is_file() else shutil.rmtree(file)


@contextlib.contextmanager
def explained(out: Path, recipe: Recipe) -> Iterator[None]:
    """Turn what ends a training run into words that say what to do; the epochs so far are kept in any case."""
    kept = f"Epochs that were finished are kept in {checkpoints(out)}; --resume goes on."
    try:
        yield
    except CosmosError:
        raise
    except (MemoryError, OSError, RuntimeError) as error:
        if _is_out_of_memory(error):
            raise TrainingError(
                f"out of memory with {recipe.batch_size // recipe.accumulation} examples at a time. Try, in this "
                f"order: accumulation: {recipe.accumulation * 2} (the same batch in smaller parts), checkpointing: "
                "true, fewer pixels (vision: {max_pixels: …} in suite.yaml, for evaluation too), quantize: int4. "
                f"{kept}"
            ) from error
        if shutil.disk_usage(out).free < _LITTLE or getattr(error, "errno", None) == 28 or "No space" in str(error):
            raise TrainingError(f"the disk of {out} is full. Make room. {kept}") from error
        raise


def _is_out_of_memory(error: BaseException) -> bool:
    from pytest_cosmos.engines.transformers_sizes import is_out_of_memory

    return isinstance(error, Exception) and is_out_of_memory(error)
