"""Put a LoRA adapter on a loaded model, and make sure that it really sits there.

An adapter that does not fit its model is no error to most loaders: what has no place is left out, what is missing
stays at its start, where LoRA changes nothing. Here both are errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_cosmos.errors import ModelUnavailable, OptionError

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


def check_adapter(folder: Path) -> None:
    """Raise OptionError where `folder` is no adapter as peft's `save_pretrained` writes it."""
    if not folder.is_dir():
        raise OptionError(f"--adapter {folder}: there is no such folder.")
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise OptionError(
            f"--adapter {folder}: holds no {' and no '.join(missing)}, so it is no adapter as peft's `save_pretrained` "
            "writes it. (Adapters in other formats than safetensors are refused: they can run code.)"
        )
    try:
        json.loads((folder / CONFIG).read_text(encoding="utf-8"))["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(f"--adapter {folder}: {CONFIG} cannot be read: {type(error).__name__}: {error}.") from error


def put_adapter(model: Any, folder: Path) -> None:
    """Add the adapter's layers to `model`, in place and switched on.

    ModelUnavailable where it was made for another model, lacks weights, or changes nothing.
    """
    check_adapter(folder)
    try:
        with _silent():
            info = model.load_adapter(
                str(folder),
                adapter_kwargs={"local_files_only": True},
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # so that they are told, below
            )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelUnavailable(f"--adapter {folder}: does not fit the model: {first}\n  {_TRAINED_ON}") from error
    lost = sorted({*info.missing_keys, *info.unexpected_keys, *(key for key, *_ in info.mismatched_keys)})
    if lost:
        raise ModelUnavailable(
            f"--adapter {folder}: does not fit the model: {len(lost)} of its weights have no counterpart, {lost[0]} "
            f"the first.\n  {_TRAINED_ON}"
        )
    if not _changes_anything(model):
        raise ModelUnavailable(
            f"--adapter {folder}: changes nothing: all its output weights are zero, as before training."
        )


_TRAINED_ON = f"Name the model that it was trained on with --model: {CONFIG} says which under base_model_name_or_path."


def _changes_anything(model: Any) -> bool:
    """Tell whether any output matrix of LoRA, which starts at zero, is not; adapters of other kinds are trusted."""
    outputs = [weight for name, weight in model.named_parameters() if ".lora_B." in name]
    return not outputs or any(bool(weight.any()) for weight in outputs)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep transformers' own table of what does not fit out of a test run's output."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def wear(model: Any, folder: Path | None) -> None:
    """Let the adapter take part, put on the model if it is not there yet; None: the model as it is without any."""
    worn = bool(getattr(model, "_hf_peft_config_loaded", False))
    if folder is None:
        if worn:
            _switch(model, on=False)
        return
    if worn:
        _switch(model, on=True)  # layers switched off would stay so under the next adapter
        _take_off(model)
    put_adapter(model, folder)


# By peft itself: transformers 5.24 lets its own methods for this only run with a peft that is not released yet (0.22).


def _switch(model: Any, *, on: bool) -> None:
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import ModulesToSaveWrapper

    for module in model.modules():
        if isinstance(module, (BaseTunerLayer, ModulesToSaveWrapper)):
            module.enable_adapters(enabled=on)


def _take_off(model: Any) -> None:
    """Remove all adapters, as transformers' `delete_adapter` does."""
    from peft.functional import delete_adapter

    for name, config in model.peft_config.items():
        delete_adapter(model, adapter_name=name, prefix=f"{config.peft_type.value.lower()}_")
    del model.peft_config
    model._hf_peft_config_loaded = False
