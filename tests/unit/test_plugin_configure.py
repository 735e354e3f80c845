"""Settings out of options: what one engine alone obeys is refused for another, and only where it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_cosmos.errors import OptionError
from pytest_cosmos.plugin.configure import make_settings
from pytest_cosmos.settings import Settings

ENGINES = {
    "transformers": (),
    "endpoint": ("--endpoint=http://127.0.0.1:9/v1",),
    "scripted": ("--engine=scripted", "--cosmos-replies=replies.yaml"),
}
OF_ONE = {
    "transformers": (
        "--adapter=lora",
        "--cosmos-quantize=int4",
        "--cosmos-attention=sdpa",
        "--cosmos-dtype=float32",
        "--cosmos-device=cpu",
        "--cosmos-threads=2",
        "--cosmos-batch-size=8",
    ),
    "endpoint": ("--cosmos-concurrency=8", "--cosmos-timeout=60", "--cosmos-media-transport=data"),
    "scripted": ("--cosmos-replies=replies.yaml",),
}


def settings_by(pytester: pytest.Pytester, args: Sequence[str]) -> Settings:
    return make_settings(pytester.parseconfig(*args))


@pytest.mark.parametrize("engine", ENGINES)
def test_what_another_engine_obeys_is_refused(pytester: pytest.Pytester, engine: str) -> None:
    for owner, options in OF_ONE.items():
        for option in options:
            if owner == engine:
                settings_by(pytester, (*ENGINES[engine], option))
                continue
            with pytest.raises(OptionError) as refused:
                settings_by(pytester, (*ENGINES[engine], option))
            name = option.partition("=")[0]
            assert str(refused.value).startswith(f"{name} is for --engine {owner}, but the engine is {engine}. ")


def test_all_of_them_are_told_at_once_with_what_to_do(pytester: pytest.Pytester) -> None:
    with pytest.raises(OptionError) as refused:
        settings_by(pytester, (*ENGINES["endpoint"], *OF_ONE["transformers"], *OF_ONE["scripted"]))
    lines = str(refused.value).splitlines()
    assert len(lines) == 8
    assert lines[0].endswith("the engine is endpoint. Load it on the server, and name it there by --model.")
    assert lines[1].endswith("The server decides it: give it to the server when that is started.")
    assert lines[6].endswith("The server makes its batches; requests at a time are --cosmos-concurrency.")
    assert lines[7].endswith("Name that engine, or leave the option out.")


@pytest.mark.parametrize("engine", ENGINES)
def test_what_asks_nothing_is_let_through(pytester: pytest.Pytester, engine: str) -> None:
    args = ("--cosmos-quantize=none", "--cosmos-dtype=auto", "--cosmos-device=auto", "--cosmos-attention=auto")
    assert settings_by(pytester, (*ENGINES[engine], *args)).engine == engine


def test_an_engine_of_the_ini_file_counts(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ncosmos_engine = endpoint\ncosmos_endpoint = http://127.0.0.1:9/v1\n")
    with pytest.raises(OptionError, match="--cosmos-dtype is for --engine transformers, but the engine is endpoint"):
        settings_by(pytester, ("--cosmos-dtype=bfloat16",))


def test_attention_named_is_told_from_attention_left_open(pytester: pytest.Pytester) -> None:
    assert settings_by(pytester, ()).attention == "auto"
    assert settings_by(pytester, ("--cosmos-attention=sdpa",)).attention == "sdpa"


def test_a_replies_file_without_its_engine_is_not_taken_for_a_scripted_run(pytester: pytest.Pytester) -> None:
    Path(pytester.path / "replies.yaml").write_text('"*": {expected: true}\n')
    with pytest.raises(OptionError, match="--cosmos-replies is for --engine scripted, but the engine is transformers"):
        settings_by(pytester, ("--cosmos-replies=replies.yaml",))
