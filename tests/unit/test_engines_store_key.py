"""The key: every change of what decides a reply is a miss, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pytest_cosmos
from pytest_cosmos.engines import store_device
from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.store_device import device_kind
from pytest_cosmos.engines.store_key import UNDECIDING, Keys, _code, _dtype, identify
from pytest_cosmos.engines.transformers_load import load
from pytest_cosmos.records import Case, Sample, Vision
from pytest_cosmos.settings import Settings
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.builders import MATERIAL, SEVERITY, case
from tests.unit.engine_builders import settings_of
from tests.unit.http_servers import server

HASH = "ab" * 32


def key(settings: Settings, one: Case | None = None, media_hash: str = HASH) -> bytes:
    """Return the key of a case, all made anew."""
    _code.cache_clear()
    identity = identify(settings)
    assert identity is not None
    one = case() if one is None else one
    return Keys(identity).key(one.prompt, one.sample, media_hash)


def changed_prompt(**changes: Any) -> Case:
    return case().model_copy(update={"prompt": case().prompt.model_copy(update=changes)})


def changed_sample(**changes: Any) -> Case:
    return case().model_copy(update={"sample": case().sample.model_copy(update=changes)})


DECIDING_CASES = {
    "a character of the prompt": changed_prompt(text="Is this floor cracked? Yes or No!"),
    "the choices, which decide the confidence": changed_prompt(choices=("No", "Yes")),
    "the kind of answer": changed_prompt(kind=MATERIAL.kind),
    "whether it reasons": changed_prompt(reasoning=False),
    "the system prompt": changed_prompt(system="You are a floor."),
    "an empty system prompt": changed_prompt(system=""),
    "frames a second": changed_prompt(vision=Vision(fps=2)),
    "frames": changed_prompt(vision=Vision(frames=8)),
    "pixels, at least": changed_prompt(vision=Vision(min_pixels=1024)),
    "pixels, at most": changed_prompt(vision=Vision(max_pixels=4096)),
    "pixels in all": changed_prompt(vision=Vision(total_pixels=4096)),
    "another medium beside it": changed_sample(media=("media/s1.jpg", "media/s1.jpg")),
    "a video in the place of an image": changed_sample(media=("media/s1.mp4",)),
}
OTHER_CASES = {
    "the suite's name": case(suite="renamed"),
    "the sample's name": changed_sample(id="renamed"),
    "the file's name": changed_sample(media=("other/renamed.JPG",)),
    "label and category": case(label="not cracked", category="safe"),
    "source, group, columns": case(source="real", group="g", fields={"severity": "3"}),
    "must pass": case(must_pass=True),
    "the expected answer": case(expected="No"),
    "the prompt's name": changed_prompt(name="renamed"),
    "where the expected answer stands": changed_prompt(expected={"cracked": "Yes"}),
    "the text before columns were filled in": changed_prompt(template="{question}"),
    "the hazard": changed_prompt(hazard="No"),
    "the tolerance": changed_prompt(tolerance=1),
    "space around the question, which is not asked": changed_prompt(text=f" {case().prompt.text} \n"),
}
DECIDING_SETTINGS: dict[str, dict[str, Any]] = {
    "most tokens": {"max_new_tokens": 17},
    "sampling": {"sampling": "published"},
    "family": {"family": "reason1"},
    "dtype": {"dtype": "bfloat16"},
    "kind of device": {"device": "cuda"},
    "attention": {"attention": "eager"},
    "quantization": {"quantize": "int4"},
}
OTHER_SETTINGS: dict[str, dict[str, Any]] = {
    "batch size": {"batch_size": 3},
    "threads": {"threads": 2},
    "concurrency": {"concurrency": 9},
    "which cases": {"suites": ("floor",), "limit": 3, "shard": (1, 2), "time_budget": 9.0, "split": "validation"},
    "what is asked besides": {"repeats": 3, "check_determinism": True, "calibration": Path("calibration.json")},
    "what it is compared with": {"baseline": "v1", "compare_base": True, "only": ("wrong", "reports/latest")},
    "the gate": {"strict": True, "allow_partial": True, "gate": False},
    "where things lie": {"reports": Path("r"), "cases": Path("c"), "thresholds": Path("t"), "store": Path("s.sqlite")},
    "how the store is used": {"fresh": True},
    "the seed of a draw": {"seed": 5},
    "the dtype that is chosen anyway": {"dtype": "float32"},
    "an endpoint that is not asked": {"endpoint": "http://127.0.0.1:8000/v1", "media_transport": "path"},
    "the scripted engine's file": {"replies": Path("replies.yaml")},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


@pytest.mark.parametrize("change", DECIDING_CASES)
def test_a_change_of_what_is_asked_is_a_miss(settings: Settings, change: str) -> None:
    assert key(settings, DECIDING_CASES[change]) != key(settings)


@pytest.mark.parametrize("change", OTHER_CASES)
def test_a_change_of_what_is_not_asked_is_a_hit(settings: Settings, change: str) -> None:
    assert key(settings, OTHER_CASES[change]) == key(settings)


@pytest.mark.parametrize("change", DECIDING_SETTINGS)
def test_a_change_of_how_it_is_asked_is_a_miss(settings: Settings, change: str) -> None:
    assert key(dataclasses.replace(settings, **DECIDING_SETTINGS[change])) != key(settings)


@pytest.mark.parametrize("change", OTHER_SETTINGS)
def test_a_change_of_how_the_run_goes_is_a_hit(settings: Settings, change: str) -> None:
    assert key(dataclasses.replace(settings, **OTHER_SETTINGS[change])) == key(settings)


def test_all_these_changes_make_different_keys(settings: Settings) -> None:
    keys = [key(settings, one) for one in DECIDING_CASES.values()]
    keys += [key(dataclasses.replace(settings, **changes)) for changes in DECIDING_SETTINGS.values()]
    keys += [key(settings), key(settings, media_hash="ac" * 32)]
    assert len(set(keys)) == len(keys)


def test_the_seed_matters_where_it_is_used(settings: Settings) -> None:
    sampled = dataclasses.replace(settings, sampling="published")
    assert key(dataclasses.replace(sampled, seed=5)) != key(sampled)


def test_every_setting_was_thought_of() -> None:
    """A new setting is part of the key by itself; this asks its author whether it should be."""
    decided = {field.name for field in dataclasses.fields(Settings)} - UNDECIDING
    assert decided == {
        "adapter", "attention", "device", "dtype", "endpoint", "engine", "family", "max_new_tokens", "media_transport",
        "model", "models_file", "quantize", "repeat", "sampling", "seed",
    }  # fmt: skip


def test_every_file_of_the_checkpoint_matters(settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(CHECKPOINT, copy)
    of_copy = dataclasses.replace(settings, model=str(copy))
    assert key(of_copy) == key(settings)  # not its name, nor where it lies
    for file in sorted(copy.iterdir()):
        content = file.read_bytes()
        file.write_bytes(
            content[:-2] + bytes([content[-2] ^ 1]) + content[-1:] if file.suffix != ".json" else content + b" "
        )
        assert key(of_copy) != key(settings), file.name
        file.write_bytes(content)
    assert key(of_copy) == key(settings)


def test_the_weights_of_an_adapter_matter_and_not_its_place(settings: Settings, tmp_path: Path) -> None:
    def of_adapter(folder: Path) -> bytes:
        return key(dataclasses.replace(settings, adapter=folder))

    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (first / "adapter_model.safetensors").write_bytes(bytes(1000))
    shutil.copytree(first, second)
    assert of_adapter(first) == of_adapter(second) != key(settings)
    (second / "adapter_model.safetensors").write_bytes(bytes(999) + b"\1")
    assert of_adapter(first) != of_adapter(second)


@pytest.mark.parametrize("library", ["torch", "transformers", "torchvision", "tokenizers", "pillow", "pytest-cosmos"])
def test_the_version_of_a_library_matters(settings: Settings, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    before, version = key(settings), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == library else version(name))
    assert key(settings) != before


def test_our_own_words_and_code_matter(settings: Settings, tmp_path: Path) -> None:
    """What is said around the question is rendered into the key; other code that makes a reply is hashed."""
    package = tmp_path / "somewhere" / "pytest_cosmos"
    shutil.copytree(Path(pytest_cosmos.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import sys, pathlib\nfrom pytest_cosmos.engines.store_key import identify\n"
        "from pytest_cosmos.settings import Settings\nhere = pathlib.Path()\n"
        "print(identify(Settings(root=here, cases=here, thresholds=None, reports=here, device='cpu')).digest)\n"
    )

    def digest() -> str:
        environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout

    before = digest()
    for name, same in [("engines/transformers_generate.py", False), ("report/html.py", True)]:
        file = package / name
        file.write_text(file.read_text(encoding="utf-8") + "\n# another line\n", encoding="utf-8")
        assert (digest() == before) is same, name
        before = digest()


def test_a_server_is_told_by_url_and_by_the_model_as_it_calls_it(settings: Settings) -> None:
    def keys(url: str) -> list[bytes]:
        asked = dataclasses.replace(settings, engine="endpoint", endpoint=f"{url}/v1", model="one")
        others: tuple[dict[str, Any], ...] = (
            {},
            {"model": "two"},
            {"media_transport": "path"},
            {"family": "reason1"},
            {"timeout": 5.0},
        )
        return [key(dataclasses.replace(asked, **changes)) for changes in others]

    listing = json.dumps({"data": [{"id": "one"}, {"id": "two"}]})
    with server(listing) as (first, _), server(listing) as (second, _):
        here, there = keys(first), keys(second)
        assert keys(first) == here
    assert here[-1] == here[0]  # how long is waited decides nothing
    assert len({*here, *there, key(settings)}) == 9


def test_what_is_scripted_has_no_identity(settings: Settings) -> None:
    assert identify(dataclasses.replace(settings, engine="scripted")) is None


def test_what_was_foretold_is_what_is_loaded(tmp_path: Path) -> None:
    identity = identify(settings_of(tmp_path))
    assert identity is not None
    record = load(locate("tiny"), settings_of(tmp_path)).record
    assert identity.confirmed(record) == identity
    foretold = identity.provisional()
    for field in ("name", "engine", "family", "fingerprint", "device", "dtype"):
        assert getattr(foretold, field) == getattr(record, field)


def test_an_identity_needs_no_torch() -> None:
    script = (
        "import sys, pathlib\nfrom pytest_cosmos.engines.store_key import identify\n"
        "from pytest_cosmos.settings import Settings\nhere = pathlib.Path()\n"
        "assert identify(Settings(root=here, cases=here, thresholds=None, reports=here)) is not None\n"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub', 'PIL') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("wanted", "device", "config", "expected"),
    [
        ("auto", "cpu", {"dtype": "bfloat16"}, "float32"),
        ("auto", "cuda", {"dtype": "bfloat16"}, "bfloat16"),
        ("auto", "cuda", {"torch_dtype": "float16"}, "float16"),
        ("auto", "cuda", {"text_config": {"dtype": "bfloat16"}}, "bfloat16"),
        ("auto", "cuda", {}, "own"),
        ("float16", "cuda", {"dtype": "bfloat16"}, "float16"),
    ],
)
def test_the_dtype_is_foretold(
    settings: Settings, wanted: str, device: str, config: dict[str, Any], expected: str
) -> None:
    assert _dtype(dataclasses.replace(settings, dtype=wanted), device, config) == expected


def test_a_named_device_is_taken_at_its_word() -> None:
    assert (device_kind("cpu"), device_kind("cuda"), device_kind("cuda:1")) == ("cpu", "cuda", "cuda")


@pytest.mark.parametrize("visible", ["", "-1", "-1,0"])
def test_hidden_gpus_are_not_there(monkeypatch: pytest.MonkeyPatch, visible: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert store_device._sees_gpu() is False


def test_the_foretold_device_is_the_one_torch_takes() -> None:
    import torch

    assert device_kind("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(TEXTS, TEXTS)
def test_two_questions_have_one_key_only_if_they_are_asked_alike(first: str, second: str) -> None:
    keys = shared_keys()
    one, other = (changed_prompt(text=text) for text in (first, second))
    sample = Sample(id="s", media=("s.png",), label="x")
    same = keys.key(one.prompt, sample, HASH) == keys.key(other.prompt, sample, HASH)
    assert same == (first.strip() == second.strip())


@given(TEXTS, TEXTS)
def test_parts_of_a_key_do_not_run_into_each_other(first: str, second: str) -> None:
    keys = shared_keys()
    joined = SEVERITY.model_copy(update={"choices": (first, second)})
    split = SEVERITY.model_copy(update={"choices": (first + second,)})
    sample = Sample(id="s", media=("s.png",), label="x")
    assert keys.key(joined, sample, HASH) != keys.key(split, sample, HASH)


def shared_keys(made: list[Keys] = []) -> Keys:  # noqa: B006  (made once)
    if not made:
        identity = identify(settings_of(Path()))
        assert identity is not None
        made.append(Keys(identity))
    return made[0]


def test_the_hash_is_that_of_the_parts_however_they_are_ordered(settings: Settings) -> None:
    identity = identify(settings)
    assert identity is not None
    turned = dataclasses.replace(identity, parts=dict(reversed(list(identity.parts.items()))))
    assert turned.digest == identity.digest
    assert json.dumps(identity.parts)
