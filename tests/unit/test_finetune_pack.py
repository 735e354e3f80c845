"""Packed data sets say to the character what evaluation asks, in every format, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.errors import CosmosError, OptionError, Problems
from pytest_cosmos.finetune.cosmos_rl import Training
from pytest_cosmos.finetune.examples import examples
from pytest_cosmos.finetune.pack import Packing, pack
from pytest_cosmos.finetune.packed import PackRecord
from pytest_cosmos.media import media_hash
from pytest_cosmos.prompting import FAMILIES, Family, messages, system_text, user_text
from pytest_cosmos.suites import Suite, read_suite
from tests.unit.finetune_suites import drives, floors
from tests.unit.suite_files import write_suite

REASON2 = Packing("reason2", FAMILIES["reason2"])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def loaded(annotations: Path, media: Path, system: str) -> list[list[dict[str, Any]]]:
    """Make of a llava file the conversations that cosmos-rl's loader makes of it (facts of llava_sft.py).

    It counts through the images, so that there must be a list of them.
    """
    conversations = []
    for entry in json.loads(annotations.read_text()):
        content: list[dict[str, Any]] = []
        images = entry.get("image") or entry.get("images")
        videos = entry.get("video") or []
        for kind, named in (("image", images), ("video", videos)):
            for name in [named] if isinstance(named, str) else named:
                content.append({"type": kind, kind: os.path.join(media, name)})
        text = re.sub(r"(\n)?</?(image|video)>(\n)?", "", entry["conversations"][0]["value"])
        conversation: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        conversation.append({"role": "user", "content": [*content, {"type": "text", "text": text}]})
        conversation.append({"role": "assistant", "content": entry["conversations"][1]["value"]})
        conversations.append(conversation)
    return conversations


def asked(suite: Suite, split: str, family: Family) -> list[list[dict[str, Any]]]:
    """Return what evaluation shows, and the reply; of the media the kinds only."""
    kinds = {".png": "image", ".jpg": "image", ".mp4": "video"}
    return [
        [
            *messages(family, one.case.prompt, [kinds[Path(name).suffix] for name in one.case.sample.media]),
            {"role": "assistant", "content": one.response},
        ]
        for one in examples(suite, split, family)
    ]


def without_paths(conversations: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Leave the paths of media out, and what loaders ignore, after seeing that each file is there."""
    for conversation in conversations:
        for message in conversation:
            message.pop("case", None)
            for part in message["content"] if isinstance(message["content"], list) else ():
                assert part["type"] == "text" or Path(part.pop(part["type"])).is_file()
    return conversations


@pytest.mark.parametrize("family", ["reason2", "reason1", "generic"])
def test_every_format_says_what_evaluation_asks(tmp_path: Path, family: str) -> None:
    suite, how = floors(tmp_path), FAMILIES[family]
    record = pack(suite, tmp_path / "out", Packing(family, how))

    assert record.formats == ("jsonl", "llava", "hf")
    for split in ("train", "validation"):
        wanted = asked(suite, split, how)
        system = system_text(how, suite.prompts[0])
        assert without_paths(loaded(tmp_path / f"out/llava/{split}.json", tmp_path / "out/media", system)) == wanted
        column = datasets.load_from_disk(str(tmp_path / f"out/hf/{split}"))
        assert column.column_names == ["conversations"]
        assert without_paths([json.loads(text) for text in column["conversations"]]) == wanted
        for line, case in zip(lines(tmp_path / f"out/{split}.jsonl"), suite.cases(split), strict=True):
            assert (line["prompt"], line.get("system", "")) == (user_text(how, case.prompt), system)
            assert (tmp_path / "out" / line["image_path"]).read_bytes() == (
                suite.folder / case.sample.media[0]
            ).read_bytes()
    assert not any(case.sample.id in (tmp_path / "out/train.jsonl").read_text() for case in suite.cases("test"))


def test_videos_and_several_media(tmp_path: Path) -> None:
    suite = drives(tmp_path)
    record = pack(suite, tmp_path / "out", REASON2)

    train = {line["id"]: line for line in lines(tmp_path / "out/train.jsonl")}
    assert train["drive-1-ahead"]["video_path"] == "media/a.mp4"
    assert train["drive-1-ahead"]["target"] == "<think>\nFirst: look.\n\nThen: tell.\n</think>\n\nYes"
    assert "<think>" in train["drive-1-ahead"]["prompt"]
    assert train["drive-2-own"]["prompt"] == "Which?\n(A) one\n(B) two"
    assert (train["drive-2-own"]["image_path"], train["drive-2-own"]["video_path"]) == ("media/a.png", "media/a.mp4")
    assert without_paths(loaded(tmp_path / "out/llava/train.json", tmp_path / "out/media", "You watch the road.")) == (
        asked(suite, "train", FAMILIES["reason2"])
    )
    # `again.mp4` is `a.mp4` once more
    assert sorted(os.listdir(tmp_path / "out/media")) == ["a.mp4", "a.png", "b.mp4"]
    assert lines(tmp_path / "out/validation.jsonl")[0]["video_path"] == "media/b.mp4"
    assert {split: counts.model_dump() for split, counts in record.splits.items()} == {
        "train": {"samples": 2, "cases": 4, "with_reasoning": 1},
        "validation": {"samples": 1, "cases": 3, "with_reasoning": 1},
    }


def test_the_manifest_knows_every_file(tmp_path: Path) -> None:
    suite = floors(tmp_path)
    pack(suite, tmp_path / "out", REASON2)

    record = PackRecord.model_validate_json((tmp_path / "out/pack.json").read_bytes())
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != "pack.json"]
    assert record.files == {
        path.relative_to(tmp_path / "out").as_posix(): media_hash((path,)) for path in sorted(files)
    }
    assert (record.suite, record.suite_digest, record.family) == ("floors", suite.digest, "reason2")
    assert list(tmp_path.glob(".out*")) == []


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_media_are_copied_or_linked(tmp_path: Path, mode: str) -> None:
    suite = floors(tmp_path, each=1)
    pack(suite, tmp_path / "out", Packing("reason2", FAMILIES["reason2"], ("jsonl",), mode))  # type: ignore[arg-type]

    (image,) = (tmp_path / "out/media/train").iterdir()
    original = suite.folder / "media/train" / image.name
    assert image.is_symlink() == (mode == "symlink")
    assert (not image.is_symlink() and image.samefile(original)) == (mode == "hardlink")
    assert image.read_bytes() == original.read_bytes()


@pytest.mark.parametrize("there", ["folder", "file"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    kept = tmp_path / "out/mine.txt" if there == "folder" else tmp_path / "out"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("mine")

    with pytest.raises(OptionError, match="Nothing is overwritten"):
        pack(floors(tmp_path, each=1), tmp_path / "out", REASON2)
    assert kept.read_text() == "mine"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    pack(floors(tmp_path, each=1), tmp_path / "out", REASON2)
    assert (tmp_path / "out/pack.json").is_file()


def test_what_is_broken_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    suite = floors(tmp_path, each=1)
    before = sorted(os.listdir(tmp_path))
    monkeypatch.setattr("pytest_cosmos.finetune.pack.save_dataset", interrupted)

    with pytest.raises(KeyboardInterrupt):
        pack(suite, tmp_path / "out", REASON2)
    assert sorted(os.listdir(tmp_path)) == before


def test_frames_of_a_folder_go_into_jsonl_only(tmp_path: Path) -> None:
    suite = drives(tmp_path, frames=True)
    record = pack(suite, tmp_path / "out", REASON2)

    assert record.formats == ("jsonl",)
    assert record.left_out["llava"].startswith("media/walk is a folder of frames, which cosmos-rl does not read.")
    assert len(list((tmp_path / "out/media/walk").iterdir())) == 3
    with pytest.raises(OptionError, match="--format hf: media/walk is a folder of frames"):
        pack(suite, tmp_path / "other", Packing("reason2", FAMILIES["reason2"], ("hf",)))
    assert not (tmp_path / "other").exists()


YES_NO = """\
prompts:
  binary:
    text: "{text}"
    kind: yes_no
    expected: {{cracked: "Yes", not cracked: "No"}}
"""


@pytest.mark.parametrize(
    ("family", "text", "reasoning", "why"),
    [
        ("reason1", "Cracked?", "It is.", "these have 2"),  # its request is in the system prompt, which there is one of
        ("reason2", "Is <image> cracked?", "", "takes <image> and"),
    ],
)
def test_what_llava_cannot_say_is_left_out(tmp_path: Path, family: str, text: str, reasoning: str, why: str) -> None:
    table = f"file,label,split,reasoning\nmedia/a.png,cracked,train,{reasoning}\nmedia/b.png,not cracked,train,\n"
    folder = write_suite(tmp_path, yaml=YES_NO.format(text=text), table=table)
    suite = read_suite(folder, split="train")

    record = pack(suite, tmp_path / "out", Packing(family, FAMILIES[family]))
    assert record.formats == ("jsonl", "hf")
    assert why in record.left_out["llava"]
    assert why in (tmp_path / "out/README.md").read_text()
    how = Packing(family, FAMILIES[family], training=Training("m"))
    if family == "reason2":
        with pytest.raises(OptionError, match="--toml: it is for the llava files, which are not written"):
            pack(suite, tmp_path / "more", how)
    else:  # its loader is that of hf
        pack(suite, tmp_path / "more", how)
        written = tomllib.loads((tmp_path / "more/sft.toml").read_text())
        assert written["custom"]["dataset"] == {"path": str(tmp_path / "more/hf/train")}


def test_a_video_before_an_image_cannot_be_said_in_llava(tmp_path: Path) -> None:
    # drive-2 lists its video first, and only reason1 and reason2 are shown images before videos
    record = pack(drives(tmp_path), tmp_path / "out", Packing("x", FAMILIES["generic"]))

    assert record.left_out["llava"] == (
        "drive-2-ahead: its loader shows images before videos, and here a video comes first. Use hf"
    )
    row = datasets.load_from_disk(str(tmp_path / "out/hf/train"))["conversations"][2]
    assert [part["type"] for part in json.loads(row)[1]["content"]] == ["video", "image", "text"]


def test_copies_of_what_is_tested_are_not_packed(tmp_path: Path) -> None:
    suite = floors(tmp_path)
    learnt, tested = (suite.folder / suite.cases(split)[0].sample.media[0] for split in ("train", "test"))
    with Image.open(learnt) as picture:
        picture.resize((180, 180)).save(tested, quality=60)

    with pytest.raises(Problems, match="shows the same") as caught:
        pack(suite, tmp_path / "out", REASON2)
    assert learnt.name in caught.value.lines[0]
    assert tested.name in caught.value.lines[0]
    tested.write_bytes(b"no picture")
    with pytest.raises(CosmosError, match=f"{tested.name}.*pytest-cosmos check-cases"):
        pack(suite, tmp_path / "out", REASON2)
    assert os.listdir(tmp_path) == ["floors"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="file/out: cannot be written: "):
        pack(floors(tmp_path, each=1), tmp_path / "file/out", REASON2)


def test_without_the_package_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    suite = floors(tmp_path, each=1)

    assert pack(suite, tmp_path / "out", REASON2).left_out == {
        "hf": "the package 'datasets' is not installed. Install it: pip install 'pytest-cosmos[finetune]'"
    }
    with pytest.raises(OptionError, match=r"--format hf: .*pip install 'pytest-cosmos\[finetune\]'"):
        pack(suite, tmp_path / "other", Packing("reason2", FAMILIES["reason2"], ("hf",)))


@pytest.mark.parametrize(("family", "model"), [("reason2", "nvidia/Cosmos-Reason2-8B"), ("reason1", 'a "b" \\ é')])
def test_configurations_of_cosmos_rl(tmp_path: Path, family: str, model: str) -> None:
    how = Packing(family, FAMILIES[family], training=Training(model, gpus=8))
    pack(floors(tmp_path), tmp_path / "out", how)
    full, lora = (tomllib.loads((tmp_path / f"out/{name}.toml").read_text()) for name in ("sft", "lora"))

    data = full["custom"]["dataset"]
    script = {"reason1": "hf_sft.py", "reason2": "llava_sft.py"}[family]
    assert f"cosmos-rl --config sft.toml scripts/{script}" in (tmp_path / "out/sft.toml").read_text()
    assert Path(data["path"]) == tmp_path / "out/hf/train"
    assert Path(data["annotation_path"]) == tmp_path / "out/llava/train.json"
    assert Path(data["media_path"]) == tmp_path / "out/media"
    assert data["system_prompt"] == system_text(FAMILIES[family], floors(tmp_path / "x").prompts[0])
    assert full["policy"]["model_name_or_path"] == model
    assert full["policy"]["parallelism"] == {"tp_size": 1, "cp_size": 1, "dp_shard_size": 8, "pp_size": 1}
    assert full["train"]["train_policy"]["type"] == "sft"
    assert full["train"]["train_batch_per_replica"] == 8  # of 9 records; 32 would never fill
    assert full["validation"] == {"enable": False}
    assert "lora" not in full["policy"]
    assert set(lora["policy"]["lora"]) == {"r", "lora_alpha", "lora_dropout", "target_modules"}
    # substrings: in Reason1's vision tower the MLP's names occur, too
    assert ("gate_proj" in lora["policy"]["lora"]["target_modules"]) == (family == "reason2")
    assert {"nframes", "fps"} & set(full["custom"]["vision"]) == set()
    assert full["custom"]["vision"]["max_pixels"] == FAMILIES[family].vision.image_max_pixels


def modules(family: str) -> list[str]:
    """Name the linear layers of a model of the family's architecture, as transformers has it; without weights."""
    import torch
    from transformers import AutoConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
    from transformers import Qwen3VLForConditionalGeneration as Qwen3VL

    from pytest_cosmos.tiny import CHECKPOINT

    text = {"num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 8, "vocab_size": 9}
    vision = {"depth": 1, "hidden_size": 8, "intermediate_size": 8, "num_heads": 1, "out_hidden_size": 8}
    with torch.device("meta"):
        if family == "reason1":
            config = Qwen2_5_VLConfig(text_config={**text, "num_attention_heads": 2}, vision_config=vision)
            model = Qwen2_5_VLForConditionalGeneration(config)
        else:
            model = Qwen3VL(AutoConfig.from_pretrained(CHECKPOINT))
        return [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]


@pytest.mark.parametrize("family", ["reason1", "reason2"])
def test_adapters_go_where_the_comments_say(tmp_path: Path, family: str) -> None:
    pack(floors(tmp_path), tmp_path / "out", Packing(family, FAMILIES[family], training=Training("m")))
    text = (tmp_path / "out/lora.toml").read_text()
    targets = tomllib.loads(text)["policy"]["lora"]["target_modules"]
    names = modules(family)

    met = {target: {".visual." in name for name in names if target in name} for target in targets}
    assert met == {target: {False} for target in targets}  # each is in the language model, none in the vision tower
    assert "These are in the language model only" in text
    mlp = {".visual." in name for name in names if "gate_proj" in name}
    assert mlp == ({True, False} if family == "reason1" else {False})


def test_a_configuration_for_videos_says_frames_or_fps(tmp_path: Path) -> None:
    pack(drives(tmp_path), tmp_path / "out", Packing("reason2", FAMILIES["reason2"], training=Training("m")))
    written = tomllib.loads((tmp_path / "out/sft.toml").read_text())

    assert written["custom"]["vision"] == {"nframes": 4}
    assert written["policy"]["model_max_length"] >= 40960


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["pack", *map(str, arguments)])
    return result.exit_code, str(result.exception) if isinstance(result.exception, CosmosError) else result.output


def test_the_command(tmp_path: Path) -> None:
    floors(tmp_path / "cases", each=2)
    code, output = run("floors", "--out", tmp_path / "out", "--root", tmp_path, "--format", "jsonl", "--model", "tiny")

    assert code == 0, output
    assert output.splitlines() == [
        "train: 6 records of 2 samples, 6 with reasoning",
        "validation: 6 records of 2 samples, 6 with reasoning",
        "not written: llava: it was not asked for",
        "not written: hf: it was not asked for",
        f"{tmp_path / 'out'}: jsonl, worded for reason2; see its README.md",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("florrs",), "suite florrs: there is no folder .*Suites: floors. Did you mean 'floors'?"),
        (("floors", "--format", "llama"), "--format llama: unknown. Allowed: jsonl, llava, hf. Did you mean 'llava'"),
        (("floors", "--media", "move"), "--media move: unknown. Allowed: copy, hardlink, symlink."),
        (("floors", "--family", "reason3"), "--family reason3: unknown. Allowed: reason2, reason1, generic."),
        (("floors", "--model", "acme/floor"), "--model acme/floor: how it is asked is not known .*--family NAME"),
        (("floors", "--model", "tiny", "--toml"), "--toml: cosmos-rl does not train the embedded model tiny"),
        (("floors", "--family", "generic", "--toml"), "--toml: a model of the family generic is none that"),
    ],
)
def test_mistakes_on_the_command_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    floors(tmp_path / "cases", each=1)
    code, output = run(*arguments, "--out", tmp_path / "out", "--root", tmp_path)

    assert code != 0
    assert re.match(message, output)
    assert not (tmp_path / "out").exists()


def test_a_suite_without_training_data(tmp_path: Path) -> None:
    code, output = run(write_suite(tmp_path), "--out", tmp_path / "out")

    assert code != 0
    assert "no cases in the train split: 2 samples, 0 of them in it" in output
