"""`pytest-cosmos models`: names, needs, and what is on the disk."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.cli.models import Row, model_rows, model_table
from pytest_cosmos.engines.hub_cache import CachedRepository, CachedRevision, scan_cache
from pytest_cosmos.engines.known_models import SHORT_NAMES, KnownModel, known_models
from pytest_cosmos.tiny import CHECKPOINT

SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
GB = 10**9

GOLDEN = """\
name         weights                        download    GPU  gated  on disk
tiny         embedded                                               10 MB
reason1      nvidia/Cosmos-Reason1-7B          17 GB  24 GB         no
reason2      nvidia/Cosmos-Reason2-2B           5 GB  24 GB  yes    4.9 GB
                                                                    @01234567
                                                                    (main)
                                                                    incomplete
                                                                    @89abcdef
reason2-8b   nvidia/Cosmos-Reason2-8B          18 GB  32 GB  yes    no
reason2-32b  nvidia/Cosmos-Reason2-32B         66 GB  80 GB  yes    no
inspector    acme/floor-inspector@89abcdef    7.5 GB  12 GB         no
trained      /far/away/ckpt                                         not there
"""


def rendered(rows: tuple[Row, ...], width: int = 80) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False, emoji=False).print(model_table(rows, width))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def cached() -> dict[str, CachedRepository]:
    whole = CachedRevision(SHA, ("main",), int(4.9 * GB), complete=True)
    part = CachedRevision(OTHER, (), GB, complete=False)
    return {"nvidia/Cosmos-Reason2-2B": CachedRepository(6 * GB, (whole, part))}


def test_how_it_looks() -> None:
    own = {
        "inspector": KnownModel("acme/floor-inspector", revision=OTHER, download_gb=7.5, memory_gb=12),
        "trained": KnownModel(folder=Path("/far/away/ckpt")),
    }
    assert rendered(tuple(model_rows({**SHORT_NAMES, **own}, cached()))) == GOLDEN


def test_other_models_in_the_cache_are_listed_if_they_are_whole() -> None:
    part = CachedRepository(GB, (CachedRevision(SHA, (), GB, complete=False),))
    whole = CachedRepository(GB, (CachedRevision(SHA, (), GB, complete=True),))
    rows = tuple(model_rows({}, {"a/part": part, "a/whole": whole}))
    assert [row.name for row in rows] == ["tiny", "a/whole"]


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    revision = CachedRevision(SHA, ("\x1b[2J[red]",), GB, complete=True)
    row = Row("[bold]a/b", KnownModel("a/\x1b]0;b"), CachedRepository(GB, (revision,)))
    text = rendered((row,), 160)
    assert "[bold]a/b" in text
    assert "a/\\x1b]0;b" in text
    assert "(\\x1b[2J[red])" in text
    assert "\x1b" not in text


def test_long_folders_leave_room_for_the_rest() -> None:
    text = rendered((Row("x", KnownModel(folder=Path("/" + "long/" * 40), memory_gb=24)),))
    assert "24 GB" in text
    assert "not there" in text


def lay_out(cache: Path, repository: str, sha: str, *files: str) -> None:
    folder = cache / f"models--{repository.replace('/', '--')}"
    for name in ("snapshots", "refs", "blobs"):
        (folder / name).mkdir(parents=True)
    (folder / "refs" / "main").write_text(sha)
    (folder / "snapshots" / sha).mkdir()
    for name in files:
        shutil.copy(CHECKPOINT / name, folder / "snapshots" / sha / name)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    for module in ("constants", "utils._cache_manager"):
        monkeypatch.setattr(f"huggingface_hub.{module}.HF_HUB_CACHE", str(folder))
    return folder


def test_what_the_cache_holds(cache: Path) -> None:
    assert scan_cache() == {}
    lay_out(cache, "acme/whole", SHA, "config.json", "model.safetensors")
    lay_out(cache, "acme/part", OTHER, "config.json")
    found = scan_cache()
    assert list(found) == ["acme/part", "acme/whole"]
    (whole,), (part,) = found["acme/whole"].revisions, found["acme/part"].revisions
    assert (whole.commit, whole.names, whole.complete) == (SHA, ("main",), True)
    assert (part.commit, part.complete) == (OTHER, False)
    assert whole.size == sum((CHECKPOINT / name).stat().st_size for name in ("config.json", "model.safetensors"))


def test_a_cache_that_is_none(cache: Path) -> None:
    cache.write_text("a file")
    assert scan_cache() == {}


def invoke(*args: str) -> str:
    result = CliRunner().invoke(app, ["models", *args], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_command(cache: Path, tmp_path: Path) -> None:
    lay_out(cache, "acme/mine", SHA, "config.json", "model.safetensors")
    text = invoke("--root", str(tmp_path))
    assert "write a models.yaml" in text
    assert "acme/mine" in text
    assert all(name in text for name in SHORT_NAMES)
    (tmp_path / "models.yaml").write_text("mine: {repository: acme/mine}\n")
    text = invoke("--root", str(tmp_path))
    assert "write a models.yaml" not in text
    assert "mine         acme/mine" in text
    assert "@01234567 (main)" in text
    assert "\x1b" not in text


def test_the_command_for_machines(cache: Path, tmp_path: Path) -> None:
    lay_out(cache, "acme/mine", SHA, "config.json", "model.safetensors")
    (tmp_path / "models.yaml").write_text(f"mine: {{repository: acme/mine, revision: {SHA}}}\nckpt: {{folder: ckpt}}\n")
    shutil.copytree(CHECKPOINT, tmp_path / "ckpt")
    models = {model["name"]: model for model in json.loads(invoke("--json", "--root", str(tmp_path)))}
    assert list(models) == ["tiny", *SHORT_NAMES, "mine", "ckpt"]
    assert models["mine"]["revision"] == SHA
    assert models["mine"]["revisions"][0]["commit"] == SHA
    assert models["reason2"]["bytes"] is None
    assert models["ckpt"]["bytes"] == models["tiny"]["bytes"] == os.path.getsize(CHECKPOINT / "model.safetensors")


def test_the_names_of_a_project_are_those_of_model(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("mine: {repository: acme/mine}\n")
    names = [row.name for row in model_rows(known_models(file), {})]
    assert names == ["tiny", *SHORT_NAMES, "mine"]
