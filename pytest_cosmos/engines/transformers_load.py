"""Load a checkpoint with transformers, and say exactly what was loaded.

torch and transformers are imported only when `warm_imports` or `load` is called.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_cosmos.engines.devices import own_device
from pytest_cosmos.engines.models import Located, fetch, filled
from pytest_cosmos.engines.transformers_adapter import wear
from pytest_cosmos.engines.transformers_sizes import is_out_of_memory
from pytest_cosmos.errors import ModelUnavailable, OptionError, suggest
from pytest_cosmos.prompting import FAMILIES, Family, family_of
from pytest_cosmos.records import ModelRecord
from pytest_cosmos.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_DTYPES = {
    "float32": "float32",
    "fp32": "float32",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
    "float16": "float16",
    "fp16": "float16",
}
_SMALL = 100 * 2**20


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory with all that is needed to ask it."""

    model: Any
    processor: Any
    family: Family
    record: ModelRecord
    max_new_tokens: int
    seconds: dict[str, float]
    """Spent on `import` and on `load`."""
    settings: Settings
    weights: tuple[object, ...] = ()
    """What tells these weights in memory from others: content, device, dtype, attention, quantization."""
    own_limit: int | None = None
    """The most tokens of a reply that the checkpoint itself states."""


def warm_imports() -> None:
    """Import what loading needs; an engine's process does so while pytest collects."""
    import torch  # noqa: F401
    from torchvision.transforms import v2  # noqa: F401
    from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig  # noqa: F401
    from transformers.models.qwen3_vl import (  # noqa: F401
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )


def load(located: Located, settings: Settings, known: Loaded | None = None) -> Loaded:
    """Load model, processor and adapter; ModelUnavailable or OptionError where the user can mend what is wrong.

    Weights that `known` holds already are used again, so that a model and its adapter take the memory of one.
    """
    settings = filled(settings, located.known)
    folder = fetch(located)
    started = time.perf_counter()
    warm_imports()
    imported = time.perf_counter()
    if settings.threads is not None:
        import torch

        torch.set_num_threads(settings.threads)
    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device)
    weights = _weights(folder, settings)  # told before they are read: a file that changes later is another
    if known is not None and known.weights == weights:
        model, processor, own_limit = known.model, known.processor, known.own_limit
    else:
        model, processor = _from_pretrained(folder, located.name, device, dtype, settings)
        own_limit = model.generation_config.max_new_tokens
    wear(model, settings.adapter)
    _make_greedy(model, processor)
    limit = min(settings.max_new_tokens, own_limit or settings.max_new_tokens)
    content = folder.name if located.hub else str(weights[1])
    record = _record(located, content, model, processor, limit, settings)
    seconds = {"import": imported - started, "load": time.perf_counter() - imported}
    return Loaded(model, processor, FAMILIES[record.family], record, limit, seconds, settings, weights, own_limit)


def holds(known: Loaded, folder: Path, settings: Settings) -> bool:
    """Tell whether these are the weights that the settings ask for, whatever adapter is on them."""
    return known.weights == _weights(folder, settings)


def _weights(folder: Path, settings: Settings) -> tuple[object, ...]:
    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device)
    return folder, fingerprint(folder), device, dtype, settings.attention, settings.quantize


def free_memory() -> None:
    """Give back what a model that nobody holds any more has left behind."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def choose_device(wanted: str) -> torch.device:
    """Return the device of that name; `auto` is this worker's GPU, or else the CPU."""
    import torch

    if wanted in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device("cuda", own_device(torch.cuda.device_count()))
    if wanted == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise OptionError(f"--cosmos-device {wanted}: no such device. Allowed: auto, cpu, cuda, cuda:0 …") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OptionError(
            f"--cosmos-device {wanted}: torch sees {torch.cuda.device_count()} CUDA devices. Use auto or cpu."
        )
    return device


def choose_dtype(wanted: str, device: torch.device) -> torch.dtype | str:
    """Return the dtype of that name; `auto` is the checkpoint's own, or float32 on a CPU."""
    import torch

    if wanted == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    if wanted not in _DTYPES:
        names = ("auto", *_DTYPES)
        raise OptionError(f"--cosmos-dtype {wanted}: must be one of {', '.join(names)}.{suggest(wanted, names)}")
    dtype = getattr(torch, _DTYPES[wanted])
    assert isinstance(dtype, torch.dtype)
    return dtype


def _from_pretrained(
    folder: Path, name: str, device: torch.device, dtype: torch.dtype | str, settings: Settings
) -> tuple[Any, Any]:
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText, AutoProcessor

    common = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _quiet():
            processor = AutoProcessor.from_pretrained(folder, **common)
            model, report = AutoModelForImageTextToText.from_pretrained(
                folder,
                dtype=dtype,
                attn_implementation=settings.attention,
                use_safetensors=True,
                output_loading_info=True,
                **_quantization(settings.quantize, device, dtype),
                **common,
            )
        if settings.quantize == "none":
            model = model.to(device)
        model = patches_as_product(model.eval())
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(_cannot_load(name, folder, device, error)) from error
    # transformers fills what is missing with random numbers, and only warns
    lacking = sorted(report["missing_keys"])
    if lacking:
        raise ModelUnavailable(
            f"--model {name}: the weights in {folder} are incomplete: {len(lacking)} are missing, {lacking[0]} the "
            "first.\n  Copy or download the checkpoint again."
        )
    return model, processor


def check_quantization(wanted: str) -> None:
    """Raise OptionError where the weights cannot be brought to fewer bits here."""
    if wanted != "none" and importlib.util.find_spec("bitsandbytes") is None:
        raise OptionError(f"--cosmos-quantize {wanted} needs bitsandbytes. Install it: pip install bitsandbytes")


def _quantization(wanted: str, device: torch.device, dtype: torch.dtype | str) -> dict[str, Any]:
    """Return what `from_pretrained` needs to bring the weights to fewer bits; OptionError without bitsandbytes."""
    check_quantization(wanted)
    if wanted == "none":
        return {}
    import torch
    from transformers import BitsAndBytesConfig

    compute = dtype if isinstance(dtype, torch.dtype) else torch.bfloat16
    config = (
        BitsAndBytesConfig(load_in_8bit=True)
        if wanted == "int8"
        else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)
    )
    return {"quantization_config": config, "device_map": {"": device}}


def patches_as_product(model: Any) -> Any:
    """Compute patch embeddings as the matrix product that they are, and return the model.

    A convolution that is given one patch at a time, as Qwen's vision towers do, is a product; as a convolution it
    took 8 % of all time on a CPU, 3 % as a product. The weights stay where they are.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Conv3d) and not any(module.padding) and module.groups == 1:
            module.forward = functools.partial(_convolve, module, module.forward)  # type: ignore[method-assign]
    return model


def _convolve(conv: Any, usual: Callable[[Tensor], Tensor], patches: Tensor) -> Tensor:
    """Apply `conv` to patches (N, C, T, H, W), by `usual` where they are larger than its kernel."""
    from torch.nn.functional import linear

    if tuple(patches.shape[2:]) != tuple(conv.kernel_size):
        return usual(patches)
    return linear(patches.flatten(1), conv.weight.flatten(1), conv.bias)[:, :, None, None, None]


def _cannot_load(name: str, folder: Path, device: torch.device, error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    what = f"--model {name}: transformers cannot load the checkpoint in {folder}: {first}\n"
    if is_out_of_memory(error):
        return f"{what}  It does not fit on {device}: take a smaller model, or --cosmos-device cpu."
    return (
        f"{what}  It must be an image-text-to-text model known to the installed transformers, without code of its own."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bars out of a test run's output."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _make_greedy(model: Any, processor: Any) -> None:
    """Make greedy decoding the model's only setting.

    A checkpoint's own sampling settings and penalties would otherwise join in, and warn.
    """
    from transformers import GenerationConfig

    own = model.generation_config
    tokenizer = processor.tokenizer
    eos = own.eos_token_id if own.eos_token_id is not None else tokenizer.eos_token_id
    pad = next((i for i in (own.pad_token_id, tokenizer.pad_token_id) if i is not None), _first(eos))
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=eos, pad_token_id=pad, bos_token_id=own.bos_token_id
    )


def _first(ids: int | list[int]) -> int:
    return ids[0] if isinstance(ids, list) else ids


def _record(located: Located, content: str, model: Any, processor: Any, limit: int, settings: Settings) -> ModelRecord:
    size = getattr(getattr(processor, "image_processor", None), "size", None)
    family = choose_family(settings.family, model.config.model_type)
    published = settings.sampling == "published" and FAMILIES[family].sampling
    generation = {
        "do_sample": str(bool(published or settings.repeat)).lower(),
        "sampling": str(published or ""),
        "repeat": f"{settings.repeat}, seed {settings.seed}" if settings.repeat else "",
        "max_new_tokens": str(limit),
        "attention": str(model.config._attn_implementation),
        "quantize": settings.quantize if settings.quantize != "none" else "",
        "image_size": " ".join(
            f"{key}={value}" for key, value in sorted(dict(size or {}).items()) if value is not None
        ),
    }
    return ModelRecord(
        name=located.name,
        engine="transformers",
        family=family,
        fingerprint=content,
        adapter=str(settings.adapter or ""),
        adapter_fingerprint=fingerprint(settings.adapter) if settings.adapter else "",
        device=_device_name(model.device),
        dtype=str(model.dtype).removeprefix("torch."),
        parameters=model.num_parameters(),
        generation={key: value for key, value in generation.items() if value},
    )


def choose_family(wanted: str, model_type: str) -> str:
    """Return the family of that name; `auto` is the checkpoint's by its model type."""
    if wanted == "auto":
        return family_of(model_type)
    if wanted not in FAMILIES:
        names = ("auto", *FAMILIES)
        raise OptionError(f"--cosmos-family {wanted}: must be one of {', '.join(names)}.{suggest(wanted, names)}")
    return wanted


def _device_name(device: torch.device) -> str:
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def fingerprint(folder: Path) -> str:
    """Hash what a local checkpoint consists of, SHA-256.

    The content of every file; of weights larger than 100 MB in all only header, size and time of change, which
    a change of the weights cannot leave as they are unless somebody sets the time back.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _PARTS)
    small = sum(path.stat().st_size for path in files) <= _SMALL
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes() if small or path.suffix != ".safetensors" else _outline(path)
        digest.update(json.dumps([path.name, len(content)]).encode())
        digest.update(content)
    return digest.hexdigest()


_PARTS = (".safetensors", ".json", ".jinja", ".txt", ".model")


def _outline(path: Path) -> bytes:
    """Return size, time of change and header of a safetensors file."""
    status = path.stat()
    with path.open("rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
    return json.dumps([status.st_size, status.st_mtime_ns]).encode() + header
