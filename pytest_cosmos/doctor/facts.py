"""Look at this machine: the only part of the doctor with effects. Nothing here raises for what is missing."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Generic, TypeVar

from packaging.requirements import Requirement

from pytest_cosmos.doctor.hardware import Driver, Gpu
from pytest_cosmos.doctor.software import VideoFacts
from pytest_cosmos.doctor.weights import WeightFacts
from pytest_cosmos.engines.hub_cache import cache_folder
from pytest_cosmos.engines.models import Located, missing_weights, snapshot, torn_weights, weights_size

_PACKAGE = "pytest-cosmos"
_SMI_SECONDS = 5.0
_CODECS = ("h264", "hevc", "vp9", "av1")
_FRAMES = 4
# what checkpoints of these families say they are
_MODEL_TYPES = {"reason1": "qwen2_5_vl", "reason2": "qwen3_vl"}

T = TypeVar("T")


def requirement(library: str) -> str:
    """Return which versions of a library this package requires, such as `>=5.16`; empty: any, or not known."""
    for text in _own_requirements():
        wanted = Requirement(text)
        if wanted.name == library and wanted.marker is None:
            return str(wanted.specifier)
    return ""


def required_python() -> str:
    """Return which Pythons this package requires; empty: not known."""
    try:
        return str(metadata.metadata(_PACKAGE).json.get("requires_python", ""))
    except metadata.PackageNotFoundError:
        return ""


def _own_requirements() -> Iterable[str]:
    try:
        return metadata.requires(_PACKAGE) or ()
    except metadata.PackageNotFoundError:
        return ()


def ask_driver() -> Driver | None:
    """Ask nvidia-smi; None where there is none, and so no NVIDIA driver to speak of."""
    if shutil.which("nvidia-smi") is None:
        return None
    listing, problem = _smi("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
    header, _ = _smi()
    return read_smi(listing, header, problem)


def _smi(*args: str) -> tuple[str, str]:
    """Run nvidia-smi; return what it printed, and why that is of no use."""
    try:
        done = subprocess.run(
            ["nvidia-smi", *args], capture_output=True, text=True, errors="replace", timeout=_SMI_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"it cannot be run ({type(error).__name__})"
    said = (done.stdout + done.stderr).strip().splitlines() or [f"exit code {done.returncode}"]
    return (done.stdout, "") if done.returncode == 0 else ("", said[0])


def read_smi(listing: str, header: str, problem: str) -> Driver:
    """Read nvidia-smi's list of GPUs (name, MiB, driver) and the head of its table, which names the newest CUDA."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(listing)) if len(row) == 3]
    cuda = re.search(r"CUDA (?:UMD )?Version:\s*(\d+\.\d+)", header)
    return Driver(
        version=rows[0][2] if rows else "",
        cuda=cuda[1] if cuda else "",
        gpus=tuple(Gpu(name, int(memory) * 2**20 if memory.isdigit() else 0) for name, memory, _ in rows),
        problem=problem,
    )


def look_at_weights(located: Located) -> WeightFacts:
    """Find out what is here of a model."""
    folder = snapshot(located) if located.hub else Path(located.path_or_id)
    expected_type = _MODEL_TYPES.get(located.known.family, "")
    if folder is None:
        return WeightFacts(located, model_type=expected_type)
    return WeightFacts(
        located,
        folder,
        missing=missing_weights(folder),
        torn=torn_weights(folder),
        size=weights_size(folder),
        model_type=_model_type(folder) or expected_type,
    )


def _model_type(folder: Path) -> str:
    try:
        told = json.loads((folder / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError):
        return ""
    return told if isinstance(told, str) else ""


def free_disk() -> int:
    """Return the free bytes where the hub's client puts what it downloads."""
    folder = cache_folder()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def has_token() -> bool:
    """Tell whether the hub's client finds a token; which it is nobody learns."""
    from huggingface_hub import get_token

    return bool(get_token())


def machine_memory() -> int:
    """Return the bytes of RAM."""
    import psutil  # type: ignore[import-untyped]  # accelerate needs it, so it is there

    return int(psutil.virtual_memory().total)


def try_video() -> VideoFacts:
    """Make a clip in memory and decode it; say which usual codecs cannot be decoded."""
    torchcodec = _version("torchcodec")
    try:
        import av
    except Exception as error:  # a broken FFmpeg raises what it likes
        return VideoFacts(problem=f"{type(error).__name__}: {error}", torchcodec=torchcodec)
    able = {name for name in (*_CODECS, "libx264", "libdav1d") if name in av.codecs_available}
    codec = "libx264" if "libx264" in able else "mpeg4"
    try:
        decoded, problem = _round_trip(codec), ""
    except Exception as error:
        decoded, problem = 0, f"{type(error).__name__}: {error}"
    return VideoFacts(
        decoder=f"PyAV {_version('av')}",
        codec="H.264" if codec == "libx264" else "MPEG-4",
        wanted=_FRAMES,
        decoded=decoded,
        lacking=tuple(name for name in _CODECS if name not in able and not (name == "av1" and "libdav1d" in able)),
        problem=problem,
        torchcodec=torchcodec,
    )


def _round_trip(codec: str) -> int:
    """Encode a few frames into an MP4 file in memory; return how many come back."""
    import av
    import numpy as np

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream(codec, rate=4)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for brightness in range(0, 250, 250 // _FRAMES)[:_FRAMES]:
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), brightness, dtype=np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return sum(1 for _ in container.decode(video=0))


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


class Later(Generic[T]):
    """A question asked beside others; one that is never answered does not keep the process alive."""

    def __init__(self, question: Callable[[], T], otherwise: T) -> None:
        self._answer = otherwise
        self._thread = threading.Thread(target=self._ask, args=(question,), daemon=True)
        self._thread.start()

    def answer(self, seconds: float | None = None) -> T:
        """Wait for the answer, at most so long; what else there was to say if there is none by then."""
        self._thread.join(seconds)
        return self._answer

    def _ask(self, question: Callable[[], T]) -> None:
        self._answer = question()
