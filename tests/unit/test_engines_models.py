"""From the name of a model to its weights, and what is said when they cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_cosmos.engines.models import (
    Located,
    ask_access,
    cached,
    fetch,
    locate,
    missing_weights,
    snapshot,
    torn_weights,
    unavailable,
)
from pytest_cosmos.errors import OptionError
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.http_servers import server


def checkpoint(folder: Path, *files: str) -> Path:
    folder.mkdir()
    for name in files:
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_tiny_is_in_the_package() -> None:
    assert fetch(locate("tiny")) == CHECKPOINT


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("reason1", "nvidia/Cosmos-Reason1-7B"),
        ("reason2", "nvidia/Cosmos-Reason2-2B"),
        ("reason2-8b", "nvidia/Cosmos-Reason2-8B"),
        ("reason2-32b", "nvidia/Cosmos-Reason2-32B"),
        ("Qwen/Qwen3-VL-2B-Instruct", "Qwen/Qwen3-VL-2B-Instruct"),
    ],
)
@pytest.mark.parametrize("revision", [None, "0123abc"])
def test_names_of_models_on_the_hub(name: str, repository: str, revision: str | None) -> None:
    asked = f"{name}@{revision}" if revision else name
    located = locate(asked)
    assert (located.name, located.path_or_id, located.hub) == (asked, repository, True)
    assert located.revision == revision


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "mine@home", "config.json", "model-00001-of-00002.safetensors")
    assert locate(str(folder)) == Located(str(folder), str(folder), hub=False)
    assert fetch(locate(str(folder))) == folder


def test_a_folder_wins_over_a_hub_id_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org").mkdir()
    folder = checkpoint(tmp_path / "org" / "model", "config.json", "model.safetensors")
    monkeypatch.chdir(tmp_path)
    assert locate("org/model") == Located("org/model", str(folder), hub=False)


def test_a_folder_in_the_way_does_not_hide_tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert fetch(locate("tiny")) == CHECKPOINT


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "holds no config.json"),
        (("adapter_config.json", "adapter_model.safetensors"), "holds a LoRA adapter, not a model"),
        (
            ("config.json", "pytorch_model.bin"),
            "holds no *.safetensors file. Weights in other formats (pickles) can run code",
        ),
    ],
)
def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    folder = checkpoint(tmp_path / "folder", *files)
    with pytest.raises(OptionError) as caught:
        locate(str(folder))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"--model {folder}: ")


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(OptionError, match=r"--model \./nowhere: there is no such folder\."):
        locate("./nowhere")


@pytest.mark.parametrize("name", ["tiny", "folder"])
def test_what_is_on_this_machine_has_no_revision(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint(tmp_path / "folder", "config.json", "model.safetensors")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match=f"--model {name}@main: {name} is on this machine and has no revisions"):
        locate(f"{name}@main")


def test_an_unknown_name_lists_the_names_and_the_nearest() -> None:
    with pytest.raises(OptionError) as caught:
        locate("raeson2")
    message = str(caught.value)
    assert "--model raeson2: there is no model of that name. Did you mean 'reason2'?" in message
    assert "tiny, reason1, reason2, reason2-8b, reason2-32b" in message


def test_what_is_said_of_gated_weights() -> None:
    assert unavailable(locate("reason2@abc123"), "offline").splitlines() == [
        "--model reason2@abc123 needs the weights of nvidia/Cosmos-Reason2-2B, which are not here: offline.",
        "  Wanted: download about 5 GB; GPU memory 24 GB; gated: accept its terms on its Hugging Face page first.",
        "  Get it: hf auth login && hf download nvidia/Cosmos-Reason2-2B --revision abc123",
        "  Or now, without it: --model tiny (embedded, runs on a CPU).",
    ]


def test_reason1_is_not_gated() -> None:
    assert "gated" not in unavailable(locate("reason1"), "why")


def test_a_model_nobody_told_us_about_has_no_figures() -> None:
    lines = unavailable(locate("org/model"), "why").splitlines()
    assert not [line for line in lines if "Wanted" in line]
    assert "  Get it: hf auth login && hf download org/model" in lines


FETCH = "from pytest_cosmos.engines.models import fetch, locate; fetch(locate({name!r}))"


def fetch_in_a_new_process(name: str, cache: Path, **environment: str) -> tuple[str, float]:
    """Return the last lines said and the seconds it took, in a process whose hub cache is empty."""
    clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", FETCH.format(name=name)],
        env={**clean, "HF_HOME": str(cache), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr, time.perf_counter() - started


def test_without_network_it_says_so_within_seconds(tmp_path: Path) -> None:
    # port 9 (discard) of this machine refuses at once, as an unplugged network does
    said, seconds = fetch_in_a_new_process("reason2", tmp_path, HF_HUB_OFFLINE="0", HF_ENDPOINT="http://127.0.0.1:9")
    assert "ModelUnavailable: --model reason2 needs the weights of nvidia/Cosmos-Reason2-2B" in said
    assert "which are not here: the hub could not be reached" in said
    assert seconds < 30


def test_offline_it_says_so(tmp_path: Path) -> None:
    said, _ = fetch_in_a_new_process("org/model", tmp_path, HF_HUB_OFFLINE="1")
    assert "--model org/model needs the weights of org/model, which are not here: HF_HUB_OFFLINE is set." in said


def lay_out(cache: Path, *files: str) -> Path:
    """Lay out a hub cache as its client leaves it."""
    sha = "0" * 40
    repository = cache / "hub" / "models--org--model"
    folder = repository / "snapshots" / sha
    folder.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(sha, encoding="utf-8")
    for name in files:
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_what_is_in_the_cache_needs_no_network(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, "config.json", "model.safetensors")
    script = f"from pytest_cosmos.engines.models import *; assert str(fetch(locate('org/model'))) == {str(folder)!r}"
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_a_cache_with_the_configuration_alone_is_no_model(tmp_path: Path) -> None:
    lay_out(tmp_path, "config.json")
    said, _ = fetch_in_a_new_process("org/model", tmp_path, HF_HUB_OFFLINE="1")
    assert "which are not here" in said


def test_a_malformed_id_is_not_taken_for_a_missing_model() -> None:
    with pytest.raises(OptionError, match="--model org/a--b: "):
        fetch(locate("org/a--b"))


def test_nothing_is_cached_of_a_model_that_is_not_there() -> None:
    assert cached(Located("x", "pytest-cosmos-tests/there-is-no-such-model", hub=True)) is None


INDEX = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'


def test_a_part_of_the_weights_is_no_checkpoint(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "half", "config.json", "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(INDEX)
    assert missing_weights(folder) == ("model-00002-of-00002.safetensors",)
    with pytest.raises(OptionError, match=r"is incomplete: its index names .* \(model-00002-of-00002\.safetensors\)"):
        locate(str(folder))
    (folder / "model-00002-of-00002.safetensors").write_text("")
    assert missing_weights(folder) == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": 3}', "not json"])
def test_a_broken_index_is_told_as_what_is_missing(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text)
    assert missing_weights(tmp_path) == ("model.safetensors.index.json",)


def test_a_part_of_the_weights_in_the_cache_is_fetched_anew(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, "config.json", "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(INDEX)
    said, _ = fetch_in_a_new_process("org/model", tmp_path, HF_HUB_OFFLINE="1")
    assert "which are not here" in said


def test_weights_cut_off_by_an_interrupted_copy(tmp_path: Path) -> None:
    whole = (CHECKPOINT / "model.safetensors").read_bytes()
    pieces = {
        "whole": whole,
        "short": whole[:-1],
        "head": whole[:100],
        "stub": b"\x00",
        "empty": b"",
        "page": b"<html>",
    }
    for name, data in pieces.items():
        (tmp_path / f"{name}.safetensors").write_bytes(data)
    torn = tuple(sorted(f"{name}.safetensors" for name in pieces if name != "whole"))
    assert torn_weights(tmp_path) == torn


def test_nothing_is_laid_out_of_a_model_that_was_never_fetched() -> None:
    assert snapshot(Located("x", "pytest-cosmos-tests/there-is-no-such-model", hub=True)) is None


def test_access_is_unknown_while_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert ask_access(locate("reason2")) == ("unknown", "HF_HUB_OFFLINE is set")


@pytest.mark.parametrize(
    ("status", "headers", "access"),
    [
        (200, {"ETag": '"abc"', "X-Repo-Commit": "0" * 40}, ("granted", "")),
        (
            403,
            {"X-Error-Code": "GatedRepo"},
            ("refused", "access to it has not been granted to you, or you are not logged in"),
        ),
        (404, {"X-Error-Code": "RevisionNotFound"}, ("refused", "the hub has no such revision of it")),
        (503, {}, ("unknown", "the hub could not be reached (HfHubHTTPError)")),
    ],
)
def test_access_is_asked_of_the_hub(
    monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], access: tuple[str, str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with server(status=status, headers=headers) as (url, heard):
        template = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        assert ask_access(locate("reason2")) == access
    assert "/nvidia/Cosmos-Reason2-2B/resolve/main/config.json" in [path for path, _ in heard]
