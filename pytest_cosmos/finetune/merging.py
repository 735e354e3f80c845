"""Write the weights of a model with its adapter worked in, as a checkpoint that needs no peft."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

from pytest_cosmos.engines.models import fetch, locate
from pytest_cosmos.engines.transformers_adapter import check_adapter
from pytest_cosmos.engines.transformers_load import load
from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.record import FILE
from pytest_cosmos.settings import Settings


def merge_adapter(settings: Settings, adapter: Path, out: Path) -> Path:
    """Save the merged model and its processor into `out`, whole or not at all.

    OptionError and ModelUnavailable as for a run of the model, UserWarning where the adapter is another's. A quantized
    base is refused, for merging into it would round the adapter away.
    """
    from peft import PeftModel

    if out.exists():
        raise OptionError(f"--merge {out}: exists already. Name a new folder.")
    if settings.quantize != "none":
        raise OptionError("--merge: weights brought to fewer bits take no adapter in. Merge into the full ones.")
    check_adapter(adapter)
    located = locate(settings.model, settings.models_file)
    loaded = load(located, replace(settings, adapter=None))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # weights that have no place are only warned of
        warnings.simplefilter("ignore", FutureWarning)
        merged = PeftModel.from_pretrained(loaded.model, adapter).merge_and_unload()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as fresh:
        folder = Path(fresh) / out.name
        merged.save_pretrained(folder)
        loaded.processor.save_pretrained(folder)
        _copy_generation(fetch(located), folder)
        _copy_record(adapter, folder)
        folder.rename(out)
    return out


def _copy_record(adapter: Path, folder: Path) -> None:
    """Keep what the adapter was trained on: by it a comparison tells whether the weights have seen what is tested."""
    if (adapter / FILE).is_file():
        shutil.copyfile(adapter / FILE, folder / FILE)


def _copy_generation(base: Path, folder: Path) -> None:
    """Keep the checkpoint's own generation settings: in memory they were made greedy."""
    own = base / "generation_config.json"
    if own.is_file():
        shutil.copyfile(own, folder / own.name)
