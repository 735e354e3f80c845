"""A LoRA adapter sits on the model for which it was made, or is refused; base and adapter share one set of weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers_adapter import check_adapter
from pytest_cosmos.engines.transformers_generate import generate
from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.errors import ModelUnavailable, OptionError
from tests.unit.checkpoints import write_adapter, write_reason1
from tests.unit.engine_builders import MEDIA, SUITE, cases_of, settings_of, write_images


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("adapters") / "strong")


def tiny(root: Path, adapter: Path | None, known: Loaded | None = None) -> Loaded:
    return load(locate("tiny"), settings_of(root, adapter=adapter), known)


@pytest.fixture
def say(tmp_path: Path) -> Callable[[Loaded], list[list[int]]]:
    cases = cases_of(write_images(tmp_path))

    def answer(loaded: Loaded) -> list[list[int]]:
        batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
        assert batch.inputs is not None
        return [written.tokens for written in generate(loaded.model, batch.inputs, 12, lambda: False)]

    return answer


def test_base_and_adapter_take_turns_on_one_set_of_weights(
    tmp_path: Path, adapter: Path, say: Callable[[Loaded], list[list[int]]]
) -> None:
    base = tiny(tmp_path, None)
    plainly = say(base)
    worn = tiny(tmp_path, adapter, base)
    assert worn.model is base.model
    changed = say(worn)
    assert changed != plainly
    assert say(tiny(tmp_path, adapter)) == changed, "as if it had been loaded alone"
    bare = tiny(tmp_path, None, worn)
    assert bare.model is base.model
    assert say(bare) == plainly
    assert say(tiny(tmp_path, adapter, bare)) == changed


def test_one_adapter_after_the_other(tmp_path: Path, adapter: Path, say: Callable[[Loaded], list[list[int]]]) -> None:
    weak = write_adapter(tmp_path / "weak", strength=0.01)
    first = tiny(tmp_path, adapter)
    first_said = say(first)
    second = tiny(tmp_path, weak, first)
    assert say(second) == say(tiny(tmp_path, weak)) != first_said


def test_the_record_says_which_adapter_it_was(tmp_path: Path, adapter: Path) -> None:
    base, worn = tiny(tmp_path, None), tiny(tmp_path, adapter)
    assert (base.record.adapter, base.record.adapter_fingerprint) == ("", "")
    assert worn.record.adapter == str(adapter)
    assert len(worn.record.adapter_fingerprint) == 64
    assert worn.record.fingerprint == base.record.fingerprint


def test_a_reply_is_cut_where_the_checkpoint_says_also_on_weights_used_again(tmp_path: Path, adapter: Path) -> None:
    base = load(locate("tiny"), settings_of(tmp_path, max_new_tokens=4096))
    worn = load(locate("tiny"), settings_of(tmp_path, adapter=adapter, max_new_tokens=4096), base)
    assert worn.model is base.model
    assert base.max_new_tokens == worn.max_new_tokens == 64


def test_weights_that_changed_on_the_disk_are_read_again(tmp_path: Path) -> None:
    folder = write_reason1(tmp_path / "checkpoint")
    before = load(locate(str(folder)), settings_of(tmp_path))
    write_reason1(folder, seed=1)
    after = load(locate(str(folder)), settings_of(tmp_path), before)
    assert after.model is not before.model
    assert after.record.fingerprint != before.record.fingerprint


def test_other_settings_are_other_weights(tmp_path: Path) -> None:
    base = tiny(tmp_path, None)
    eager = load(locate("tiny"), settings_of(tmp_path, attention="eager"), base)
    assert eager.model is not base.model
    assert eager.record.generation["attention"] == "eager"


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    other = write_adapter(tmp_path / "other", write_reason1(tmp_path / "reason1"))
    with pytest.raises(ModelUnavailable, match=r"--adapter .*other: does not fit the model: .*(?s:.*)Name the model"):
        tiny(tmp_path, other)


def test_an_adapter_that_was_never_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="changes nothing: all its output weights are zero"):
        tiny(tmp_path, write_adapter(tmp_path / "idle", strength=0.0))


def test_an_adapter_that_lacks_weights_is_refused(tmp_path: Path, adapter: Path) -> None:
    from safetensors.torch import load_file, save_file

    half = tmp_path / "half"
    shutil.copytree(adapter, half)
    weights = load_file(half / "adapter_model.safetensors")
    save_file(
        {name: weight for name, weight in weights.items() if "layers.0" not in name}, half / "adapter_model.safetensors"
    )
    with pytest.raises(ModelUnavailable, match=r"does not fit the model: .* of its weights have no counterpart"):
        tiny(tmp_path, half)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        pytest.param(shutil.rmtree, "there is no such folder", id="no folder"),
        pytest.param(
            lambda folder: (folder / "adapter_config.json").unlink(), "holds no adapter_config.json", id="no config"
        ),
        pytest.param(
            lambda folder: (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin"),
            r"holds no adapter_model.safetensors.*can run code",
            id="a pickle",
        ),
        pytest.param(
            lambda folder: (folder / "adapter_config.json").write_text("{"),
            "adapter_config.json cannot be read",
            id="broken config",
        ),
        pytest.param(
            lambda folder: (folder / "adapter_config.json").write_text(json.dumps({"r": 4})),
            "adapter_config.json cannot be read",
            id="no type",
        ),
    ],
)
def test_a_folder_that_is_no_adapter_is_refused(
    tmp_path: Path, adapter: Path, spoil: Callable[[Path], object], problem: str
) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    check_adapter(folder)
    spoil(folder)
    with pytest.raises(OptionError, match=f"--adapter .*: {problem}"):
        check_adapter(folder)
